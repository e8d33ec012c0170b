r"""Formulas as plain text: Unicode where it says exactly what the TeX says.

A fraction is written in a line, with parentheses where they are needed; a script is made of small
characters, or put in parentheses after ``^`` or ``_``; a matrix takes several lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial

from .chemistry import plain_equation
from .environments import arrange_rows
from .letters import CONSTANTS, add_accent, escape_piece, set_alphabet, text_piece
from .pieces import Piece, join_pieces, wrap_factor, wrap_radicand, wrap_term
from .reader import NotExactError, TexReader, TexToken
from .scripts import subscript, superscript
from .symbols import (
    ACCENTS,
    ALPHABETS,
    KINDS,
    TEXT_COMMANDS,
    UPRIGHT,
    VULGAR,
)

_OPERATOR_NAME = re.compile(r"(?:[A-Za-z0-9]|\\[ ,;:!]|[-\s])+\Z")
_MATH_IN_TEXT = re.compile(r"(?<!\\)\$([^$]*)(?<!\\)\$|\\\((.*?)\\\)", re.DOTALL)
_ROOTS = {"2": "√", "3": "∛", "4": "∜"}
_MAX_DEPTH = 30
"""Groups within groups that are read."""


@lru_cache(maxsize=256)
def plain_tex(tex: str) -> str | None:
    r"""Return a formula as text, of one line or more; None if no text is known that says the same.

    Args:
        tex: the content of a formula.

    Example:
        >>> plain_tex(r"\hat\beta = \frac{a+b}{2c}"), plain_tex(r"e^{-x^2}"), plain_tex(r"\foo")
        ('β̂ = (a + b)/(2c)', 'e^(−x²)', None)
    """
    try:
        text = arrange_rows(_Parser(TexReader(tex), 0).parse_rows(""), "")
    except NotExactError:
        return None
    return text if text.strip() else None


class _Parser:
    """A recursive-descent parser of TeX, which makes pieces of text."""

    def __init__(self, reader: TexReader, depth: int) -> None:
        self._reader = reader
        self._depth = depth
        if depth > _MAX_DEPTH:
            raise NotExactError

    def parse_rows(self, environment: str) -> list[list[list[Piece]]]:
        r"""Return the rows up to the end, or to the ``\end`` of an environment: cells of pieces."""
        rows: list[list[list[Piece]]] = [[[]]]
        while (token := self._reader.skip_space()).kind != "end":
            if token.is_command("end"):
                self._end_environment(environment)
                break
            if token.kind == "row":
                self._reader.next()
                rows.append([[]])
            elif self._reader.skip_char("&"):
                rows[-1].append([])
            else:
                rows[-1][-1] += self._parse_scripted()
        else:
            if environment:
                raise NotExactError
        return rows[:-1] if len(rows) > 1 and rows[-1] == [[]] else rows

    def _end_environment(self, environment: str) -> None:
        self._reader.next()
        if self._reader.raw_argument() != environment or not environment:
            raise NotExactError

    def _parse_inner(self, tex: str) -> list[Piece]:
        rows = _Parser(TexReader(tex), self._depth + 1).parse_rows("")
        if len(rows) != 1 or len(rows[0]) != 1:
            raise NotExactError
        return rows[0][0]

    def _argument(self) -> list[Piece]:
        self._reader.skip_space()
        return self._parse_atom()

    def _line(self) -> str:
        """Return an argument as one line."""
        return _one_line(join_pieces(self._argument()))

    def _script(self) -> str:
        return _one_line(join_pieces(self._argument(), is_script=True))

    def _parse_scripted(self) -> list[Piece]:
        """Return an atom with its scripts."""
        is_script = self._reader.peek().is_script_mark
        pieces = [] if is_script else self._parse_atom()
        primes = below = above = ""
        while self._reader.skip_limits().is_script_mark:
            mark = self._reader.next().text
            if mark == "'":
                primes += "′"
                continue
            if mark == "_":
                below += subscript(self._script())
            else:
                above += superscript(self._script())
        if not primes + below + above:
            return pieces
        *others, base = pieces or [Piece("ord", "")]
        return [*others, base.with_scripts(primes, below, above)]

    def _parse_atom(self) -> list[Piece]:
        token = self._reader.peek()
        if token.is_char("{"):
            return self._parse_inner(self._reader.raw_argument())
        self._reader.next()
        if token.kind == "name":
            return self._parse_command(token.text)
        if token.kind == "escape":
            return [escape_piece(token.text)]
        if token.kind != "char" or token.text in "}&#$^_\\":
            raise NotExactError
        return [self._char_piece(token)]

    def _char_piece(self, token: TexToken) -> Piece:
        if token.text == "~":
            return Piece("space", " ")
        around = self._reader.tex[max(token.start - 1, 0)] + self._reader.tex[token.end :][:1]
        is_in_number = token.text == "," and len(around) == 2 and around.isdigit()
        text = {"-": "−", "*": "∗"}.get(token.text, token.text)
        return Piece(KINDS.get(text, "ord"), text, is_tight=is_in_number)

    def _parse_command(self, name: str) -> list[Piece]:
        if name in CONSTANTS:
            return [CONSTANTS[name]]
        if name not in _COMMANDS:
            raise NotExactError
        return _COMMANDS[name](self)

    def _parse_accent(self, accent: str) -> list[Piece]:
        return [add_accent(self._argument(), accent)]

    def _parse_alphabet(self, words: Sequence[str]) -> list[Piece]:
        return [set_alphabet(piece, words) for piece in self._argument()]

    def _parse_text(self) -> list[Piece]:
        source = self._reader.raw_argument()
        pieces, position = [], 0
        for match in _MATH_IN_TEXT.finditer(source):
            pieces.append(text_piece(source[position : match.start()]))
            pieces += self._parse_inner(match[1] or match[2] or "")
            position = match.end()
        return [*pieces, text_piece(source[position:])]

    def _parse_operator_name(self) -> list[Piece]:
        self._reader.skip_char("*")
        source = self._reader.raw_argument()
        if not _OPERATOR_NAME.match(source):
            raise NotExactError
        return [Piece("fn", join_pieces(self._parse_inner(source), is_script=True))]

    def _parse_fraction(self) -> list[Piece]:
        top, bottom = self._argument(), self._argument()
        above, below = _one_line(join_pieces(top)), _one_line(join_pieces(bottom))
        if not (above and below):
            raise NotExactError
        if (above, below) in VULGAR:
            return [Piece("ord", VULGAR[above, below])]
        # In dy/dx, nobody takes the x for a factor of the fraction.
        is_derivative = len(bottom) == 2 and bottom[0].text in ("d", "∂") and above[0] in "d∂"
        bare = f"{wrap_term(top)}/{below if is_derivative else wrap_factor(bottom)}"
        return [Piece("frac", bare, f"({bare})")]

    def _parse_root(self) -> list[Piece]:
        degree = self._reader.optional_argument() or "2"
        content = self._argument()
        text = _one_line(join_pieces(content))
        raised = superscript(join_pieces(self._parse_inner(degree), is_script=True))
        sign = _ROOTS.get(degree) or f"{raised}√"
        if not text or "^" in sign:
            raise NotExactError
        radicand = wrap_radicand(content)
        in_parentheses = f"{sign}({text})" if radicand == text else f"{sign}{radicand}"
        return [Piece("root", f"{sign}{radicand}", in_parentheses)]

    def _parse_stack(self, is_below: bool) -> list[Piece]:
        """Return a symbol with a text above or below it, which means the same as a script."""
        text = self._script()
        *others, base = self._argument() or [Piece("ord", "")]
        below, above = (subscript(text), "") if is_below else ("", superscript(text))
        return [*others, base.with_scripts("", below, above)]

    def _parse_arrow(self, arrow: str) -> list[Piece]:
        if self._reader.optional_argument() is not None:
            raise NotExactError
        return [Piece("rel", arrow + superscript(self._script()))]

    def _parse_binomial(self) -> list[Piece]:
        return [Piece("ord", f"({self._line()} choose {self._line()})")]

    def _parse_modulo(self) -> list[Piece]:
        return [Piece("space", " "), Piece("ord", f"(mod {self._line()})")]

    def _parse_left(self) -> list[Piece]:
        opening = self._parse_delimiter()
        pieces: list[Piece] = []
        while not (token := self._reader.skip_space()).is_command("right"):
            if token.kind in ("end", "row") or token.is_char("&"):
                raise NotExactError
            pieces += self._parse_scripted()
        self._reader.next()
        closing = self._parse_delimiter()
        content = join_pieces(pieces)
        if "\n" in content:
            return [Piece.of_box(content, opening, closing)]
        return [Piece("open", opening), *pieces, Piece("close", closing)]

    def _parse_delimiter(self) -> str:
        self._reader.skip_space()
        if self._reader.skip_char("."):
            return ""
        pieces = self._parse_atom()
        if len(pieces) != 1 or len(pieces[0].text) != 1:
            raise NotExactError
        return pieces[0].text

    def _parse_middle(self) -> list[Piece]:
        return [Piece("rel", self._parse_delimiter())]

    def _parse_negation(self) -> list[Piece]:
        text = self._line()
        if len(text) != 1:
            raise NotExactError
        return [Piece("rel", unicodedata.normalize("NFC", f"{text}\u0338"))]

    def _parse_environment(self) -> list[Piece]:
        name = self._reader.raw_argument()
        kind = name.removesuffix("*")
        columns = self._reader.raw_argument() if kind in _WITH_COLUMNS else ""
        rows = _Parser(self._reader, self._depth + 1).parse_rows(name)
        return [Piece("ord", arrange_rows(rows, kind, columns * (kind == "array")))]

    def _parse_chemistry(self) -> list[Piece]:
        text = plain_equation(self._reader.raw_argument())
        if text is None:
            raise NotExactError
        return [Piece("ord", text)]

    def _parse_tag(self) -> list[Piece]:
        return [Piece("space", "    "), Piece("ord", f"({self._reader.raw_argument()})")]

    def _parse_label(self) -> list[Piece]:
        self._reader.raw_argument()
        return []


_WITH_COLUMNS = ("array", "alignat", "alignedat")
"""Environments with an argument about their columns."""

_COMMANDS: Mapping[str, Callable[[_Parser], list[Piece]]] = {
    **{name: partial(_Parser._parse_accent, accent=char) for name, char in ACCENTS.items()},
    **{name: partial(_Parser._parse_alphabet, words=words) for name, words in ALPHABETS.items()},
    **dict.fromkeys(UPRIGHT, _Parser._argument),
    **dict.fromkeys(TEXT_COMMANDS, _Parser._parse_text),
    **dict.fromkeys(("frac", "dfrac", "tfrac", "cfrac"), _Parser._parse_fraction),
    **dict.fromkeys(("binom", "dbinom", "tbinom"), _Parser._parse_binomial),
    "underset": partial(_Parser._parse_stack, is_below=True),
    **dict.fromkeys(("overset", "stackrel"), partial(_Parser._parse_stack, is_below=False)),
    "xrightarrow": partial(_Parser._parse_arrow, arrow="→"),
    "xleftarrow": partial(_Parser._parse_arrow, arrow="←"),
    "sqrt": _Parser._parse_root,
    "operatorname": _Parser._parse_operator_name,
    "boxed": _Parser._argument,
    "left": _Parser._parse_left,
    "middle": _Parser._parse_middle,
    "not": _Parser._parse_negation,
    "begin": _Parser._parse_environment,
    "pmod": _Parser._parse_modulo,
    "ce": _Parser._parse_chemistry,
    "tag": _Parser._parse_tag,
    "label": _Parser._parse_label,
}


def _one_line(text: str) -> str:
    if "\n" in text:
        raise NotExactError
    return text
