"""Digest a value piece by piece. A value that is not known exactly has no fingerprint."""

from __future__ import annotations

import enum
import functools
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, NoneType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ..content import File, Image
from ..runtime.time_limit import run_within
from .base import Fingerprint
from .functions import find_reach
from .tables import (
    array_pieces,
    arrow_pieces,
    frame_pieces,
    index_pieces,
    polars_pieces,
    polars_series_pieces,
    series_pieces,
    table_pieces,
)
from .unknown import Unknown

Pieces = list[Any]
"""What identifies a value: bytes as they are, and values, each in a tuple of its own."""

registry: dict[type, Callable[[Any], Any]] = {}
"""The functions of the user, by class."""

_SECONDS = 5.0
"""The time that a registered function may take."""


class Walk:
    """One value and what is in it; a part that is there twice is digested once."""

    def __init__(self) -> None:
        self._path: set[int] = set()
        self._known: dict[int, tuple[Any, bytes]] = {}

    def digest(self, value: Any) -> bytes:
        """Return the digest of a value.

        Raises:
            Unknown: it has none.
        """
        if id(value) in self._known:
            return self._known[id(value)][1]
        if id(value) in self._path:
            raise Unknown  # it contains itself
        self._path.add(id(value))
        try:
            digest = self._digest(value)
        finally:
            self._path.discard(id(value))
        self._known[id(value)] = value, digest  # alive, so that no other value has its id
        return digest

    def _digest(self, value: Any) -> bytes:
        cls = type(value)
        hasher = hashlib.sha256(f"{cls.__module__}.{cls.__qualname__}".encode())
        for piece in _find(value)(value):
            inner = piece if isinstance(piece, bytes) else self.digest(piece[0])
            hasher.update(hashlib.sha256(inner).digest())
        return hasher.digest()


def _find(value: Any) -> Callable[[Any], Pieces]:
    """Return the function that names the pieces of a value: the first row that fits."""
    cls = type(value)
    for base in cls.__mro__:
        if base in registry:
            return functools.partial(_from_registry, registry[base])
    if handler := _HANDLERS.get(cls):
        return handler
    for base in cls.__mro__:
        if handler := _LIBRARIES.get((base.__module__.partition(".")[0], base.__name__)):
            return handler
    return next((handler for fits, handler in _KINDS if fits(value)), _unknown)


def _from_registry(function: Callable[[Any], Any], value: Any) -> Pieces:
    result = run_within(_SECONDS, lambda: function(value))
    if result is None:
        raise Unknown
    return [result.digest.encode()] if isinstance(result, Fingerprint) else [(result,)]


def _unknown(value: Any) -> Pieces:
    raise Unknown


def _text(value: Any) -> Pieces:
    return [repr(value).encode("utf-8", "surrogatepass")]


def _items(value: Any) -> Pieces:
    return [(item,) for item in value]


def _mapping(value: Mapping[Any, Any]) -> Pieces:
    return [(part,) for item in value.items() for part in item]


def _set(value: Any) -> Pieces:
    return sorted(Walk().digest(item) for item in value)  # the order differs in each process


def _moment(value: Any) -> Pieces:
    if value.tzinfo is not None and type(value.tzinfo) not in (timezone, ZoneInfo):
        raise Unknown
    return [f"{value!r} {value.fold}".encode()]


def _fields(value: Any) -> Pieces:
    return [part for item in fields(value) for part in ((item.name,), (getattr(value, item.name),))]


def _attachment(value: Image | File) -> Pieces:
    name = value.url if isinstance(value, Image) else value.name
    return [value.digest.encode(), name.encode("utf-8", "surrogatepass")]


# Functions and classes.


def _function(value: FunctionType) -> Pieces:
    """Return the source, the defaults and the closure, and those of what the function uses."""
    reach = find_reach(value)
    _, *helpers = reach.functions
    parts = [(helper.__name__, part) for helper in helpers for part in _bound_values(helper)]
    sources = [_source(function) for function in reach.functions]
    values = [(part,) for part in _bound_values(value) if part is not value]
    return [*sources, *values, *_known_digests([*parts, *reach.values])]


def _bound_values(value: FunctionType) -> list[Any]:
    cells = [cell.cell_contents for cell in value.__closure__ or ()]
    return [value.__defaults__, value.__kwdefaults__, *cells]


def _known_digests(values: Iterable[tuple[str, Any]]) -> Iterator[bytes]:
    """Yield the digests of the values that have one: the client of a server has none."""
    for name, value in values:
        with suppress(Exception):  # code of the user may raise anything
            yield name.encode() + Walk().digest(value)


def _source(value: FunctionType) -> bytes:
    """Return the source; that of a lambda is not exact, because its line may have several."""
    if value.__name__ == "<lambda>":
        return _code(value.__code__)
    try:
        return inspect.getsource(value.__code__).encode()  # of a wrapper its own
    except (OSError, TypeError):
        return _code(value.__code__)


def _code(code: CodeType) -> bytes:
    constants = [Walk().digest(constant) for constant in code.co_consts]
    names = (code.co_names, code.co_varnames, code.co_freevars)
    return code.co_code + repr(names).encode() + b"".join(constants)


def _builtin(value: Any) -> Pieces:
    if not isinstance(value.__self__, type(sys)):
        raise Unknown
    return [f"{value.__module__}.{value.__qualname__}".encode()]


def _class(value: type) -> Pieces:
    name = f"{value.__module__}.{value.__qualname__}".encode()
    if value.__module__ == "builtins":
        return [name]
    try:
        return [name, inspect.getsource(value).encode(), *((base,) for base in value.__bases__)]
    except (OSError, TypeError):
        raise Unknown from None


def _path(value: Path) -> Pieces:
    if not value.is_file():
        raise Unknown
    with value.open("rb") as file:
        return [value.name.encode(), hashlib.file_digest(file, "sha256").digest()]


# Other libraries, which are never imported to look.


def _torch_tensor(value: Any) -> Pieces:
    return [str(value.dtype).encode(), *array_pieces(value.detach().cpu().numpy())]


def _sparse(value: Any) -> Pieces:
    rows = value.tocsr()
    rows.sum_duplicates()
    arrays = [array_pieces(array) for array in (rows.indptr, rows.indices, rows.data)]
    return [str(value.shape).encode(), *(piece for pieces in arrays for piece in pieces)]


def _picture(value: Any) -> Pieces:
    return [f"{value.mode} {value.size}".encode(), (value.getpalette(),), value.tobytes()]


def _pydantic(value: Any) -> Pieces:
    return [(dict(value.__dict__),), (value.model_extra,)]


_SCALARS = (
    str, bytes, bytearray, bool, int, float, complex, NoneType, range, date, timedelta, Decimal,
    Fraction, UUID, timezone, ZoneInfo, slice, type(...),
)  # fmt: skip

_HANDLERS: Mapping[type, Callable[[Any], Pieces]] = {
    **dict.fromkeys(_SCALARS, _text),
    **dict.fromkeys((list, tuple), _items),
    **dict.fromkeys((set, frozenset), _set),
    **dict.fromkeys((datetime, time), _moment),
    **dict.fromkeys((Image, File), _attachment),
    dict: _mapping,
    FunctionType: _function,
    BuiltinFunctionType: _builtin,
    MethodType: lambda value: [(value.__func__,), (value.__self__,)],
    functools.partial: lambda value: [(value.func,), (value.args,), (value.keywords,)],
    CodeType: lambda value: [_code(value)],
}

_LIBRARIES: Mapping[tuple[str, str], Callable[[Any], Pieces]] = {
    ("numpy", "ndarray"): array_pieces,
    ("numpy", "generic"): lambda value: [value.dtype.str.encode(), value.tobytes()],
    ("pandas", "DataFrame"): frame_pieces,
    ("pandas", "Series"): series_pieces,
    ("pandas", "Index"): index_pieces,
    ("pandas", "Timestamp"): _text,
    ("pandas", "Timedelta"): _text,
    ("polars", "DataFrame"): polars_pieces,
    ("polars", "Series"): polars_series_pieces,
    ("pyarrow", "Table"): table_pieces,
    ("pyarrow", "ChunkedArray"): arrow_pieces,
    ("pyarrow", "Array"): arrow_pieces,
    ("torch", "Tensor"): _torch_tensor,
    ("scipy", "spmatrix"): _sparse,
    ("scipy", "sparray"): _sparse,
    ("PIL", "Image"): _picture,
    ("pydantic", "BaseModel"): _pydantic,
}

_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Pieces]], ...] = (
    (lambda value: isinstance(value, enum.Enum), lambda value: [value.name.encode()]),
    (lambda value: isinstance(value, type), _class),
    (lambda value: isinstance(value, Path), _path),
    (lambda value: is_dataclass(value) and not hasattr(value, "__next__"), _fields),
    (lambda value: isinstance(value, tuple) and hasattr(value, "_fields"), _items),
)
"""Values of classes that are not known by name."""
