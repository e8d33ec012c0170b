"""The stages between a provider and the code that reads an answer.

An event passes the stages of `MODEL_STAGES` in order, then those of the tuple in `build`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..providers.servers import ResolvedModel
from ..tools import Tool
from .advice import advise_user
from .attachments import fit_attachments
from .base import Ask, Stage, compose
from .continuation import join_continuation
from .fallback import answer_from_first
from .finish_reasons import check_finish
from .json_answers import notify_on_lenient_json
from .phrases import notify_on_words, stop_at_phrases
from .provider_check import ask_provider
from .redact import redact_secrets
from .repair import Check, repair_answer
from .retrieval import Retriever, search_first
from .retry import retry_request
from .shorten import retry_shorter
from .silent_cuts import notify_on_cut
from .timeouts import enforce_timeouts
from .tools import Approve, approval_function, run_tools

MODEL_STAGES: tuple[Stage, ...] = (
    enforce_timeouts,
    check_finish,
    notify_on_cut,
    retry_request,
    retry_shorter,
    redact_secrets,
)
"""The stages around one model, innermost first."""

SINGLE_ATTEMPT_STAGES = tuple(stage for stage in MODEL_STAGES if stage is not retry_request)
"""The stages for a caller that asks again itself."""


def build(  # noqa: PLR0913 - keyword arguments
    models: Sequence[ResolvedModel],
    *,
    tools: Mapping[str, Tool[..., Any]] | None = None,
    approve: Approve = approval_function("ask"),  # noqa: B008 - a constant
    retriever: Retriever | None = None,
    continued_text: str = "",
    check: Check | None = None,
    model_stages: Sequence[Stage] = MODEL_STAGES,
) -> Ask:
    """Return the way to ask these models.

    Args:
        models: the models; a later one is asked if those before it fail before their first token.
        tools: the tools that a model may ask for, by name.
        approve: decides about each tool call before it runs.
        retriever: finds passages before the model is asked; None searches nothing.
        continued_text: the text of an answer that was cut, which the answer continues.
        check: returns what is wrong with an answer; the model is asked once more with it.
        model_stages: the stages around each model, innermost first.

    Example:
        >>> from cellmage import Message, Options, Request, ResponseStream
        >>> from cellmage.testing import ScriptedProvider
        >>> ask = build([ResolvedModel(ScriptedProvider(["Hel", "lo"]), "m")])
        >>> "".join(ResponseStream(Request((Message("user", "Hi"),), Options(model="m")), ask))
        'Hello'
    """
    asks = [(_ask_model(model, model_stages), model.model) for model in models]
    first = models[0]
    if len(models) == 1:
        asks = [(partial(advise_user, first.provider, asks[0][0]), first.model)]
    stages: tuple[Stage, ...] = (
        partial(run_tools, tools or {}, approve),
        partial(repair_answer, check),
        partial(search_first, retriever, first.model, first.provider.name),
        partial(join_continuation, continued_text),
        stop_at_phrases,
        notify_on_words,
        notify_on_lenient_json,
    )
    return compose(partial(answer_from_first, asks), stages)


def _ask_model(model: ResolvedModel, stages: Sequence[Stage]) -> Ask:
    ask = compose(partial(ask_provider, model.provider), stages)
    return partial(fit_attachments, model.provider.name, ask)
