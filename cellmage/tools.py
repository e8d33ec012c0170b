"""Tools: functions that a model may call, how they are described to it, and how it calls them."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from .arguments import FUNCTION, NAME, check, list_of, number
from .errors import UsageError
from .text import excerpt
from .tool_requests import parse_arguments

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

TIMEOUT_SECONDS = 60.0
"""The time that a call may take, where the tool sets none."""

# Servers accept such names. OpenAI's reference: letters, digits, _ and -, at most 64.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")


_SECONDS = number("a number above 0", lambda value: value > 0)


class Tool(Generic[P, R_co]):
    """A function that a model may call. It can still be called as the function.

    Args:
        function: its signature describes the arguments, its docstring the purpose. A coroutine
            function runs on the event loop that reads the answer.
        name: the name for the model; without it the name of the function.
        seconds: the time that a call may take.

    Attributes:
        function: as the argument.
        name: the name for the model.
        seconds: as the argument.
        schema: name, description and parameters, as the model receives them: see `describe`.

    Raises:
        UsageError: the function cannot be described, or the time is not a number above 0.

    Example:
        >>> def weather(city: str, days: int = 1) -> str:
        ...     '''The weather in a city.'''
        ...     return f"rain in {city}"
        >>> weather_tool = Tool(weather)
        >>> weather_tool.schema["description"], weather_tool.schema["parameters"]["required"]
        ('The weather in a city.', ['city'])
        >>> weather_tool.bind('{"city": "Oslo"}')()
        'rain in Oslo'
    """

    def __init__(
        self, function: Callable[P, R_co], name: str = "", seconds: float = TIMEOUT_SECONDS
    ) -> None:
        from pydantic import validate_call  # noqa: PLC0415 - takes 60 ms

        check("function", function, FUNCTION)
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.name = check("name", name, NAME) or _name_of(function)
        self.seconds = check("seconds", seconds, _SECONDS)
        with _refusing(function, self.name):
            # Else the text "1e400" would run as infinity, which the user has not been shown.
            self._validated = validate_call(config={"allow_inf_nan": False})(function)
        self.schema: Mapping[str, Any] = describe(function, self.name)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"Tool({self.name})"

    @property
    def is_async(self) -> bool:
        """True if a call runs on the event loop."""
        is_generator = inspect.isasyncgenfunction(self.function)
        return is_generator or inspect.iscoroutinefunction(self.function)

    def bind(self, arguments: str) -> Callable[[], R_co]:
        """Return the call with these arguments, which has not been made yet.

        Args:
            arguments: a JSON object as the model wrote it: see `parse_arguments`.

        Raises:
            ValueError: the arguments are no such object, or have a name that the model may not set.
        """
        values = parse_arguments(arguments)
        for name in values:
            if not self._may_set(name):
                names = ", ".join(self.schema["parameters"]["properties"]) or "none"
                raise ValueError(
                    f"there is no argument {excerpt(name)!r}; the arguments are: {names}"
                )
        return functools.partial(self._validated, **values)

    def _may_set(self, name: str) -> bool:
        """Return whether the model may give an argument; not one that a partial has bound."""
        parameters = self.schema["parameters"]
        if name in parameters["properties"]:
            return True
        is_open = parameters.get("additionalProperties") is not False
        return is_open and name.isidentifier() and name not in _own_names(self.function)


class ProviderTool(Tool[[], str]):
    """A tool that the provider runs itself, while it answers.

    Args:
        name: what it is, for `cellmage.providers.provider_tools`.
    """

    def __init__(self, name: str) -> None:
        self.function = self._refuse
        self.name = name
        self.seconds = TIMEOUT_SECONDS
        self.schema = {"type": name, "name": name}

    def _refuse(self) -> str:
        raise UsageError(f"{self.name} is run by the provider; give it to a question as a tool")

    def bind(self, arguments: str) -> Callable[[], str]:
        """Refuse a call: the model takes it for a function of the user."""
        raise ValueError(f"{self.name} is run by the provider")


web_search = ProviderTool("web_search")
"""Searches the web, where the provider can. The answer names its sources."""


@overload
def tool(
    function: Callable[P, R_co], *, name: str = "", seconds: float = TIMEOUT_SECONDS
) -> Tool[P, R_co]: ...


@overload
def tool(
    function: None = None, *, name: str = "", seconds: float = TIMEOUT_SECONDS
) -> Callable[[Callable[P, R_co]], Tool[P, R_co]]: ...


def tool(
    function: Callable[..., Any] | None = None, *, name: str = "", seconds: float = TIMEOUT_SECONDS
) -> Any:
    """Make a function a tool, as a decorator: ``@tool`` or ``@tool(seconds=5)``.

    Args:
        function, name, seconds: as for `Tool`.

    Raises:
        UsageError: the function cannot be described to a model.

    Example:
        >>> @tool
        ... def add(a: int, b: int) -> int:
        ...     '''Add two numbers.'''
        ...     return a + b
        >>> add, add(2, 3)
        (Tool(add), 5)
    """
    if function is None:
        return functools.partial(tool, name=name, seconds=seconds)
    return Tool(function, name, seconds)


def describe(function: Callable[..., Any], name: str = "") -> dict[str, Any]:
    """Return the schema of a function, as a model receives it.

    Args:
        function: as for `Tool`. The arguments that a `functools.partial` has bound by name are
            left out: the model must neither know nor set them.
        name: the name for the model; without it the name of the function.

    Returns:
        ``name``, ``description`` (the docstring), and ``parameters`` (a JSON schema).

    Raises:
        UsageError: the function has no name, or a parameter of a type that JSON does not know.

    Example:
        >>> def add(a: int, b: int) -> int:
        ...     '''Add two numbers.'''
        ...     return a + b
        >>> describe(add)["parameters"]["properties"]["a"]
        {'title': 'A', 'type': 'integer'}
    """
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    name = name or _name_of(function)
    with _refusing(function, name):
        _check_names(function)
        parameters = TypeAdapter(cast(Any, function)).json_schema()
        if parameters.get("type") != "object" or not _NAME.match(name):
            raise TypeError("it needs a name, as by @tool(name=…), and arguments with names")
    properties = parameters["properties"]
    if "self" in properties:
        raise UsageError(f"{name} is a method: give that of an object, as object.method")
    for bound in _bound_names(function):
        properties.pop(bound, None)
    description = inspect.getdoc(_unwrap(function)) or ""
    return {"name": name, "description": description, "parameters": parameters}


def _check_names(function: Callable[..., Any]) -> None:
    """Refuse parameters that cannot be given by name, as the arguments of a JSON object are.

    Raises:
        TypeError: there is such a parameter.
        ValueError: the function has no signature, as some functions in C.
    """
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            raise TypeError(
                f"a model gives arguments by name, and *{parameter.name} has none; "
                "take a list, or leave it out"
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(
                f"a model gives arguments by name, and {parameter.name} is positional-only; "
                "remove the / behind it"
            )


def _unwrap(function: Any) -> Any:
    return function.func if isinstance(function, functools.partial) else function


def _bound_names(function: Any) -> Collection[str]:
    return function.keywords if isinstance(function, functools.partial) else ()


def _own_names(function: Any) -> Collection[str]:
    """Return the names of all parameters, also of those that a partial or a method has bound."""
    inner = _unwrap(function)
    parameters = inspect.signature(getattr(inner, "__func__", inner)).parameters
    return {*parameters, *_bound_names(function)}


def _name_of(function: Any) -> str:
    return str(getattr(_unwrap(function), "__name__", ""))


@contextmanager
def _refusing(function: Any, name: str) -> Iterator[None]:
    """Turn an error about the signature of a function into ours."""
    from pydantic import PydanticUserError  # noqa: PLC0415 - as above

    try:
        yield
    except (PydanticUserError, TypeError, NameError, ValueError) as error:
        problem = str(error).partition("\n")[0]
        raise UsageError(f"{name or repr(function)} cannot be a tool: {problem}") from None


_FUNCTIONS = list_of(FUNCTION, "a list of functions, as tools=[weather]")


def tools_by_name(functions: Iterable[Callable[..., Any]]) -> dict[str, Tool[..., Any]]:
    """Return tools by name; a function that is not a tool yet becomes one.

    Args:
        functions: functions and tools; one that is listed twice counts once.

    Raises:
        UsageError: two tools have the same name, or a function cannot be a tool.
    """
    functions = check("tools", functions, _FUNCTIONS)
    tools = [
        function if isinstance(function, Tool) else Tool(function)
        for function in dict.fromkeys(functions)
    ]
    by_name = {tool.name: tool for tool in tools}
    if len(by_name) < len(tools):
        raise UsageError("two tools have the same name; give one another: @tool(name=…)")
    return by_name
