"""``--code``: put the code of an answer into the next cell, without losing a text of the user.

A kernel can insert a cell below the running one, or replace the text of the running one. It cannot
see or change another cell. So the first code of a prompt is inserted. When the prompt is run again,
nothing is inserted: the cell below takes the new code when it is run, if its text is still the one
that was put there. In a terminal the code is in the next prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..code_blocks import CodeBlock
from ..display.select import cell_id, parent_message
from .ambient import find as find_ambient
from .frontend import print_line

PYTHON_LINE = "%%py\n"
"""The first line of a cell of Python in ambient mode."""

PYTHON = ("python", "py", "python3", "ipython", "")
"""The languages of blocks that a cell runs as they are; people omit the word for Python."""

LANGUAGES = (
    *("python", "py", "bash", "sh", "sql", "html", "css", "javascript", "js", "typescript", "ts"),
    *("json", "yaml", "toml", "xml", "svg", "markdown", "latex", "r", "julia", "c", "cpp", "rust"),
    *("go", "java", "ruby", "perl", "scala", "swift", "kotlin", "lua", "powershell", "dockerfile"),
)


@dataclass(slots=True)
class _CodeCell:
    """The cell with the code of a prompt.

    Args:
        text: the code that was put into it.
        known_ids: the cells that had run before it was there.
        cell_id: its id; None until it has run.
        edited: the text of the user in its place, as it last ran; None if it is the code.
        newer: the code that it takes when it is run; None if it has the last one.
    """

    text: str
    known_ids: frozenset[str]
    cell_id: str | None = None
    edited: str | None = None
    newer: str | None = None


@dataclass(slots=True)
class CodeCells:
    """The cells with code of a notebook.

    Args:
        shell: where the cells run.
    """

    shell: InteractiveShell
    _cells: dict[str, _CodeCell] = field(default_factory=dict)
    _codes: list[str] = field(default_factory=list)
    _run_ids: set[str] = field(default_factory=set)

    def add(self, blocks: Sequence[CodeBlock], language: str) -> None:
        """Add code blocks to those that are put below the running cell when it has run.

        Args:
            blocks: the blocks of an answer.
            language: of the blocks that are taken.
        """
        code = join_blocks(blocks, language, self.shell)
        if not code:
            print_line(f"The answer has no code in {language}; _llm.code has its blocks.")
        else:
            self._codes.append(code)

    def offer_in(self, own_id: str, text: str, code: str) -> None:
        """Let the cell of an id take code in place of its text when it is run again."""
        self._cells[f"fix of {own_id}"] = _CodeCell(
            text.rstrip("\n"), frozenset(), cell_id=own_id, newer=code
        )

    def put(self, result: Any) -> None:
        """Put the code of the cell's answers below it. Front ends put none below a failed cell."""
        code, self._codes = "\n\n".join(self._codes), []
        if not code or not result.success:
            return
        transformer = find_ambient(self.shell)
        if transformer is not None and transformer.is_on and not code.startswith("%%"):
            code = PYTHON_LINE + code
        own_id = cell_id(parent_message(self.shell).get("metadata") or {})
        if own_id in self._cells:
            self._offer(self._cells[own_id], code)
            return
        self.shell.set_next_input(code)
        if own_id is not None:
            self._cells[own_id] = _CodeCell(code, frozenset(self._run_ids))

    def _offer(self, cell: _CodeCell, code: str) -> None:
        """Let a cell take new code, or show how the code differs from the user's text."""
        current = cell.text if cell.edited is None else cell.edited
        if code == current:
            cell.text, cell.edited, cell.newer = code, None, None
            return
        print_line(diff(current, code))
        if cell.edited is not None:
            cell.newer = None
            print_line("You have changed the cell with the code: it stays as it is.")
            return
        cell.newer = code
        print_line("Run the cell with the earlier code: it takes the new code, and does not run.")

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the lines of a cell; a call in their place if the cell is to take new code."""
        message = parent_message(self.shell)
        text = _text(message)
        prompt_id = self._waiting_for(cell_id(message.get("metadata") or {}), text)
        # Not for a part of the cell that it runs as a cell. Ambient mode has replaced its %%py.
        is_whole = "".join(lines).rstrip("\n").endswith(text.removeprefix(PYTHON_LINE))
        if prompt_id is None or not is_whole:
            return lines
        magics = "get_ipython().magics_manager.registry['LLMMagics']"
        return [f"{magics}.runner.code_cells.take({prompt_id!r})\n"]

    def _waiting_for(self, own_id: str | None, text: str) -> str | None:
        """Return the id of the prompt whose new code a cell takes."""
        for prompt_id, cell in self._cells.items():
            if cell.newer is not None and _is_same(cell, own_id) and text == cell.text:
                return prompt_id
        return None

    def take(self, prompt_id: str) -> None:
        """Replace the text of the running cell by the new code of a prompt."""
        cell = self._cells[prompt_id]
        if cell.newer is not None:
            cell.text, cell.newer = cell.newer, None
            self.shell.set_next_input(cell.text, replace=True)
            print_line("This cell has the new code now; it has not run.")

    def before_run(self, info: Any) -> None:
        """Note the cell of each code, and what the user has made of it."""
        message = parent_message(self.shell)
        metadata, text = message.get("metadata") or {}, _text(message)
        own_id = cell_id(metadata)
        if own_id is None:
            return
        self._forget(set(metadata.get("deletedCells") or ()))
        for cell in self._cells.values():
            if _is_same(cell, own_id) and (cell.cell_id or text == cell.text):
                cell.cell_id = own_id
                cell.edited = None if text == cell.text else text
                if cell.edited is not None and cell.newer is not None:
                    print_line(diff(text, cell.newer))
                    print_line("You have changed this cell: the new code is not put into it.")
                    cell.newer = None
        self._run_ids.add(own_id)

    def _forget(self, deleted: set[str]) -> None:
        """Forget the cells with code that the user has deleted, as JupyterLab tells with a cell.

        A deleted cell that has not run may be any of those with code that have not.
        """
        unknown = deleted - self._run_ids
        self._cells = {
            prompt_id: cell
            for prompt_id, cell in self._cells.items()
            if not (cell.cell_id in deleted if cell.cell_id else unknown)
        }


def _text(message: Mapping[str, Any]) -> str:
    """Return the text of the cell that a message asks to run."""
    return str(message.get("content", {}).get("code", "")).rstrip("\n")


def _is_same(cell: _CodeCell, own_id: str | None) -> bool:
    """Return whether a cell may be the one of the code: one that ran before it was there is not."""
    if own_id is None:
        return False
    return cell.cell_id == own_id if cell.cell_id else own_id not in cell.known_ids


def join_blocks(blocks: Sequence[CodeBlock], language: str, shell: InteractiveShell) -> str:
    """Return the blocks of a language as the text of a cell; empty if there are none.

    A cell runs another language than Python by the magic of its name, if there is one.
    """
    names = PYTHON if language in PYTHON else (language,)
    texts = [str(block).strip("\n") for block in blocks if block.language in names]
    code = "\n\n".join(text for text in texts if text.strip())
    is_magic = names is not PYTHON and shell.find_cell_magic(language) is not None
    return f"%%{language}\n{code}" if is_magic and code else code


def diff(old: str, new: str) -> str:
    """Return what changes from one code to the other."""
    lines = unified_diff(old.splitlines(), new.splitlines(), "the cell", "the answer", lineterm="")
    return "\n".join(lines)


def install(shell: InteractiveShell, cells: CodeCells) -> None:
    """Let cells take new code when they are run."""
    remove(shell, cells)
    shell.input_transformers_cleanup.insert(0, cells)
    shell.events.register("pre_run_cell", cells.before_run)
    shell.events.register("post_run_cell", cells.put)


def remove(shell: InteractiveShell, cells: CodeCells) -> None:
    """Undo `install`."""
    if cells in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(cells)
        shell.events.unregister("pre_run_cell", cells.before_run)
        shell.events.unregister("post_run_cell", cells.put)
