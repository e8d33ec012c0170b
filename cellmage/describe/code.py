"""Describe functions and classes by their source, and modules by their docs."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import os
import textwrap
import types
from typing import Any

from ..text import truncate
from .description import MAX_CHARS, Description, Level, bound
from .registry import register
from .type_names import class_attribute, class_values, type_name

HIDDEN_MARK = "# %%llm_hide\n"
"""The first line of a hidden cell as Python runs it; a traceback finds it."""

_MORE = "{{ inspect.getsource(name) }} sends all"
_MAX_NAMES = 200
_SUMMARY_CHARS = 80


@register(types.FunctionType)
@register(types.MethodType)
@register(type)
@register(functools.partial)
def describe_code(value: Any, level: Level) -> Description:
    """A function or a class is sent as its source; without it, as its signature and its docs."""
    target = value.func if isinstance(value, functools.partial) else value
    try:
        text = inspect.getsource(inspect.unwrap(target) if not isinstance(target, type) else target)
    except (OSError, TypeError, ValueError):
        text = _source_in_cell(target) or _signature(target)
    return bound(text, MAX_CHARS, _MORE)


def _source_in_cell(target: Any) -> str:
    """Return the source of a class that a cell defines: `inspect` looks for it in a file only."""
    if not isinstance(target, type) or class_attribute(target, "__module__") != "__main__":
        return ""
    codes = [getattr(member, "__code__", None) for member in class_values(target)]
    filenames = [code.co_filename for code in codes if code is not None]
    for filename in (*filenames, *reversed(list(linecache.cache))):
        source = "" if os.path.exists(filename) else "".join(linecache.getlines(filename))
        if text := _class_source(source, type_name(target)):
            return text
    return ""


def _class_source(source: str, name: str) -> str:
    """Return the last class of a name in a source; empty if there is none."""
    if f"class {name}" not in source or HIDDEN_MARK in source:
        return ""
    nodes = [item for item in ast.walk(ast.parse(source)) if isinstance(item, ast.ClassDef)]
    definition = next((node for node in reversed(nodes) if node.name == name), None)
    if definition is None:
        return ""
    first = min([definition.lineno, *(item.lineno for item in definition.decorator_list)])
    return textwrap.dedent(
        "".join(source.splitlines(keepends=True)[first - 1 : definition.end_lineno])
    )


@register(types.BuiltinFunctionType)
@register(types.MethodDescriptorType)
def describe_builtin(value: Any, level: Level) -> Description:
    """A function of C is sent as its signature and its docs."""
    return bound(_signature(value), MAX_CHARS, _MORE)


@register(types.ModuleType)
def describe_module(value: types.ModuleType, level: Level) -> Description:
    """A module is sent as its docs, and the names that it offers, each with a line."""
    public = getattr(value, "__all__", None) or [name for name in vars(value) if name[:1] != "_"]
    names = [name for name in public if isinstance(name, str)]
    lines = [f"module {value.__name__}", inspect.getdoc(value) or ""]
    lines += [_summary(name, vars(value).get(name)) for name in names[:_MAX_NAMES]]
    return bound("\n".join(filter(None, lines)), MAX_CHARS, "{{ name.__doc__ }} sends its text")


def _signature(value: Any) -> str:
    try:
        signature = str(inspect.signature(value))
    except (TypeError, ValueError):
        signature = "(…)"
    name = getattr(value, "__qualname__", type(value).__name__)
    return f"{name}{signature}\n\n{inspect.getdoc(value) or ''}".rstrip()


def _summary(name: str, value: Any) -> str:
    is_documented = isinstance(value, type | types.FunctionType | types.BuiltinFunctionType)
    doc = (inspect.getdoc(value) or "").partition("\n")[0] if is_documented else ""
    return f"- {name}: {truncate(doc, _SUMMARY_CHARS)}" if doc else f"- {name}"
