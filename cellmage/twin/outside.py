"""The error that code gets for what is not done in the twin."""

from __future__ import annotations


class ActsOutside(PermissionError):
    """The code would have acted outside of the process."""
