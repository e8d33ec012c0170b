"""The seam of a continued answer: what is repeated appears once, and no word is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import CellmageError, Conversation, Options, Reasoning, Response, Turn
from cellmage.pipeline.seam import Seam
from cellmage.testing import Reply, ScriptedProvider, ScriptedServer, answer, chunk, finish

FENCE = "Code:\n\n```python\ndef f():\n    x = 1\n    retu"


def join(old: str, new: str, size: int = 3) -> str:
    """Return the joined text, after new text in pieces of this size."""
    seam = Seam(old)
    pieces = [seam.feed(new[start : start + size]) for start in range(0, len(new), size)]
    return old + "".join(pieces) + seam.flush()


JOINED = [
    ("The quick brown", " fox jumps", "The quick brown fox jumps"),
    ("The quick bro", "wn fox", "The quick brown fox"),
    ("The quick brown", "brown fox jumps", "The quick brown fox jumps"),
    ("The quick brown ", "quick brown fox", "The quick brown fox"),
    ("The quick brown fo", "brown fox jumps", "The quick brown fox jumps"),
    ("The quick brown", "The quick brown fox", "The quick brown fox"),
    ("The quick brown", "\n\nbrown fox", "The quick brown fox"),
    ("The quick brown", "...brown fox", "The quick brown fox"),
    ("The quick brown", "Sure, continuing:\n\nbrown fox", "The quick brown fox"),
    ("The quick brown", "Sure, continuing: quick brown fox", "The quick brown fox"),
    ("The quick brown", "Of course! Here is the rest:\n\nThe quick brown fox",
     "The quick brown fox"),
    ("- alpha\n- beta\n- gam", "- beta\n- gamma\n- delta", "- alpha\n- beta\n- gamma\n- delta"),
    ("- alpha\n- gam", "- gamma\n- delta", "- alpha\n- gamma\n- delta"),
    ("| a | b |\n|---|---|\n| one | 1 |\n| tw", "| two | 2 |",
     "| a | b |\n|---|---|\n| one | 1 |\n| two | 2 |"),
    (FENCE, "rn x\n```", f"{FENCE}rn x\n```"),
    (FENCE, "    return x\n```", f"{FENCE}rn x\n```"),
    (FENCE, "```python\n    return x\n```", f"{FENCE}rn x\n```"),
    (FENCE, "Here is the rest of the code:\n\n```python\ndef f():\n    x = 1\n    return x\n```",
     f"{FENCE}rn x\n```"),
    ("我喜欢吃苹果，因为它们", "好的，继续：因为它们很甜。", "我喜欢吃苹果，因为它们很甜。"),
]  # fmt: skip

KEPT = [
    ("The quick brown", "Sure, continuing: fox jumps"),
    ("The quick brown", "Here is a fox."),
    ("0, 0, 0, ", "0, 0]"),
    ("| 0 | 0 |\n| 0 | 0 |\n", "| 0 | 0 |\n| 1 | 1 |"),
    ("in the year 20", "20 it was"),
    ("cous", "cous"),
    ("na na na ", "na na batman"),
    ("x = international", "national(1)"),
    ("Item: a\nOther: b\n", "More: c\nOther: b\nLast: d"),
    ("    }\n", "    }\n}"),
    ("def f():\n    return 1", "```python\ndef f():\n    return 1\n```"),
    ("", "Sure, continuing: text"),
]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(("old", "new", "joined"), JOINED)
def test_what_is_repeated_appears_once(old: str, new: str, joined: str, size: int) -> None:
    assert join(old, new, size) == joined


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(("old", "new"), KEPT)
def test_what_may_be_meant_is_kept(old: str, new: str, size: int) -> None:
    assert join(old, new, size) == old + new


def test_nothing_waits_that_cannot_be_a_repetition() -> None:
    seam = Seam("The quick brown fox")
    assert seam.feed(" j") == " j"
    seam, pieces = Seam("The quick brown fox"), ("brown", " f", "og", " x")
    assert [seam.feed(piece) for piece in pieces] == [
        "",
        "",
        "brown fog",
        " x",
    ]


WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "7", "42", "a"]), min_size=1)
TEXTS = st.builds(str.join, st.sampled_from([" ", "\n", ", "]), WORDS)


@given(TEXTS | st.text(), st.data(), st.integers(1, 9))
def test_no_word_is_lost(old: str, data: st.DataObject, size: int) -> None:
    """Of any continuation, also one that repeats any part of the old text."""
    start = data.draw(st.integers(0, len(old)))
    new = old[start:] + data.draw(TEXTS | st.text())
    joined = join(old, new, size)
    assert joined.startswith(old)
    assert new.endswith(joined[len(old) :])
    assert all(word in joined for word in new.split())


@given(TEXTS, st.data(), st.integers(1, 9))
def test_any_split_of_a_text(text: str, data: st.DataObject, size: int) -> None:
    split = data.draw(st.integers(0, len(text)))
    joined = join(text[:split], text[split:], size)
    assert all(word in joined for word in text.split())


@given(st.text(), st.text(), st.integers(1, 9), st.integers(1, 9))
def test_the_pieces_do_not_matter(old: str, new: str, size: int, other_size: int) -> None:
    assert join(old, new, size) == join(old, new, other_size)


def continued(*pieces: object, old: str = "The quick brown") -> Conversation:
    cut = Turn("Tell", Response(old, incomplete_reason="length"))
    return Conversation(provider=ScriptedProvider(pieces), turns=[cut])


def test_a_notice_says_what_was_left_out() -> None:
    chat = continued("Sure, cont", "inuing:\n\nbro", "wn fox", " jumps")
    stream = chat.continue_answer()
    assert "".join(stream) == " fox jumps"
    assert chat.turns[0].response.text == "The quick brown fox jumps"
    assert stream.response.notices == (
        "The model began with “Sure, continuing:” and repeated 5 characters of the text before; "
        "both are left out.",
    )
    stream = continued("brown fox").continue_answer()
    assert "".join(stream) == " fox"
    assert stream.response.notices == (
        "The model repeated 5 characters of the text before, which are shown once.",
    )


def test_what_waits_is_kept_when_the_answer_fails() -> None:
    chat = continued("Sure, contin", CellmageError("gone"))
    with pytest.raises(CellmageError, match="gone"):
        list(chat.continue_answer())
    assert chat.turns[0].response.text == "The quick brownSure, contin"


def test_what_waits_is_kept_when_the_answer_is_stopped(server: ScriptedServer) -> None:
    chat = continued()
    chat.provider, chat.options = None, Options(model="m", base_url=server.url)
    server.play_each([Reply([chunk("Sure, contin"), chunk(reasoning_content="hm")], end="hang")])
    for event in chat.continue_answer().events:
        if isinstance(event, Reasoning):
            break
    assert chat.turns[0].response.text == "The quick brownSure, contin"


def test_over_http(server: ScriptedServer) -> None:
    chat = Conversation(Options(model="m", base_url=server.url))
    server.play(chunk("```python\nfor x in"), finish("length"))
    list(chat.stream("Code"))
    server.play(*answer("Here is the rest:\n\n```python\nfor x in y:\n    print(x)\n```"))
    assert "".join(chat.continue_answer()) == " y:\n    print(x)\n```"
    assert chat.turns[0].response.text == "```python\nfor x in y:\n    print(x)\n```"
