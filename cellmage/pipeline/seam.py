"""Join an answer that was cut with its continuation: a text that the model repeats appears once.

Models begin a continuation with the last words, the last line or the complete answer once more,
often after a preface such as "Sure, continuing:". A repetition must be exact, and a preface is left
out only before a repetition. In doubt the text stays as it is: a reader sees a word that is there
twice, and cannot see one that is missing. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MIN_REPEATED_CHARS = 12
"""A repetition that is shorter must contain a complete word."""

_MIN_REPEATED_CJK = 4
"""The same in characters of Chinese, Japanese and Korean, which are not written in words."""

_MAX_PREFACE_CHARS = 200
"""A longer text before a repetition is no preface."""

# The beginnings of prefaces, in lower case, as models write them.
_PREFACES = (
    *("sure", "certainly", "of course", "ok", "alright", "absolutely", "yes", "got it"),
    *("sorry", "apologies", "my apologies", "here", "continu", "resuming", "picking up"),
    *("i'll", "i’ll", "i will", "let me", "let's", "let’s", "the rest", "the remaining"),
    *("natürlich", "gerne", "klar", "hier", "weiter", "fortsetzung", "bien sûr", "voici"),
    *("suite", "la suite", "claro", "continúo", "aquí", "certo", "ecco", "好的", "继续", "接着"),
    *("接上", "以下", "はい", "続き", "承知", "계속", "네"),
)
_PREFACE_END = re.compile(r"[:.!…：。！]+(?:\s+|(?<=[：。！]))|\s*\n\s*")
_ADDITION = re.compile(r"\s+|\.\.\.+|…")
_PARTIAL_ADDITION = re.compile(r"(?:`+|~+)[^`\n]*|\.+")
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})", re.MULTILINE)
_FENCE_LINE = re.compile(r"(?:`{3,}|~{3,})[^`\n]*\n")

_WORD = re.compile(r"[^\W\d_]{3,}")
_LETTER = re.compile(r"[^\W\d_]")
_SIGN = re.compile(r"\W")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Seam:
    """The beginning of a continuation, until it is known which part of it is repeated.

    Args:
        old_text: the text that was cut.

    Attributes:
        preface: the text before the repetition that was left out; empty if none was.
        repeated: the repetition that was left out; empty if there was none.

    Example:
        >>> seam = Seam("The quick brown fox")
        >>> [seam.feed(piece) for piece in ("Sure, contin", "uing:\\n\\nbrown ", "fox jumps", "!")]
        ['', '', ' jumps', '!']
        >>> seam.preface, seam.repeated
        ('Sure, continuing:', 'brown fox')
    """

    def __init__(self, old_text: str) -> None:
        self.preface = self.repeated = ""
        self._old_text = old_text
        self._head = ""
        self._overlaps: dict[int, _Overlap] = {}
        self._is_decided = not old_text
        # Inside a fence a model opens the fence again; elsewhere a fence is a part of the text.
        is_in_fence = len(_FENCE.findall(old_text)) % 2 == 1
        self._additions = (_ADDITION, _FENCE_LINE) if is_in_fence else (_ADDITION,)

    def feed(self, piece: str) -> str:
        """Add the next piece of the new text, and return what may be shown of it."""
        if self._is_decided:
            return piece
        self._head += piece
        for overlap in self._overlaps.values():
            overlap.feed(piece)
        for start in self._possible_starts():
            if start not in self._overlaps:
                self._overlaps[start] = _Overlap(self._old_text)
                self._overlaps[start].feed(self._head[start:])
        is_open = any(overlap.is_open for overlap in self._overlaps.values())
        return "" if is_open or _may_be_preface(self._head) else self.flush()

    def flush(self) -> str:
        """Decide, and return the text that was held back and is not repeated."""
        if self._is_decided:
            return ""
        head, self._is_decided = self._head, True
        repetitions = [
            (length, -start)
            for start, overlap in self._overlaps.items()
            for length in overlap.lengths
            if _is_repetition(self._old_text, length, head[start + length :])
        ]
        if not repetitions:
            return head
        length, start = max(repetitions)
        self.preface, self.repeated = head[:-start].strip(), head[-start : length - start]
        return head[length - start :]

    def _possible_starts(self) -> Iterator[int]:
        """Yield the offsets where the answer may go on: 0, and those behind a preface."""
        starts = [0, *_ends_of_preface(self._head)]
        while starts:
            start = starts.pop()
            yield start
            if start < _MAX_PREFACE_CHARS:
                matches = (addition.match(self._head, start) for addition in self._additions)
                starts += [match.end() for match in matches if match]


class _Overlap:
    """The ends of an old text that are the beginning of a new text, which arrives in pieces.

    Attributes:
        lengths: the lengths of these ends.
    """

    def __init__(self, old_text: str) -> None:
        self.lengths: list[int] = []
        self._old_text = old_text
        self._length = 0
        self._starts: list[int] | None = None

    @property
    def is_open(self) -> bool:
        """True if more of the new text may lead to another length, or judge the last one."""
        is_complete = self.lengths[-1:] == [self._length]
        return self._starts is None or bool(self._starts) or is_complete

    def feed(self, piece: str) -> None:
        """Add the next piece of the new text."""
        if not piece:
            return
        old_text, starts = self._old_text, self._starts
        if starts is None:
            starts = [match.start() for match in re.finditer(re.escape(piece[0]), old_text)]
        ends = [start for start in starts if len(old_text) - start - self._length <= len(piece)]
        self.lengths += [
            len(old_text) - start
            for start in ends
            if piece.startswith(old_text[start + self._length :])
        ]
        longer = starts[: len(starts) - len(ends)]
        self._starts = [
            start for start in longer if old_text.startswith(piece, start + self._length)
        ]
        self._length += len(piece)


def _ends_of_preface(head: str) -> list[int]:
    text = head[:_MAX_PREFACE_CHARS]
    if not text.lstrip().lower().startswith(_PREFACES):
        return []
    return [match.end() for match in _PREFACE_END.finditer(text)]


def _may_be_preface(head: str) -> bool:
    """Return whether the head may be the beginning of a preface whose end has not arrived."""
    line = head.lstrip().lower()
    if not line:
        return True
    if "\n" in line or len(head) > _MAX_PREFACE_CHARS:
        return False
    is_word = line.startswith(_PREFACES) or any(word.startswith(line) for word in _PREFACES)
    return is_word or bool(_PARTIAL_ADDITION.fullmatch(line))


def _is_repetition(old_text: str, length: int, following: str) -> bool:
    """Return whether the beginning of the new text repeats the end of the old text.

    Args:
        old_text: the text that was cut.
        length: the length of its end, in characters.
        following: the new text after it.
    """
    before, end = old_text[:-length], old_text[-length:]
    is_at_word = not (before[-1:].isalnum() and end[0].isalnum()) or _CJK.match(end)
    if not is_at_word or _is_periodic(before, end):
        return False
    is_long = len(end.strip()) >= _MIN_REPEATED_CHARS
    is_long = is_long or len(_CJK.findall(end)) >= _MIN_REPEATED_CJK
    return is_long or _has_whole_word(end, following) or (_is_line(before, end) and bool(following))


def _is_periodic(before: str, end: str) -> bool:
    """Return whether the end repeats what is before it, or itself, as the rows of a matrix do."""
    return before.endswith(end) or end in (end + end)[1:-1]


def _has_whole_word(end: str, following: str) -> bool:
    is_last_whole = bool(following) and not following[0].isalnum()
    words = (word for word in _WORD.finditer(end) if not _CJK.match(word[0]))
    return any(is_last_whole or word.end() < len(end) for word in words)


def _is_line(before: str, end: str) -> bool:
    """Return whether the end is the line that was cut: more than a word, or an indented one."""
    is_at_line = not before.rpartition("\n")[2].strip()
    return is_at_line and bool(_LETTER.search(end) and _SIGN.search(end.rstrip()))
