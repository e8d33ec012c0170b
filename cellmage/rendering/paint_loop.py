"""Read a stream to its end while its frames are painted, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import TypeVar

from ..display.base import Display, Frame
from ..messages import Response
from ..runtime.interrupts import defer_interrupts, first_interrupt_only, set_one_line

Batch = TypeVar("Batch")

POLL_SECONDS = 0.01
"""Time between two looks at the stream: a fifth of a frame, so that no frame is late."""


def read_to_end(
    batches: Generator[Batch],
    on_batch: Callable[[Batch], None],
    finish: Callable[[], None],
    response: Callable[[], Response],
) -> None:
    """Read all batches; on every way out the stream is closed, and the last frame is painted.

    This is a function, not a context manager: an interrupt that strikes in the code of
    `contextlib`, before the body or after it, would leave without `finish`.

    Args:
        batches: the generator of the stream.
        on_batch: takes each batch, and paints.
        finish: paints the last frame; no interrupt cuts it short.
        response: returns the answer so far, for the message of an interrupt.

    Raises:
        KeyboardInterrupt: the one that stopped the stream, with a traceback of one line.
        CellmageError: the answer failed.
        Exception: the display failed; what had arrived is kept as a partial answer.
    """
    with first_interrupt_only():
        try:
            for batch in batches:
                on_batch(batch)
        except KeyboardInterrupt as interrupt:
            # It may have struck between two batches: the stream must know why it ends.
            with suppress(KeyboardInterrupt):
                batches.throw(interrupt)
            set_one_line(interrupt, len(response().text))
            raise
        finally:
            with defer_interrupts():
                batches.close()  # the display has failed: the connection is still open
                finish()


def paint(display: Display, frames: Sequence[Frame]) -> None:
    """Show frames; an interrupt is raised after they are shown.

    ipykernel waits for its output with `threading.Event`, and an interrupt may leave its lock
    taken: the kernel would then never show anything again. (Measured: 2 of 10 000 interrupts.)
    """
    if frames:
        with defer_interrupts():
            display.show(frames)
