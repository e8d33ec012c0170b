"""What is known of models by their names, as data: see `TABLE_DATE`.

A value that is not certain is None. A server may call a model as it likes, so a name says nothing
about a server: open models have no context window here, because their servers choose it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TABLE_DATE = "2026-11-28"
"""The day on which the table was last compared with the documentation of the providers."""


class Family(NamedTuple):
    """The models whose names match a pattern.

    Args:
        pattern: matches the beginning of the name, which is in lower case and has no prefix.
        api: the API that the models need, at a server that has several; None if any does.
        window: the tokens that they can read.
        images: True if they see images.
        pdf: True if they read PDF files.
        reasons: True if they reason before they answer.
    """

    pattern: str
    api: str | None = None
    window: int | None = None
    images: bool | None = None
    pdf: bool | None = None
    reasons: bool | None = None


_MILLION = 1_000_000
_OPENAI = 1_050_000
_GEMINI = 1_048_576

# The first pattern that matches counts: what is special stands before what is general.
FAMILIES = (
    # OpenAI. The newest models take tools by the Responses API alone; codex and pro models are
    # not in chat completions.
    Family(r"gpt-.*(audio|realtime|tts|transcribe|image|live)"),
    Family(r"gpt-oss", None, None, False, False, True),
    Family(r"gpt-([6-9]|5[.-][6-9])", "responses", _OPENAI, True, True, True),
    Family(r"gpt-5[.-]4-(mini|nano)", None, 400_000, True, True, True),
    Family(r"gpt-5[.-][45]-pro", "responses", _OPENAI, True, True, True),
    Family(r"gpt-5[.-][45]", None, _MILLION, True, True, True),
    Family(r"(gpt-5.*-(codex|pro)|codex-)", "responses", None, True, None, True),
    Family(r"gpt-5[.-][0-9]", None, None, True, True, True),
    Family(r"gpt-5", None, 400_000, True, True, True),
    Family(r"gpt-4[.]1", None, _MILLION, True, True, False),
    Family(r"(chatgpt|gpt)-4o", None, 128_000, True, True, False),
    Family(r"gpt-4-(turbo|vision)", None, 128_000, True, None, False),
    Family(r"gpt-4(-0613|-0314)?$", None, 8_192, False, False, False),
    Family(r"gpt-3", None, 16_385, False, False, False),
    Family(r"o1-(mini|preview)", None, 128_000, False, False, True),
    Family(r"o[13]-pro", "responses", 200_000, True, True, True),
    Family(r"o3-mini", None, 200_000, False, None, True),
    Family(r"(o[13]|o4-mini)(?![a-z0-9])", None, 200_000, True, True, True),
    # Anthropic.
    Family(r"claude-(instant|v?[12])", "messages", None, False, False, False),
    Family(r"claude-3-(haiku|sonnet|opus)", "messages", 200_000, True, None, False),
    Family(r"claude-3[-.]5", "messages", 200_000, True, True, False),
    Family(r"claude-(opus|sonnet)-4[-.][6-9]", "messages", _MILLION, True, True, True),
    Family(r"claude-.*-4", "messages", 200_000, True, True, True),
    Family(r"claude-.*-[5-9]", "messages", _MILLION, True, True, True),
    Family(r"claude-", "messages", None, True, None, None),
    # Google.
    Family(r"gemini-.*(tts|live|embedding)"),
    Family(r"gemini-(1[.]0-)?pro$", None, 32_768, False, False, False),
    Family(r"gemini-(1[.]5|2[.]0)", None, _GEMINI, True, True, False),
    Family(r"gemini-(2[.]5|[3-9])", None, _GEMINI, True, True, True),
    Family(r"gemma-?2", None, None, False, False, False),
    # Others, and open models.
    Family(
        r".*(-vl|vision|llava|pixtral|moondream|internvl|minicpm-v|omni)", images=True, pdf=False
    ),
    Family(r"deepseek-v[4-9]", None, _MILLION, False, False, True),
    Family(r"deepseek-(r1|reasoner)", None, None, False, False, True),
    Family(r"deepseek-(chat|coder|v[1-3])", None, None, False, False, None),
    Family(r"grok-(3|code)", None, None, False, False, None),
    Family(r"grok-[4-9]", None, None, True, False, True),
    Family(r"(meta-)?llama-?4", None, None, True, False, False),
    Family(r"(meta-)?llama-?3[.]2-(11|90)b", None, None, True, False, False),
    Family(r"(meta-)?llama-?[23]", None, None, False, False, False),
    Family(r"qwq", None, None, False, False, True),
    Family(r"qwen(1|2|2[.]5|3)(?![.0-9])", None, None, False, False, None),
    Family(r"(mixtral|codestral|mathstral|(open-)?mistral-7b)", None, None, False, False, False),
    Family(r"(mistral|ministral|magistral|devstral)", pdf=False),
    Family(r"phi-?[34]-multimodal", None, None, True, False, False),
    Family(r"phi-?[34]", None, None, False, False, None),
    Family(r"kimi-k2(?![.])", None, None, False, False, None),
)

# The names that their provider ends: the day, and the successor that it names. Sources: the
# deprecation pages of OpenAI, Anthropic, Google and DeepSeek.
RETIREMENTS: tuple[tuple[str, str, str], ...] = (
    (r"gpt-3[.]5-turbo", "2026-10-23", "gpt-5.6-terra"),
    (r"gpt-4[.]1-nano", "2026-10-23", "gpt-5.6-luna"),
    (r"gpt-4[.]1", "2027-01-14", "gpt-6-luna"),
    (r"gpt-4o-2024-05-13", "2026-10-23", "gpt-5.6-sol"),
    (r"gpt-4o(-mini)?(-20[0-9-]+)?$", "2027-01-14", "gpt-6-luna"),
    (r"gpt-4[.]5", "2025-07-14", "gpt-5.6-sol"),
    (r"gpt-4(?![.o])", "2026-10-23", "gpt-5.6-sol"),
    (r"chatgpt-4o", "2026-02-17", "gpt-5.6-sol"),
    (r"o4-mini", "2026-10-23", "gpt-5.6-terra"),
    (r"o1(?![0-9])|o3-mini", "2026-10-23", "gpt-5.6-sol"),
    (r"o3(-pro)?(-20[0-9-]+)?$", "2026-12-11", "gpt-5.6-sol"),
    (r"gpt-5-mini", "2026-12-11", "gpt-6.1-terra"),
    (r"gpt-5-nano", "2026-12-11", "gpt-6-luna"),
    (r"gpt-5(-20[0-9-]+)?$", "2026-12-11", "gpt-6.1-sol"),
    (r"claude-(instant|v?[12])", "2025-07-21", "claude-sonnet-5-5"),
    (r"claude-3-haiku", "2026-04-20", "claude-haiku-4-5"),
    (r"claude-3-sonnet", "2025-07-21", "claude-sonnet-5-5"),
    (r"claude-3[-.]5-sonnet", "2025-10-28", "claude-sonnet-5-5"),
    (r"claude-3[-.]5-haiku", "2026-02-19", "claude-haiku-4-5"),
    (r"claude-3[-.]7-sonnet", "2026-02-19", "claude-sonnet-5-5"),
    (r"claude-3.*opus", "2026-01-05", "claude-opus-5-5"),
    (r"claude-sonnet-4(-0|-2025[0-9]*|$)", "2026-06-15", "claude-sonnet-5-5"),
    (r"claude-opus-4(-0|-2025[0-9]*|$)", "2026-06-15", "claude-opus-5-5"),
    (r"claude-sonnet-4-5", "2026-11-30", "claude-sonnet-5-5"),
    (r"gemini-(1[.]|pro)", "2025-09-24", "gemini-3.5-flash"),
    (r"gemini-2[.]0-flash-lite", "2026-06-01", "gemini-3.1-flash-lite"),
    (r"gemini-2[.]0", "2026-06-01", "gemini-3.5-flash"),
    (r"deepseek-(chat|reasoner)$", "2026-07-24", "deepseek-v4-flash"),
)

MODEL_NAMES = (
    "gpt-6-luna", "gpt-6-sol", "gpt-6.1-sol", "gpt-6.1-terra",
    "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna",
    "anthropic/claude-opus-5-5", "anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-4-5",
    "gemini/gemini-3.5-flash", "gemini/gemini-3.1-flash-lite",
    "deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-pro",
    "offline/tour", "offline/echo", "offline/tools",
)  # fmt: skip
"""Names to begin with, as ``--model`` takes them: today's models, as of `TABLE_DATE`."""

_NOTHING = Family("")


def family_of(model: str) -> Family:
    """Return what is known of a model; nothing of an unknown one.

    Args:
        model: the name, with or without prefixes, as ``openrouter/openai/gpt-6-luna``.

    Example:
        >>> family_of("azure/gpt-5.3-codex").api, family_of("my-finetune").api
        ('responses', None)
    """
    name = _bare_name(model)
    return next((family for family in FAMILIES if re.match(family.pattern, name)), _NOTHING)


def sees_images(model: str) -> bool | None:
    """Return whether a model sees images; None if it is not known.

    Example:
        >>> sees_images("claude-opus-5-5"), sees_images("deepseek-v4-pro"), sees_images("mine")
        (True, False, None)
    """
    return family_of(model).images


def reads_pdf(model: str) -> bool | None:
    """Return whether a model reads PDF files; None if it is not known.

    Example:
        >>> reads_pdf("gpt-6-luna"), reads_pdf("gpt-3.5-turbo"), reads_pdf("mine")
        (True, False, None)
    """
    return family_of(model).pdf


def successor_of(model: str) -> str | None:
    """Return the model that follows one that its provider ends; None if it is not ended.

    Example:
        >>> successor_of("gpt-4o-mini"), successor_of("openrouter/openai/gpt-4"), successor_of("m")
        ('gpt-6-luna', 'gpt-5.6-sol', None)
    """
    retirement = _retirement(model)
    return retirement[1] if retirement else None


def retirement_line(model: str) -> str:
    """Return a line about the end of a model; empty if none is known.

    The line is true on any day.

    Example:
        >>> retirement_line("gpt-3.5-turbo")
        'gpt-3.5-turbo: its provider ends it on 2026-10-23; its successor is gpt-5.6-terra'
    """
    retirement = _retirement(model)
    if retirement is None:
        return ""
    day, successor = retirement
    return f"{model}: its provider ends it on {day}; its successor is {successor}"


def _retirement(model: str) -> tuple[str, str] | None:
    """Return the day, and the successor."""
    name = _bare_name(model)
    rows = (row[1:] for row in RETIREMENTS if re.match(row[0], name))
    return next(rows, None)


def _bare_name(model: str) -> str:
    return model.lower().rpartition("/")[2]
