"""Functions that a model may call: each keeps its signature."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import assert_type

from cellmage import Approval, Conversation, Tool, ToolCall, ToolStep, tool

chat = Conversation()


@tool
def weather(city: str, days: int = 1) -> list[float]:
    """The weather in a city."""
    return [float(len(city))] * days


@tool(name="find-user", seconds=5)
def find(user: str) -> dict[str, int]:
    """Find a user."""
    return {user: 1}


@tool()
async def fetch(url: str) -> bytes:
    """Fetch a page."""
    return url.encode()


@tool
def note(text: str) -> None:
    """Keep a text."""


def plain(number: int) -> int:
    """A function that is not decorated."""
    return number


assert_type(weather("Oslo", days=3), list[float])
assert_type(find(user="ada"), dict[str, int])
assert_type(weather.name, str)
assert_type(weather.seconds, float)
assert_type(weather.is_async, bool)
assert_type(weather.bind('{"city": "Oslo"}')(), list[float])
assert_type(Tool(plain, "plain", seconds=1)(2), int)
assert_type(tool(plain, name="other")(2), int)
assert_type(tool(partial(plain, number=1))(), int)

# Each stays usable where a function of this signature is wanted.
convert: Callable[[str], dict[str, int]] = find


def approve(call: ToolCall) -> bool:
    return call.name == "weather" and '"Oslo"' in call.arguments


async def approve_later(call: ToolCall) -> bool:
    return approve(call)


async def call() -> None:
    assert_type(await fetch("https://example.org"), bytes)


def ask(approval: Approval = "ask") -> None:
    response = chat.ask("Hi", tools=[weather, find, fetch, note, plain, len], approve=approval)
    assert_type(response.steps, tuple[ToolStep, ...])
    chat.stream("Hi", tools=(plain,), approve=approve)
    chat.stream("Hi", tools={plain}, approve=approve_later)
    chat.astream("Hi", tools=[weather], approve="always")
    chat.compare("Hi", ["a", "b"], tools=[weather], approve="never")
