"""The echo of a terminal, which must not move the cursor while an answer is repainted."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO

if sys.platform != "win32":
    import termios

_LOCAL_MODES = 3
"""The index of the local modes in the list of `termios.tcgetattr`."""


class TerminalEcho:
    """Turn the echo of a terminal off, and on again.

    A terminal prints each key at the cursor, and Ctrl-C as ``^C``. At the end of a full line that
    makes a new line, which the repaint does not erase. Typed text is not lost: the next prompt
    reads it.

    Args:
        output: the terminal; the echo of anything else is left as it is.
    """

    def __init__(self, output: IO[str]) -> None:
        self._output = output
        self._is_off = False

    def turn_off(self) -> None:
        """Turn the echo off if it is on; a second call changes nothing."""
        if not self._is_off:
            self._is_off = self._set_echo(False)

    def restore(self) -> None:
        """Turn the echo on if `turn_off` turned it off."""
        if self._is_off:
            self._is_off = not self._set_echo(True)

    def _set_echo(self, is_on: bool) -> bool:
        """Set the echo, and return whether that changed it."""
        if sys.platform == "win32":  # has no termios, and does not echo Ctrl-C
            return False
        # An output that is made of Python code has no file descriptor.
        with suppress(OSError, ValueError, AttributeError, termios.error):
            descriptor = self._output.fileno()
            modes = termios.tcgetattr(descriptor)
            # A process in the background that changes a terminal is stopped by SIGTTOU.
            is_ours = os.tcgetpgrp(descriptor) == os.getpgrp()
            if is_ours and bool(modes[_LOCAL_MODES] & termios.ECHO) != is_on:
                modes[_LOCAL_MODES] ^= termios.ECHO
                termios.tcsetattr(descriptor, termios.TCSANOW, modes)
                return True
        return False
