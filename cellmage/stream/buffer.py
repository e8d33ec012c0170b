"""Collect text into pieces of a useful size: by sentence, line, number of characters, or time."""

from __future__ import annotations

_DEFAULT_CHARS = 50
"""Characters of a piece where the caller gives neither a size nor an end."""


class Buffer:
    """Collects text until a piece is worth yielding. Pure; nothing is lost, the order stays.

    Args:
        chars: the least number of characters of a piece; None leaves the size to `until`.
        until: the characters that end a piece, such as ``".!?\\n"``.
        seconds: the longest time that text waits for the end of its piece.

    Example:
        >>> buffer = Buffer(until=".")
        >>> buffer.feed("One. Two", 0.0), buffer.feed(". Thr", 0.1), buffer.flush()
        (['One.'], [' Two.'], [' Thr'])
    """

    def __init__(
        self, chars: int | None = None, until: str = "", seconds: float | None = None
    ) -> None:
        self._chars = chars or (1 if until else _DEFAULT_CHARS)
        self._until = until
        self._seconds = seconds
        self._text = ""
        self._waiting_since: float | None = None

    def feed(self, text: str, now: float) -> list[str]:
        """Add text, and return the pieces that are ready.

        Args:
            text: the next text; may be empty.
            now: seconds of any monotonic clock.
        """
        if text and self._waiting_since is None:
            self._waiting_since = now
        self._text += text
        pieces = []
        while end := self._end_of_piece():
            pieces.append(self._text[:end])
            self._text = self._text[end:]
            self._waiting_since = now if self._text else None
        return pieces or self.due(now)

    def _end_of_piece(self) -> int:
        """Return the offset where the next piece ends; 0 while there is none."""
        if not self._until:
            return len(self._text) if len(self._text) >= self._chars else 0
        offsets = (self._text.find(char, self._chars - 1) for char in self._until)
        return min((offset + 1 for offset in offsets if offset >= 0), default=0)

    def due(self, now: float) -> list[str]:
        """Return the text that has waited for its longest time."""
        if self._seconds is None or self._waiting_since is None:
            return []
        return self.flush() if now - self._waiting_since >= self._seconds else []

    def flush(self) -> list[str]:
        """Return the text that is left."""
        pieces = [self._text] if self._text else []
        self._text, self._waiting_since = "", None
        return pieces
