from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cellmage.display import CURSOR, Frame, LiveMarkdown

# Moments and pieces: after a wait of so many seconds a piece comes, or only a look at the clock.
RUN = st.lists(st.tuples(st.floats(0, 0.2), st.none() | st.text(min_size=1)))


@given(RUN, st.floats(0.001, 0.2))
def test_frames(run: list[tuple[float, str | None]], interval: float) -> None:
    live, now, sofar = LiveMarkdown(now=0.0, interval=interval), 0.0, ""
    frames: list[tuple[float, Frame]] = []
    for wait, piece in run:
        now += wait
        if piece is not None:
            live.feed(piece)
            sofar += piece
        frame = live.due(now)
        shown = [frame for _, frame in frames if frame.text]
        if frame is not None and sofar:
            assert frame == Frame(sofar, CURSOR), "a frame holds the text so far"
            assert not shown or frame.text != shown[-1].text, "no frame without news"
        if frame is not None:
            frames.append((now, frame))
        if piece is not None and not shown:
            assert frame is not None, "the first text is shown at once"
    texts = [at for at, frame in frames if frame.text]
    assert all(b - a >= interval - 1e-9 for a, b in itertools.pairwise(texts))
    assert live.last() == Frame(sofar)
    if sofar and (late := live.due(now + interval + 0.001)) is not None:
        assert late.text == sofar
    assert live.due(now + 2 * interval + 0.002) is None or not sofar


@given(RUN)
def test_not_live(run: list[tuple[float, str | None]]) -> None:
    live, now = LiveMarkdown(now=0.0, live=False), 0.0
    for wait, piece in run:
        now += wait
        if piece is not None:
            live.feed(piece)
        frame = live.due(now)
        assert frame is None or not frame.text
    assert live.last().text == "".join(piece or "" for _, piece in run)


def test_waiting_line() -> None:
    live = LiveMarkdown(now=10.0)
    shown = [(now, frame.markdown) for now in (10.1, 10.4, 10.5, 11.0, 11.2, 12.6, 13.0)
             if (frame := live.due(now))]  # fmt: skip
    assert shown == [
        (10.4, "*thinking…*"),
        (11.0, "*thinking… 1 s*"),
        (12.6, "*thinking… 2 s*"),
        (13.0, "*thinking… 3 s*"),
    ]
    live.feed("a")
    assert live.due(13.0) == Frame("a", CURSOR)
