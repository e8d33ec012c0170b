"""Replace ``{{ expression }}`` in a prompt by its value, once, in the caller's namespace."""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ..content import Content, Part, text_of
from ..errors import CellmageError, UsageError
from ..text import truncate
from .literal_braces import find_braces

_EXCERPT_CHARS = 40
_PROBLEM_CHARS = 200

_MAX_LISTED = 10
"""Expressions that the line for the user names; a prompt made by a program may have hundreds."""

_MAX_ENDS = 64
"""The ``}}`` that are tried as the end of an expression: a dict in a dict has some of its own."""

_ESCAPES = ("{{", "}}", "{", "}")
"""The values of expressions by which a user sends braces as text."""

_CURES = (
    "to send braces as text, put them into `backticks` or a code fence, or write {{ '{{' }} for "
    "each {{, or send them all unchanged with `interpolate`"
)
"""The ways to send braces, for a user who did not mean an expression."""

Insert = Callable[[str, Any], Sequence[Part]]
"""A function that returns what is sent for an expression and its value."""

Explain = Callable[[Exception, str], str]
"""A function that returns the message of an error of an expression, for the user."""

_CODE = (
    *(type, types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType),
    *(types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType),
    types.ClassMethodDescriptorType,
)
_OWN_MODULES = {"builtins", "io", "_io", "IPython.core.interactiveshell"}
"""The modules of functions that every notebook has."""

_BRACES = re.compile(r"\{\{(.*?)\}\}")


@dataclass(frozen=True, slots=True)
class Interpolation:
    """A prompt with its values.

    Args:
        content: the prompt that is sent: a text, or parts.
        inserted: the expressions that were replaced, in order, each once; not braces as text.
        unchanged: the expressions of known names that stay, since they are in code or a formula.
    """

    content: Content
    inserted: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The texts of the prompt."""
        return text_of(self.content)

    def describe(self) -> str:
        """Return a line for the user that names the expressions; empty if there are none.

        Example:
            >>> interpolate("{{ n }}, `{{ n }}`", {"n": 1}).describe()
            'Inserted: n. Sent as text, as in code and formulas: {{ n }}; `everywhere` inserts it.'
        """
        parts = []
        if self.inserted:
            parts.append(f"Inserted: {_list(self.inserted)}.")
        if self.unchanged:
            braces = _list(self.unchanged, "{{{{ {} }}}}")
            parts.append(
                f"Sent as text, as in code and formulas: {braces}; `everywhere` inserts it."
            )
        return " ".join(parts)


def insert_text(source: str, value: Any) -> Sequence[Part]:
    """Return the text of a value: `str` of it."""
    return [str(value)]


def explain(error: Exception, source: str) -> str:
    """Return the message of an error."""
    return str(error)


def interpolate(
    prompt: str,
    namespace: Mapping[str, Any],
    everywhere: bool = False,
    insert: Insert = insert_text,
    explain: Explain = explain,
) -> Interpolation:
    """Return the prompt with a text or an image of its value in place of each ``{{ expression }}``.

    Braces are text where other notations use them: in fences and backticks, in f-strings, in
    formulas, in the arguments of LaTeX, and right after a dollar. Single braces are always text,
    and so are braces in a value: nothing is replaced twice.

    Args:
        prompt: the text that the user typed.
        namespace: the variables that an expression may use, by name.
        everywhere: True replaces expressions in code and formulas, too.
        insert: returns what replaces the expression of a value; by default the text of the value.
        explain: returns the message of an error that an expression raises.

    Raises:
        UsageError: the text between two braces is not an expression, or the expression fails.

    Example:
        >>> interpolate("Say {{ word * 2 }}, {this} and `{{ that }}`.", {"word": "hi"}).text
        'Say hihi, {this} and `{{ that }}`.'
    """
    parts: list[Part] = []
    inserted: list[str] = []
    unchanged: list[str] = []
    position = 0
    for start, source, end in find_expressions(prompt, everywhere):
        parts += [prompt[position:start], *_evaluate(source, namespace, insert, explain)]
        unchanged += _known_expressions(prompt[position:start], namespace)
        inserted += [] if _is_escape(source) else [source]
        position = end
    unchanged += _known_expressions(prompt[position:], namespace)
    content = join([*parts, prompt[position:]])
    return Interpolation(content, tuple(dict.fromkeys(inserted)), tuple(dict.fromkeys(unchanged)))


def join(parts: Sequence[Part]) -> Content:
    """Return parts as a content; texts beside each other are one text."""
    joined: list[Part] = []
    for is_text, group in groupby(parts, lambda part: isinstance(part, str)):
        same = list(group)
        joined += ["".join(map(str, same))] if is_text else same
    return joined[0] if len(joined) == 1 and isinstance(joined[0], str) else tuple(joined)


def find_expressions(prompt: str, everywhere: bool = False) -> Iterator[tuple[int, str, int]]:
    """Yield each expression with the index of its ``{{`` and the index after its ``}}``.

    Raises:
        UsageError: the text between two braces is not an expression.
    """
    end = 0
    while True:
        start = prompt.find("{{", end) if everywhere else find_braces(prompt, end)
        if start == -1:
            return
        source, end = _split_expression(prompt, start + 2)
        yield start, source, end


def _split_expression(prompt: str, start: int) -> tuple[str, int]:
    """Return the shortest expression that ``}}`` ends, and the index after it.

    The first ``}}`` may be inside of the expression: a dict has braces too.
    """
    end = start - 1
    for _ in range(_MAX_ENDS):
        end = prompt.find("}}", end + 1)
        if end == -1:
            break
        source = prompt[start:end].strip()
        if _parse(source) is not None:
            return source, end + 2
    excerpt = _excerpt(prompt[start:].partition("\n")[0])
    raise UsageError(
        f"'{{{{ {excerpt}' is not followed by a Python expression and }}}}; {_CURES}",
        option="interpolate",
    )


def _parse(source: str) -> ast.Expression | None:
    try:
        return ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _evaluate(
    source: str, namespace: Mapping[str, Any], insert: Insert, explain: Explain
) -> Sequence[Part]:
    try:
        value = eval(source, dict(namespace))
        if _is_value(value, source, namespace):
            return insert(source, value)
        problem = f"it is a {type(value).__name__}, and not a value"
    except CellmageError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's own expression may raise anything
        problem = f"{type(error).__name__}: {explain(error, source)}"
    # Outside of the handler: an ExceptionGroup as the context would print its own traceback.
    raise UsageError(
        f"{{{{ {_excerpt(source)} }}}} failed: {truncate(problem, _PROBLEM_CHARS)}; {_CURES}",
        option="interpolate",
    )


def _is_value(value: Any, source: str, namespace: Mapping[str, Any]) -> bool:
    """Return whether a value can be meant: other templates use names of Python's functions."""
    # Not `isinstance`, which asks the value for its class.
    if not issubclass(type(value), _CODE):
        return True
    try:
        is_own = value.__module__ not in _OWN_MODULES
    except Exception:  # noqa: BLE001 - a module has none; the class of a class may raise anything
        is_own = True
    return is_own and not _names(source).isdisjoint(namespace)


def _known_expressions(text: str, namespace: Mapping[str, Any]) -> Iterator[str]:
    """Yield the expressions in a text, such as a block of code, whose names all are variables."""
    for match in _BRACES.finditer(text):
        source = match[1].strip()
        names = _names(source)
        if names and all(name in namespace for name in names):
            yield source


def _names(source: str) -> set[str]:
    """Return the names of variables in an expression; none if it cannot be parsed."""
    tree = _parse(source)
    nodes = ast.walk(tree) if tree is not None else ()
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _is_escape(source: str) -> bool:
    """Return whether the value of an expression is only braces, such as ``'{{'``."""
    tree = _parse(source)
    node = tree.body if tree is not None else None
    return isinstance(node, ast.Constant) and node.value in _ESCAPES


def _list(sources: Sequence[str], template: str = "{}") -> str:
    """Return the first expressions with commas between them, and how many more there are."""
    text = ", ".join(template.format(_excerpt(source)) for source in sources[:_MAX_LISTED])
    excess = len(sources) - _MAX_LISTED
    return f"{text} and {excess} more" if excess > 0 else text


def _excerpt(source: str) -> str:
    return truncate(source, _EXCERPT_CHARS)
