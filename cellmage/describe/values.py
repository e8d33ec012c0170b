"""Describe values that are no tables: texts, containers, and all else by its own text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .description import MAX_CHARS, Description, Level, bound, plural
from .reach import reaches_table
from .registry import register
from .type_names import class_attribute, is_data, type_name

_MAX_DEPTH = 20
_MAX_NAMES = 50
_MORE = "{{ str(name) }} sends all"


@register(str)
def describe_text(value: str, level: Level) -> Description:
    """A text is sent whole: it is what the user means by its name."""
    text = str(value)
    return Description((text,)) if type(text) is str else Description((str.__str__(text),))


@register(list)
@register(tuple)
@register(dict)
@register(set)
@register(frozenset)
def describe_container(value: Any, level: Level) -> Description:
    """A container is sent as Python writes it; one with a table in it by the types in it.

    What stands beside a table may be cells of it: the groups of a table have such names.
    """
    pieces = _Pieces(level, has_data=level != "rows" and reaches_table(value))
    pieces.add(value)
    text = "".join(pieces.texts)
    left_out = ["values left out; level `rows` sends them"] if pieces.was_withheld else []
    if not pieces.is_full:
        return Description((text,), "types of its values" if left_out else "", *left_out)
    length = plural(len(value), "value")
    head = f"{text[:MAX_CHARS]}\n[… the rest of {length} left out]"
    counts = f"{plural(MAX_CHARS, 'character')} of {length}"
    return Description((head,), counts, "; ".join([f"the rest left out; {_MORE}", *left_out]))


@register(object)
def describe_object(value: Any, level: Level) -> Description:
    """An object is sent as its own text, unless that may contain cells of a table."""
    if level != "rows" and may_contain_data(value):
        return Description(
            (_without_data(value),), "its type alone", "its text left out; level `rows` sends it"
        )
    text = str(value)
    description = bound(text, MAX_CHARS, _MORE)
    is_whole = not description.left_out
    return Description(description.parts) if is_whole else description


def may_contain_data(value: Any) -> bool:
    """Return whether the text of a value may contain cells of a table."""
    return issubclass(type(value), BaseException) or is_data(value) or reaches_table(value)


def _without_data(value: Any) -> str:
    """Return the type of an object, and the names of the attributes that its class gives it.

    Other attributes may have the names of cells.
    """
    cls = type(value)
    code = getattr(class_attribute(cls, "__init__"), "__code__", None)
    names = getattr(code, "co_names", ())
    try:
        instance_attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        instance_attributes = {}
    attributes = ", ".join([name for name in names if name in instance_attributes][:_MAX_NAMES])
    return f"<{type_name(cls)}{f' with {attributes}' if attributes else ''}>"


class _Pieces:
    """The texts of a container, up to a size.

    Args:
        level: what may be sent of tables.
        has_data: True if texts and numbers may be cells of a table.

    Attributes:
        texts: the texts in order.
        is_full: True if there was no room for all.
        was_withheld: True if a type replaces a value that may be a cell of a table.
    """

    def __init__(self, level: Level, has_data: bool) -> None:
        self.texts: list[str] = []
        self.is_full = False
        self.was_withheld = False
        self._chars = 0
        self._level = level
        self._has_data = has_data
        self._open: set[int] = set()

    def add(self, value: Any) -> None:
        """Add the text of a value."""
        brackets = _BRACKETS.get(type(value))
        if brackets is None:
            self._add_text(self._text(value))
        elif id(value) in self._open or len(self._open) > _MAX_DEPTH:
            self._add_text(brackets[0] + "..." + brackets[1])
        elif not value:
            self._add_text(repr(value))
        else:
            self._open.add(id(value))
            self._add_items(value, *brackets)
            self._open.remove(id(value))

    def _add_items(self, value: Any, before: str, after: str) -> None:
        self._add_text(before)
        for index, item in enumerate(value.items() if type(value) is dict else value):
            if self.is_full:
                return
            self._add_text(", " if index else "")
            if type(value) is dict:
                self.add(item[0])
                self._add_text(": ")
                self.add(item[1])
            else:
                self.add(item)
        self._add_text(",)" if type(value) is tuple and len(value) == 1 else after)

    def _text(self, value: Any) -> str:
        if type(value) in _PLAIN and not self._has_data:
            return repr(value)
        if self._has_data or (self._level != "rows" and may_contain_data(value)):
            self.was_withheld = True
            return f"<{type_name(type(value))}>"
        return repr(value)

    def _add_text(self, text: str) -> None:
        room = MAX_CHARS - self._chars
        self.is_full = self.is_full or len(text) > room
        self.texts.append(text[: max(room, 0)])
        self._chars += len(text)


_BRACKETS: Mapping[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}
_PLAIN = {str, int, float, bool, complex, bytes, type(None)}
