"""Read classes without running code of theirs: a metaclass may raise, or wait for ever."""

from __future__ import annotations

from typing import Any

_mro = type.__dict__["__mro__"].__get__
_dict = type.__dict__["__dict__"].__get__
_name = type.__dict__["__name__"].__get__
_module = type.__dict__["__module__"].__get__

_DATA_LIBRARIES = {
    *("pandas", "polars", "pyarrow", "numpy", "geopandas", "xarray", "dask", "modin", "cudf"),
    *("pyspark", "duckdb", "vaex", "ibis", "datasets", "torch", "tensorflow", "jax", "scipy"),
}
"""Libraries whose objects hold data that Python does not see, and print it."""

_SCALARS = (int, float, complex, str, bytes)


def mro_of(cls: type) -> tuple[type, ...]:
    """Return a class and its bases, in order."""
    return tuple(_mro(cls))


def class_attribute(cls: type, name: str) -> Any:
    """Return an attribute of a class or of a base as it was defined; None if there is none."""
    return next((_dict(base)[name] for base in mro_of(cls) if name in _dict(base)), None)


def class_values(cls: type) -> list[Any]:
    """Return the values of all attributes that a class itself defines."""
    return list(_dict(cls).values())


def type_name(cls: type) -> str:
    """Return the name of a class."""
    return str(_name(cls))


def root_module(cls: type) -> str:
    """Return the name of the package in which a class is defined; empty if it is not known."""
    try:
        name = _module(cls)
    except AttributeError:
        return ""
    return name.partition(".")[0] if isinstance(name, str) else ""


def is_table(value: Any) -> bool:
    """Return whether a value is a table, a column or an index of one, or an array."""
    return any((root_module(base), type_name(base)) in _TABLES for base in mro_of(type(value)))


_TABLES = {
    *(("pandas", name) for name in ("DataFrame", "Series", "Index")),
    *(("polars", name) for name in ("DataFrame", "Series", "LazyFrame")),
    *(("pyarrow", name) for name in ("Table", "RecordBatch", "Array", "ChunkedArray")),
    ("numpy", "ndarray"),
}


def is_data(value: Any) -> bool:
    """Return whether a value is of a library of data, and no scalar of it.

    Example:
        >>> is_data(1)
        False
    """
    bases = mro_of(type(value))
    names = {(root_module(base), type_name(base)) for base in bases}
    is_record = ("numpy", "void") in names  # a row of an array
    is_scalar = not _SCALAR_NAMES.isdisjoint(names) or any(base in _SCALARS for base in bases)
    return is_record or (not is_scalar and any(module in _DATA_LIBRARIES for module, _ in names))


_SCALAR_NAMES = {
    ("numpy", "generic"),
    ("numpy", "dtype"),
    ("datetime", "date"),
    ("datetime", "timedelta"),
    ("pandas", "NaTType"),
    ("pandas", "NAType"),
    ("pandas", "Period"),
}
