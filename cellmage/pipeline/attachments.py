"""Images and files go only to models that may read them: see `cellmage.model_table`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import NamedTuple

from ..content import (
    Attachment,
    File,
    Image,
    Part,
    attachments_of,
    describe_attachment,
    to_content,
)
from ..errors import ProviderError
from ..events import Event, Start
from ..messages import Request
from ..model_table import reads_pdf, sees_images
from .base import Ask


class _Ability(NamedTuple):
    """An ability that a model needs: None where it is not known."""

    is_known: Callable[[str], bool | None]
    lack: str
    thing: str


_ABILITIES: Mapping[type[Attachment], _Ability] = {
    Image: _Ability(sees_images, "does not see images", "the image"),
    File: _Ability(reads_pdf, "does not read PDF files", "the file"),
}


async def fit_attachments(provider: str, ask: Ask, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events of an answer; a model that is known to be blind is not asked to see.

    In the turns before the question a line replaces what the model cannot read, and a notice says
    so: a conversation can move to such a model. A model that is not known is asked.

    Args:
        provider: the name of the provider, for the `Start`.
        ask, request: as in every stage.

    Raises:
        ProviderError: the model cannot read a part of the question; nothing was sent.
    """
    if any(attachments_of(message.content) for message in request.messages):
        if error := _unreadable(request):
            yield Start(request.options.model or "", provider)
            raise error
        request = _without_unreadable(request)
    async with aclosing(ask(request)) as events:
        async for event in events:
            yield event


def _lack(model: str, part: Attachment) -> _Ability | None:
    """Return the ability that a model lacks for an image or a file."""
    ability = _ABILITIES[type(part)]
    return ability if ability.is_known(model) is False else None


def _unreadable(request: Request) -> ProviderError | None:
    """Return the error of a question that the model cannot read."""
    model = request.options.model or ""
    questions = [message for message in request.messages if message.role == "user"]
    for part in attachments_of(questions[-1].content) if questions else ():
        if ability := _lack(model, part):
            return ProviderError(
                f"{model} {ability.lack}; choose another `model`, or leave {ability.thing} out; "
                "nothing was sent",
                kind="bad_request",
                model=model,
                option="model",
            )
    return None


def _without_unreadable(request: Request) -> Request:
    """Return the request with a line in the place of each part that the model cannot read."""
    model = request.options.model or ""
    lacks: dict[str, None] = {}

    def fit(part: Part) -> Part:
        if isinstance(part, str) or not (ability := _lack(model, part)):
            return part
        lacks[ability.lack] = None
        return describe_attachment(part)

    messages = tuple(
        message
        if isinstance(message.content, str)
        else replace(message, content=to_content(list(map(fit, message.content))))
        for message in request.messages
    )
    notices = [f"{model} {lack}: those of earlier turns are not sent" for lack in lacks]
    return replace(request, messages=messages, notices=(*request.notices, *notices))
