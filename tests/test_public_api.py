"""The public names: sorted, documented, and enough to annotate a program with."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import cellmage
import cellmage.recording
import cellmage.testing
import cellmage.twin
from cellmage.batch.columns import Column
from cellmage.code_blocks import CodeBlock
from cellmage.fingerprint import Fingerprint
from cellmage.stream.views import Readable

MODULES = [cellmage, cellmage.testing, cellmage.twin]
PUBLIC = [
    getattr(module, name) for module in [*MODULES, cellmage.recording] for name in module.__all__
]

MADE_BY_CELLMAGE = {CodeBlock, Column, Fingerprint, Readable}
"""Classes that are only arguments of classes that users do not make themselves."""


@pytest.mark.parametrize("module", MODULES)
def test_public_names(module: ModuleType) -> None:
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):  # a type alias has no docstring
            assert value.__doc__


@pytest.mark.parametrize("value", list(filter(inspect.isclass, PUBLIC)))
def test_all_classes_of_a_signature_are_public(value: type) -> None:
    for member in [value, *vars(value).values()]:
        assert_types_are_public(member)


@pytest.mark.parametrize("value", list(filter(inspect.isfunction, PUBLIC)))
def test_all_classes_of_a_function_are_public(value: Any) -> None:
    assert_types_are_public(value)


def assert_types_are_public(member: Any) -> None:
    member = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    name = getattr(member, "__name__", "_")
    if name.startswith("_") and name != "__init__":
        return
    if not (inspect.isfunction(member) or inspect.isclass(member)):
        return
    hints = typing.get_type_hints(member, localns={"InteractiveShell": InteractiveShell})
    named = {cls for key, hint in hints.items() if key[0] != "_" for cls in classes_of(hint)}
    ours = {cls for cls in named if cls.__module__.startswith("cellmage")}
    assert ours - MADE_BY_CELLMAGE <= set(filter(inspect.isclass, PUBLIC))


def classes_of(hint: Any) -> Iterator[type]:
    """Yield the classes in an annotation; protocols need no name, as users do not inherit them."""
    if inspect.isclass(hint) and not getattr(hint, "_is_protocol", False):
        yield hint
    for argument in typing.get_args(hint):
        for part in argument if isinstance(argument, list) else [argument]:
            yield from classes_of(part)
