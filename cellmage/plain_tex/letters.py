"""Parts of a formula that contain no others: letters, commands without arguments, and text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from .pieces import Piece, join_pieces
from .reader import NotExactError
from .symbols import FUNCTIONS, IGNORED, SPACES, SYMBOLS

CONSTANTS: Mapping[str, Piece] = {
    **{name: Piece(kind, char) for name, (kind, char) in SYMBOLS.items()},
    **{name: Piece("fn", name) for name in FUNCTIONS},
    **{name: Piece("space", " " * count) for name, count in SPACES.items()},
    **dict.fromkeys(IGNORED, Piece("space", "")),
    "bmod": Piece("bin", "mod"),
}
"""Commands without arguments."""

_OF_MANY = frozenset("\u0305\u0332")
"""Lines above and below, which join each other."""

_TEXT_ESCAPE = re.compile(r"\\([%#&_{}$ ])|(~)|[{}]|\\")


def add_accent(pieces: Sequence[Piece], accent: str) -> Piece:
    """Return a letter with an accent, a combining character.

    Raises:
        NotExactError: the accent is on more than one letter.
    """
    text = join_pieces(pieces)
    base = unicodedata.normalize("NFC", text)
    letters = [char for char in base if not unicodedata.combining(char)]
    if not letters or "\n" in text or (len(letters) > 1 and accent not in _OF_MANY):
        raise NotExactError
    accented = base + accent if len(letters) == 1 else "".join(char + accent for char in letters)
    return Piece("ord", unicodedata.normalize("NFC", accented))


def set_alphabet(piece: Piece, words: Sequence[str]) -> Piece:
    """Return a piece with its letters in a mathematical alphabet.

    Args:
        piece: the piece.
        words: the words for the alphabet in the names of its characters.

    Raises:
        NotExactError: Unicode does not have one of the letters.
    """
    text = "".join(_letter(char, words) for char in piece.text)
    return piece._replace(text=text, wrapped=f"({text})" if piece.wrapped else "")


def _letter(char: str, words: Sequence[str]) -> str:
    # A script is small, whatever its alphabet is.
    if not char.isalnum() or unicodedata.decomposition(char).startswith(("<super>", "<sub>")):
        return char
    name = unicodedata.name(char, "").replace("LETTER ", "").removeprefix("LATIN ")
    name = name.removeprefix("GREEK ")
    for word in words:
        for candidate in (f"MATHEMATICAL {word} {name}", f"{word} {name}"):
            try:
                return unicodedata.lookup(candidate)
            except KeyError:
                continue
    raise NotExactError


def escape_piece(char: str) -> Piece:
    """Return the piece for a character after a backslash.

    Raises:
        NotExactError: it is a command that is not known.
    """
    if char in SPACES:
        return Piece("space", " " * SPACES[char])
    kinds = {"{": "open", "}": "close", **dict.fromkeys("%#&_$|", "ord")}
    if char not in kinds:
        raise NotExactError
    return Piece(kinds[char], "‖" if char == "|" else char)


def text_piece(source: str) -> Piece:
    """Return the piece for a text within a formula.

    Raises:
        NotExactError: it contains commands.
    """
    if re.search(r"\\(?![%#&_{}$ ])", source):
        raise NotExactError
    text = _TEXT_ESCAPE.sub(lambda match: match[1] or " " * bool(match[2]), source)
    return Piece("ord", re.sub(r"\s+", " ", text))
