"""One line for each figure, its limit, and what was missed."""

from __future__ import annotations

from collections.abc import Callable

missed: list[str] = []


def line(what: str, figure: str, wanted: str = "", holds: bool = True) -> None:
    print(f"{what:<52}{figure:>28}   {wanted:<16}{'' if holds else 'MISSED'}".rstrip(), flush=True)
    if not holds:
        missed.append(what.strip())


def ratio(
    what: str, ours: float, theirs: float, limit: float, show: Callable[[float], str]
) -> None:
    value = ours / theirs
    figure = f"{show(ours)} / {show(theirs)} = {value:.3f}"
    line(what, figure, f"at most {limit:g}", value <= limit)


def at_most(what: str, value: float, limit: float, show: Callable[[float], str]) -> None:
    line(what, show(value), f"at most {show(limit)}", value <= limit)


def seconds(value: float) -> str:
    return f"{value:.2f} s"


def kilobytes(value: float) -> str:
    return f"{value / 1000:.0f} kB"
