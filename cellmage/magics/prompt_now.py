"""What a prompt would depend on if its cell were run now; nothing is described, called or sent."""

from __future__ import annotations

import ast
import builtins
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..content import Part
from ..errors import CellmageError, UsageError
from ..fingerprint import Fingerprint
from ..prompt.interpolation import find_expressions, interpolate
from .prompt_cells import PromptCall
from .prompt_files import PromptFiles
from .value_inputs import SIMPLE, ValueInputs

_HOLE = "\0"
"""Stands in a prompt for the description of a value."""

_PURE = frozenset(("len", "sum", "min", "max", "str", "repr", "round", "abs", "int", "float"))
"""The functions of Python that change nothing, on values of Python's own types."""

_EXPRESSION_NODES = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Attribute, ast.Subscript, ast.Slice),
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.operator, ast.unaryop),
    *(ast.boolop, ast.cmpop, ast.Tuple, ast.List, ast.Dict, ast.JoinedStr, ast.FormattedValue),
)


@dataclass(slots=True)
class PromptNow:
    """A prompt as it would be sent, as far as it is known without running anything.

    Args:
        text: its text, with a sign for each description of a value.
        system: what is added to the system prompt, in the same way.
        values: the fingerprints of what is inserted, attached and searched.
        unknown: what cannot be known without running it, in words.
        problem: why the cell would fail; empty if it would not.
    """

    text: str = ""
    system: str = ""
    values: Mapping[str, Fingerprint | None] = field(default_factory=dict)
    unknown: Sequence[str] = ()
    problem: str = ""

    @property
    def is_exact(self) -> bool:
        """Whether the text is exactly what would be sent."""
        return not self.unknown and _HOLE not in self.text

    def matches(self, sent: str) -> bool:
        """Return whether a prompt that was sent is this one, whatever its values were."""
        return match_holes(self.text, sent)


def match_holes(template: str, text: str) -> bool:
    """Return whether a text is a template with anything in its holes.

    Example:
        >>> match_holes("The \\0 of \\0.", "The height of Brest."), match_holes("A \\0", "B c")
        (True, False)
    """
    first, *rest = template.split(_HOLE)
    if not rest:
        return text == template
    if not text.startswith(first) or not text.endswith(rest[-1]):
        return False
    position, end = len(first), len(text) - len(rest[-1])
    for piece in rest[:-1]:
        result = text.find(piece, position, end)
        if result == -1:
            return False
        position = result + len(piece)
    return position <= end


def read_now(
    call: PromptCall, files: PromptFiles, variables: Mapping[str, Any], has_rules: bool
) -> PromptNow:
    """Return what a prompt would be now.

    Args:
        call: the prompt with its flags.
        files: the snippets and rules.
        variables: the variables of the user.
        has_rules: whether the rules of the folder are used.
    """
    args = call.args or Namespace()
    values = ValueInputs(is_active=True)
    unknown = list(_unknown(call, args, variables))
    if unknown:
        return PromptNow(call.text, unknown=unknown)

    def insert(source: str, value: Any) -> list[Part]:
        values.add(source, value)
        return [str(value) if type(value) in SIMPLE else _HOLE]

    try:
        texts = files.read(args, call.text, has_rules)
        is_plain = args.interpolate is False
        everywhere = bool(args.interpolate)
        text = call.text if is_plain else interpolate(call.text, variables, everywhere, insert).text
        before, system = texts.fill(args, variables, insert)
        values.add_search(args, variables)
        for name in dict.fromkeys(args.attach or ()):
            path = Path(name).expanduser()
            label, source = (name, variables[name]) if name in variables else (str(path), path)
            values.add(label, source)
    except CellmageError as error:
        return PromptNow(call.text, problem=str(error))
    text = "".join(map(str, before)) + text + (f"\n\nAttached: {_HOLE}" if args.attach else "")
    return PromptNow(text, system, values.fingerprints)


def _unknown(call: PromptCall, args: Namespace, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what cannot be known without running it."""
    for name in ("cells", "error"):
        if getattr(args, name):
            yield f"--{name} is not compared"
    for name in args.attach or ():
        if name not in variables and not Path(name).expanduser().is_file():
            yield f"--attach {name} is not compared"
    if args.interpolate is False:
        return
    try:
        result = list(find_expressions(call.text, bool(args.interpolate)))
    except UsageError:
        return  # the cell would fail, as `interpolate` says
    for _, source, _ in result:
        if not _is_readable(source, variables):
            yield f"{source} is known when the cell is run"


def _is_readable(source: str, variables: Mapping[str, Any]) -> bool:
    """Return whether the value of an expression can be read without calling a user's function."""
    tree = ast.parse(source, mode="eval")
    calls = {node.func: node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    pure = {
        function
        for function in calls
        if isinstance(function, ast.Name)
        and function.id in _PURE
        and variables.get(function.id, getattr(builtins, function.id))
        is getattr(builtins, function.id)
    }
    return all(
        isinstance(node, _EXPRESSION_NODES) or (isinstance(node, ast.Call) and node.func in pure)
        for node in ast.walk(tree)
        if not isinstance(node, ast.keyword)
    )
