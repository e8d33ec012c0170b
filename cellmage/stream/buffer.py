"""Text in pieces of a useful size: by sentence, line, number of characters, or time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


class Buffer:
    """Gathers text until it is worth handing on. Pure: nothing is lost, and the order is kept.

    Args:
        chars: hand on at least so many characters at a time; None leaves that to `until`.
        until: characters that end a piece, such as ``".!?\\n"``.
        seconds: hand on what is there after so long, in any case.

    Example:
        >>> buffer = Buffer(until=".")
        >>> buffer.feed("One. Two", 0.0), buffer.feed(". Thr", 0.1), buffer.flush()
        (['One.'], [' Two.'], [' Thr'])
    """

    def __init__(
        self, chars: int | None = None, until: str = "", seconds: float | None = None
    ) -> None:
        self._chars = chars or (50 if not until else 1)
        self._until = until
        self._seconds = seconds
        self._text = ""
        self._since: float | None = None

    def feed(self, text: str, now: float) -> list[str]:
        """The pieces that are ready with this text."""
        if text and self._since is None:
            self._since = now
        self._text += text
        pieces = []
        while end := self._end():
            pieces.append(self._text[:end])
            self._text = self._text[end:]
            self._since = now if self._text else None
        return pieces or self.due(now)

    def _end(self) -> int:
        """Where the next piece ends; 0 while there is none."""
        if not self._until:
            return len(self._text) if len(self._text) >= self._chars else 0
        places = (self._text.find(each, self._chars - 1) for each in self._until)
        return min((place + 1 for place in places if place >= 0), default=0)

    def due(self, now: float) -> list[str]:
        """What has waited long enough."""
        if self._seconds is None or self._since is None or now - self._since < self._seconds:
            return []
        return self.flush()

    def flush(self) -> list[str]:
        """What is left."""
        pieces = [self._text] if self._text else []
        self._text, self._since = "", None
        return pieces
