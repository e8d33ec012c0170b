"""The result of a run in the twin: outputs, names, actions, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

OutputKind = Literal["stdout", "stderr", "display", "result", "error"]


@dataclass(frozen=True, slots=True)
class Output:
    """One output of the cell.

    Args:
        kind: a stream, what was displayed, the value of the last expression, or a traceback.
        text: the text of a stream, or the traceback.
        data: what is displayed, by media types; images are in base64.
        metadata: what belongs to the data.
        display_id: the id by which the code may update it; empty if it has none.
    """

    kind: OutputKind
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    display_id: str = ""


@dataclass(frozen=True, slots=True)
class BoundName:
    """A name that the code would bind.

    Args:
        name: the name.
        type: the type of its value.
        description: the value, as far as the level of data permits.
        is_new: whether the name was not bound before.
    """

    name: str
    type: str
    description: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Action:
    """Something outside of the process that the code would have done, and that was refused.

    Args:
        verb: what it would have done, such as ``"write the file"``.
        target: to which file, program or host; a file with its whole path.
    """

    verb: str
    target: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.target}".rstrip()


@dataclass(frozen=True, slots=True)
class Run:
    """The result of code that was run in the twin.

    Args:
        outputs: the outputs of the cell, in order.
        bound: the names that the code would bind.
        deleted: the names that it would delete.
        actions: what it would have done outside of the process.
        error: why it failed, in a line; empty if it did not.
        stopped: why it was stopped before its end, in a line; empty if it was not.
        seconds: how long it ran.
        memory: the bytes that it took at its peak, beside what it shared with the kernel; about.
    """

    outputs: tuple[Output, ...] = ()
    bound: tuple[BoundName, ...] = ()
    deleted: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    error: str = ""
    stopped: str = ""
    seconds: float = 0.0
    memory: int = 0

    @property
    def ok(self) -> bool:
        """Whether the code ran to its end without an error."""
        return not self.error and not self.stopped

    @property
    def stdout(self) -> str:
        """What the code printed."""
        return "".join(output.text for output in self.outputs if output.kind == "stdout")

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the code would have changed, as far as that is known."""
        return tuple(dict.fromkeys(a.target for a in self.actions if a.target.startswith("/")))
