"""The messages of the twin to its parent: JSON behind its length, on a pipe."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

_HEAD = struct.Struct("!I")
MAX_BYTES = 64 * 1024 * 1024
"""The longest message that is read; the twin sends shorter ones."""

Frame = dict[str, Any]


class BrokenFrameError(ValueError):
    """The bytes are not a message: code in the twin has written to the pipe itself."""


def encode(frame: Frame) -> bytes:
    """Return a message as bytes.

    Example:
        >>> list(Decoder().feed(encode({"kind": "end"})))
        [{'kind': 'end'}]
    """
    data = json.dumps(frame, default=str).encode("utf-8", "surrogatepass")
    return _HEAD.pack(len(data)) + data


class Decoder:
    """Makes messages of bytes, which may arrive in any pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the messages that are complete now.

        Raises:
            BrokenFrameError: these bytes are no message.
        """
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            (size,) = _HEAD.unpack_from(self._buffer)
            if size > MAX_BYTES:
                raise BrokenFrameError
            end = _HEAD.size + size
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEAD.size : end])
            del self._buffer[:end]
            yield _parse(body)


def _parse(body: bytes) -> Frame:
    try:
        frame = json.loads(body)
    except ValueError:
        raise BrokenFrameError from None
    if not isinstance(frame, dict) or not isinstance(frame.get("kind"), str):
        raise BrokenFrameError
    return frame
