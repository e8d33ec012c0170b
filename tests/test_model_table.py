"""What is known of models by their names."""

from __future__ import annotations

import re
from datetime import date

import pytest

from cellmage.model_table import (
    FAMILIES,
    RETIREMENTS,
    TABLE_DATE,
    family_of,
    reads_pdf,
    retirement_line,
    sees_images,
    successor_of,
)
from cellmage.pricing import window_of

SEES = ["gpt-6-sol", "gpt-5.6-luna", "openai/gpt-4o", "claude-opus-5-5", "claude-haiku-4-5"]
SEES += [
    "gemini-3.8-flash",
    "llama3.2-vision:11b",
    "qwen3-vl:8b",
    "grok-4.5",
    "llava",
    "pixtral-12b",
]
BLIND = ["gpt-3.5-turbo", "o3-mini", "deepseek-v4-pro", "llama3.2", "qwen3:8b", "gpt-oss:20b"]
BLIND += ["ollama/mixtral", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "phi4", "gpt-4-0613"]
UNKNOWN = ["", "offline/tour", "my-model", "gpt-4o-audio-preview", "qwen3.5:9b", "o1lm"]


def test_a_model_sees_or_is_blind_or_is_unknown() -> None:
    assert {sees_images(name) for name in SEES} == {True}
    assert {sees_images(name) for name in BLIND} == {False}
    assert {sees_images(name) for name in UNKNOWN} == {None}


def test_what_cannot_see_reads_no_pdf() -> None:
    assert all(not family.pdf for family in FAMILIES if family.images is False)
    assert reads_pdf("CLAUDE-SONNET-5-5")


def test_codex_and_pro_models_need_responses() -> None:
    names = ["gpt-5.3-codex", "gpt-5-codex", "gpt-5.2-pro", "o3-pro", "codex-mini", "gpt-6.1-sol"]
    assert {family_of(name).api for name in names} == {"responses"}
    assert family_of("gpt-4o").api is family_of("o3").api is None


def test_a_successor_is_not_retired_itself() -> None:
    for pattern, day, successor in RETIREMENTS:
        re.compile(pattern)
        assert date.fromisoformat(day)
        assert successor_of(successor) is None, successor
    assert date.fromisoformat(TABLE_DATE)


@pytest.mark.parametrize(
    ("name", "successor"),
    [
        ("gpt-3.5-turbo-0125", "gpt-5.6-terra"),
        ("gpt-4-turbo", "gpt-5.6-sol"),
        ("gpt-4", "gpt-5.6-sol"),
        ("claude-3-opus-20240229", "claude-opus-5-5"),
        ("anthropic/claude-3.5-sonnet", "claude-sonnet-5-5"),
        ("gemini-1.5-pro", "gemini-3.5-flash"),
        ("gpt-4o-audio-preview", None),
        ("gpt-5.6-sol", None),
        ("claude-opus-4-8", None),
        ("o200k", None),
        ("llama3.2", None),
    ],
)
def test_retired_names(name: str, successor: str | None) -> None:
    assert successor_of(name) == successor
    assert bool(retirement_line(name)) == bool(successor)


@pytest.mark.parametrize(
    ("name", "host", "window"),
    [
        ("gpt-4", "api.openai.com", 8192),
        ("claude-opus-5-5", "api.anthropic.com", 1_000_000),
        ("gpt-6-luna", "127.0.0.1:8000", 1_050_000),  # a proxy, which the list does not know
        ("openai/gpt-6-luna", "proxy.example.org", 1_050_000),
        ("llama3.2", "localhost:11434", None),
        ("llama3.2", "", None),
    ],
)
def test_windows(name: str, host: str, window: int | None) -> None:
    assert window_of(name, host) == window
