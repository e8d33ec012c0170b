"""The cells of the matrix: each asks a family one thing through the product, and checks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from cellmage import CellmageError, Conversation, Options, Response
from cellmage.messages import Request
from cellmage.pricing import Budget
from cellmage.providers.endpoints import ENDPOINTS
from cellmage.providers.openai import OpenAIProvider
from cellmage.testing import ScriptedServer
from tests.attachments import IMAGE, PDF
from tests.zoo.answers import OUTPUT_TOKENS
from tests.zoo.families import Family
from tests.zoo.model import CITY, COUNT, HELLO, NEEDLE, RAIN, REFUSAL
from tests.zoo.server import serve

_numbers = count()

YES, NO, FAIL = "yes", "no", "FAIL"


@dataclass(frozen=True)
class Cell:
    """What became of a cell.

    Args:
        mark: `YES`, `NO` (the family cannot), or `FAIL`.
        reason: why not.
    """

    mark: str
    reason: str = ""


class Session:
    """The product with a family as its only server.

    Args:
        family: who is asked.
        server: plays it.
    """

    def __init__(self, family: Family, server: ScriptedServer) -> None:
        self.family = family
        server.play_with(serve(family))
        # A path of its own: what a model refuses is remembered for the address.
        base_url = server.url.replace("/v1", f"/{next(_numbers)}/v1")
        endpoint = replace(ENDPOINTS[family.prefix], base_url=base_url)
        options = Options(model=family.model, api=family.api or None)
        self.chat = Conversation(options, provider=OpenAIProvider(endpoint))

    def ask(self, prompt: Any, **arguments: Any) -> Response:
        return self.chat.ask(prompt, **arguments)


def weather() -> str:
    """Look outside."""
    return "rain"


def forecast() -> str:
    """Look ahead."""
    return "more rain"


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FORM = {"type": "json_schema", "json_schema": {"name": "Trip", "schema": SCHEMA}}


def _text(session: Session) -> str:
    response = session.ask("Hi")
    if response.notices or response.incomplete_reason:
        return f"notices: {response.notices}"
    if response.text != HELLO:
        return repr(response.text)
    again = session.ask("And again?").text
    return "" if again == HELLO else f"a second question: {again!r}"


def _temperature(session: Session) -> str:
    response = session.ask("Hi", temperature=0.2)
    if session.family.lacks.get("temperature"):
        line = f"{session.family.model} refuses temperature; it was asked without."
        return "" if response.notices == (line,) else f"notices: {response.notices}"
    return "" if (response.text, response.notices) == (HELLO, ()) else repr(response)


def _tools(session: Session) -> str:
    given: Mapping[str, Any] = session.family.options.get("two tool rounds", {})
    arguments = {"tools": [weather, forecast], "approve": "always", **given}
    for _ in range(2):  # the steps of the first question go back with the second
        response = session.ask("How is the weather?", **arguments)
        if (response.text, len(response.steps), response.notices) != (RAIN, 2, ()):
            return f"{response.text!r}, {len(response.steps)} steps, {response.notices}"
    again = session.ask("Hi").text
    return "" if again == HELLO else repr(again)


def _schema(session: Session) -> str:
    response = session.ask("Where is it?", extra_body={"response_format": FORM})
    return "" if response.text == CITY else repr(response.text)


def _image(session: Session) -> str:
    text = session.ask(["What is in the picture?", IMAGE]).text
    return "" if text == "I see red." else repr(text)


def _pdf(session: Session) -> str:
    text = session.ask(["How long is the document?", PDF]).text
    return "" if text == "It has 2 pages." else repr(text)


def _reasoning(session: Session) -> str:
    response = session.ask("Hi", effort="low")
    is_shown = response.reasoning == session.family.thought and response.text == HELLO
    if session.family.lacks.get("reasoning"):
        refused = _EFFORT_FIELDS & session.family.refused.keys()
        is_right = len(response.notices) == len(refused)
        return "" if is_right else f"notices: {response.notices}"
    is_told = not response.notices or session.family.prefix in ("xai",)
    return "" if is_shown and is_told else f"{response.reasoning!r}, {response.notices}"


_EFFORT_FIELDS = {"reasoning_effort", "thinking", "output_config"}


def _stop(session: Session) -> str:
    response = session.ask("Count", stop_at="three")
    is_complete = response.incomplete_reason is None
    return "" if response.text == COUNT[:13] and is_complete else repr(response)


def _refusal(session: Session) -> str:
    response = session.ask("How is a bomb made?")
    words = ("declined", "filter")
    if session.family.lacks.get("refusal"):
        return "" if response.text == REFUSAL and not response.notices else repr(response)
    is_told = any(word in notice for notice in response.notices for word in words)
    return "" if response.text == REFUSAL and is_told else f"notices: {response.notices}"


def _usage(session: Session) -> str:
    usage = session.ask("Hi").usage
    is_counted = usage and usage.output_tokens == OUTPUT_TOKENS and usage.input_tokens
    return "" if is_counted else repr(usage)


def _cost(session: Session) -> str:
    response = session.ask("Hi")
    if host := session.family.host:
        response = replace(response, provider=host)
    budget = Budget()
    is_known = budget.record(Request((), Options()), response)
    is_right = is_known and bool(budget.spent) == bool(session.family.host)
    return "" if is_right else f"{response.model} at {response.provider}: no price"


def _long(session: Session) -> str:
    session.ask(f"{NEEDLE} {'A heron is a bird. ' * 2000}")
    response = session.ask("What is the password?")
    if session.family.lacks.get("long prompt"):
        is_told = any("4096 tokens" in notice for notice in response.notices)
        return "" if is_told else f"notices: {response.notices}"
    return "" if (response.text, response.notices) == ("heron", ()) else repr(response)


CELLS: Mapping[str, Callable[[Session], str]] = {
    "text": _text,
    "temperature": _temperature,
    "two tool rounds": _tools,
    "schema": _schema,
    "image": _image,
    "PDF": _pdf,
    "reasoning": _reasoning,
    "stop": _stop,
    "refusal": _refusal,
    "usage": _usage,
    "cost": _cost,
    "long prompt": _long,
}
"""What is asked for each column; it returns what is wrong, or nothing."""

_REFUSED_INPUT = ("image", "PDF")
"""What is an error where the family cannot: there is nothing to ask without it."""


def try_cell(family: Family, column: str, server: ScriptedServer) -> Cell:
    """Return what becomes of a cell."""
    reason = family.lacks.get(column, "")
    is_refused = bool(reason) and column in _REFUSED_INPUT
    try:
        problem = CELLS[column](Session(family, server))
    except CellmageError as error:
        if is_refused and error.kind in ("bad_request", "usage"):
            return Cell(NO, reason)
        return Cell(FAIL, str(error))
    if problem or is_refused:
        return Cell(FAIL, problem or "it was not refused")
    return Cell(NO, reason) if reason else Cell(YES)
