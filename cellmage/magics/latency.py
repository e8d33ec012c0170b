"""``%llm_compare --latency``: ask each model streamed and not, and print when answers were seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from IPython.core.interactiveshell import InteractiveShell

from ..conversation.conversation import Conversation
from ..display.select import choose_display
from ..options import Options
from ..providers.registry import resolve_models
from ..rendering import AnswerRenderer, RenderOptions
from ..stream.response_stream import ResponseStream
from .frontend import print_line
from .listings import latency_mode, list_latencies, show
from .option_spelling import spell
from .settings import Settings, default_options


def compare_latency(
    shell: InteractiveShell,
    settings: Settings,
    chat: Conversation,
    models: Sequence[str | None],
    text: str,
) -> Iterator[ResponseStream]:
    """Ask each model twice, streamed and not, and yield each answer; print when each was seen.

    Args:
        shell: where the cell runs.
        settings: the values for all that is left open.
        chat: asks; its turns are not sent.
        models: their names; None is the configured one.
        text: the prompt.
    """
    options = RenderOptions(image_hosts=settings.image_hosts, spell_option=spell)
    responses = []
    for model in models:
        for is_streamed in (True, False):
            call = Options(model=model, stream=is_streamed)
            call = Options.resolve(call, default_options(settings))
            stream = chat.stream(text, call, history="ignore")
            display = choose_display(shell, answer_id=stream.id)
            print_line(f"{resolve_models(call)[0].model}, {latency_mode(is_streamed)}:")
            AnswerRenderer(stream, display, options=options).render()
            yield stream
            responses.append((stream.response, is_streamed))
    show(list_latencies(responses))
