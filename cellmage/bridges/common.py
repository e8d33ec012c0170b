"""What all bridges do: translate errors, ask for JSON, and tell what a model cannot take."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..errors import CellmageError, ConfigError, ProviderError, UsageError
from ..events import Notice
from ..messages import Message, Request
from ..options import Options
from ..providers.error_translation import translate
from ..text import excerpt
from ..tool_requests import parse_arguments

_PARAMETERS = ("temperature", "max_tokens", "effort", "api")
"""The options that a model of another package may not have."""


@contextmanager
def translate_errors(bridge: str, model: str, config_errors: Collection[str]) -> Iterator[None]:
    """Raise our error for one of the package, of a plugin, or of their HTTP libraries.

    Args:
        bridge: the name of the package.
        model: the name of the model.
        config_errors: the names of the classes that mean a wrong name or a missing key.

    Raises:
        CellmageError: the block raised an error.
    """
    failure: CellmageError | None = None
    try:
        yield
    except CellmageError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - any plugin may answer; raised as our error
        failure = _translate(error, bridge, model, config_errors)
    # Outside of the handler: an ExceptionGroup in the context defeats IPython's one-line hook.
    if failure is not None:
        raise failure


def _translate(
    error: BaseException, bridge: str, model: str, config_errors: Collection[str]
) -> CellmageError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    cause: BaseException | None = error
    while cause is not None:
        if ours := translate(cause, host=bridge, model=model):
            return ours
        cause = cause.__cause__
    name = type(error).__name__
    message = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    if {cls.__name__ for cls in type(error).__mro__}.isdisjoint(config_errors):
        return ProviderError(f"{bridge}/{excerpt(model)} failed: {name}: {message}", model=model)
    return ConfigError(f"{bridge}/{excerpt(model)}: {message}", model=model)


def function_tools(request: Request, name: str) -> list[Mapping[str, Any]]:
    """Return the schemas of the user's functions.

    Raises:
        UsageError: a tool is one that a provider runs itself.
    """
    for schema in request.tools:
        if "parameters" not in schema:
            raise UsageError(f"{name} does not take the tool {schema.get('name')}")
    return list(request.tools)


def call_arguments(arguments: str) -> dict[str, Any]:
    """Return the arguments of an earlier call as an object; what was malformed as its text."""
    try:
        return parse_arguments(arguments)
    except ValueError:
        return {"arguments": arguments}


def encode_arguments(arguments: Any) -> str:
    """Return the arguments of a call as the text that our events have."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {})


def state_of(message: Message, api: str) -> Any:
    """Return what this bridge keeps with a message; None if there is nothing."""
    items = [state.item for state in message.state if state.api == api]
    return json.loads(items[-1]) if items else None


def left_out(options: Options, taken: Collection[str], name: str) -> list[Notice]:
    """Return a line for each option that somebody set and the model does not take."""
    silent = {*taken, *(options.droppable or ())}
    names = [
        parameter
        for parameter in _PARAMETERS
        if getattr(options, parameter) is not None and parameter not in silent
    ]
    return [
        Notice("refused_parameter", f"{name} takes no {parameter}; it was asked without.")
        for parameter in names
    ]
