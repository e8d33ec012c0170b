"""Where the answer of a prompt is shown, and how."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from ..display.base import Display
from ..display.select import choose_display
from ..once import Once
from ..rendering import AnswerRenderer, ComparisonRenderer, RenderOptions
from ..stream.comparison import Comparison
from .option_spelling import spell
from .prepared_prompt import PreparedPrompt
from .settings import Settings


def display_of(prompt: PreparedPrompt, shell: InteractiveShell, settings: Settings) -> Display:
    """Return where the answer of a prompt is shown.

    Args:
        prompt: the prompt.
        shell: where the cells run.
        settings: the values for what the flags leave open.
    """
    if prompt.surface:
        return prompt.surface.make_display(prompt.selected.id)
    return choose_display(
        shell,
        answer_id=prompt.selected.id,
        # A cell that has ended is not cleared, and other cells write meanwhile.
        owns_cell=prompt.front_end.owns_cell and prompt.approval is None,
        joins_parts=settings.collapse,
    )


def render_prompt(
    prompt: PreparedPrompt, display: Display, settings: Settings, notices: Once
) -> None:
    """Read the answer of a prompt to its end, and show it.

    Args:
        prompt: the prompt.
        display: where the answer is shown.
        settings: the values for what the flags leave open.
        notices: the lines that the user has seen.
    """
    args = prompt.args
    options = RenderOptions(
        image_hosts=settings.image_hosts,
        stats=settings.stats if args.stats is None else args.stats,
        make_parser=prompt.schema.partial_parser if prompt.schema else None,
        spell_option=spell,
    )
    if len(prompt.streams) > 1:
        index = list(prompt.streams).index(prompt.selected)
        ComparisonRenderer(Comparison(prompt.streams, index), display, options).render()
    else:
        AnswerRenderer(prompt.selected, display, notices, options).render()
