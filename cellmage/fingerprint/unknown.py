"""The error of a value that has no fingerprint."""

from __future__ import annotations


class Unknown(Exception):
    """A value, or a part of it, has no fingerprint."""
