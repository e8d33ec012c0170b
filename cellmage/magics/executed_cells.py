"""The cells that ran: their sources and outputs, and the last error. ``%%llm_hide`` hides a cell.

Sources, values and printed texts are those that IPython keeps. Only images are kept here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..content import Image
from ..describe.code import HIDDEN_MARK
from ..display.select import cell_id, parent_message
from ..errors import CellmageError, UsageError
from ..text import excerpt
from .frontend import FrontEnd, print_line

FIX_OFFER = (
    "%llm_fix sends this error with its cell to the model, runs the fixed cell in a copy of the "
    "kernel, and puts it into the next cell."
)

FIX_PROMPT = (
    "Say in a sentence or two what is wrong. Then write the whole cell, corrected, as one code "
    "block of Python."
)
"""The prompt of ``%llm_fix``, and of ``--error`` without one."""

_HIDE_LINE = re.compile(r"\s*%%llm_hide[ \t]*(#.*)?(\n|$)")
_PROMPT_CALL = re.compile(r"(if )?get_ipython\(\)\.run_(cell|line)_magic\('llm")
_IMAGES = ("image/png", "image/jpeg")
_MAX_IMAGES = 20
_MAX_IMAGE_CHARS = 5_000_000


@dataclass(frozen=True, slots=True)
class ExecutedCell:
    """A cell that ran.

    Args:
        count: its execution count.
        source: its text.
        printed: what it printed.
        values: the value that it showed; empty if there is none.
        images: the images that it showed.
    """

    count: int
    source: str
    printed: str
    values: tuple[Any, ...]
    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class CellError:
    """An error of a cell.

    Args:
        count: the execution count of the cell.
        source: the text of the cell.
        error: the exception, without IPython's own frames.
        cell_id: the id of the cell; None if the front end sends none.
    """

    count: int
    source: str
    error: BaseException
    cell_id: str | None = None


class ExecutedCells:
    """The cells that a shell has run.

    Args:
        shell: where they run.

    Attributes:
        last_error: the last error of a cell that is not hidden; an error of ours is none.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._images: list[tuple[int, str]] = []
        self._has_offered = False
        self.last_error: CellError | None = None

    def select(self, counts: str) -> list[ExecutedCell]:
        """Return the last N cells for ``N``, those with execution counts for ``3,5-7``.

        Cells that are hidden or prompts are none of the last ones.

        Raises:
            UsageError: there is no such cell, or it is hidden.
        """
        if counts.isdecimal():
            usual = [count for count in self._counts() if not self._is_prompt(count)]
            if not int(counts):
                raise UsageError("--cells 0: give a number of cells from 1, or leave it out")
            return [self._cell(count) for count in usual[-int(counts) :]]
        available = set(self._counts())
        return [self._find(count, available) for count in _read_counts(counts)]

    def visible(self, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return variables without the sources and values of hidden cells that IPython keeps."""
        hidden = [n for n, source in enumerate(self._sources) if is_hidden(source)]
        if not hidden:
            return variables
        outputs = dict(self._shell.user_ns.get("Out", {}))
        values = [outputs.pop(count) for count in hidden if count in outputs]
        sources = {self._sources[count] for count in hidden}
        inputs = ["" if is_hidden(text) else text for text in self._sources]
        names = {f"_{kind}{count}" for count in hidden for kind in ("", "i")}
        names |= {n for n in ("_", "__", "___") if any(variables.get(n) is v for v in values)}
        names |= {n for n in ("_i", "_ii", "_iii") if variables.get(n) in sources}
        rest = {name: value for name, value in variables.items() if name not in names}
        return rest | {"In": inputs, "_ih": inputs, "Out": outputs, "_oh": outputs}

    def after_run(self, result: Any) -> None:
        """Remember the error of a cell, and offer once to fix it."""
        error = result.error_in_exec or result.error_before_exec
        source = str(result.info.raw_cell)
        is_ours = not isinstance(error, Exception) or isinstance(error, CellmageError)
        if is_ours or is_hidden(source) or not result.info.store_history:
            return
        _drop_frames_of_ipython(error, self._shell)
        self.last_error = CellError(result.execution_count, source, error, self._own_id())
        if not self._has_offered and FrontEnd.of(self._shell).is_interactive:
            self._has_offered = True
            print_line(FIX_OFFER)

    def _own_id(self) -> str | None:
        return cell_id(parent_message(self._shell).get("metadata") or {})

    def on_message(self, message: dict[str, Any]) -> dict[str, Any]:
        """Keep an image that a cell shows; a hook of ipykernel's display publisher."""
        data = message.get("content", {}).get("data", {})
        kind = next((kind for kind in _IMAGES if kind in data), None)
        if message["header"]["msg_type"] == "display_data" and kind:
            # IPython has counted on when it shows the plots of a cell, at its end.
            number = len(self._sources) - 1
            if len(data[kind]) <= _MAX_IMAGE_CHARS:
                self._images = [*self._images, (number, data[kind])][-_MAX_IMAGES:]
        return message

    @property
    def _sources(self) -> list[str]:
        """The texts of the cells by their execution counts; the last one is the running cell."""
        sources: list[str] = self._shell.history_manager.input_hist_raw  # type: ignore[union-attr]
        return sources

    def _counts(self) -> list[int]:
        """Return the counts of the cells before the running one that are not hidden."""
        return [
            count
            for count in range(1, len(self._sources) - 1)
            if self._sources[count].strip() and not is_hidden(self._sources[count])
        ]

    def _is_prompt(self, count: int) -> bool:
        parsed = self._shell.history_manager.input_hist_parsed  # type: ignore[union-attr]
        return bool(_PROMPT_CALL.match(parsed[count]))

    def _find(self, count: int, available: set[int]) -> ExecutedCell:
        if count in available:
            return self._cell(count)
        is_there = 0 < count < len(self._sources) and is_hidden(self._sources[count])
        problem = "is hidden by %%llm_hide" if is_there else "has not run in this kernel"
        raise UsageError(f"--cells: cell [{count}] {problem}; name others")

    def _cell(self, count: int) -> ExecutedCell:
        history: Any = self._shell.history_manager
        outputs = getattr(history, "outputs", {}).get(count, ())
        texts = [each.bundle.get("stream", "") for each in outputs if "stream" in each.bundle]
        printed = "".join(text if isinstance(text, str) else "".join(text) for text in texts)
        results = self._shell.user_ns.get("Out", {})
        values = (results[count],) if count in results else ()
        texts = [text for number, text in self._images if number == count]
        images = tuple(image for text in texts for image in _read_image(text))
        return ExecutedCell(count, self._sources[count], printed, values, images)


def is_hidden(source: str) -> bool:
    """Return whether ``%%llm_hide`` is the first line of a cell."""
    return bool(_HIDE_LINE.match(source))


def mark_hidden(lines: list[str]) -> list[str]:
    """Return the lines of a cell as Python runs them: ``%%llm_hide`` is a comment.

    A magic of the cell must be in its first line, so an empty line is above it.
    """
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None or not is_hidden(lines[first]):
        return lines
    body = "".join(lines[first + 1 :]).lstrip()
    mark = "\n" if body.startswith("%%") else HIDDEN_MARK
    return [*lines[:first], mark, *lines[first + 1 :]]


def install(shell: InteractiveShell, cells: ExecutedCells) -> None:
    """Let cells begin with ``%%llm_hide``, and keep the images that cells show."""
    remove(shell, cells)
    shell.input_transformers_cleanup.insert(0, mark_hidden)
    if hasattr(shell.display_pub, "register_hook"):
        shell.display_pub.register_hook(cells.on_message)


def remove(shell: InteractiveShell, cells: ExecutedCells) -> None:
    """Undo `install`."""
    if mark_hidden in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(mark_hidden)
    if hasattr(shell.display_pub, "unregister_hook"):
        shell.display_pub.unregister_hook(cells.on_message)


def _read_counts(text: str) -> list[int]:
    """Return the counts that ``3,5-7`` names."""
    counts: list[int] = []
    for item in text.split(","):
        match = re.fullmatch(r"\s*\[?(\d{1,6})\]?(?:-(\d{1,6}))?\s*", item)
        if match is None:
            raise UsageError(
                f"--cells {excerpt(text)}: give a number of cells, or counts such as 3,5-7"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UsageError(
                f"--cells {excerpt(text)}: write the lower count first: {last}-{first}"
            )
        counts += range(first, last + 1)
    return list(dict.fromkeys(counts))


def _read_image(text: str) -> list[Image]:
    """Return the image of a display; none if its bytes are none."""
    try:
        return [Image(base64.b64decode(text))]
    except (CellmageError, ValueError):
        return []


def _drop_frames_of_ipython(error: Exception, shell: InteractiveShell) -> None:
    """Begin the traceback of an error at the cell; one of the syntax has no frames then."""
    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_globals is not shell.user_ns:
        tb = tb.tb_next
    error.__traceback__ = tb
