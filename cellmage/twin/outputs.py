"""The outputs of a cell made of the twin's messages, each within bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .results import Output

MAX_TEXT = 1_000_000
"""The characters that are kept of each stream."""

MAX_OUTPUTS = 500
"""The outputs that are kept."""

MAX_DATA = 20_000_000
"""The characters of data that are kept in all."""

_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Output]] = {
    "stdout": lambda frame: Output("stdout", str(frame["text"])),
    "stderr": lambda frame: Output("stderr", str(frame["text"])),
    "error": lambda frame: Output("error", str(frame["text"])[:MAX_TEXT]),
    "result": lambda frame: _rich_output("result", frame),
    "display": lambda frame: _rich_output("display", frame),
}


def _rich_output(kind: Any, frame: Mapping[str, Any]) -> Output:
    display_id = str(frame.get("display_id") or "")
    return Output(kind, "", frame["data"], frame["metadata"], display_id)


class Outputs:
    """Collects outputs.

    Args:
        on_output: is called with each output as it arrives; a text may arrive in several.
    """

    def __init__(self, on_output: Callable[[Output], object] | None) -> None:
        self._on_output = on_output
        self._outputs: list[Output] = []
        self._pieces: list[str] = []
        self._room = {"stdout": MAX_TEXT, "stderr": MAX_TEXT, "data": MAX_DATA}
        self._omitted = 0

    def add(self, frame: Mapping[str, Any]) -> None:
        """Add what a message says; messages of other kinds are left alone."""
        if frame["kind"] == "clear":
            self._outputs = []
        make = _KINDS.get(frame["kind"])
        if make is None:
            return
        output = make(frame)
        if frame.get("update"):
            self._update(output)
        elif bounded := self._bound(output):
            self._append(bounded)
            if self._on_output is not None:
                self._on_output(bounded)

    def _bound(self, output: Output) -> Output | None:
        kind = output.kind if output.kind in self._room else "data"
        size = len(output.text) + sum(len(str(value)) for value in output.data.values())
        room = self._room[kind]
        self._room[kind] -= size
        if size <= room and len(self._outputs) < MAX_OUTPUTS:
            return output
        self._omitted += size
        text = output.text[: max(room, 0)]
        return replace(output, text=text) if text else None

    def _append(self, output: Output) -> None:
        last = self._outputs[-1] if self._outputs else None
        if last and output.kind == last.kind and output.kind in ("stdout", "stderr"):
            self._outputs[-1] = replace(last, text=last.text + output.text)
        else:
            self._outputs.append(output)

    def _update(self, output: Output) -> None:
        """Replace what has the same display id; outputs of the parent are not in the twin."""
        self._outputs = [
            output if old.display_id and old.display_id == output.display_id else old
            for old in self._outputs
        ]

    def all(self) -> tuple[Output, ...]:
        """Return all outputs, with a note about what was left out."""
        if not self._omitted:
            return tuple(self._outputs)
        note = f"\n[… {self._omitted:,} characters left out]".replace(",", " ")
        return (*self._outputs, Output("stderr", note))
