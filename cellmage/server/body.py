"""Read the body of a request: JSON within bounds of size, time, depth and number of values."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request

from ..errors import UsageError
from ..foreign_files import parse_json
from ..text import join_surrogates

MAX_BODY_BYTES = 20 * 2**20
"""The largest request."""

BODY_SECONDS = 30
"""The time in which a request must arrive."""

_MAX_VALUES = 1_000_000
"""The most values in a request: an empty list is two bytes of JSON, and 64 of memory."""

_VALUE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{,]', re.DOTALL)
"""A text (without its end, all the rest), or a character that begins or separates values."""


class TooLargeError(UsageError):
    """The request is larger than `MAX_BODY_BYTES`."""

    def __init__(self) -> None:
        super().__init__(f"the request is larger than {MAX_BODY_BYTES // 2**20} MiB")


async def read_body(http: Request, seconds: float = BODY_SECONDS) -> Mapping[str, Any]:
    """Return the JSON object in the body of a request.

    Args:
        http: the request.
        seconds: the time in which the body must arrive.

    Raises:
        UsageError: the content type is not JSON, or the body is not a JSON object, too large, too
            deep, or too slow.
    """
    # A web page of another site can send other content types without a CORS preflight.
    content_type = http.headers.get("content-type", "").partition(";")[0]
    if content_type.strip().lower() != "application/json":
        raise UsageError("the request must be application/json")
    data = await _read_limited(http, seconds)
    if len(data) > _MAX_VALUES and _has_many_values(data):
        raise UsageError(f"the request has more than {_MAX_VALUES} values")
    try:
        body = _parse(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise UsageError("the request is not a JSON object")
    return body


async def _read_limited(http: Request, seconds: float) -> bytes:
    """Return the body; a client that sends too much, or too slowly, is not waited for."""
    announced = http.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:20]) > MAX_BODY_BYTES:
        raise TooLargeError
    data = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in http.stream():
                data += chunk
                if len(data) > MAX_BODY_BYTES:
                    raise TooLargeError
    except TimeoutError:
        raise UsageError(f"the request did not arrive within {seconds:g} s") from None
    except ClientDisconnect:
        raise UsageError("the client has left") from None
    return bytes(data)


def _has_many_values(data: bytes) -> bool:
    return any(number > _MAX_VALUES for number, _ in enumerate(_VALUE.finditer(data)))


def _parse(data: bytes) -> Any:
    """Parse JSON that can be sent on: without lone surrogates, and without infinity and NaN."""
    text = json.dumps(parse_json(data.decode()), ensure_ascii=False, allow_nan=False)
    return parse_json(join_surrogates(text))
