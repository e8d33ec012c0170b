"""IPython input transformers: run cells as people paste them, which IPython would reject.

`CellTransformer` works on a complete cell, before IPython's own clean-up strips ``>>>`` and
``In [1]:`` from a prompt. `LineTransformer` works on tokens, before IPython takes
``%llm What is it?`` for a question about an object.
"""

from __future__ import annotations

import ast
import re
from tokenize import TokenInfo
from typing import ClassVar

from IPython.core.inputtransformer2 import (
    EscapedCommand,
    TransformerManager,
    leading_empty_lines,
)
from IPython.core.interactiveshell import InteractiveShell

from .pasting import plain_cell

PROMPT_LINE = re.compile(r"%%llm(?=\s|$)")
"""The first line of a prompt."""

_PROMPT_MAGICS = ("llm", "llm_compare")
_TABLE_MAGICS = ("llm_history", "llm_models", "llm_config", "llm_upgrade", "llm_status")
# An assignment shows no table: `LLMMagics.value_of` runs the magic without its output.
_TABLE_CALL = re.compile(rf"get_ipython\(\)\.run_line_magic\((?='(?:{'|'.join(_TABLE_MAGICS)})')")
_TABLE_VALUE = "get_ipython().magics_manager.registry['LLMMagics'].value_of("
_OTHER_MAGIC_OR_BLANK = re.compile(r"%%(?!llm(?:\s|$))\w+|\s*$")


class LineTransformer(EscapedCommand):
    """``%llm …`` as a statement or behind ``name =`` is a magic, also when it ends in ``?``.

    Behind ``name =`` its value is the text of the answer, or the table, which is not shown. A
    statement has no value, or the text would be shown a second time as the result of the cell.
    """

    priority = 1

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> LineTransformer | None:
        """Return a transformer for the first such line, or None."""
        for tokens in map(_without_whitespace, tokens_by_line):
            for start in _possible_starts(tokens):
                if _is_prompt(tokens[start:]) or _is_table(tokens[start:]):
                    return cls(tokens[start].start)
        return None

    def __init__(self, start: tuple[int, int]) -> None:
        super().__init__(start)  # type: ignore[no-untyped-call]
        self._magic_col = self.start_col
        # IPython runs the first transformer of a line first, and its help begins with the line: it
        # would take ``x = %llm What is it?`` for ``it?``.
        self.start_col = 0

    def transform(self, lines: list[str]) -> list[str]:
        """Put a call in the place of the magic."""
        self.start_col = self._magic_col
        transformed: list[str] = super().transform(lines)  # type: ignore[no-untyped-call]
        line = transformed[self.start_line]
        before, call = line[: self.start_col], line[self.start_col :].rstrip("\n")
        if before.strip():
            transformed[self.start_line] = before + _TABLE_CALL.sub(_TABLE_VALUE, call) + "\n"
        else:
            transformed[self.start_line] = f"{before}if {call} is None: pass\n"
        return transformed


def _without_whitespace(tokens: list[TokenInfo]) -> list[TokenInfo]:
    return [token for token in tokens if token.string.strip()]


def _possible_starts(tokens: list[TokenInfo]) -> list[int]:
    """Return the indexes where a magic may begin: the first, and that after a first ``=``."""
    strings = [token.string for token in tokens]
    return [0, strings.index("=") + 1] if "=" in strings else [0]


def _is_prompt(tokens: list[TokenInfo]) -> bool:
    """Return whether tokens begin with a line magic that takes a prompt."""
    if len(tokens) < 2 or tokens[0].string != "%" or tokens[1].string not in _PROMPT_MAGICS:
        return False
    return tokens[0].line.startswith(f"%{tokens[1].string} ", tokens[0].start[1])


def _is_table(tokens: list[TokenInfo]) -> bool:
    """Return whether tokens begin with a line magic that shows a table; ``?`` asks for its help."""
    is_magic = len(tokens) > 1 and tokens[0].string == "%" and tokens[1].string in _TABLE_MAGICS
    return is_magic and not tokens[0].line.rstrip().endswith("?")


class CellTransformer:
    """Transform cells that begin with ``%%llm``, and cells with ``%%llm`` blocks after other lines.

    IPython would reject the latter. Their parts run in order, and each line keeps its number.
    Comments directly above a block belong to no prompt.
    """

    # IPython then leaves us out when it asks whether a cell in a terminal is complete.
    has_side_effects: ClassVar[bool] = True

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the lines of a cell, transformed."""
        plain = plain_cell(lines)
        content = _without_indent(leading_empty_lines(plain))
        if not content:
            return lines
        if content[0].startswith("%%"):
            # Also below another magic, such as %%time or %%capture, which runs its body as a cell.
            stacked = next((line for line in content if not _OTHER_MAGIC_OR_BLANK.match(line)), "")
            is_prompt = PROMPT_LINE.match(stacked)
            return [_magic_call(content[0], content[1:])] if is_prompt else plain
        start = _first_block(content)
        if start is not None:
            return [*content[:start], *_blocks(content[start:])]
        return [_NOT_PYTHON] if _is_prompt_below(content) else plain


_NOT_PYTHON = (
    "raise __import__('cellmage').UsageError('the lines below %llm are not Python; did you mean "
    "%%llm? The lines below %%llm are its prompt')\n"
)
"""The code in place of a cell whose prompt is below ``%llm``; Python would raise a SyntaxError."""


def _without_indent(lines: list[str]) -> list[str]:
    """Return lines without the indentation of the first; IPython 9.0 keeps that of a comment."""
    first = lines[0] if lines else ""
    indent = first[: len(first) - len(first.lstrip(" \t"))]
    return [line.removeprefix(indent) for line in lines]


def _is_prompt_below(lines: list[str]) -> bool:
    """Return whether the prompt of ``%llm`` is meant to be on the lines below it."""
    first, below = lines[0], "".join(lines[1:])
    is_line_magic = bool(re.match(r"%llm\s", first)) and not first.rstrip().endswith("\\")
    has_block = any(map(PROMPT_LINE.match, lines))
    return is_line_magic and not has_block and not _is_complete(below)


def _first_block(lines: list[str]) -> int | None:
    """Return the index of the first ``%%llm`` line whose lines above are complete Python."""
    for index, line in enumerate(lines):
        if PROMPT_LINE.match(line) and _is_complete("".join(lines[:index])):
            return index
    return None


def _is_complete(source: str) -> bool:
    """Return whether this parses as Python once IPython's own syntax is translated."""
    manager = TransformerManager()
    manager.token_transformers.append(LineTransformer)
    try:
        ast.parse(manager.transform_cell(source))
    except (SyntaxError, ValueError):
        return False
    return True


def _blocks(lines: list[str]) -> list[str]:
    """Put a call in place of each ``%%llm`` line, and empty lines in place of its prompt."""
    starts = [index for index, line in enumerate(lines) if PROMPT_LINE.match(line)]
    result: list[str] = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        body = lines[start + 1 : end]
        is_last = end == len(lines)
        prompt = body if is_last else _without_comments(body)
        result += [_magic_call(lines[start], prompt), *["\n"] * len(body)]
    return result


def _without_comments(body: list[str]) -> list[str]:
    """Return the prompt without the comment lines directly above the next block."""
    end = len(body)
    while end and body[end - 1].startswith("#"):
        end -= 1
    while end and not body[end - 1].strip():
        end -= 1
    return body[:end]


def _magic_call(first_line: str, body: list[str]) -> str:
    name, *line = first_line.strip().removeprefix("%%").split(maxsplit=1)
    # IPython adds a line end to every cell. Where there is no body one remains: for an empty one
    # IPython raises an error of its own, which leaves no error output in the notebook.
    prompt = "".join(body).removesuffix("\n") or "\n"
    return f"get_ipython().run_cell_magic({name!r}, {''.join(line)!r}, {prompt!r})\n"


def install(shell: InteractiveShell) -> None:
    """Add both transformers, ahead of IPython's own."""
    remove(shell)
    shell.input_transformers_cleanup.insert(0, CellTransformer())
    shell.input_transformer_manager.token_transformers.insert(0, LineTransformer)


def remove(shell: InteractiveShell) -> None:
    """Remove both transformers."""
    cleanups = shell.input_transformers_cleanup
    cleanups[:] = [item for item in cleanups if not isinstance(item, CellTransformer)]
    transformers = shell.input_transformer_manager.token_transformers
    transformers[:] = [item for item in transformers if item is not LineTransformer]
