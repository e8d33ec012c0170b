"""What answers cost, and the limit on it."""

from __future__ import annotations

import pytest

from cellmage import Conversation, Options, Response, Usage, UsageError
from cellmage.pricing import Spending, cost
from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel

REQUEST = Conversation(Options(model="offline/echo")).request("x" * 400_000)


def answered(
    host: str = "api.openai.com", text: str = "Hi", tokens: Usage | None = None
) -> Response:
    return Response(text, model="gpt-4o", provider=host, usage=tokens)


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
    known = cost(Response("Hi", model=model, provider=host, usage=Usage(1_000_000, 1_000_000)))
    assert known is not None
    assert known > 0


def test_what_was_read_before_costs_less() -> None:
    fresh = cost(answered(tokens=Usage(1000, 1)))
    cached = cost(answered(tokens=Usage(1000, 1, 1000)))
    assert fresh
    assert cached
    assert cached < fresh


@pytest.mark.parametrize("tokens", [None, Usage(None, 3), Usage(1, 1, 5), Usage(-1, 1)])
def test_counts_that_make_no_sense_cost_nothing_known(tokens: Usage | None) -> None:
    assert cost(answered(tokens=tokens)) is None


def test_an_answer_that_was_cut_is_counted_by_its_length() -> None:
    spending = Spending()
    assert spending.add(REQUEST, answered())
    assert 0.2 < spending.total < 0.3  # 100 000 tokens at $2.50 a million


@pytest.mark.parametrize("host", ["offline", "localhost:8000", "127.0.0.1:8000", "llamacpp"])
def test_this_machine_costs_nothing(host: str) -> None:
    spending = Spending()
    assert spending.add(REQUEST, answered(host, tokens=Usage(10**9, 10**9)))
    assert not spending.total


def test_an_unknown_price_is_told() -> None:
    assert not Spending().add(REQUEST, answered("llm.example.org", tokens=Usage(1, 1)))


def test_a_limit_stops_before_the_request(kernel: Kernel, server: ScriptedServer) -> None:
    assert kernel.run("%llm_config --spend-limit 0").ok
    assert kernel.run("%llm hi").error == (
        "UsageError: nothing was sent: answers have cost $0.00 in this notebook, and the limit is "
        "$0.00; %llm_config --spend-limit raises it"
    )
    assert not server.exchanges
    assert kernel.run("%llm_config --spend-limit 0.01\n%llm hi").ok
    assert kernel.run("%llm_config --spend-limit -1").error


def test_a_limit_is_reached() -> None:
    spending = Spending()
    spending.add(REQUEST, answered(tokens=Usage(2_000_000, 0)))
    spending.check(None)
    spending.check(5.01)
    with pytest.raises(UsageError, match=r"have cost \$5\.00 in this notebook"):
        spending.check(5)
