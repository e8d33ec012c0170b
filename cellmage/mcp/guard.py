"""Run the program of a server, and kill it when nobody can reach it any more: a program of its own.

``python guard.py SECONDS COMMAND…`` runs the command as its child, in its own group of processes
and with its own pipes. When the other end of the standard input is closed, also by a kernel that
was killed, the command has so many seconds to end. Only then is the group killed.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time


def kill_after_hang_up(seconds: float) -> None:
    """Wait until the standard input has no writer any more, then kill this group of processes."""
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # no event but a hang-up, which cannot be left out
    while not poll.poll():
        pass
    time.sleep(seconds)
    os.killpg(0, signal.SIGKILL)


def main(seconds: str, *command: str) -> None:
    """Run a command to its end."""
    try:
        child = subprocess.Popen(command)
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error.strerror}")
    threading.Thread(target=kill_after_hang_up, args=(float(seconds),), daemon=True).start()
    sys.exit(child.wait() % 256)


if __name__ == "__main__":
    main(*sys.argv[1:])
