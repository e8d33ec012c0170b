"""The one way to print plain text: nothing in it controls the terminal.

What rich renders goes through `cellmage.display.rich_console`.
"""

from __future__ import annotations

import sys
from typing import TextIO

from .text import join_surrogates, strip_control_chars


def write_text(text: str, output: TextIO | None = None) -> None:
    """Write text without what controls a terminal.

    Args:
        text: any text, also with lone surrogates, which no encoding has.
        output: where to write; None is the standard output.

    Example:
        >>> write_text("a\\x1b[2Jb")
        a[2Jb
    """
    stream = sys.stdout if output is None else output
    stream.write(join_surrogates(strip_control_chars(text)))


def write_progress(text: str, output: TextIO | None = None) -> None:
    """Write text over the current line of an output; an empty text begins it again.

    Args:
        text: the text.
        output: where to write; None is the standard output.
    """
    stream = sys.stdout if output is None else output
    stream.write("\r")
    write_text(text, stream)
    stream.flush()
