"""What the front end says of the running cell."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from ..display.select import execute_request
from .transformers import BLOCK

_MAX_ID = 512


def cell_id(shell: InteractiveShell) -> str | None:
    """The id of the cell, as an opaque key; None where the front end sends none.

    JupyterLab sends the id in the file, VS Code the URI of the cell's document, extensions that
    run cells on the server a ``cell_id``, nbclient nothing.
    """
    metadata = execute_request(shell).get("metadata") or {}
    keys = (metadata.get("cellId"), metadata.get("cell_id"))
    return next((key for key in keys if isinstance(key, str) and 0 < len(key) <= _MAX_ID), None)


def notebook_path(shell: InteractiveShell) -> Path | None:
    """The file of this notebook; None where the front end does not say.

    Jupyter's server puts it into the environment of the kernel (and the name of the session where
    there is no file), VS Code into the kernel's variables.
    """
    path = named_notebook(shell)
    return path if path is not None and path.is_file() else None


def named_notebook(shell: InteractiveShell) -> Path | None:
    """The file that the front end has named, though it may be gone."""
    named = os.environ.get("JPY_SESSION_NAME") or shell.user_ns.get("__vsc_ipynb_file__")
    is_notebook = isinstance(named, str) and named.endswith(".ipynb")
    return Path(os.path.abspath(str(named))) if is_notebook else None


def run_id(shell: InteractiveShell) -> str:
    """What tells two runs of the same cell apart."""
    return str((execute_request(shell).get("header") or {}).get("msg_id"))


def is_in_subshell(shell: InteractiveShell) -> bool:
    """Whether the cell runs beside the main shell, where the kernel's interrupt does not reach."""
    return bool((execute_request(shell).get("header") or {}).get("subshell_id"))


def owns_cell(shell: InteractiveShell) -> bool:
    """Whether the running cell is one ``%%llm`` prompt and nothing else.

    Not so for several blocks, code above one, ``%%time`` or ``run_cell``: others write there too.
    """
    code = execute_request(shell).get("content", {}).get("code", "")
    return bool(BLOCK.match(code.lstrip()))


def say(text: str) -> None:
    """Lines of plain text under the cell."""
    sys.stdout.write(f"{text}\n")
