"""What answers cost, and the limit on it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cellmage import (
    Conversation,
    Options,
    Response,
    SpendLimitError,
    ToolInvocation,
    ToolStep,
    Usage,
    UsageError,
)
from cellmage.pricing import Budget, cost
from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel

REQUEST = Conversation(Options(model="offline/echo")).request("x" * 400_000)


def make_response(
    host: str = "api.openai.com", text: str = "Hi", usage: Usage | None = None
) -> Response:
    return Response(text, model="gpt-4o", provider=host, usage=usage)


@pytest.mark.parametrize(
    ("host", "model"),
    [
        ("api.openai.com", "gpt-4o"),
        ("api.anthropic.com", "claude-sonnet-4-5"),
        ("generativelanguage.googleapis.com", "gemini-2.5-flash"),
        ("api.groq.com", "llama-3.3-70b-versatile"),
        ("api.mistral.ai", "mistral-large-latest"),
        ("api.deepseek.com", "deepseek-chat"),
        ("openrouter.ai", "openai/gpt-4o"),
        ("api.together.xyz", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("api.x.ai", "grok-3"),
    ],
)
def test_prices_of_the_providers_in_the_table(host: str, model: str) -> None:
    price = cost(Response("Hi", model=model, provider=host, usage=Usage(1_000_000, 1_000_000)))
    assert price is not None
    assert price > 0


def test_cached_tokens_cost_less() -> None:
    uncached = cost(make_response(usage=Usage(1000, 1)))
    cached = cost(make_response(usage=Usage(1000, 1, 1000)))
    assert uncached
    assert cached
    assert cached < uncached


@pytest.mark.parametrize("usage", [None, Usage(None, 3), Usage(1, 1, 5), Usage(-1, 1)])
def test_impossible_counts_have_no_price(usage: Usage | None) -> None:
    assert cost(make_response(usage=usage)) is None


def test_a_cut_answer_is_estimated_by_its_length() -> None:
    budget = Budget()
    assert budget.record(REQUEST, make_response())
    assert 0.2 < budget.spent < 0.3  # 100 000 tokens at $2.50 a million


def test_results_of_tools_are_estimated_too() -> None:
    step = ToolStep("", (ToolInvocation("a", "f", "{}", "y" * 4_000),))
    response = Response(
        "", "", "gpt-4o", "api.openai.com", steps=(step,), incomplete_reason="tool_limit"
    )
    budget = Budget()
    assert budget.record(REQUEST, response)
    assert budget.spent > 0.5, "two requests"


@pytest.mark.parametrize("host", ["offline", "localhost:8000", "127.0.0.1:8000", "llamacpp"])
def test_this_machine_costs_nothing(host: str) -> None:
    budget = Budget()
    assert budget.record(REQUEST, make_response(host, usage=Usage(10**9, 10**9)))
    assert not budget.spent


def test_an_unknown_price_is_reported() -> None:
    assert not Budget().record(REQUEST, make_response("llm.example.org", usage=Usage(1, 1)))


def test_a_limit_stops_before_the_request(kernel: Kernel, server: ScriptedServer) -> None:
    assert kernel.run("%llm_config --spend-limit 0").ok
    assert kernel.run("%llm hi").error == (
        "SpendLimitError: nothing was sent: answers have cost $0.00 in this notebook, and the "
        "limit is $0.00; %llm_config --spend-limit DOLLARS raises it"
    )
    assert not server.exchanges
    assert kernel.run("%llm_config --spend-limit 0.01\n%llm hi").ok
    assert kernel.run("%llm_config --spend-limit -1").error


def test_a_limit_is_reached() -> None:
    budget = Budget()
    budget.record(REQUEST, make_response(usage=Usage(2_000_000, 0)))
    budget.check(None)
    budget.check(5.01)
    with pytest.raises(SpendLimitError, match=r"have cost \$5\.00 in this notebook") as caught:
        budget.check(5)
    assert isinstance(caught.value, UsageError)
    assert (caught.value.kind, caught.value.option) == ("spend_limit", "spend_limit")


def test_what_is_written_to_the_cache_costs_more() -> None:
    def price(usage: Usage) -> Decimal:
        model, host = "claude-opus-4-8", "api.anthropic.com"
        amount = cost(Response("Hi", model=model, provider=host, usage=usage))
        assert amount
        return amount

    plain, written = price(Usage(1000, 1)), price(Usage(1000, 1, cache_write_tokens=1000))
    assert price(Usage(1000, 1, 1000)) < plain < written
    assert price(Usage(1000, 9, reasoning_tokens=8)) == price(Usage(1000, 9)), "it is output"
