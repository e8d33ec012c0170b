"""The marks of an answer on a page, in the turn, and where a page cannot change."""

from __future__ import annotations

import pytest

from cellmage import Conversation, Mark
from cellmage.display.headless import HeadlessDisplay
from cellmage.display.panels import panels_html
from cellmage.errors import UsageError
from cellmage.events import ToolCall
from cellmage.marks import marks_from_record
from cellmage.messages import Response
from cellmage.rendering.calls import call_panel
from cellmage.rendering.marks import mark_lines, split_at_marks
from cellmage.serialization import turn_from_record, turn_to_record
from cellmage.testing import ScriptedProvider
from cellmage.turns import Turn

TEXT = "It is {{= n }}, or 12.\n\n```python\nx = 1\n```\n\nBye."
MARKS = (
    Mark(6, 14, "value", "5_0", "n"),
    Mark(19, 21, "number"),
    Mark(24, 44, "ran", "ran in 0.1 s; binds `x`", "1\n"),
)


def test_marks_are_at_their_places() -> None:
    pieces = list(split_at_marks(TEXT, 0, MARKS))
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == (
        "It is 5\\_0, or <u>12</u>.\n\n```python\nx = 1\n```\n\nBye."
    )
    (panel,) = [piece for piece in pieces if not isinstance(piece, str)]
    assert panels_html([panel]) == (
        "<details><summary><code>✓ ran in 0.1 s; binds x</code></summary>"
        "<pre>1&#10;</pre></details>"
    )


def test_a_value_cannot_act() -> None:
    mark = Mark(0, 9, "value", "<b>*x*\n# a</b> [l](http://x) $1$", "n")
    assert "".join(map(str, split_at_marks("{{= n }}!", 0, [mark]))) == (
        r"\<b\>\*x\* \# a\</b\> \[l\](http://x) \$1\$"
    )


def test_lines_say_what_a_page_cannot_show() -> None:
    assert mark_lines(MARKS, TEXT, is_shown=False) == [
        "✓ block 1: ran in 0.1 s; binds `x`",
        "{{= n }} is 5_0",
        "1 number is neither computed nor in what was sent: 12",
    ]
    assert mark_lines(MARKS, TEXT, is_shown=True)[0].startswith("1 number is")
    assert mark_lines([Mark(0, 2, "no_value", "KeyError", "n")], "12", is_shown=True) == [
        "{{= n }} has no value: KeyError"
    ]


def test_the_turn_keeps_values_and_expressions() -> None:
    chat = Conversation(provider=ScriptedProvider([TEXT]))
    chat.ask("Go", find_marks=lambda text, sent: MARKS if sent[-1] == "Go" else ())
    (turn,) = chat.turns
    assert (turn.response.text, turn.response.marks) == (TEXT, MARKS)
    assert turn_from_record(turn_to_record(turn, {}), {}) == turn


def test_an_answer_that_cannot_be_checked_is_there_all_the_same() -> None:
    def fail(text: str, sent: object) -> list[Mark]:
        raise KeyError("twin")

    response = Conversation(provider=ScriptedProvider([TEXT])).ask("Go", find_marks=fail)
    assert (response.text, response.marks, response.incomplete_reason) == (TEXT, (), None)
    assert response.notices == ("The answer could not be checked: error: KeyError: 'twin'",)


def test_a_cut_answer_is_not_checked() -> None:
    chat = Conversation(provider=ScriptedProvider([TEXT, OSError("gone")]))
    stream = chat.stream("Go", find_marks=lambda text, sent: MARKS)
    with pytest.raises(Exception, match="gone"):
        list(stream)
    assert stream.response.marks == ()


@pytest.mark.parametrize("record", [[[1, 0, "ran"]], [[0, 1, "proven"]], [[0, 1, "ran", 5]]])
def test_other_records_are_refused(record: list[list[object]]) -> None:
    with pytest.raises((TypeError, ValueError)):
        marks_from_record(record)
    turn = turn_to_record(Turn("Hi", Response("Hello")), {})
    with pytest.raises(UsageError, match="marks"):
        turn_from_record({**turn, "response": {"marks": record}}, {})


def test_the_code_of_a_call_is_shown_as_code() -> None:
    panel = call_panel(ToolCall("a", "python", '{"code": "x = 1\\n\\n\\u202ex\\n```"}'))
    html = panels_html([panel._replace(body="1")])
    assert html.startswith(
        "<details><summary><code>python() x = 1 → 1</code></summary>\n\n````python"
    )
    assert "\\u202ex" in html
    assert html.endswith("<pre>1</pre></details>")
    others = call_panel(ToolCall("a", "run", '{"code": "x", "n": 1}'))
    assert (others.title, others.language) == ("run(n=1) x", "")


def test_a_page_that_nobody_watches_can_be_replaced() -> None:
    assert HeadlessDisplay.can_replace
