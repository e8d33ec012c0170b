"""What the front end says of the running cell."""

from __future__ import annotations

import sys

from IPython.core.interactiveshell import InteractiveShell

from ..display.surfaces import execute_request
from .cells import BLOCK

_MAX_ID = 512


def cell_id(shell: InteractiveShell) -> str | None:
    """The id of the cell, as an opaque key; None where the front end sends none.

    JupyterLab sends the id in the file, VS Code the URI of the cell's document, nbclient nothing.
    """
    metadata = execute_request(shell).get("metadata") or {}
    key = metadata.get("cellId")
    return key if isinstance(key, str) and 0 < len(key) <= _MAX_ID else None


def run_id(shell: InteractiveShell) -> str:
    """What tells two runs of the same cell apart."""
    return str((execute_request(shell).get("header") or {}).get("msg_id"))


def owns_cell(shell: InteractiveShell) -> bool:
    """Whether the running cell is one ``%%llm`` prompt and nothing else.

    Not so for several blocks, code above one, ``%%time`` or ``run_cell``: others write there too.
    """
    code = execute_request(shell).get("content", {}).get("code", "")
    return bool(BLOCK.match(code.lstrip()))


def say(text: str) -> None:
    """Lines of plain text under the cell."""
    sys.stdout.write(f"{text}\n")
