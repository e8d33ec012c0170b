"""Ask the user by buttons below the answer whether a tool call may run."""

from __future__ import annotations

import html
import json
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from ..approvals import CELL_TOOLS
from ..display.foreign_output import own_output
from ..display.outputs import Output, publish, publish_widget
from ..events import ToolCall
from ..markdown.safe import EMPTY
from ..text import spell_out
from ..tool_requests import format_arguments, parse_arguments
from .subshells import POLL_SECONDS, act_beside_cells, close_whole

LIMIT_SECONDS = 600.0
"""The time after which a call is refused that nobody has answered for."""

Decision = bool | str
"""Whether a call may run; a text refuses it, and is the reason that the model receives."""

Place = Callable[[Any], AbstractContextManager[None]]
"""Shows a card while a block runs."""

_STYLE = """<style>
.cellmage-call {color: var(--jp-ui-font-color1, inherit); font-family: var(--jp-ui-font-family);
  font-size: var(--jp-ui-font-size1, 13px); line-height: 1.5}
.cellmage-call pre {font-family: var(--jp-code-font-family, monospace); max-height: 16em;
  overflow: auto; margin: 4px 0; padding: 4px 8px; white-space: pre-wrap; overflow-wrap: anywhere;
  background: var(--jp-layout-color2, transparent); color: inherit}
.cellmage-call span {display: inline-block; box-sizing: border-box; width: 100%;
  padding-left: 4ch; text-indent: -4ch}
@media (forced-colors: active) {.cellmage-card button {border: 1px solid ButtonText}}
</style>"""
# A line that the page wraps goes on below its fourth column: only arguments begin at the first.


def call_html(call: ToolCall) -> str:
    """Return a call as HTML that cannot act: its name, and one line for each whole argument.

    Args:
        call: the call; every character of it that is not plainly visible is spelled out.

    Example:
        >>> call_html(ToolCall("a", "weather", '{"city": "<b>Oslo"}')).splitlines()[-2]
        '<pre><span>city=&quot;&lt;b&gt;Oslo&quot;</span></pre>'
    """
    name = html.escape(spell_out(call.name))
    lines = "</span>\n<span>".join(map(html.escape, _argument_lines(call.arguments)))
    title = f"The model wants to run <strong>{name}</strong>:"
    body = f"<pre><span>{lines}</span></pre>" if lines else "<pre>without arguments</pre>"
    return f'{_STYLE}\n<div class="cellmage-call">\n{title}\n{body}\n</div>'


def _argument_lines(arguments: str) -> Sequence[str]:
    try:
        values = parse_arguments(arguments)
    except ValueError:
        return [format_arguments(arguments, sys.maxsize)]
    return [line for name, value in values.items() for line in _value_lines(name, value)]


def _value_lines(name: str, value: Any) -> Sequence[str]:
    """Return an argument in a line; code of several lines in its lines, indented.

    Code has no escapes: one that has a character which is not plainly visible is a text in a line.
    """
    if name == "code" and isinstance(value, str) and "\n" in value:
        lines = value.split("\n")
        if lines == list(map(spell_out, lines)):
            return ["code:", *(f"    {line}" for line in lines)]
    return [format_arguments(json.dumps({name: value}), sys.maxsize)]


@contextmanager
def show_in_cell(card: Any) -> Generator[None]:
    """Show a card below the answer of the cell that runs."""
    with own_output():
        handle = publish_widget(card)
    try:
        yield
    finally:
        with own_output():
            publish(Output(EMPTY, ""), handle)


class ApprovalCards:
    """Asks about calls by cards with buttons; remembers the tools that are always allowed.

    Args:
        seconds: the time after which a call is refused.
        place: shows a card.
        allowed: the names of the tools that are always allowed; several places may share them.
    """

    def __init__(
        self,
        seconds: float = LIMIT_SECONDS,
        place: Place = show_in_cell,
        allowed: set[str] | None = None,
    ) -> None:
        self._seconds = seconds
        self._place = place
        self.allowed = set() if allowed is None else allowed
        self._open: set[SimpleQueue[str]] = set()

    def __call__(self, call: ToolCall) -> Decision:
        """Show a card, and return what the user decides.

        Raises:
            KeyboardInterrupt: the user has stopped the cell.
        """
        if call.name in self.allowed:
            return True
        decisions: SimpleQueue[str] = SimpleQueue()
        card, reason = make_card(call, decisions)
        self._open.add(decisions)
        try:
            with self._place(card):
                decision = self._wait(decisions)
        finally:
            self._open.discard(decisions)
            close_whole(card)
        if decision == "always":
            self.allowed.add(call.name)
        if decision == "expired":
            return f"nobody answered within {self._seconds:g} s"
        return reason.value.strip() or False if decision == "no" else True

    def refuse(self) -> None:
        """Refuse the calls that wait for the user, who has stopped their answer."""
        for decisions in list(self._open):
            decisions.put("no")

    def _wait(self, decisions: SimpleQueue[str]) -> str:
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            try:
                return decisions.get(timeout=POLL_SECONDS)
            except Empty:
                continue
        return "expired"


def make_card(call: ToolCall, decisions: SimpleQueue[str]) -> tuple[Any, Any]:
    """Return the card of a call, and the field for the reason of a refusal.

    Args:
        call: the call.
        decisions: receives ``"once"``, ``"always"`` or ``"no"`` when the user has decided.
    """
    from ipywidgets import HTML, Button, HBox, Layout, Text, VBox  # noqa: PLC0415 - 0.2 s

    reason = Text(
        placeholder="why not, for the model (optional)",
        layout=Layout(width="20em", max_width="100%", margin="2px"),
    )
    wide = Layout(width="auto", margin="2px")
    buttons = []
    for decision, label, style, tip in _CELL_CHOICES if call.name in CELL_TOOLS else _CHOICES:
        button = Button(description=label, button_style=style, tooltip=tip, layout=wide)
        button.on_click(lambda _, decision=decision: decisions.put(decision))
        buttons.append(button)
    row = HBox([*buttons, reason], layout=Layout(flex_flow="row wrap", align_items="center"))
    card = VBox([HTML(call_html(call)), row])
    card.add_class("cellmage-card")
    act_beside_cells(card)
    return card, reason


_CHOICES = (
    ("once", "Run once", "primary", "Run this call"),
    ("always", "Always run this tool", "", "Run this call, and all later calls of this tool"),
    ("no", "Do not run", "", "Refuse this call; the reason beside it goes to the model"),
)

_CELL_CHOICES = tuple(
    ("always", "Run all in this cell", "", "Run this call, and the later ones of this cell")
    if choice[0] == "always"
    else choice
    for choice in _CHOICES
)
"""The choices for a tool that is allowed for a cell at most."""
