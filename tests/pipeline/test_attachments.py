"""A model that is known to be blind is not asked to see; one that is not known is asked."""

from __future__ import annotations

import pytest

from cellmage import Conversation, Fallback, Message, Notice, Options, ProviderError, Response, Turn
from cellmage.content import Part
from cellmage.messages import Request
from cellmage.pipeline import build
from cellmage.providers.scripted import ScriptedProvider
from cellmage.providers.servers import ResolvedModel
from cellmage.stream.response_stream import ResponseStream
from tests.attachments import ADDRESS, IMAGE, PDF

BLIND, SEEING, UNKNOWN = "deepseek-v4-pro", "gpt-6-luna", "my-own-model"


def open_chat(model: str, *turns: Turn) -> tuple[Conversation, ScriptedProvider]:
    provider = ScriptedProvider(["A cat."])
    return Conversation(Options(model=model), provider, turns), provider


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (IMAGE, "deepseek-v4-pro does not see images; choose another `model`, or leave the image"),
        (ADDRESS, "does not see images"),
        (PDF, "deepseek-v4-pro does not read PDF files; choose another `model`, or leave the file"),
    ],
)
def test_a_question_with_an_image_is_not_sent_to_a_blind_model(part: Part, message: str) -> None:
    chat, provider = open_chat(BLIND)
    with pytest.raises(ProviderError, match=message) as raised:
        chat.ask(["What is this?", part])
    assert raised.value.kind == "bad_request"
    assert "nothing was sent" in str(raised.value)
    assert provider.requests == []
    assert chat.turns == ()


@pytest.mark.parametrize("model", [SEEING, UNKNOWN])
def test_others_are_asked(model: str) -> None:
    chat, provider = open_chat(model)
    response = chat.ask(["What is this?", IMAGE, PDF])
    assert provider.requests[0].messages[0].content == ("What is this?", IMAGE, PDF)
    assert response.notices == ()


def test_a_conversation_moves_to_a_blind_model() -> None:
    """The turns keep their images: a model that sees gets them again."""
    turn = Turn.of(Message("user", ("What is this?", IMAGE)), Response("A cat."))
    chat, provider = open_chat(BLIND, turn)
    response = chat.ask("And its colour?")
    first = provider.requests[0].messages[0]
    assert first.content == "What is this?\n(image: PNG, 2 x 1, 70 bytes)"
    assert response.notices == (
        "deepseek-v4-pro does not see images: those of earlier turns are not sent",
    )
    chat.ask("And its size?", model=SEEING)
    assert provider.requests[1].messages[0].content == ("What is this?", IMAGE)
    assert chat.turns[0].parts == ("What is this?", IMAGE)


def test_a_fallback_that_sees_is_asked() -> None:
    providers = ScriptedProvider(["never"]), ScriptedProvider(["A cat."])
    models = [ResolvedModel(providers[0], BLIND), ResolvedModel(providers[1], SEEING)]
    request = Request((Message("user", (IMAGE,)),), Options(model=f"{BLIND},{SEEING}"))
    events = list(ResponseStream(request, build(models)).events)
    assert [event.type for event in events] == ["start", "fallback", "notice", "token", "complete"]
    assert isinstance(events[1], Fallback)
    assert isinstance(events[2], Notice)
    assert "does not see images" in events[2].text
    assert providers[0].requests == []
