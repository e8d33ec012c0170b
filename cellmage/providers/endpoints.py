"""Where models are, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server.

    Args:
        base_url: its address, up to and with the version (``/v1``).
        key: the environment variable that holds its key; None for a server that needs none.
        max_tokens: what it calls the limit of an answer's length.
    """

    base_url: str
    key: str | None = None
    max_tokens: str = "max_tokens"


LOOPBACK = {"localhost", "127.0.0.1", "::1"}

OPENAI = Endpoint("https://api.openai.com/v1", "OPENAI_API_KEY", "max_completion_tokens")

# The part of a model's name before the first slash.
ENDPOINTS: Mapping[str, Endpoint] = {
    "openai": OPENAI,
    "llamacpp": Endpoint("http://localhost:8080/v1"),
    "lmstudio": Endpoint("http://localhost:1234/v1"),
    "ollama": Endpoint("http://localhost:11434/v1"),
    "vllm": Endpoint("http://localhost:8000/v1"),
}
