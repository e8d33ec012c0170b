"""Errors as OpenAI writes them: a status, and a JSON object with one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from ..errors import CellmageError
from ..tool_results import strip_folders

# The kinds of our errors as HTTP statuses; every other kind is 502, a fault of the model's server.
_STATUS = {
    "usage": 400, "bad_request": 400, "context_overflow": 400, "config": 400, "auth": 401,
    "quota": 402, "permission": 403, "not_found": 404, "rate_limited": 429,
    "timeout_first_byte": 504, "timeout_first_token": 504, "stalled": 504,
}  # fmt: skip

_BAD_GATEWAY = 502


def error_response(
    error: CellmageError, status: int | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return an error as a response.

    Args:
        error: the error.
        status: the HTTP status; None takes that of the error's kind.
        headers: further headers.
    """
    status = status or _STATUS.get(error.kind, _BAD_GATEWAY)
    return JSONResponse(error_body(error), status, headers)


def error_body(error: CellmageError) -> dict[str, Any]:
    """Return an error as a JSON object, in one line and without folders of this machine.

    Example:
        >>> error_body(CellmageError("no file /home/ada/a.gguf", kind="config"))["error"]["message"]
        'no file a.gguf'
    """
    line = strip_folders(" ".join(str(error).split()))
    return {
        "error": {"message": line, "type": error.kind, "param": error.option, "code": error.kind}
    }
