"""Cells as people paste them: what IPython would strip or reject is made to run.

Two transformers. `CellTransformer` works on a whole cell, before IPython's own clean-up strips
``>>>`` and ``In [1]:`` from a prompt. `LineTransformer` works on tokens, before IPython takes
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
    leading_indent,
)
from IPython.core.interactiveshell import InteractiveShell

BLOCK = re.compile(r"%%llm(?=\s|$)")
_ASKING = ("llm", "llm_compare")
_OTHER = re.compile(r"%%(?!llm(?:\s|$))\w+|\s*$")


class LineTransformer(EscapedCommand):
    """``%llm …`` at the start of a statement is a magic, also when it ends in ``?``."""

    priority = 1

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> LineTransformer | None:
        """The first such line."""
        found = [line for line in map(_content, tokens_by_line) if _is_llm(line)]
        return cls(found[0][0].start) if found else None


def _content(line: list[TokenInfo]) -> list[TokenInfo]:
    """The tokens behind the indentation."""
    return [token for token in line if token.string.strip()]


def _is_llm(line: list[TokenInfo]) -> bool:
    if len(line) < 2 or line[0].string != "%" or line[1].string not in _ASKING:
        return False
    return line[0].line.startswith(f"%{line[1].string} ", line[0].start[1])


class CellTransformer:
    """Takes cells that begin with ``%%llm``, and cells with ``%%llm`` blocks below other lines.

    The latter are those that IPython would reject. Their parts run in order, and each line keeps
    its number. Comments directly above a block belong to nobody's prompt.
    """

    # IPython then leaves us out when it asks whether a cell in a terminal is complete.
    has_side_effects: ClassVar[bool] = True

    def __call__(self, lines: list[str]) -> list[str]:
        """The lines of a cell, transformed."""
        shown = leading_indent(leading_empty_lines(lines))
        if not shown:
            return lines
        if shown[0].startswith("%%"):
            # Also below another magic, such as %%time or %%capture, which runs its body as a cell.
            stacked = next((line for line in shown if not _OTHER.match(line)), "")
            return [_call(shown[0], shown[1:])] if BLOCK.match(stacked) else lines
        first = _first_block(shown)
        return lines if first is None else [*shown[:first], *_blocks(shown[first:])]


def _first_block(lines: list[str]) -> int | None:
    """Where the first block begins: a line above which everything is complete Python."""
    for number, line in enumerate(lines):
        if BLOCK.match(line) and _is_complete("".join(lines[:number])):
            return number
    return None


def _is_complete(source: str) -> bool:
    """Whether this is Python that has come to its end, once IPython's own syntax is translated."""
    manager = TransformerManager()
    manager.token_transformers.append(LineTransformer)
    try:
        ast.parse(manager.transform_cell(source))
    except (SyntaxError, ValueError):
        return False
    return True


def _blocks(lines: list[str]) -> list[str]:
    """A call in place of each ``%%llm`` line, and empty lines in place of its prompt."""
    starts = [number for number, line in enumerate(lines) if BLOCK.match(line)]
    result: list[str] = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        body = lines[start + 1 : end]
        is_last = end == len(lines)
        prompt = body if is_last else _without_comments(body)
        result += [_call(lines[start], prompt), *["\n"] * len(body)]
    return result


def _without_comments(body: list[str]) -> list[str]:
    """The prompt without the comment lines that stand above the next block."""
    end = len(body)
    while end and body[end - 1].startswith("#"):
        end -= 1
    while end and not body[end - 1].strip():
        end -= 1
    return body[:end]


def _call(first: str, body: list[str]) -> str:
    name, _, line = first.strip().removeprefix("%%").partition(" ")
    # IPython adds a line end to every cell. Where there is no body one is kept: for an empty one
    # IPython raises an error of its own, which leaves no error output in the notebook.
    prompt = "".join(body).removesuffix("\n") or "\n"
    return f"get_ipython().run_cell_magic({name!r}, {line.strip()!r}, {prompt!r})\n"


def install(shell: InteractiveShell) -> None:
    """Add both transformers, ahead of IPython's own."""
    remove(shell)
    shell.input_transformers_cleanup.insert(0, CellTransformer())
    shell.input_transformer_manager.token_transformers.insert(0, LineTransformer)


def remove(shell: InteractiveShell) -> None:
    """Take both away."""
    shell.input_transformers_cleanup[:] = [
        each for each in shell.input_transformers_cleanup if not isinstance(each, CellTransformer)
    ]
    tokens = shell.input_transformer_manager.token_transformers
    tokens[:] = [each for each in tokens if each is not LineTransformer]
