"""Parse JSON that servers send, with their habits; no I/O."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import jiter

from ..errors import ProtocolError
from ..sse import BOM

_SHOWN_BYTES = 40
"""Bytes that an error shows of what is not JSON."""


def parse_json(data: bytes) -> Any:
    """Return the value of some JSON that a server sent.

    Raises:
        ProtocolError: it is not JSON.
    """
    data = data.removeprefix(BOM)
    try:
        return jiter.from_json(data)
    except ValueError:
        pass
    try:
        # jiter refuses half of an escaped character, which servers send that cut by UTF-16.
        return json.loads(data)
    except (ValueError, RecursionError):
        text = data[:_SHOWN_BYTES].decode("utf-8", "replace")
    # Outside the handler: a `JSONDecodeError` holds the data, in which a server may repeat the key.
    raise ProtocolError(f"the provider sent something that is not JSON: {text!r}")


def parse_json_or_lines(data: bytes, is_cut: bool) -> list[Any]:
    """Return the JSON value of a body; or its values, if each is a line.

    Args:
        data: the body.
        is_cut: True if the connection broke: the last value may be cut.

    Raises:
        ProtocolError: it is not JSON.
    """
    values: list[Any] = []
    try:
        return [parse_json(data)]
    except ProtocolError:
        for line in filter(None, map(bytes.strip, data.splitlines())):
            with suppress(ProtocolError):
                values.append(parse_json(line))
                continue
            break
        if not values and not is_cut:
            raise
    return values
