"""The words in which servers say that a request is too long, and nearly the same about others."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellmage.providers.overflow import is_context_overflow

DATA = Path(__file__).parents[1] / "data"


def sentences(name: str) -> list[str]:
    """Return the sentences of a file, each of which stands behind the name of a server."""
    return [line.partition(" | ")[2] for line in (DATA / name).read_text("utf-8").splitlines()]


@pytest.mark.parametrize("message", sentences("overflow.txt"))
def test_overflow(message: str) -> None:
    assert is_context_overflow(message)
    assert is_context_overflow(message.upper())


@pytest.mark.parametrize("message", sentences("other_limits.txt"))
def test_other_limits(message: str) -> None:
    assert not is_context_overflow(message)


@pytest.mark.parametrize(
    "code",
    [
        "context_length_exceeded",
        "exceed_context_size_error",
        "contextwindowexceedederror",
        "1261",
        "1039",
        "model_max_prompt_tokens_exceeded",
        "request_too_large",
        "tokens_limit_reached",
        "prompt_too_long",
        "context_window_exceeded",
    ],
)
def test_codes(code: str) -> None:
    assert is_context_overflow("scripted", [code])


@pytest.mark.parametrize(
    "code", ["rate_limit_exceeded", "invalid_request_error", "400", "tokens", "insufficient_quota"]
)
def test_other_codes(code: str) -> None:
    assert not is_context_overflow("scripted", [code])
