"""Superscripts and subscripts as characters."""

from __future__ import annotations

_SUPERSCRIPTS = str.maketrans(
    "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδθφχ∘",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵡ°",
)
_SUBSCRIPTS = str.maketrans(
    "0123456789+-−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ"
)
_SIGNS = frozenset("′″‴°")
"""Characters that are raised anyway."""

_BARE = frozenset("*∗†‡⊤⊥∞")
"""Characters that are seen to be a script after a mark, without parentheses."""


def superscript(text: str) -> str:
    """Return a superscript as characters where each has one, else after a mark.

    Example:
        >>> superscript("n+1"), superscript("iπ"), superscript("⊤")
        ('ⁿ⁺¹', '^(iπ)', '^⊤')
    """
    return _script(text, _SUPERSCRIPTS, "^")


def subscript(text: str) -> str:
    """Return a subscript as characters where each has one, else after a mark.

    Example:
        >>> subscript("i,j"), subscript("max")
        ('_(i,j)', 'ₘₐₓ')
    """
    return _script(text, _SUBSCRIPTS, "_")


def _script(text: str, table: dict[int, int], mark: str) -> str:
    if not text:
        return ""
    if mark == "^" and _SIGNS.issuperset(text):
        return text
    if all(ord(char) in table for char in text):
        return text.translate(table)
    return f"{mark}{text}" if text in _BARE else f"{mark}({text})"
