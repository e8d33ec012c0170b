"""Show answers: from the events of a stream to the last frame."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection

from ..arguments import TEXTS, check, instance_of
from ..display.select import choose_display
from ..stream.comparison import Comparison
from ..stream.response_stream import ResponseStream
from .answer import AnswerRenderer, render_turn
from .comparison import ComparisonRenderer
from .options import RenderOptions, keep_option

__all__ = ["AnswerRenderer", "ComparisonRenderer", "RenderOptions", "render_turn", "show"]


_ANSWER = instance_of(
    (ResponseStream, Comparison), "a stream or a comparison, as chat.stream(…) returns"
)


def show(
    answer: ResponseStream | Comparison,
    *,
    image_hosts: Collection[str] = (),
    spell_option: Callable[[str, str], str] = keep_option,
) -> None:
    """Show an answer while it arrives: in a notebook, in a terminal, or in a pipe as plain text.

    Afterwards the stream's ``response`` is the complete answer. The answers of a comparison are
    shown side by side, and their figures below.

    Args:
        answer: the answer, or several; they are read to their ends here.
        image_hosts: hosts whose images the page may load.
        spell_option: spells the option that a notice names: see `RenderOptions`.

    Raises:
        UsageError: it is not an answer, or a host is not a text.
        CellmageError: the answer failed; the text that arrived is shown, and is the error's
            ``text``.
        KeyboardInterrupt: the user stopped it.

    Example:
        >>> from cellmage import Conversation
        >>> stream = Conversation().stream("Hello", model="offline/echo")
        >>> show(stream)
        Hello
        >>> stream.response.finish_reason
        'stop'
    """
    check("answer", answer, _ANSWER)
    image_hosts = check("image_hosts", image_hosts, TEXTS)
    # A program that has not imported IPython runs in no shell.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    options = RenderOptions(image_hosts, spell_option=spell_option)
    if isinstance(answer, Comparison):
        display = choose_display(shell, answer_id=answer.selected.id)
        ComparisonRenderer(answer, display, options).render()
    else:
        display = choose_display(shell, answer_id=answer.id)
        AnswerRenderer(answer, display, options=options).render()
