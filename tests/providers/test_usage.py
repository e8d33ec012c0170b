"""Counts of tokens, in every shape in which servers send them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.messages import Usage
from cellmage.providers.usage import merge_usage, usage_of_timings

DETAILS = [{"modality": "TEXT", "token_count": 3}]
SHAPES: dict[str, tuple[Any, Usage | None]] = {
    "OpenAI": (
        {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}},
        Usage(3, 1, 2),
    ),
    "strings": ({"prompt_tokens": "3", "completion_tokens": "1.0"}, Usage(3, 1)),
    "a list": ([{"prompt_tokens": 3}, None, {"completion_tokens": 1}], Usage(3, 1)),
    "details as a list": (
        {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": DETAILS},
        Usage(3, 1),
    ),
    "details in a list": (
        {"prompt_tokens": 3, "prompt_tokens_details": [{"cached_tokens": "2"}]},
        Usage(3, None, 2),
    ),
    "OpenAI, reasoning": (
        {"output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 5}},
        Usage(None, 9, reasoning_tokens=5),
    ),
    "chat, reasoning and a cache that was written": (
        {
            "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 5},
        },
        Usage(None, None, 2, 5, 3),
    ),
    "Anthropic": (
        {"cache_creation_input_tokens": 3, "output_tokens_details": {"thinking_tokens": 5}},
        Usage(None, None, None, 5, 3),
    ),
    "Gemini": (
        {"promptTokenCount": 3, "candidatesTokenCount": 1, "thoughtsTokenCount": 5},
        Usage(3, 1, reasoning_tokens=5),
    ),
    "other details": ({"prompt_tokens": 3, "prompt_tokens_details": 5}, Usage(3)),
    "input and output": ({"input_tokens": 3, "output_tokens": 1}, Usage(3, 1)),
    "DeepSeek": ({"prompt_tokens": 3, "prompt_cache_hit_tokens": 2}, Usage(3, None, 2)),
    "camel case": ({"promptTokens": 3, "completionTokens": 1}, Usage(3, 1)),
    "Bedrock": ({"inputTokens": 3, "outputTokens": 1}, Usage(3, 1)),
    "a usage in a usage": ({"usage": {"prompt_tokens": 3, "completion_tokens": 1}}, Usage(3, 1)),
    "Cohere": ({"tokens": {"input_tokens": 3, "output_tokens": 1}}, Usage(3, 1)),
    "with commas": ({"prompt_tokens": "1,234"}, Usage(1234)),
    "zeros": ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(0, 0)),
    "no counts": ({"queue_time": 0.1, "prompt_tokens": None}, None),
    "not numbers": ({"prompt_tokens": "many", "completion_tokens": [1]}, None),
    "not counts": ({"prompt_tokens": -1, "completion_tokens": True}, None),
    "infinite": ({"prompt_tokens": "inf", "completion_tokens": 10**400}, None),
    "text": ("much", None),
    "a number": (5, None),
    "nothing": ([], None),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape: str) -> None:
    value, usage = SHAPES[shape]
    assert merge_usage(None, value) == usage


@pytest.mark.parametrize("shape", SHAPES)
def test_a_later_value_removes_no_count(shape: str) -> None:
    value, new = SHAPES[shape]
    merged = merge_usage(Usage(7, 8, 9, 10, 11), value)
    counts = new or Usage()
    assert merged == Usage(
        counts.input_tokens or 7,
        counts.output_tokens or 8,
        counts.cached_tokens or 9,
        counts.reasoning_tokens or 10,
        counts.cache_write_tokens or 11,
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["prompt_tokens", "prompt_tokens_details", "x"]), inner)
    ),
    max_leaves=10,
)


@given(JSON)
def test_any_value_is_no_failure(value: Any) -> None:
    merge_usage(Usage(1, 2), value)
    usage_of_timings(value)


def test_timings() -> None:
    assert usage_of_timings({"prompt_n": 3, "predicted_n": 1}) == Usage(3, 1)
    assert usage_of_timings({"prompt_ms": 3.5}) is None
    assert usage_of_timings(None) is None
