"""Lines that must be errors, for both checkers."""

from __future__ import annotations

from collections.abc import Callable

from IPython.core.getipython import get_ipython

from cellmage import (
    CellmageError,
    Conversation,
    Event,
    Options,
    Request,
    Response,
    Token,
    load_ipython_extension,
    register_provider,
    show,
    tool,
)
from cellmage.testing import Reply, ScriptedProvider

chat = Conversation()


@tool
def weather(city: str, days: int = 1) -> str:
    """The weather in a city."""
    return city * days


weather(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
weather("Oslo", dayz=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
number: int = weather("Oslo")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
wrong: Callable[[int], str] = weather  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
tool(seconds="5")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
tool("weather")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]

chat.ask("Hi", temperatur=0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
chat.ask("Hi", max_tokens="10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
chat.ask("Hi", model=["a", "b"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
chat.ask([1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
chat.ask("Hi", {"temperature": 0})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
chat.ask("Hi", approve="perhaps")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
chat.ask("Hi", history="forget")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
chat.ask("Hi", tools=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
chat.ask("Hi", retriever=lambda question: [len(question)])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
Options(temperature="hot")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Options(modell="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Options("a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Options(stop_at=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
Options().temperature = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

text: str = chat.ask("Hi")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
response: Response = chat.stream("Hi")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
show("Hi")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
chat.compare("Hi", 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class NoStream:
    name = "none"


class Texts:
    name = "texts"

    async def stream(self, request: Request) -> str:
        return request.messages[-1].text


Conversation(provider=NoStream())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Conversation(provider=Texts())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
register_provider(NoStream(), "none")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
ScriptedProvider([b"bytes"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
Reply(end="never")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
load_ipython_extension(get_ipython())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def read(event: Event) -> str:
    return str(event.text)  # type: ignore[union-attr]  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportAttributeAccessIssue]


def change(token: Token) -> None:
    token.text = ""  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def wait_for_text() -> None:
    answer: Response = chat.aask("Hi")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    assert await chat.ask("Hi") == answer  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]


def explain(error: CellmageError) -> bool:
    return error.kind == "rate_limitd"  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]
