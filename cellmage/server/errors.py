"""Errors as OpenAI and Anthropic write them: a status, and a JSON object with one line."""

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


MESSAGES_PATH = "/v1/messages"

# Anthropic's words for the statuses; every other one from 500 on is an `api_error`.
_TYPES: Mapping[int, str] = {
    401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 405: "invalid_request_error", 413: "request_too_large",
    429: "rate_limit_error", 503: "overloaded_error", 504: "timeout_error",
}  # fmt: skip
_SERVER_ERROR = 500


def error_response(
    error: CellmageError,
    path: str = "",
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return an error as a response.

    Args:
        error: the error.
        path: the path of the request; that of the Messages API has another form of errors.
        status: the HTTP status; None takes that of the error's kind.
        headers: further headers.
    """
    status = status or _status(error)
    is_messages = path.startswith(MESSAGES_PATH)
    body = anthropic_error(error, status) if is_messages else openai_error(error)
    return JSONResponse(body, status, headers)


def openai_error(error: CellmageError) -> dict[str, Any]:
    """Return an error as a JSON object, in one line and without folders of this machine.

    Example:
        >>> error = CellmageError("no file /home/ada/a.gguf", kind="config")
        >>> openai_error(error)["error"]["message"]
        'no file a.gguf'
    """
    fields = {"type": error.kind, "param": error.option, "code": error.kind}
    return {"error": {"message": _line(error), **fields}}


def anthropic_error(error: CellmageError, status: int | None = None) -> dict[str, Any]:
    """Return an error in the form of the Messages API.

    Example:
        >>> anthropic_error(CellmageError("slow down", kind="rate_limited"))
        {'type': 'error', 'error': {'type': 'rate_limit_error', 'message': 'slow down'}}
    """
    status = status or _status(error)
    other = "api_error" if status >= _SERVER_ERROR else "invalid_request_error"
    return {"type": "error", "error": {"type": _TYPES.get(status, other), "message": _line(error)}}


def _status(error: CellmageError) -> int:
    return _STATUS.get(error.kind, _BAD_GATEWAY)


def _line(error: CellmageError) -> str:
    return strip_folders(" ".join(str(error).split()))
