"""The families of models, as data: what each refuses, lacks, demands back, and how it errs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from cellmage import Options
from cellmage.messages import Request
from cellmage.providers.apis import APIS, api_of
from cellmage.providers.endpoints import ENDPOINTS

TABLE_DATE = "2026-11-28"
"""The day of the facts in this table."""

Fields = Mapping[str, Any]
State = Literal["", "encrypted", "signature", "thought_signature", "reasoning_content"]


def openai_error(message: str, param: str = "") -> Any:
    return {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": param or None,
            "code": "unsupported_parameter" if param else None,
        }
    }


def anthropic_error(message: str, param: str = "") -> Any:
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


def gemini_error(message: str, param: str = "") -> Any:
    return [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}]


def mistral_error(message: str, param: str = "") -> Any:
    detail = [{"type": "extra_forbidden", "loc": ["body", param], "msg": message}]
    if not param:
        return {"object": "error", "message": message, "type": "invalid_request_message_order"}
    return {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error"}


def xai_error(message: str, param: str = "") -> Any:
    return {"code": "Client specified an invalid argument", "error": message}


def vllm_error(message: str, param: str = "") -> Any:
    return {"error": {"message": message, "type": "BadRequestError", "param": None, "code": 400}}


def plain_error(message: str, param: str = "") -> Any:
    return {"error": message}


@dataclass(frozen=True)
class Family:
    """A family of models behind one server.

    Args:
        title: its row in the matrix.
        model: a model of it.
        prefix: its server among `ENDPOINTS`.
        api: the API by which it is asked, if not that of its endpoint.
        host: the host of its prices; empty if it costs nothing.
        refused: the parameters that it answers 400 to, each with its sentence.
        has_strict_fields: True if it refuses fields that it does not know.
        state: what it demands back with the calls of the question, or of all questions.
        reasoning: where its reasoning arrives; empty if it has none, or shows none.
        refusal: how it declines; empty if in plain words.
        lacks: the cells that it cannot do, each with the reason.
        options: what the user must set for a cell.
        error: the shape of its errors.
        prelude: what its streams begin with.
        window: the tokens beyond which it cuts the beginning; 0 if it cuts nothing.
    """

    title: str
    model: str
    prefix: str
    api: str = ""
    host: str = ""
    refused: Fields = field(default_factory=dict)
    has_strict_fields: bool = False
    state: State = ""
    reasoning: str = ""
    refusal: str = ""
    lacks: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Fields] = field(default_factory=dict)
    error: Callable[[str, str], Any] = openai_error
    prelude: bytes = b""
    window: int = 0

    @property
    def used_api(self) -> str:
        """The name of the API by which the product asks it."""
        request = Request((), Options(model=self.model, api=self.api or None))
        used = api_of(request, ENDPOINTS[self.prefix])
        return next(name for name, api in APIS.items() if api is used)

    def sign(self, *parts: str) -> str:
        """Return a signature that this provider alone makes, for what it is about."""
        return sha256("\n".join((self.prefix, *parts)).encode()).hexdigest()[:24]

    @property
    def thought(self) -> str:
        """The reasoning of all its answers."""
        return f"Hm, says {self.model}."


def unsupported(name: str) -> str:
    return f"Unsupported parameter: '{name}' is not supported with this model."


_NO_REASONING = {"reasoning": "it does not reason"}
_BLIND = {"image": "it sees no images", "PDF": "it reads no PDF"}
_NO_PDF = {"PDF": "it reads no PDF"}
_IN_WORDS = {"refusal": "it declines in plain words"}
_NO_TEMPERATURE = {"temperature": "it refuses one; asked without, with a notice"}
_LOCAL = _IN_WORDS | _NO_PDF

FAMILIES = (
    Family(
        "OpenAI GPT-6", "gpt-6-luna", "openai", host="api.openai.com",
        refused={"temperature": unsupported("temperature")}, has_strict_fields=True,
        state="encrypted", reasoning="summary", refusal="part", lacks=_NO_TEMPERATURE,
    ),
    Family(
        "OpenAI codex, pro", "gpt-5.3-codex", "openai", host="api.openai.com",
        refused={"temperature": unsupported("temperature")}, has_strict_fields=True,
        state="encrypted", reasoning="summary", refusal="part", lacks=_NO_TEMPERATURE,
    ),
    Family(
        "GPT-5.6, `--api chat`", "gpt-5.6-terra", "openai", "chat", "api.openai.com",
        refused={
            "temperature": "Unsupported value: 'temperature' does not support 0.2 with this model. "
            "Only the default (1) value is supported.",
            "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
        },
        has_strict_fields=True, refusal="delta",
        lacks=_NO_TEMPERATURE | {"reasoning": "chat completions has no summaries"},
        options={"two tool rounds": {"effort": "none"}},
    ),
    Family(
        "GPT-4.1, `--api chat`", "gpt-4.1", "openai", "chat", "api.openai.com",
        refused={"reasoning_effort": "Unrecognized request argument supplied: reasoning_effort"},
        has_strict_fields=True, refusal="delta", lacks=_NO_REASONING,
    ),
    Family(
        "Claude Opus 5.5", "claude-opus-5-5", "anthropic", host="api.anthropic.com",
        refused={"temperature": "`temperature` is deprecated for this model."},
        has_strict_fields=True, state="signature", reasoning="thinking", refusal="stop_reason",
        lacks=_NO_TEMPERATURE, error=anthropic_error,
    ),
    Family(
        "Claude Sonnet 5", "claude-sonnet-5", "anthropic", host="api.anthropic.com",
        refused={"temperature": "`temperature` is deprecated for this model."},
        has_strict_fields=True, state="signature", reasoning="thinking", refusal="stop_reason",
        lacks=_NO_TEMPERATURE, error=anthropic_error,
    ),
    Family(
        "Claude 4.5 and older", "claude-sonnet-4-5", "anthropic", host="api.anthropic.com",
        refused={
            "thinking": "adaptive thinking is not supported on this model",
            "output_config": "output_config: Extra inputs are not permitted",
        },
        has_strict_fields=True, refusal="stop_reason",
        lacks={"reasoning": "it knows no effort; asked without, with a notice"},
        error=anthropic_error,
    ),
    Family(
        "Gemini 3 and later", "gemini-3.5-flash", "gemini",
        host="generativelanguage.googleapis.com", has_strict_fields=True,
        state="thought_signature", reasoning="tags", refusal="content_filter",
        error=gemini_error,
    ),
    Family(
        "DeepSeek V4", "deepseek-v4-pro", "deepseek", host="api.deepseek.com",
        refused={"response_format": "This response_format type is unavailable now, and "
                 "response_format is not supported with it."},
        state="reasoning_content", reasoning="reasoning_content", lacks=_BLIND | _IN_WORDS,
    ),
    Family(
        "OpenRouter", "anthropic/claude-sonnet-4.5", "openrouter", host="openrouter.ai",
        reasoning="reasoning_details", refusal="delta",
        prelude=b": OPENROUTER PROCESSING\n\n" * 2,
    ),
    Family(
        "Mistral", "mistral-large-latest", "mistral", host="api.mistral.ai",
        refused={"reasoning_effort": "Extra inputs are not permitted"}, has_strict_fields=True,
        lacks=_NO_REASONING | _LOCAL, error=mistral_error,
    ),
    Family(
        "Groq", "openai/gpt-oss-120b", "groq", host="api.groq.com", has_strict_fields=True,
        reasoning="reasoning", lacks=_BLIND | _IN_WORDS,
    ),
    Family(
        "xAI", "grok-4", "xai", host="api.x.ai",
        refused={"reasoning_effort": "Argument not supported on this model: reasoning_effort"},
        reasoning="reasoning_content", lacks=_LOCAL, error=xai_error,
    ),
    Family(
        "Azure OpenAI, GPT-4.1", "gpt-4.1", "azure", host="example.openai.azure.com",
        refused={"reasoning_effort": "Unrecognized request argument supplied: reasoning_effort"},
        has_strict_fields=True, refusal="content_filter", lacks=_NO_REASONING,
        prelude=b'data: {"choices":[],"created":0,"id":"","model":"","object":"",'
        b'"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}\n\n',
    ),
    Family(
        "Azure OpenAI, GPT-6", "gpt-6-luna", "azure", host="example.openai.azure.com",
        refused={"temperature": unsupported("temperature")}, has_strict_fields=True,
        state="encrypted", reasoning="summary", refusal="part", lacks=_NO_TEMPERATURE,
    ),
    Family(
        "Together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "together",
        host="api.together.xyz", lacks=_BLIND | _IN_WORDS | _NO_REASONING,
    ),
    Family("llama.cpp", "qwen3-vl-8b", "llamacpp", reasoning="tags", lacks=_LOCAL),
    Family(
        "vLLM", "Qwen/Qwen3-VL-8B", "vllm", reasoning="reasoning_content", lacks=_LOCAL,
        error=vllm_error,
    ),
    Family(
        "LM Studio", "qwen/qwen3-vl-8b", "lmstudio", reasoning="tags", lacks=_LOCAL,
        error=plain_error,
    ),
    Family(
        "Ollama", "qwen3-vl:8b", "ollama", reasoning="thinking", lacks=_LOCAL,
        error=plain_error, window=4096,
    ),
    Family(
        "Ollama, `--api chat`", "qwen3-vl:8b", "ollama", "chat", reasoning="reasoning",
        error=plain_error, window=4096,
        lacks=_LOCAL | {"long prompt": "the server cuts it at 4096 tokens, with a notice"},
    ),
)  # fmt: skip
"""The families, in the order of the matrix."""


def error_body(family: Family, message: str, param: str = "") -> bytes:
    """Return the body of an error, in the shape of the family."""
    return json.dumps(family.error(message, param)).encode()
