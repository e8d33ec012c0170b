"""Functions that a model may ask for: described to it, checked, run, and answered for."""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinFunctionType
from typing import Any, cast

import jiter

from .errors import UsageError
from .events import ToolCall
from .messages import ToolInvocation

SECONDS = 60.0
"""How long a call may take."""

LONGEST = 20_000
"""Characters of a result that the model is told; it would pay for every one in every round."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
# Folders of an absolute path; a date, a unit and a web address are none.
_FOLDERS = re.compile(
    r"(?<![\w./:~\\-])(?:file://)?(?:~|[A-Za-z]:)?[/\\]{1,2}(?:[\w.~+@-]{1,255}[/\\])+"
)
_MARGIN = 4_096
"""Characters that are looked at beyond those that are told, for a secret that is cut."""


class Tool:
    """A function that a model may ask for. It can still be called as the function.

    Args:
        function: its signature says what the arguments must be, its docstring what it is for; a
            coroutine function runs on the loop that reads the answer.
        name: by which the model asks for it; the function's when it is empty.
        seconds: how long a call may take.

    Raises:
        UsageError: it cannot be described: it has no name, or a type that JSON does not know.

    Example:
        >>> def weather(city: str, days: int = 1) -> str:
        ...     '''The weather in a city.'''
        ...     return f"rain in {city}"
        >>> made = Tool(weather)
        >>> made.schema["description"], made.schema["parameters"]["required"]
        ('The weather in a city.', ['city'])
        >>> made.bind('{"city": "Oslo"}')()
        'rain in Oslo'
    """

    def __init__(
        self, function: Callable[..., Any], name: str = "", seconds: float = SECONDS
    ) -> None:
        from pydantic import PydanticUserError, TypeAdapter, validate_call  # noqa: PLC0415 - 60 ms

        functools.update_wrapper(self, function, updated=())
        self.function = function
        inner = function.func if isinstance(function, functools.partial) else function
        self.name = name or getattr(inner, "__name__", "")
        self.seconds = seconds
        if not isinstance(seconds, int | float) or not seconds > 0:
            raise UsageError(f"{self.name}: seconds is {seconds!r}; it must be a number above 0")
        problem = ""
        try:
            self._checked = validate_call(function)
            parameters = TypeAdapter(cast(Any, function)).json_schema()
        except (PydanticUserError, TypeError, NameError) as error:
            problem = str(error).partition("\n")[0]
        if problem or parameters.get("type") != "object" or not _NAME.match(self.name):
            why = problem or "it needs a name, as by @tool(name=…), and arguments with names"
            raise UsageError(f"{self.name or function!r} cannot be a tool: {why}")
        if "self" in parameters["properties"]:
            raise UsageError(f"{self.name} is a method: give that of an object, as object.method")
        if isinstance(function, functools.partial):
            for bound in function.keywords:  # it is not the model's to know, or to set
                parameters["properties"].pop(bound, None)
        self.schema: Mapping[str, Any] = {
            "name": self.name,
            "description": inspect.getdoc(inner) or "",
            "parameters": parameters,
        }

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"Tool({self.name})"

    @property
    def is_async(self) -> bool:
        """Whether a call must be awaited."""
        return inspect.iscoroutinefunction(self.function)

    def bind(self, arguments: str) -> Callable[[], Any]:
        """The call with these arguments, not yet made.

        Args:
            arguments: a JSON object as the model wrote it; nothing in it is repaired.

        Raises:
            ValueError: it is none.
        """
        return functools.partial(self._checked, **parse_arguments(arguments))


def tool(
    function: Callable[..., Any] | None = None, *, name: str = "", seconds: float = SECONDS
) -> Any:
    """Make a function a tool, as a decorator: ``@tool`` or ``@tool(seconds=5)``.

    Args:
        function: see `Tool`.
        name: by which the model asks for it; the function's when it is empty.
        seconds: how long a call may take.

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


def tools_by_name(functions: Iterable[Callable[..., Any]]) -> dict[str, Tool]:
    """Tools by name; a function that is none yet is made one.

    Raises:
        UsageError: two have one name, or one cannot be a tool.
    """
    if callable(functions):
        raise UsageError("tools must be a list of functions, as tools=[weather]")
    # One that is named twice is one.
    made = [each if isinstance(each, Tool) else Tool(each) for each in dict.fromkeys(functions)]
    named = {each.name: each for each in made}
    if len(named) < len(made):
        raise UsageError("two tools have the same name; give one another: @tool(name=…)")
    return named


def parse_arguments(text: str) -> dict[str, Any]:
    """The arguments of a call, strictly: one JSON object and nothing else.

    Raises:
        ValueError: it is none; the message says why, for the model to do better.

    Example:
        >>> parse_arguments('{"x": 1}'), parse_arguments("")
        ({'x': 1}, {})
        >>> parse_arguments('{"x": 1}}')
        Traceback (most recent call last):
        ValueError: the arguments are not JSON: trailing characters at line 1 column 9
    """
    if not text.strip():
        return {}
    problem = ""
    try:
        found = jiter.from_json(text.encode(), allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        problem = f"the arguments are not JSON: {error}"
    else:
        problem = "" if isinstance(found, dict) else "the arguments are no JSON object"
    if problem:
        raise ValueError(problem)
    return dict(found)


def format_call(call: ToolCall | ToolInvocation) -> str:
    """A call on one line, as Python would write it; what cannot be seen is spelled out.

    Example:
        >>> format_call(ToolCall("a", "weather", '{"city": "Oslo"}'))
        "weather(city='Oslo')"
    """
    try:
        given = ", ".join(
            f"{name}={value!r}" for name, value in parse_arguments(call.arguments).items()
        )
    except ValueError:
        given = call.arguments
    text = f"{call.name}({given})"
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def ask_user(call: ToolCall) -> bool:
    """Ask whoever sits at the keyboard whether a call may be made.

    Raises:
        EOFError: there is nobody; in a notebook `NotImplementedError`, by the kernel's ``input``.
    """
    # The kernel puts an ``input`` of its own in place; the built-in one would wait for, or eat,
    # what is piped into a program.
    if isinstance(input, BuiltinFunctionType) and not (sys.stdin and sys.stdin.isatty()):
        raise EOFError
    return input(f"Run {format_call(call)}? [y/N] ").strip().lower() in ("y", "yes")


# What the model is told.


def run_tool(call: Callable[[], Any], safe: Callable[[str], str] = str) -> str:
    """Make a call, and say what came of it; an error is told like any other result.

    Args:
        call: takes nothing.
        safe: makes a text one that may be sent.

    Example:
        >>> run_tool(lambda: {"n": 1}), run_tool(lambda: 1 / 0)
        ('{"n":1}', 'error: ZeroDivisionError: division by zero')
    """
    try:
        return result_text(call(), safe)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - told to the model, and shown
        return failure_text(error, safe)


async def run_tool_async(call: Callable[[], Any], safe: Callable[[str], str] = str) -> str:
    """As `run_tool`, of a coroutine function."""
    try:
        return result_text(await call(), safe)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return failure_text(error, safe)
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - as above
        return failure_text(error, safe)


def result_text(value: Any, safe: Callable[[str], str] = str) -> str:
    """A result as text: as it is, or as JSON, or as it prints; cut where it is too long."""
    from pydantic_core import from_json, to_json  # noqa: PLC0415 - comes with pydantic

    if inspect.isawaitable(value) or inspect.isasyncgen(value):
        raise TypeError("it gave something to await; define it with 'async def'")
    if not isinstance(value, str):
        encoded = to_json(value, fallback=str)
        value = from_json(encoded) if encoded.startswith(b'"') else encoded.decode()
    text = safe(value[: LONGEST + _MARGIN])
    if len(value) <= LONGEST:
        return text or "(no output)"
    return f"{text[:LONGEST]}\n[cut here: these are {LONGEST} of {len(value)} characters]"


def failure_text(error: BaseException, safe: Callable[[str], str] = str) -> str:
    """An error on one line, without its traceback, and without the folders in it.

    Example:
        >>> failure_text(FileNotFoundError(2, "No such file", "/home/ada/notes/a.csv"))
        "error: FileNotFoundError: [Errno 2] No such file: 'a.csv'"
    """
    if callable(problems := getattr(error, "errors", None)) and hasattr(error, "error_count"):
        # pydantic's own words for it show the values, over many lines.
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problems())
    else:
        said = str(error)
    line = _FOLDERS.sub("", " ".join(said[:_MARGIN].split()))
    return f"error: {type(error).__name__}: {safe(line)[:500]}".removesuffix(": ")
