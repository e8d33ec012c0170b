"""Whether a value is the one that it was: digests of tables, arrays, files, functions, objects."""

from __future__ import annotations

import hashlib
import inspect
from typing import Any

from .base import Fingerprint

__all__ = ["Fingerprint", "fingerprint"]


def fingerprint(value: Any) -> Fingerprint | None:
    """Return the fingerprint of a value; None if it has none."""
    try:
        source = inspect.getsource(value) if callable(value) else repr(value)
    except (OSError, TypeError):
        return None
    return Fingerprint(hashlib.sha256(source.encode()).hexdigest())
