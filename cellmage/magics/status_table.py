"""``%llm_status``: the table of the prompts, and what asking the stale ones again costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..display.listing import Listing, Row
from ..pricing import expected_price, format_usd
from .notebook_cells import NotebookCell
from .notebook_prompts import find_prompts
from .notebook_status import Status, StatusReader
from .prompt_files import PromptFiles
from .runner import PromptRunner
from .settings import Settings

_COLUMNS = ("cell", "state", "why", "question")
_TEXT_CHARS = 120
_ASKED_AGAIN = ("stale", "partial")
_NO_PROMPTS = "No prompt cells are known: save the notebook, or run a cell."


def show_status(
    runner: PromptRunner,
    settings: Settings,
    variables: Mapping[str, Any],
    cells: Sequence[NotebookCell],
    chat: str | None,
) -> Listing | str:
    """Return a row for each prompt of the notebook; nothing is sent, and nothing is changed.

    Args:
        runner: knows the conversations and the kept answers.
        settings: the values for all that the flags of the cells leave open.
        variables: the variables of the user.
        cells: the cells of the notebook.
        chat: the name of the conversation.
    """
    turns = runner.chats.get(chat).turns
    is_wanted = any("--keep" in cell.source for cell in cells)
    recording = runner.keeper.kept(is_wanted)
    records = recording.records.of_cells() if recording else {}
    prompts = list(find_prompts(cells, turns, records, chat or ""))
    if not prompts:
        return _NO_PROMPTS
    visible = runner.cells.visible(variables)
    reader = StatusReader(settings, PromptFiles(runner.chats.folder), visible, recording)
    return make_status_table(reader.read(prompts, turns))


def make_status_table(statuses: Sequence[Status]) -> Listing:
    """Return the table, with the counts and the cost below it."""
    rows = [_row(status) for status in statuses]
    counts = Counter(status.state for status in statuses)
    summary = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    end = " ".join(filter(None, [f"{summary}.", _cost_line(statuses)]))
    return Listing(_COLUMNS, {"": rows}, end, _TEXT_CHARS, ("why", "question"))


def _row(status: Status) -> Row:
    return {
        "cell": status.prompt.name.removeprefix("cell "),
        "state": status.state,
        "why": status.why or "—",
        "question": status.prompt.question,
    }


def _cost_line(statuses: Sequence[Status]) -> str:
    """Return what asking the stale ones again takes; empty if there are none."""
    stale = [status for status in statuses if status.state in _ASKED_AGAIN]
    if not stale:
        return ""
    tokens_in = sum(status.expected.input_tokens or 0 for status in stale)
    tokens_out = sum(status.expected.output_tokens or 0 for status in stale)
    amounts = [_price(status) for status in stale]
    known = [amount for amount in amounts if amount is not None]
    total = sum(known, Decimal(0))
    is_known = len(known) == len(amounts)
    cost = (format_usd(total) if total else "free of charge") if is_known else "price unknown"
    what = "this prompt" if len(stale) == 1 else f"these {len(stale)} prompts"
    return f"Asking {what} again: about {tokens_in} tokens in, {tokens_out} out; {cost}."


def _price(status: Status) -> Decimal | None:
    model = status.model
    if model is None:
        return None
    return expected_price(model.model, model.provider.name, status.expected)
