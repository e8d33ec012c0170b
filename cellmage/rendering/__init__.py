"""Answers on their page: from the events of a stream to the last frame."""

from __future__ import annotations

import sys
from collections.abc import Collection

from ..display.select import surface_for
from ..stream.comparison import Comparison
from ..stream.response_stream import ResponseStream
from .answer import Look, Showing, repaint
from .comparison import ShowingAll

__all__ = ["Look", "Showing", "ShowingAll", "repaint", "show"]


def show(answer: ResponseStream | Comparison, *, image_hosts: Collection[str] = ()) -> None:
    """Show an answer while it arrives: in a notebook, in a terminal, or in a pipe as plain text.

    The whole answer is the stream's ``response`` afterwards. Of a comparison, all answers are shown
    side by side, and their figures below.

    Args:
        answer: the answer, or several; they are read to their ends here.
        image_hosts: hosts whose images the page may load.

    Raises:
        CellmageError: the answer failed; what had arrived is shown, and is the error's ``text``.
        KeyboardInterrupt: the reader stopped it.

    Example:
        >>> from cellmage import Conversation
        >>> stream = Conversation().stream("Hello", model="offline/echo")
        >>> show(stream)
        Hello
        >>> stream.response.finish_reason
        'stop'
    """
    # A program that has not imported IPython runs in no shell.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if isinstance(answer, Comparison):
        surface = surface_for(shell, answer_id=answer.selected.id)
        ShowingAll(answer, surface, image_hosts).run()
    else:
        surface = surface_for(shell, answer_id=answer.id)
        Showing(answer, surface, set(), Look(image_hosts)).run()
