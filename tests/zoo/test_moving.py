"""Any conversation, moved between families at any turn, is accepted by the strict server of each.

A turn has steps with tools, and ends with a text, a refusal, nothing, a cut or a failure; or the
user leaves it. What its family demands back is on it, as its real decoder has read it.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cellmage import Conversation, Options, ProviderError
from cellmage.content import Part
from cellmage.events import ToolResult
from cellmage.pipeline.attachments import fit_attachments
from cellmage.pipeline.base import compose
from cellmage.pipeline.provider_check import ask_provider
from cellmage.testing import speed_up_retries
from tests.attachments import ADDRESS, IMAGE, PDF
from tests.repetitions import repeat
from tests.zoo.answers import Answer
from tests.zoo.families import FAMILIES, Family
from tests.zoo.played import PlayedProvider


@dataclass(frozen=True)
class Script:
    """A turn.

    Args:
        family: who is asked.
        prompt: the question.
        answers: those to its requests.
        size: the part of the last one that arrives.
        is_left: True if the user leaves when the first tool has run.
    """

    family: Family
    prompt: list[Part]
    answers: list[Answer | None]
    size: float
    is_left: bool


TEXTS = st.sampled_from(["Hello.", " ", "\n\nSo:", "It is <b>here</b>.", "Ünïcode 🎉"])
IDS = st.sampled_from(["", "call_0", "call_0", "a", "toolu_01", "chatcmpl-tool-0123456789abcdef"])
CALLS = st.lists(
    st.tuples(st.sampled_from(["weather", "forecast"]), IDS), min_size=1, max_size=2, unique=True
).map(tuple)
STEPS = st.builds(Answer, st.just("") | TEXTS, CALLS)
ENDINGS = st.one_of(
    TEXTS.map(Answer),
    TEXTS.map(lambda text: Answer(text, is_refusal=True)),
    st.just(Answer("")),
    st.none(),
)
QUESTIONS = st.one_of(
    TEXTS.filter(str.strip).map(lambda text: [text]),
    st.lists(st.sampled_from([IMAGE, ADDRESS, PDF]), min_size=1, max_size=2).map(
        lambda parts: ["What is this?", *parts]
    ),
)
SCRIPTS = st.builds(
    lambda family, prompt, steps, ending, size, is_left: Script(
        family, prompt, [*steps, ending], size, is_left
    ),
    st.sampled_from([family for family in FAMILIES if family.state]) | st.sampled_from(FAMILIES),
    QUESTIONS,
    st.lists(STEPS, max_size=2),
    ENDINGS,
    st.just(1.0) | st.floats(0, 1),
    st.booleans(),
)


def weather() -> str:
    """Look outside."""
    return "rain"


def forecast() -> str:
    """Look ahead."""
    return ""


def ask(chat: Conversation, script: Script) -> list[str]:
    """Ask one question, and return the faults of its requests."""
    provider = PlayedProvider(script.family, script.answers, script.size)
    chat.provider = provider
    options: dict[str, Any] = dict(script.family.options.get("two tool rounds", {}))
    with suppress(ProviderError):
        stream = chat.stream(
            script.prompt,
            tools=[weather, forecast],
            approve="always",
            model=script.family.model,
            **options,
        )
        for event in stream.events:
            if script.is_left and isinstance(event, ToolResult):
                break
        stream.close()
    return provider.faults


async def refusals(chat: Conversation) -> dict[str, list[str]]:
    """Return the faults that each family finds in the next question; nothing is sent."""
    found: dict[str, list[str]] = {}
    for family in FAMILIES:
        provider = PlayedProvider(family, [Answer("Hello.")])
        request = chat.request("And now?", model=family.model)
        ask = compose(partial(ask_provider, provider), [partial(fit_attachments, provider.name)])
        async with aclosing(ask(request)) as events:
            _ = [event async for event in events]
        found |= {family.title: provider.faults} if provider.faults else {}
    return found


@repeat(40)
@given(st.lists(SCRIPTS, min_size=1, max_size=4))
def test_any_conversation_is_accepted_by_each_family(scripts: list[Script]) -> None:
    chat = Conversation(Options(system="Be brief."))
    with speed_up_retries():
        for script in scripts:
            assert ask(chat, script) == [], script.family.title
    assert asyncio.run(refusals(chat)) == {}
