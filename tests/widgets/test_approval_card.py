"""What the card of a tool call shows, and what comes of its buttons."""

from __future__ import annotations

import html
import json
import re
import sys
from queue import SimpleQueue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.events import ToolCall
from cellmage.tool_requests import format_arguments
from cellmage.widgets.approval_card import ApprovalCards, call_html, make_card
from tests.hostile_arguments import hostile_arguments, is_refused, read_card

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=6,
)


def text_of(page: str) -> str:
    """Return what a page shows of the arguments."""
    return html.unescape(
        re.sub("</?span>", "", page[page.index("<pre>") + 5 : page.rindex("</pre>")])
    )


@given(st.text(max_size=20), st.dictionaries(st.text(max_size=20), VALUES, max_size=4))
def test_the_card_shows_the_whole_call_and_cannot_act(name: str, values: dict[str, object]) -> None:
    page = call_html(ToolCall("c", name, json.dumps(values)))
    body = page.partition("<div")[2]
    assert set(re.findall(r"</?([a-z]+)", body)) <= {"div", "strong", "pre", "span"}
    shown = text_of(page)
    lines = [format_arguments(json.dumps({key: values[key]}), sys.maxsize) for key in values]
    assert shown == ("\n".join(lines) or "without arguments")
    assert shown.replace("\n", "").isprintable()


def test_arguments_that_are_no_json_are_shown_as_text() -> None:
    page = call_html(ToolCall("c", "f", '{"a": \u202e'))
    assert "\\u202e" in page
    assert "\u202e" not in page


@pytest.mark.parametrize("decision", ["once", "always", "no"])
def test_each_button_decides(decision: str) -> None:
    decisions: SimpleQueue[str] = SimpleQueue()
    card, _ = make_card(ToolCall("c", "f", "{}"), decisions)
    labels = {"once": "Run once", "always": "Always run this tool", "no": "Do not run"}
    buttons = {part.description: part for part in card.children[1].children[:3]}
    buttons[labels[decision]].click()
    assert decisions.get_nowait() == decision


def test_a_call_that_nobody_answers_for_is_refused() -> None:
    cards = ApprovalCards(seconds=0.05)
    assert cards(ToolCall("c", "f", "{}")) == "nobody answered within 0.05 s"


@pytest.mark.parametrize("arguments", hostile_arguments(100, 1))
def test_what_is_shown_can_be_read_back(arguments: str) -> None:
    if not is_refused(arguments):
        shown = text_of(call_html(ToolCall("c", "f", arguments)))
        assert json.dumps(read_card(shown)) == json.dumps(json.loads(arguments))


def test_code_is_in_lines_where_all_of_it_is_visible() -> None:
    plain = {"code": "if x:\n    y = 1"}
    assert text_of(call_html(ToolCall("c", "f", json.dumps(plain)))) == (
        "code:\n    if x:\n        y = 1"
    )
    for hidden in ("x\n\ty", "x\ny\u202e", "x\r\ny"):
        assert text_of(call_html(ToolCall("c", "f", json.dumps({"code": hidden})))).startswith(
            'code="x'
        )
