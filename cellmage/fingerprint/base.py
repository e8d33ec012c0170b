"""The value of a fingerprint."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells whether a value is the one that it was.

    Args:
        digest: equal for equal values, also in another process; in hexadecimal.
        words: the value in a few words, such as ``"1 204 rows"``, for the line that says what
            changed; it contains nothing of the value that may not be sent.

    Example:
        >>> Fingerprint("9f86d081", "1 204 rows").words
        '1 204 rows'
    """

    digest: str
    words: str = ""
