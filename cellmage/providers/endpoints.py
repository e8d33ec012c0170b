"""The servers that are known by name, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..arguments import FLAG, NAME, NAMES, TEXT, Kind, check, choice_of, optional
from ..options import APIS
from ..urls import host_of, normalize_base_url

CONNECT_SECONDS = 5.0
"""The limit for the connection, where the options set none."""

FIRST_BYTE_SECONDS = 60.0
"""The limit for the head of the reply, where the options set none."""

LOOPBACK_FIRST_BYTE_SECONDS = 300.0
"""The same for a server on this machine, which may have to load its model first."""


_KINDS: Mapping[str, Kind[Any]] = {
    "base_url": TEXT,
    "api_key_variable": optional(NAME),
    "max_tokens_field": NAME,
    "supports_stream_usage": FLAG,
    "requires_assistant_after_tool": FLAG,
    "max_effort": NAME,
    "api": choice_of(*APIS),
    "further_apis": NAMES,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server.

    Args:
        base_url: the address, up to and including the version (``/v1``); what users paste instead
            is understood, see `urls.normalize_base_url`. ``{NAME}`` in it is the value of that
            environment variable.
        api_key_variable: the environment variable with the key; None if the server needs no key.
        max_tokens_field: the field of the request that limits the length of the answer.
        supports_stream_usage: False if the server refuses the field that asks for the token count
            of a stream.
        requires_assistant_after_tool: True if the server refuses a user message right after a
            tool's, as they follow each other where an answer was stopped while its tools ran.
        max_effort: the server's word for the most reasoning.
        api: the API by which it is asked, one of `options.APIS`.
        further_apis: the APIs by which those models are asked that need them, as `model_table`
            says.

    Raises:
        UsageError: a value is of the wrong type.
        ConfigError: the address cannot be used, or contains a password or a key.

    Example:
        >>> vllm = Endpoint("http://localhost:8000/v1")
        >>> vllm.api_key_variable, vllm.max_tokens_field
        (None, 'max_tokens')
        >>> Endpoint("https://llm.example.org/v1", api_key_variable="EXAMPLE_API_KEY").base_url
        'https://llm.example.org/v1'
    """

    base_url: str
    api_key_variable: str | None = None
    max_tokens_field: str = "max_tokens"
    supports_stream_usage: bool = True
    requires_assistant_after_tool: bool = False
    max_effort: str = "high"
    api: str = "chat"
    further_apis: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            check(name, getattr(self, name), kind)
        if "{" not in self.base_url:
            object.__setattr__(self, "base_url", normalize_base_url(self.base_url))


def effort_word(effort: str | None, endpoint: Endpoint) -> str | None:
    """Return the server's word for how much a model reasons.

    Example:
        >>> effort_word("max", OPENAI), effort_word("low", OPENAI)
        ('xhigh', 'low')
    """
    return endpoint.max_effort if effort == "max" else effort


OPENAI = Endpoint(
    "https://api.openai.com/v1",
    "OPENAI_API_KEY",
    "max_completion_tokens",
    max_effort="xhigh",
    api="responses",
)


def is_openai_host(endpoint: Endpoint) -> bool:
    """Return whether an endpoint is at OpenAI's own address, which alone has some parameters.

    Example:
        >>> is_openai_host(OPENAI), is_openai_host(Endpoint("http://localhost:8000/v1"))
        (True, False)
    """
    return host_of(endpoint.base_url) == host_of(OPENAI.base_url)


# The prefix of a model's name, before the first slash, and its server. The addresses are those in
# the providers' own documentation of their OpenAI-compatible interface.
ENDPOINTS: Mapping[str, Endpoint] = {
    "openai": OPENAI,
    "anthropic": Endpoint(
        "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", max_effort="max", api="messages"
    ),
    "azure": Endpoint(
        "{AZURE_OPENAI_ENDPOINT}/openai/v1",
        "AZURE_OPENAI_API_KEY",
        "max_completion_tokens",
        max_effort="xhigh",
        further_apis=("responses",),
    ),
    "deepseek": Endpoint("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "gemini": Endpoint("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "groq": Endpoint("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    # Mistral always sends the token count, refuses fields that it does not know, and refuses a user
    # message right after a tool's.
    "mistral": Endpoint(
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        supports_stream_usage=False,
        requires_assistant_after_tool=True,
    ),
    "openrouter": Endpoint("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "together": Endpoint("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "xai": Endpoint("https://api.x.ai/v1", "XAI_API_KEY"),
    "llamacpp": Endpoint("http://localhost:8080/v1"),
    "lmstudio": Endpoint("http://localhost:1234/v1"),
    "ollama": Endpoint("http://localhost:11434/v1", api="ollama"),
    "vllm": Endpoint("http://localhost:8000/v1"),
}
