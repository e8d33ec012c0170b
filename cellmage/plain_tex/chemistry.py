r"""Chemical formulas as text: the part of mhchem that models use in ``\ce{…}``."""

from __future__ import annotations

import re

from .scripts import subscript, superscript

_ARROWS = {
    "->": "→", "<-": "←", "<->": "↔", "<-->": "⇄", "<=>": "⇌", "<=>>": "⇌", "<<=>": "⇌", "=": "=",
    "+": "+", "v": "↓", "^": "↑", "(v)": "↓", "(^)": "↑", "*": "·", ".": "·",
}  # fmt: skip
_COEFFICIENT = re.compile(r"\d+(?:[./]\d+)?(?=[A-Ze(\[]|\Z)|n(?=[A-Z])")
_PART = re.compile(
    r"(?P<state>\((?:aq|s|l|g|cr)\)\Z)"
    r"|(?P<element>[A-Z][a-z]?|e(?=[-+^])|[()\[\]])(?P<count>\d*)"
    r"|\^\{(?P<charge>[^{}]+)\}|\^(?P<bare_charge>\d*[-+]|\d+)|_\{?(?P<index>\w+)\}?"
    r"|(?P<sign>[-+])\Z|(?P<bond>[-=#](?=[A-Z]))|(?P<hydrate>[.*])(?P<waters>\d*)"
)


def plain_equation(source: str) -> str | None:
    """Return a chemical formula or equation as text; None if it has parts not known here.

    Example:
        >>> plain_equation("Zn -> Zn^2+ + 2e-"), plain_equation("SO4^{2-}"), plain_equation("x^x")
        ('Zn → Zn²⁺ + 2e⁻', 'SO₄²⁻', None)
    """
    words = [_ARROWS.get(word) or _plain_formula(word) for word in source.split()]
    return " ".join(map(str, words)) if words and None not in words else None


def _plain_formula(word: str) -> str | None:
    coefficient = _COEFFICIENT.match(word)
    position = coefficient.end() if coefficient else 0
    pieces = [word[:position]]
    while position < len(word):
        match = _PART.match(word, position)
        if match is None:
            return None
        pieces.append(_plain_part(match))
        position = match.end()
    return "".join(pieces)


def _plain_part(match: re.Match[str]) -> str:
    if element := match["element"]:
        return element + subscript(match["count"])
    if charge := match["charge"] or match["bare_charge"] or match["sign"]:
        return superscript(charge)
    if match["index"]:
        return subscript(match["index"])
    if match["hydrate"]:
        return f"·{match['waters']}"
    return {"#": "≡", "-": "–"}.get(match[0], match[0])
