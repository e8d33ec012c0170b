"""What the page of a chat panel receives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Conversation
from cellmage.display.base import REASONING_PART, STATUS_PART, FinalOutput, Frame
from cellmage.display.footer import Source
from cellmage.errors import UsageError
from cellmage.markdown.safe import EMPTY
from cellmage.markdown.sanitize import sanitize
from cellmage.rendering import AnswerRenderer
from cellmage.testing import ScriptedProvider
from cellmage.widgets.chat_entries import NOTES_PART, ChatLog, Entry, EntryDisplay
from cellmage.widgets.chat_question import Question
from cellmage.widgets.chat_saved import OUTPUT_CHARS, _groups


def frame(part: int, text: str) -> Frame:
    return Frame(part, text, sanitize(text, ()))


class Page:
    """Does what chat_log.js does with the messages, without pixels."""

    def __init__(self) -> None:
        self.log = ChatLog(self.receive)
        self.entries: dict[str, dict[int, str]] = {}
        self.order: list[str] = []
        self.number = 0
        self.size = 0
        self.is_deaf = False

    def receive(self, message: dict[str, Any]) -> None:
        message = json.loads(json.dumps(message))
        self.size += len(json.dumps(message))
        if self.is_deaf:
            return
        is_missing = message["n"] != self.number + 1 and message["type"] != "all"
        self.number = message["n"]
        if is_missing:
            self.log.send_all()
        elif message["type"] == "parts":
            parts = self.entries[message["key"]]
            parts.update(dict(message["parts"]))
        elif message["type"] in ("all", "entries"):
            self.order = message["order"]
            for entry in message["entries"]:
                self.entries[entry["key"]] = dict(entry["parts"])

    def shown(self) -> list[list[str]]:
        return [[md for _, md in sorted(self.entries[key].items()) if md] for key in self.order]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 5)),
        st.tuples(st.just("drop"), st.integers(0, 5)),
        st.tuples(
            st.just("part"), st.integers(0, 5), st.integers(-2, 3), st.text("ab", max_size=2)
        ),
        st.tuples(st.just("miss"), st.booleans()),
    )
)


@given(OPERATIONS)
def test_the_page_has_what_the_kernel_has(operations: list[tuple[Any, ...]]) -> None:
    """Whatever is lost on the way: the next message that arrives shows it."""
    page, entries = Page(), dict[int, Entry]()
    for kind, *values in operations:
        if kind == "miss":
            page.is_deaf = values[0]
        elif kind == "part" and values[0] in entries:
            display = EntryDisplay(entries[values[0]], page.log.send_parts)
            display.show([frame(values[1], values[2])])
        elif kind == "add":
            entries.setdefault(values[0], Entry(str(values[0]), "Q"))
        elif kind == "drop":
            entries.pop(values[0], None)
        page.log.set_entries(entries.values())
    page.is_deaf = False
    page.log.tell({"type": "end"})
    expected = [[entry.parts[p] for p in sorted(entry.parts)] for entry in entries.values()]
    assert page.shown() == expected


def test_the_status_goes_when_text_comes_and_notes_come_last() -> None:
    entry = Entry("a", "Q")
    display = EntryDisplay(entry, lambda *_: None)
    display.show([frame(STATUS_PART, "3 s")])
    display.show([frame(REASONING_PART, "Hm")])
    assert list(entry.parts) == [REASONING_PART]
    display.finish(FinalOutput([frame(0, "Yes")], frame(0, "Yes"), notices=["It was cut."]))
    assert entry.markdown().split("\n\n")[:2] == ["Hm", "Yes"]
    assert "It was cut." in entry.parts[NOTES_PART]
    display.restart()
    assert entry.markdown() == EMPTY


def test_what_is_sent_grows_with_the_answer_and_not_with_its_square() -> None:
    """Each frame sends the part that is open, at most a few thousand characters."""

    def sent(paragraphs: int) -> int:
        page, entry = Page(), Entry("a", "Q", is_live=True)
        page.log.set_entries([entry])
        text = "\n\n".join(f"Paragraph {n} with *some* words in it." for n in range(paragraphs))
        pieces = [text[i : i + 500] for i in range(0, len(text), 500)]
        stream = Conversation(provider=ScriptedProvider(pieces)).stream("Q")
        AnswerRenderer(stream, EntryDisplay(entry, page.log.send_parts)).render()
        assert "".join(page.shown()[0]).replace("\n", "") == text.replace("\n", "")
        return page.size

    assert sent(2_000) < 2.5 * sent(1_000)


@given(st.lists(st.integers(0, 3 * OUTPUT_CHARS // 2), max_size=8), st.integers(0, 1000))
def test_a_new_answer_changes_the_last_output_alone(sizes: list[int], size: int) -> None:
    entries = [Entry(str(n), "", text="x" * size) for n, size in enumerate(sizes)]
    before = list(_groups(entries))
    after = list(_groups([*entries, Entry("new", "", text="x" * size)]))
    assert [entry for group in before for entry in group] == entries
    assert after[: len(before) - 1] == before[:-1]


@pytest.mark.parametrize("value", ["warm", [], {}])
def test_a_temperature_is_a_number(value: object) -> None:
    with pytest.raises(UsageError, match="number from 0 to 2"):
        Question.read({"prompt": "Hi"}, {"temperature": value or "x"})


@pytest.mark.parametrize("content", [{}, {"prompt": " \n"}, {"prompt": ""}])
def test_an_empty_prompt_is_refused(content: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="empty"):
        Question.read(content, {})


def test_the_sources_and_the_lines_are_below_the_answer() -> None:
    page = Page()
    entry = Entry("a", "q")
    page.log.set_entries([entry])
    source = Source("The <title>", "https://example.org/page", "the passage")
    text = frame(0, "Text.")
    EntryDisplay(entry, page.log.send_parts).finish(
        FinalOutput([text], text, notices=["A line."], sources=[source])
    )
    ((answer, notes),) = page.shown()
    assert answer == text.markdown
    assert all(word in notes for word in ("example.org", "the passage", "A line."))
    assert "<title>" not in notes
