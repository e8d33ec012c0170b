"""Run a tool call, and return its result or its error as the text that the model receives."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from typing import Any

MAX_RESULT_CHARS = 20_000
"""The length of a result that the model receives; every further step pays for it again."""

_MAX_ERROR_CHARS = 500

_SECRET_MARGIN_CHARS = 4_096
"""The text beyond the limit that is searched, too, for a secret that the limit cuts in two."""

# The folders of an absolute path, but not a date, a unit or a web address.
_FOLDERS = re.compile(
    r"(?<![\w./:~\\-])(?:file://)?(?:~|[A-Za-z]:)?[/\\]{1,2}(?:[\w.~+@-]{1,255}[/\\])+"
)


def run_tool(call: Callable[[], Any], redact: Callable[[str], str] = str) -> str:
    """Run a call, and return the text that the model receives: its result, or its error.

    Args:
        call: the call, as `Tool.bind` returns it.
        redact: returns a text without what may not be sent.

    Example:
        >>> run_tool(lambda: {"n": 1}), run_tool(lambda: 1 / 0)
        ('{"n":1}', 'error: ZeroDivisionError: division by zero')
    """
    try:
        return format_result(call(), redact)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the model receives it, and the user sees it
        return format_error(error, redact)


async def run_tool_async(call: Callable[[], Any], redact: Callable[[str], str] = str) -> str:
    """Run a call of an async function or generator, and return the text that the model receives.

    Args:
        call, redact: as for `run_tool`.
    """
    try:
        result = call()
        is_generator = inspect.isasyncgen(result)
        value = [item async for item in result] if is_generator else await result
        return format_result(value, redact)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise  # the answer is cancelled; otherwise the tool raised it by itself
        return format_error(error, redact)
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - as above
        return format_error(error, redact)


def format_result(value: Any, redact: Callable[[str], str] = str) -> str:
    """Return a result as text: a string as it is, other values as JSON; a long text is cut.

    Raises:
        TypeError: the value must be awaited.
    """
    from pydantic_core import from_json, to_json  # noqa: PLC0415 - imported with pydantic

    if inspect.isawaitable(value) or inspect.isasyncgen(value):
        raise TypeError("it returned something to await; define it with 'async def'")
    if not isinstance(value, str):
        encoded = to_json(value, fallback=str)
        value = from_json(encoded) if encoded.startswith(b'"') else encoded.decode()
    text = redact(value[: MAX_RESULT_CHARS + _SECRET_MARGIN_CHARS])
    if len(value) <= MAX_RESULT_CHARS:
        return text or "(no output)"
    limit = f"these are {MAX_RESULT_CHARS} of {len(value)} characters"
    return f"{text[:MAX_RESULT_CHARS]}\n[cut here: {limit}]"


def format_error(error: BaseException, redact: Callable[[str], str] = str) -> str:
    """Return an error on one line, without its traceback, and without folders of this machine.

    Example:
        >>> format_error(FileNotFoundError(2, "No such file", "/home/ada/notes/a.csv"))
        "error: FileNotFoundError: [Errno 2] No such file: 'a.csv'"
    """
    if callable(problems := getattr(error, "errors", None)) and hasattr(error, "error_count"):
        # A pydantic.ValidationError, whose own text shows the values, on many lines.
        parts = (f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in problems())
        message = "; ".join(parts)
    else:
        message = str(error)
    line = strip_folders(" ".join(message[:_SECRET_MARGIN_CHARS].split()))
    return f"error: {type(error).__name__}: {redact(line)[:_MAX_ERROR_CHARS]}".removesuffix(": ")


def strip_folders(text: str) -> str:
    """Return a text without the folders of absolute paths: they say who uses this machine.

    Example:
        >>> strip_folders("no file /home/ada/models/a.gguf")
        'no file a.gguf'
    """
    return _FOLDERS.sub("", text)
