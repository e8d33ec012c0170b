"""Digest a value piece by piece. A value that is not known exactly has no fingerprint."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any

from .base import Fingerprint

registry: dict[type, Callable[[Any], Any]] = {}
"""The functions of the user, by class."""


class Unknown(Exception):
    """A value, or a part of it, has no fingerprint."""


def digest(value: Any, path: tuple[int, ...] = ()) -> bytes:
    """Return the digest of a value.

    Args:
        value: any value.
        path: the ids of the values that contain it.

    Raises:
        Unknown: it has none.
    """
    if id(value) in path:
        raise Unknown
    cls = type(value)
    pieces = _find(cls)(value)
    hasher = hashlib.sha256(f"{cls.__module__}.{cls.__qualname__}".encode())
    for piece in pieces:
        inner = piece if isinstance(piece, bytes) else digest(piece[0], (*path, id(value)))
        hasher.update(hashlib.sha256(inner).digest())
    return hasher.digest()


def _find(cls: type) -> Callable[[Any], list[Any]]:
    for base in cls.__mro__:
        if base in registry:
            function = registry[base]
            return lambda value: _registered(function(value))
    handler = _HANDLERS.get(cls) or _LIBRARIES.get((cls.__module__.partition(".")[0], cls.__name__))
    if handler is None:
        handler = _path if issubclass(cls, Path) else _unknown
    return handler


def _registered(result: Any) -> list[Any]:
    if result is None:
        raise Unknown
    return [result.digest.encode()] if isinstance(result, Fingerprint) else [(result,)]


def _unknown(value: Any) -> list[Any]:
    raise Unknown


def _text(value: Any) -> list[Any]:
    return [repr(value).encode("utf-8", "surrogatepass")]


def _items(value: Any) -> list[Any]:
    return [(item,) for item in value]


def _mapping(value: Mapping[Any, Any]) -> list[Any]:
    return [(part,) for item in value.items() for part in item]


def _set(value: Any) -> list[Any]:
    return sorted(digest(item) for item in value)  # the order differs in each process


def _moment(value: Any) -> list[Any]:
    if value.tzinfo is not None and type(value.tzinfo) is not timezone:
        raise Unknown
    return [f"{value!r} {value.fold}".encode()]


def _function(value: FunctionType) -> list[Any]:
    """Return the code, the defaults and the closure; the source alone is not exact for a lambda."""
    cells = [cell.cell_contents for cell in value.__closure__ or ()]
    parts = [value.__defaults__, value.__kwdefaults__, *cells]
    return [_source(value), *((part,) for part in parts if part is not value)]


def _source(value: FunctionType) -> bytes:
    if value.__name__ == "<lambda>":
        return _code(value.__code__)
    try:
        return inspect.getsource(value).encode()
    except (OSError, TypeError):
        return _code(value.__code__)


def _code(code: CodeType) -> bytes:
    constants = [_code(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    names = (code.co_names, code.co_varnames, code.co_freevars)
    return code.co_code + repr(names).encode() + b"".join(digest(each) for each in constants)


def _builtin(value: Any) -> list[Any]:
    if not isinstance(value.__self__, type(sys)):
        raise Unknown
    return [f"{value.__module__}.{value.__qualname__}".encode()]


def _path(value: Path) -> list[Any]:
    if not value.is_file():
        raise Unknown
    with value.open("rb") as file:
        return [value.name.encode(), hashlib.file_digest(file, "sha256").digest()]


def _array(value: Any) -> list[Any]:
    if value.dtype.kind not in "biufcmMSU":
        raise Unknown
    if value.dtype.itemsize > 8 and value.dtype.kind in "fc":
        raise Unknown  # a long double has bytes that mean nothing
    # `order="C"`: the layout in memory is no part of the value.
    view = value.astype(value.dtype, order="C", copy=False).reshape(-1)
    buffer = memoryview(view.view("u1")) if view.size else b""
    return [f"{value.dtype.str} {value.shape}".encode(), hashlib.sha256(buffer).digest()]


_SCALARS = (str, bytes, bool, int, float, complex, type(None), range, date, timedelta, Decimal)

_HANDLERS: Mapping[type, Callable[[Any], list[Any]]] = {
    **dict.fromkeys(_SCALARS, _text),
    **dict.fromkeys((list, tuple), _items),
    **dict.fromkeys((set, frozenset), _set),
    **dict.fromkeys((datetime, time), _moment),
    dict: _mapping,
    FunctionType: _function,
    BuiltinFunctionType: _builtin,
}

_LIBRARIES: Mapping[tuple[str, str], Callable[[Any], list[Any]]] = {("numpy", "ndarray"): _array}
"""Types of libraries, which are never imported to look."""
