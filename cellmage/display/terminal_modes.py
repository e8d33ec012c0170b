"""The modes of a terminal, which must not move the cursor while an answer is repainted."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO

if sys.platform != "win32":
    import termios

_LOCAL_MODES = 3
"""The index of the local modes in the list of `termios.tcgetattr`."""


class TerminalModes:
    """Set the modes in which a terminal can be repainted, and set them back.

    Two modes of a terminal (termios(3)) spoil a repaint:

    - ECHO prints each key at the cursor, and Ctrl-C as ``^C``. At the end of a full line that
      makes a new line, which the repaint does not erase.
    - Without NOFLSH, Ctrl-C discards what was written and not yet shown: lines of the answer are
      lost, and the cursor is not where the next repaint begins.

    Typed text is not lost: the next prompt reads it.

    Args:
        output: the terminal; the modes of anything else are left as they are.
    """

    def __init__(self, output: IO[str]) -> None:
        self._output = output
        self._before: int | None = None

    def prepare(self) -> None:
        """Set the modes for a repaint; a second call changes nothing."""
        if self._before is None and sys.platform != "win32":  # which has no termios
            self._before = self._set_local_modes(termios.NOFLSH)

    def restore(self) -> None:
        """Set the two modes back to what they were before `prepare`."""
        if self._before is not None:
            self._set_local_modes(self._before)
            self._before = None

    def _set_local_modes(self, value: int) -> int | None:
        """Set ECHO and NOFLSH as in a value, and return the local modes until now.

        Returns:
            None if the output is not a terminal, or if this process is in its background.
        """
        # An output that is made of Python code has no file descriptor.
        with suppress(OSError, ValueError, AttributeError, termios.error):
            descriptor = self._output.fileno()
            modes = termios.tcgetattr(descriptor)
            # A process in the background that changes a terminal is stopped by SIGTTOU.
            if os.tcgetpgrp(descriptor) == os.getpgrp():
                before = modes[_LOCAL_MODES]
                mask = termios.ECHO | termios.NOFLSH
                modes[_LOCAL_MODES] = before & ~mask | value & mask
                termios.tcsetattr(descriptor, termios.TCSANOW, modes)
                return int(before)
        return None
