"""``{{ expression }}`` in a prompt: replaced once by the value, in the caller's namespace."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ..errors import UsageError


def interpolate(prompt: str, namespace: Mapping[str, Any]) -> str:
    """The prompt with each ``{{ expression }}`` replaced by ``str()`` of its value.

    Single braces are just text, and so are braces in a value: nothing is replaced twice.

    Raises:
        UsageError: what stands between the braces is not an expression, or it fails.

    Example:
        >>> interpolate("Say {{ word * 2 }} and {this}.", {"word": "hi"})
        'Say hihi and {this}.'
    """
    parts: list[str] = []
    rest = prompt
    while "{{" in rest:
        before, _, rest = rest.partition("{{")
        source, rest = _expression(rest)
        parts += [before, _value(source, namespace)]
    return "".join([*parts, rest])


def _expression(text: str) -> tuple[str, str]:
    """The shortest expression that a ``}}`` ends, and what follows it: a dict holds braces too."""
    end = text.find("}}")
    while end != -1:
        source = text[:end].strip()
        try:
            ast.parse(source, mode="eval")
        except (SyntaxError, ValueError):
            end = text.find("}}", end + 1)
        else:
            return source, text[end + 2 :]
    begin = " ".join(text.partition("\n")[0].split())[:40]
    raise UsageError(
        f"'{{{{ {begin}' is not a Python expression with }}}} behind it; "
        "--raw sends braces as they are"
    )


def _value(source: str, namespace: Mapping[str, Any]) -> str:
    failure = ""
    try:
        return str(eval(source, dict(namespace)))
    except Exception as error:  # noqa: BLE001 - the user's own expression, told to the user
        failure = f"{type(error).__name__}: {error}"
    raise UsageError(" ".join(f"{{{{ {source} }}}} failed: {failure}".split()))
