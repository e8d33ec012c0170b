"""What identifies tables and arrays: columns as bytes, whatever their layout in memory.

The library of a value is loaded, since there is a value. A value that is null is nothing but null:
the bytes that a library keeps beneath it do not count.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterator, Sequence
from typing import Any

from .unknown import Unknown

Pieces = list[Any]

_ROWS = 1 << 20
"""Rows that are hashed at a time: so the chunks of a column do not count, and memory is bounded."""

_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))
"""Classes whose values `marshal` writes without their identity, in its version 2."""

_MARSHAL_VERSION = 2
_NUMBERS = "biufcmM"


def array_pieces(array: Any) -> Pieces:
    """Return what identifies an array of numpy."""
    kind = array.dtype.kind
    header = f"{array.dtype.str} {array.shape}".encode()
    if kind == "O":
        return [header, _objects_digest(array.ravel().tolist())]
    if kind not in f"{_NUMBERS}SU" or (kind in "fc" and array.dtype.itemsize > _max_bytes(kind)):
        raise Unknown  # structures have padding, and a long double has bytes that mean nothing
    return [header, _buffers_digest(_contiguous_parts(array))]


def _max_bytes(kind: str) -> int:
    return 8 if kind == "f" else 16


def _contiguous_parts(array: Any) -> Iterator[Any]:
    """Yield an array as bytes in the order of its rows; other layouts are copied part by part."""
    if not array.flags.c_contiguous and array.ndim > 1:
        for row in array:
            yield from _contiguous_parts(row)
        return
    flat = array.reshape(-1)
    for start in range(0, flat.size, _ROWS):
        part = flat[start : start + _ROWS]
        yield (part if part.flags.c_contiguous else part.copy()).view("u1").data


def _buffers_digest(buffers: Iterator[Any]) -> bytes:
    hasher = hashlib.sha256()
    for buffer in buffers:
        hasher.update(buffer)
    return hasher.digest()


def _objects_digest(values: Sequence[Any]) -> bytes:
    """Return the digest of plain objects, such as texts."""
    hasher = hashlib.sha256()
    for start in range(0, len(values), _ROWS):
        part: Any = values[start : start + _ROWS]
        if not _PLAIN.issuperset(map(type, part)):
            raise Unknown
        hasher.update(marshal.dumps(part, _MARSHAL_VERSION))
    return hasher.digest()


# pandas.


def frame_pieces(frame: Any) -> Pieces:
    """Return what identifies a DataFrame of pandas: its columns, their names, and its index."""
    columns = [_column_digest(frame.iloc[:, number]) for number in range(frame.shape[1])]
    return [*index_pieces(frame.columns), *index_pieces(frame.index), *columns]


def series_pieces(series: Any) -> Pieces:
    """Return what identifies a Series of pandas."""
    return [(series.name,), *index_pieces(series.index), _column_digest(series)]


def index_pieces(index: Any) -> Pieces:
    """Return what identifies an Index of pandas: names and values; a range is its values."""
    names = [(name,) for name in index.names]
    levels = [index.get_level_values(number) for number in range(index.nlevels)]
    return [str(index.nlevels).encode(), *names, *map(_column_digest, levels)]


def _column_digest(column: Any) -> bytes:
    """Return the digest of the values of a column or of an index, with their type."""
    values, dtype = column.array, column.dtype
    hasher = hashlib.sha256(f"{dtype!r} {len(values)}".encode())
    for piece in _extension_pieces(values):
        hasher.update(piece)
    return hasher.digest()


def _extension_pieces(values: Any) -> Pieces:
    """Return the bytes of an array of pandas."""
    if hasattr(values, "_pa_array"):
        return arrow_pieces(values._pa_array)
    if hasattr(values, "codes") and hasattr(values, "categories"):
        categories = [_column_digest(values.categories), str(values.ordered).encode()]
        return [*categories, *array_pieces(values.codes)]
    if hasattr(values, "_mask") and hasattr(values, "_data"):
        data, mask = values._data, values._mask
        if mask.any():
            data = data.copy()
            data[mask] = 0
        return [*array_pieces(data), *array_pieces(mask)]
    if hasattr(values, "asi8"):  # times, also with a time zone, and periods
        return array_pieces(values.asi8)
    inner = getattr(values, "_ndarray", None)  # numpy's, in a wrapper of pandas
    if inner is None:
        raise Unknown
    return array_pieces(inner)


# Arrow, and polars, which is converted without a copy.


def polars_pieces(frame: Any) -> Pieces:
    """Return what identifies a DataFrame of polars."""
    return [piece for series in frame.iter_columns() for piece in polars_series_pieces(series)]


def polars_series_pieces(series: Any) -> Pieces:
    """Return what identifies a Series of polars."""
    if "Object" in str(series.dtype):
        raise Unknown
    return [series.name.encode(), str(series.dtype).encode(), *arrow_pieces(series.to_arrow())]


def table_pieces(table: Any) -> Pieces:
    """Return what identifies a table of Arrow."""
    columns = zip(table.column_names, table.columns, strict=True)
    return [piece for name, column in columns for piece in (name.encode(), *arrow_pieces(column))]


def arrow_pieces(column: Any) -> Pieces:
    """Return what identifies a column of Arrow; neither its chunks nor its offsets count."""
    import pyarrow as pa  # noqa: PLC0415 - there is a value of it

    chunks = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    hasher = hashlib.sha256()
    for start in range(0, len(chunks), _ROWS):
        part = chunks.slice(start, _ROWS)
        whole = part.chunk(0) if part.num_chunks == 1 else pa.concat_arrays(part.chunks)
        for buffer in _arrow_buffers(whole):
            hasher.update(buffer)
    return [f"{_logical_type(chunks.type)} {len(chunks)}".encode(), hasher.digest()]


def _logical_type(arrow_type: Any) -> str:
    """Return the type without the way in which texts are laid out."""
    return str(arrow_type).replace("large_", "").replace("_view", "")


def _arrow_buffers(array: Any) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    arrow_type = array.type
    if pa.types.is_dictionary(arrow_type):
        array = array.dictionary_decode()
        arrow_type = array.type
    if array.null_count:
        yield memoryview(pc.is_null(array).to_numpy(zero_copy_only=False)).cast("B")
    if pa.types.is_null(arrow_type):
        return
    if _is_text(arrow_type):
        yield from _text_buffers(array)
    elif pa.types.is_boolean(arrow_type):
        yield memoryview(pc.fill_null(array, False).to_numpy(zero_copy_only=False)).cast("B")
    elif pa.types.is_primitive(arrow_type) and arrow_type.bit_width % 8 == 0:
        yield _primitive_bytes(array, arrow_type.bit_width // 8)
    else:
        yield marshal.dumps(_plain_list(array.to_pylist()), _MARSHAL_VERSION)


def _primitive_bytes(array: Any, width: int) -> Any:
    """Return the bytes of numbers and times; those of nulls are zero."""
    import numpy as np  # noqa: PLC0415

    start = array.offset * width
    data = memoryview(array.buffers()[1])[start : start + len(array) * width]
    if not array.null_count:
        return data
    rows = np.frombuffer(data, "u1").reshape(-1, width).copy()
    rows[array.is_null().to_numpy(zero_copy_only=False)] = 0
    return rows.data


def _is_text(arrow_type: Any) -> bool:
    return str(arrow_type) in (
        "string", "large_string", "string_view", "binary", "large_binary", "binary_view"
    )  # fmt: skip


def _text_buffers(array: Any) -> Iterator[Any]:
    """Yield the lengths of texts, and their bytes."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    is_text = "string" in str(array.type)
    array = array.cast(pa.large_string() if is_text else pa.large_binary())
    if array.null_count:
        array = pc.fill_null(array, "" if is_text else b"")
    lengths = pc.binary_length(array).to_numpy(zero_copy_only=False)
    yield memoryview(lengths).cast("B")
    _, offsets, data = array.buffers()
    bounds = memoryview(offsets).cast("q") if offsets is not None else ()
    if data is not None and len(array):
        first, last = bounds[array.offset], bounds[array.offset + len(array)]
        yield memoryview(data)[first:last]


def _plain_list(values: Any) -> Any:
    """Return nested values of Arrow as `marshal` can write them."""
    if isinstance(values, list):
        return [_plain_list(value) for value in values]
    if isinstance(values, dict):
        return [[name, _plain_list(value)] for name, value in values.items()]
    return values if type(values) in _PLAIN else repr(values)
