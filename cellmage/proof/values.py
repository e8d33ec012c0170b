"""The value of an expression as a figure in a sentence."""

from __future__ import annotations

import math
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ..describe.type_names import type_name
from ..text import truncate

_MAX_CHARS = 120
_DIGITS = 6
_MAX_PLAIN = 1e15
_FIGURES = (bool, int, float, complex, str, Decimal, Fraction, date, time, timedelta)


def value_text(value: Any) -> dict[str, str]:
    """Return the text of a figure as ``value``, or as ``error`` why the value is none.

    Example:
        >>> value_text(29.466666666666665), value_text(1770), value_text([1, 2])["error"]
        ({'value': '29.4667'}, {'value': '1770'}, 'it is a list, and not a figure')
    """
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", 0) == 0:
        value = item()
    if isinstance(value, float):
        return {"value": _float_text(value)}
    if value is None or not isinstance(value, _FIGURES):
        return {"error": f"it is a {type_name(type(value))}, and not a figure"}
    return {"value": truncate(str(value), _MAX_CHARS)}


def _float_text(value: float) -> str:
    """Return a float with the digits that a sentence needs; its whole part is never rounded."""
    if not math.isfinite(value) or abs(value) >= _MAX_PLAIN:
        return str(value)
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    if not whole:
        return f"{value:.{_DIGITS}g}"
    text = f"{value:.{max(_DIGITS - whole, 2)}f}"
    return text.rstrip("0").rstrip(".")
