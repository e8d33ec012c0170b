"""Reasoning between tags: what is reasoning, what is text, wherever the pieces are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cellmage.events import Event, Reasoning, Reclassification, Token
from cellmage.messages import Timings
from cellmage.providers.think_tags import TAGS, ThinkTagSplitter
from cellmage.stream.accumulator import accumulate


def split(pieces: list[str]) -> list[Event]:
    splitter = ThinkTagSplitter()
    events = [event for piece in pieces for event in splitter.feed(piece)]
    return [*events, *splitter.close()]


def texts(pieces: list[str]) -> tuple[str, str]:
    """Return the text and the reasoning of an answer with these pieces."""
    response = accumulate(split(pieces), timings=Timings(None, 0.0), incomplete_reason=None)
    return response.text, response.reasoning


def pieces_of(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


CASES: dict[str, tuple[str, str, str]] = {
    "at the head": ("<think>hm</think>\n\nHello", "Hello", "hm"),
    "blank lines before the tag": ("\n\n <think>hm</think>Hello", "Hello", "hm"),
    "the reasoning is exact": ("<think>\n hm\n\n</think>\n\nHello", "Hello", "\n hm\n\n"),
    "blank lines only are dropped": ("<think>hm</think>\n \n\t\n    code", "    code", "hm"),
    "without reasoning": ("<think>\n\n</think>\n\nHello", "Hello", ""),
    "gpt-oss": (
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Hello",
        "Hello",
        "hm",
    ),
    "the end tag twice": ("<think>hm</think></think>\nHello", "Hello", "hm"),
    "twice": ("<think>a</think>\n<think>b</think>\n\nHello", "Hello", "ab"),
    "upper case": ("<THINK>hm</Think>Hello", "Hello", "hm"),
    "attributes": ('<think type="deep">hm</think>Hello', "Hello", "hm"),
    "blanks in the tags": ("<think >hm</think\n>Hello", "Hello", "hm"),
    "a word that begins like a tag": ("<thin king>a</thin>", "<thin king>a</thin>", ""),
    "nested": ("<think>a <think>b</think> c</think>\nHello", "Hello", "a <think>b c"),
    "nested, closed once": ("<think>a <think> b</think>Hello", "Hello", "a <think> b"),
    "unclosed": ("<think>never done", "", "never done"),
    "unclosed, and the end tag is cut": ("<think>never</thi", "", "never</thi"),
    "nothing but the tag": ("<think>", "", ""),
    "another end tag": ("<think>a</thought>b</think>Hello", "Hello", "a</thought>b"),
    "the reasoning has the tag in backticks": (
        "<think>close `</think>` so</think>Hello",
        "Hello",
        "close `</think>` so",
    ),
    "the reasoning ends with code": ("<think>use `f`</think>Hello", "Hello", "use `f`"),
    "later in prose": ("Hello <think>x</think> you", "Hello <think>x</think> you", ""),
    "later, after reasoning": ("<think>a</think>Hi\n<think>b", "Hi\n<think>b", "a"),
    "later, an end tag": ("<think>a</think>Hi </think> you", "Hi </think> you", "a"),
    "a longer word": ("<thinker>a</thinker>", "<thinker>a</thinker>", ""),
    "in a fence": ("```\n<think>x</think>\n```", "```\n<think>x</think>\n```", ""),
    "in backticks": ("`<think>` begins it", "`<think>` begins it", ""),
    "a cut tag alone": ("<thin", "<thin", ""),
    "blank lines without a tag": ("\n\nHello", "\n\nHello", ""),
    "nothing": ("", "", ""),
    "blank lines alone": ("\n\n", "\n\n", ""),
}

LONE_END_TAGS: dict[str, tuple[str, str, str]] = {
    "alone": ("weighing it</think>\n\nHello", "Hello", "weighing it"),
    "on a line of its own": ("One.\nTwo.\n</think>\n\nHello", "Hello", "One.\nTwo.\n"),
    "without a blank": ("weighing it</think>Hello", "Hello", "weighing it"),
    "with blanks": ("weighing it </think> Hello", " Hello", "weighing it "),
    "at the end": ("weighing it</think>", "", "weighing it"),
    "before any reasoning": ("\n</think>\n\nHello", "Hello", ""),
    "after code": ("```\nx\n```\nand `y`</think>Hello", "Hello", "```\nx\n```\nand `y`"),
    "and then both tags": ("a</think>\n<think>b</think>Hello", "Hello", "ab"),
    "and another": ("a</think>Hello</think>", "Hello</think>", "a"),
    "in backticks": ("Close with `</think>` here.", "Close with `</think>` here.", ""),
    "in a fence": ("So:\n```\n</think>\n```\n", "So:\n```\n</think>\n```\n", ""),
    "in a sentence": ("The tag </think> closes it.", "The tag </think> closes it.", ""),
    "in quotes": ('The tag "</think>" closes.', 'The tag "</think>" closes.', ""),
    "at the end of a sentence": ("It ends with </think>.", "It ends with </think>.", ""),
    "with its start tag": ("Use <think> and </think>!", "Use <think> and </think>!", ""),
    "after one in code": ("a `</think>` b</think>Hello", "Hello", "a `</think>` b"),
}


@pytest.mark.parametrize("size", [1, 3, 100])
def test_an_end_tag_after_reasoning_in_a_field_of_its_own(size: int) -> None:
    splitter = ThinkTagSplitter()
    splitter.drop_blank_lines()
    pieces = pieces_of("\n</think>\n\nHello", size)
    events = [event for piece in pieces for event in splitter.feed(piece)]
    assert "".join(event.text for event in events if isinstance(event, Token)) == "Hello"


@pytest.mark.parametrize("name", [*CASES, *LONE_END_TAGS])
def test_tags_in_pieces_of_every_size(name: str) -> None:
    text, answer, reasoning = (CASES | LONE_END_TAGS)[name]
    for size in range(1, len(text) + 2):
        assert texts(pieces_of(text, size)) == (answer, reasoning), size


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("start", ["", "tag"])
def test_every_tag_in_pieces_of_every_size(tag: str, start: str) -> None:
    lead = "<|start|>assistant<|channel|>final<|message|>" * (TAGS[tag] == "<|end|>")
    text = f"{tag if start else ''}hm\nso{TAGS[tag]}{lead}\n\nHello"
    for size in range(1, len(text) + 1):
        assert texts(pieces_of(text, size)) == ("Hello", "hm\nso")


WORDS = st.sampled_from(
    ["<think>", "</think>", "<", "</thi", "[THINK]", "[/THINK]", "`", "```\n", "\n", " ", "a", "B"]
)


@given(st.lists(WORDS | st.text(max_size=3)), st.lists(st.integers(0, 100)))
@example(["<think>", "a", "</think>"], [8])
def test_cuts_do_not_matter_and_nothing_is_lost(words: list[str], offsets: list[int]) -> None:
    text = "".join(words)
    cuts = sorted({0, len(text), *(offset % (len(text) + 1) for offset in offsets)})
    pieces = [text[a:b] for a, b in itertools.pairwise(cuts)]
    answer, reasoning = texts(pieces)
    assert (answer, reasoning) == texts([text])
    kept = "".join((reasoning + answer).split()).lower()
    for tag in (*TAGS, *TAGS.values()):
        kept = kept.replace(tag, "")
    assert len(kept) <= len("".join(text.split())), "no character is shown twice"
    if not reasoning and "think" not in text.lower():
        assert answer == text


WITHOUT_TAGS = st.text(st.characters(exclude_characters="<[◁"), min_size=1)
NEARLY_TAGS = st.sampled_from(["<b>", "a < b", "[1]", "</em", "<", "◁"])


@given(st.lists(WITHOUT_TAGS | NEARLY_TAGS, min_size=1))
def test_a_text_without_tags_keeps_its_pieces(pieces: list[str]) -> None:
    assert split(pieces) == list(map(Token, pieces))


def test_text_is_passed_on_at_once() -> None:
    splitter = ThinkTagSplitter()
    assert list(splitter.feed("We")) == [Token("We")]
    assert list(splitter.feed("igh")) == [Token("igh")]
    assert list(splitter.feed("</think>")) == []
    assert list(splitter.feed("\n")) == [Reclassification("Weigh")]
    assert list(splitter.feed("\nHello")) == [Token("Hello")]
    assert list(splitter.feed(" </think>")) == [Token(" </think>")]


def test_reasoning_is_passed_on_at_once() -> None:
    splitter = ThinkTagSplitter()
    assert list(splitter.feed("<think>\n")) == []
    assert list(splitter.feed("a")) == [Reasoning("\na")]
    assert list(splitter.feed("\n")) == [Reasoning("\n")]
    assert list(splitter.feed("b</")) == [Reasoning("b")]
    assert list(splitter.feed("b>")) == [Reasoning("</b>")]


def test_after_reasoning_in_a_field_of_its_own_blank_lines_are_dropped() -> None:
    splitter = ThinkTagSplitter()
    splitter.drop_blank_lines()
    assert list(splitter.feed("\n")) == []
    assert list(splitter.feed("\nHello")) == [Token("Hello")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<|channel|>analysis<|message|>hm<|end|>", ("", "hm")),
        ("<|channel|>final<|message|>Hello", ("Hello", "")),
        ("<|channel|>analysis<|message|>hm<|end|>Hello", ("Hello", "hm")),
        (
            "<|start|>assistant<|channel|>analysis<|message|>hm<|end|>\n"
            "<|start|>assistant<|channel|>final<|message|>Hello",
            ("Hello", "hm"),
        ),
        ("Hello.<|end|>", ("Hello.<|end|>", "")),  # the end mark of other models
        ("<|start|>", ("<|start|>", "")),
    ],
)
def test_the_messages_of_gpt_oss(text: str, expected: tuple[str, str]) -> None:
    for size in range(1, len(text) + 1):
        assert texts(pieces_of(text, size)) == expected
