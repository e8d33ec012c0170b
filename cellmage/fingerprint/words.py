"""A value in a few words: sizes and types, and nothing of what is in it."""

from __future__ import annotations

from pathlib import Path
from types import FunctionType
from typing import Any

from ..content import File, Image


def words_of(value: Any) -> str:
    """Return a value in a few words; empty where they would say nothing.

    Example:
        >>> words_of([1, 2, 3]), words_of({"a": 1}), words_of(3)
        ('3 items', '1 item', '')
    """
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(size, int) for size in shape):
        return _shape_words(value, shape)
    if isinstance(value, Path):
        return f"{_number(value.stat().st_size)} bytes"
    if isinstance(value, Image | File):
        return f"{_number(len(value.data or b''))} bytes"
    if isinstance(value, list | tuple | set | frozenset | dict):
        return _count(len(value), "item")
    return "source" if isinstance(value, FunctionType) else ""


def _shape_words(value: Any, shape: tuple[int, ...]) -> str:
    if hasattr(value, "columns") and len(shape) == 2:
        return f"{_count(shape[0], 'row')}, {_count(shape[1], 'column')}"
    sizes = " x ".join(map(_number, shape))
    return f"{sizes} {getattr(value, 'dtype', '')}".strip()


def _count(number: int, noun: str) -> str:
    return f"{_number(number)} {noun}" if number == 1 else f"{_number(number)} {noun}s"


def _number(number: int) -> str:
    return f"{number:,}".replace(",", " ")
