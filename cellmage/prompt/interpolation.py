"""Replace ``{{ expression }}`` in a prompt by its value, once, in the caller's namespace."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ..errors import UsageError

_EXCERPT_CHARS = 40


def interpolate(prompt: str, namespace: Mapping[str, Any]) -> str:
    """Return the prompt with ``str()`` of the value in place of each ``{{ expression }}``.

    Single braces are just text, and so are braces in a value: nothing is replaced twice.

    Args:
        prompt: the text that the user typed.
        namespace: the variables that an expression may use, by name.

    Raises:
        UsageError: the text between two braces is not an expression, or the expression fails.

    Example:
        >>> interpolate("Say {{ word * 2 }} and {this}.", {"word": "hi"})
        'Say hihi and {this}.'
    """
    parts: list[str] = []
    remainder = prompt
    while "{{" in remainder:
        text, _, remainder = remainder.partition("{{")
        source, remainder = _split_expression(remainder)
        parts += [text, _evaluate(source, namespace)]
    return "".join([*parts, remainder])


def _split_expression(text: str) -> tuple[str, str]:
    """Return the shortest expression that ``}}`` ends, and the text after it.

    The first ``}}`` may be inside of the expression: a dict has braces too.
    """
    end = text.find("}}")
    while end != -1:
        source = text[:end].strip()
        try:
            ast.parse(source, mode="eval")
        except (SyntaxError, ValueError):
            end = text.find("}}", end + 1)
        else:
            return source, text[end + 2 :]
    excerpt = " ".join(text.partition("\n")[0].split())[:_EXCERPT_CHARS]
    raise UsageError(
        f"'{{{{ {excerpt}' is not followed by a Python expression and }}}}; "
        "`interpolate` sends braces unchanged",
        option="interpolate",
    )


def _evaluate(source: str, namespace: Mapping[str, Any]) -> str:
    try:
        return str(eval(source, dict(namespace)))
    except Exception as error:  # noqa: BLE001 - the user's own expression may raise anything
        problem = f"{type(error).__name__}: {error}"
    # Outside of the handler: an ExceptionGroup as the context would print its own traceback.
    raise UsageError(" ".join(f"{{{{ {source} }}}} failed: {problem}".split()))
