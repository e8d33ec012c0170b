"""The least and the greatest number of an array of numpy, read once and without a copy."""

from __future__ import annotations

import sys
from typing import Any

_CHUNK = 2**16
"""Numbers that are read twice while they are in the cache of the processor."""


def is_numeric(dtype: Any) -> bool:
    """Return whether a type is one of numpy's own for whole or floating-point numbers."""
    return is_plain_type(dtype) and dtype.kind in "iuf"


def is_plain_type(dtype: Any) -> bool:
    """Return whether a type is one of numpy's own."""
    return isinstance(dtype, sys.modules["numpy"].dtype)


def extremes_of(array: Any) -> tuple[Any, Any, int]:
    """Return the least and the greatest number, as Python has them, and how many are NaN.

    Args:
        array: an array of numbers of any shape; the numbers are NaN if there is none.
    """
    numpy = sys.modules["numpy"]
    low = high = None
    nans = 0
    flat = array.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        chunk = flat[start : start + _CHUNK]
        least, most = chunk.min(), chunk.max()
        if least != least:  # noqa: PLR0124 - NaN
            chunk = chunk[~numpy.isnan(chunk)]
            nans += min(_CHUNK, flat.size - start) - chunk.size
            if not chunk.size:
                continue
            least, most = chunk.min(), chunk.max()
        low = least if low is None or least < low else low
        high = most if high is None or most > high else high
    if low is None or high is None:
        return float("nan"), float("nan"), nans
    return low.item(), high.item(), nans
