"""Advise the user after a failure: a model that the server has, its likely address, the proxy."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from difflib import get_close_matches
from urllib.parse import urlsplit

from ..errors import CellmageError
from ..model_table import retirement_line
from ..text import truncate
from .endpoints import ENDPOINTS
from .proxies import find_proxy

LIST_SECONDS = 2.0
"""The time that the list of models may take: the user waits for the error meanwhile."""

_WRONG_ADDRESS = ("not_found", "redirect", "not_a_stream", "empty_response")
"""The kinds of errors with which servers answer at a path that they do not have."""

_NATIVE_PATH = re.compile(
    r"/(?:api(?:/(?:chat|generate|tags))?|docs|redoc|swagger|ui|webui|health|models|playground)$"
)
_VERSIONED_PATH = re.compile(r".*?/v\d\w*", re.IGNORECASE)
_MAKERS = (
    *("api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com"),
    "api.deepseek.com",
)
"""The servers of those who make and end the models of the table."""

_MAX_NAMES = 3
_MAX_NAME_CHARS = 100
_MAX_COMPARED = 2000


async def advise(
    error: CellmageError, base_url: str, list_models: Callable[[], Awaitable[Sequence[str]]]
) -> None:
    """Add to an error what to type instead: a model of the server, or its likely address.

    Args:
        error: the failure; its message is extended.
        base_url: the base URL that was asked.
        list_models: returns the names of the server's models.
    """
    advice: list[str] = []
    if error.kind == "connect":
        advice = [_name_proxy(base_url)]
    elif error.kind in _WRONG_ADDRESS and not error.text:
        names = await _try_list(list_models) if error.kind == "not_found" else []
        model = error.model or ""
        if error.kind == "not_found" and (line := retirement_line(model)):
            advice = [line]
        elif names:
            advice = [suggest_names(model, names), _advise_key(model, base_url)]
        else:
            advice = [_advise_base_url(base_url)]
    for sentence in filter(None, advice):
        error.args = (_append(str(error), sentence),)


_advised_models: set[str] = set()


def end_of_model(host: str, model: str) -> list[str]:
    """Return a line about the end of a model that its own provider still has; once for each model.

    Args:
        host: the server; another one may call any model by this name.
        model: the name of the model.

    Example:
        >>> end_of_model("localhost:8000", "gpt-4o-mini")
        []
        >>> end_of_model("api.openai.com", "gpt-4.1")
        ['gpt-4.1: its provider ends it on 2027-01-14; its successor is gpt-6-luna']
        >>> end_of_model("api.openai.com", "gpt-4.1")
        []
    """
    if host not in _MAKERS or model in _advised_models:
        return []
    _advised_models.add(model)
    return [line] if (line := retirement_line(model)) else []


def _append(message: str, sentence: str) -> str:
    if message.endswith("?"):
        return f"{message} {sentence[0].upper()}{sentence[1:]}"
    return f"{message.rstrip(' .;')}; {sentence}"


def _name_proxy(base_url: str) -> str:
    """Return that a proxy was asked, which then may be what does not answer."""
    proxy = find_proxy(base_url)
    host = urlsplit(base_url).netloc
    advice = f"set NO_PROXY={host} to connect directly"
    return f"it was asked through the proxy of {proxy.source}: {advice}" if proxy else ""


def _advise_base_url(base_url: str) -> str:
    """Return the likely address of a server, if another one was asked."""
    url = urlsplit(base_url)
    root = f"{url.scheme}://{url.netloc}"
    remote = (endpoint.base_url for endpoint in ENDPOINTS.values())
    likely = next((address for address in remote if address.startswith(f"{root}/")), None)
    if likely is None and (version := _VERSIONED_PATH.match(url.path)):
        likely = root + version[0].lower()  # more was pasted behind it, or it is in capitals
    elif likely is None:
        # The native interfaces of Ollama and LM Studio are at /api; their other one is at /v1.
        likely = f"{root}{_NATIVE_PATH.sub('', url.path)}/v1"
    return f"try the base URL {likely}" if likely not in (None, base_url) else ""


async def _try_list(list_models: Callable[[], Awaitable[Sequence[str]]]) -> Sequence[str]:
    """Return the names of the models; none if the server does not list them in time."""
    try:
        async with asyncio.timeout(LIST_SECONDS):
            return await list_models()
    except (CellmageError, TimeoutError):
        return []


def suggest_names(model: str, names: Sequence[str]) -> str:
    """Return a sentence with the nearest names, or with some; empty if the model is among them.

    Args:
        model: the name that the server does not know.
        names: the names of its models.

    Example:
        >>> suggest_names("llama3.2", ["qwen3:8b", "llama3.2:latest"])
        'did you mean llama3.2:latest?'
        >>> suggest_names("gpt-6-luna", ["qwen3:8b"])
        'the server has qwen3:8b'
    """
    if model in names:
        return ""
    printable = [truncate(name, _MAX_NAME_CHARS) for name in names if name.isprintable()]
    if nearest := _nearest_names(model[:_MAX_NAME_CHARS], printable[:_MAX_COMPARED]):
        return f"did you mean {' or '.join(nearest)}?"
    others = len(printable) - _MAX_NAMES
    excess = f" and {others} more" if others > 0 else ""
    return f"the server has {', '.join(printable[:_MAX_NAMES])}{excess}" if printable else ""


def _nearest_names(model: str, names: Sequence[str]) -> list[str]:
    """Return the names that are spelled nearly the same, with or without owner and tag."""
    nearest: list[str] = []
    for key in (str.lower, _short_name):
        by_key = {key(name): name for name in reversed(names)}
        nearest += [by_key[match] for match in get_close_matches(key(model), by_key, _MAX_NAMES)]
    return list(dict.fromkeys(nearest))[:_MAX_NAMES]


def _short_name(name: str) -> str:
    return name.lower().rpartition("/")[2].partition(":")[0]


def _advise_key(model: str, base_url: str) -> str:
    """Return which key asks the provider that the name begins with, if another server was asked."""
    endpoint = ENDPOINTS.get(model.partition("/")[0])
    is_other = endpoint is not None and not base_url.startswith(endpoint.base_url)
    if endpoint is None or endpoint.api_key_variable is None or not is_other:
        return ""
    return f"set {endpoint.api_key_variable} to ask {model.partition('/')[0]} itself"
