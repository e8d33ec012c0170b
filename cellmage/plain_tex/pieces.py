"""Pieces of a formula as text, and the spaces and parentheses between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .text_boxes import join_beside, tall

_SEPARATORS = frozenset(" /")
_SUMS = frozenset("+−±∓-")
"""Operators that bind less than a fraction."""

_WIDE_GAP = 2
"""Spaces that separate parts of a formula, as ``\\quad`` does."""

_RAISED = frozenset("^′″⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵡ")
_FACTORS = frozenset({"ord", "open", "fn", "big", "frac", "root"})
_UNDIVIDED = frozenset({"ord", "root", "group"})
_OPERANDS = frozenset({"ord", "close", "frac", "root", "fn", "big"})


class Piece(NamedTuple):
    """A part of a formula.

    Args:
        kind: ord, fn (a function's name), big (such as a sum), bin, rel, open, close, punct, space,
            frac or root.
        text: its text; lines that are set beside the other pieces if there are more than one.
        wrapped: of a fraction or a root, the text to use next to a factor.
        is_tight: whether no space follows it.
    """

    kind: str
    text: str
    wrapped: str = ""
    is_tight: bool = False

    @classmethod
    def of_box(cls, content: str, opening: str, closing: str) -> Piece:
        """Return lines between two delimiters as high as they are."""
        height = content.count("\n") + 1
        return cls("ord", join_beside([tall(opening, height), content, tall(closing, height)]))

    def with_scripts(self, primes: str, below: str, above: str) -> Piece:
        """Return the piece with its scripts; those of several lines are at the first and last."""
        first, *others = self._base().split("\n")
        if not others:
            kind = "ord" if self.kind in ("frac", "root", "space") else self.kind
            return Piece(kind, f"{first}{primes}{below}{above}")
        others[-1] += below
        return Piece("ord", "\n".join([f"{first}{primes}{above}", *others]))

    def _base(self) -> str:
        return {"frac": self.wrapped, "root": f"({self.text})"}.get(self.kind, self.text)


def join_pieces(pieces: Sequence[Piece], is_script: bool = False, before: str = "") -> str:
    """Return the text of pieces beside each other.

    Args:
        pieces: the pieces.
        is_script: whether it is a script, in which operators have no spaces around them.
        before: the kind of what is before them.

    Example:
        >>> join_pieces([Piece("ord", "a"), Piece("bin", "+"), Piece("frac", "b/c", "(b/c)")])
        'a + b/c'
    """
    boxes = [""]
    previous, space = Piece(before, ""), 0
    visible = list(_classify(pieces, before))
    for index, piece in enumerate(visible):
        if piece.kind == "space":
            space += len(piece.text)
            continue
        gap = max(space, _gap(previous, piece, is_script))
        text = piece.wrapped if _is_crowded(visible, index, previous, space) else piece.text
        if "\n" in text:
            boxes += [" " * gap, text, ""]
        else:
            boxes[-1] += " " * gap + text
        previous, space = piece, 0
    return join_beside(boxes) if len(boxes) > 1 else boxes[0]


def _classify(pieces: Sequence[Piece], before: str) -> Iterator[Piece]:
    """Yield the pieces; an operator without two operands is a sign, as in TeX."""
    previous = before
    for index, piece in enumerate(pieces):
        is_sign = piece.kind == "bin" and (
            previous not in _OPERANDS or _next_kind(pieces, index) not in (_FACTORS | {"bin"})
        )
        piece = piece._replace(kind="ord") if is_sign else piece  # noqa: PLW2901
        if piece.kind != "space":
            previous = piece.kind if not is_sign else "bin"
        yield piece


def _next_kind(pieces: Sequence[Piece], index: int) -> str:
    return next((piece.kind for piece in pieces[index + 1 :] if piece.kind != "space"), "")


def _gap(left: Piece, right: Piece, is_script: bool) -> int:
    """Return the spaces between two pieces."""
    kinds = {left.kind, right.kind}
    if not left.kind or left.is_tight:
        return 0
    if "bin" in kinds or "rel" in kinds or left.kind == "punct":
        return int(not is_script and kinds != {"rel"} and right.kind not in ("punct", "close"))
    if left.kind == "fn":
        return int(right.kind in _FACTORS and (right.kind != "open" or left.text.endswith(")")))
    if left.kind == "big":
        return int(right.kind in _FACTORS)
    return int(right.kind in ("fn", "big") and left.kind != "open")


def _is_crowded(pieces: Sequence[Piece], index: int, left: Piece, space: int) -> bool:
    """Return whether a fraction or a root needs parentheses, for what is beside it."""
    piece = pieces[index]
    if piece.kind not in ("frac", "root"):
        return False
    right, space_after = Piece("", ""), 0
    for following in pieces[index + 1 :]:
        if following.kind != "space":
            right = following
            break
        space_after += len(following.text)
    if piece.kind == "root":
        return right.kind in _FACTORS and space_after < _WIDE_GAP
    is_open_left = left.kind in ("", "rel", "open", "punct") or left.text in _SUMS
    is_open_right = right.kind in ("", "rel", "close", "punct") or right.text in _SUMS
    return not (
        (is_open_left or space >= _WIDE_GAP) and (is_open_right or space_after >= _WIDE_GAP)
    )


def wrap_term(pieces: Sequence[Piece]) -> str:
    """Return pieces as a numerator: in parentheses if they are more than a product."""
    text, items = join_pieces(pieces), _items(pieces)
    is_product = all(
        piece.kind in _UNDIVIDED and not _SEPARATORS.intersection(piece.text) for piece in items
    )
    has_space = any(piece.kind == "space" for piece in pieces)
    return text if is_product and not has_space else _in_parentheses(text)


def wrap_factor(pieces: Sequence[Piece]) -> str:
    """Return pieces as a denominator: in parentheses if they are more than one factor."""
    text = join_pieces(pieces)
    return text if _is_factor(pieces, text) else _in_parentheses(text)


def wrap_radicand(pieces: Sequence[Piece]) -> str:
    """Return pieces below a root sign: in parentheses if more than one factor without a power."""
    text = join_pieces(pieces)
    is_bare = _is_factor(pieces, text) and not _RAISED.intersection(text)
    return text if is_bare else _in_parentheses(text)


def _is_factor(pieces: Sequence[Piece], text: str) -> bool:
    items = _items(pieces)
    is_number = all(char.isdigit() or char in ".," for char in text)
    is_one = len(items) == 1 and items[0].kind in _UNDIVIDED
    return is_number or (is_one and not _SEPARATORS.intersection(items[0].text))


def _items(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces outside of parentheses, and one of the kind `group` for each pair."""
    items, depth = [], 0
    for piece in pieces:
        if piece.kind == "open":
            depth += 1
        elif piece.kind == "close":
            depth -= 1
            items += [] if depth else [Piece("group", "")]
        elif not depth and piece.kind != "space":
            items.append(piece)
    return items if not depth else [Piece("rel", "")]


def _in_parentheses(text: str) -> str:
    return f"({text})"
