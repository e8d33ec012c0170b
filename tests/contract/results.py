"""What a reader got of a fault, and how that differs from what its case expects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.contract.faults import END, KEY, LIMITS, SCALE, Case

_REQUESTS = {
    "no": 1,
    "fallback": 1,
    "once": 2,
    "shorten_once": 2,
    "backoff": 3,
    "after": 3,
    "before_first_token_only": 3,
}
"""How many requests the server may receive, by the word that a case has for `retry`."""


@dataclass(frozen=True)
class Result:
    """The result of one reader.

    Attributes:
        text: the text that it showed.
        incomplete_reason: that of the response.
        error: the class and the message of the error; empty if none was raised.
        kind: the kind of the error or the response.
        seconds: how long it took.
        requests: how many requests the server received.
        tool_runs: the tools that were run, each with its arguments.
        reasoning: the reasoning that is kept; None if the reader does not tell.
        usage: the tokens that were sent and received; None if the reader does not tell.
    """

    text: str
    incomplete_reason: str | None
    error: str = ""
    kind: str | None = None
    seconds: float = 0.0
    requests: int = 1
    tool_runs: list[list[Any]] = field(default_factory=list)
    reasoning: str | None = None
    usage: list[int | None] | None = None

    @property
    def outcome(self) -> str:
        """The outcome in the words of the file."""
        if self.error or self.incomplete_reason:
            return "partial" if self.text else "failed"
        return "complete" if self.text else "complete_warn"


def problems(case: Case, result: Result) -> list[str]:
    """Return the differences between a result and what the case expects."""
    expect = case.expect
    outcome, kind = expect["outcome"], expect["kind"]
    if result.text in expect.get("alt_text", []) and result.outcome == "complete":
        outcome, kind = "complete", None  # another reading of an unreadable chunk is accepted
    if outcome == "complete_warn":
        kind = None
    max_requests = _max_requests(case)
    min_seconds = _wait_seconds(case) if result.requests > 1 else 0
    checks = {
        f"text is {result.text[:40]!r}": result.text.removesuffix(END) in case.texts,
        f"tools run: {result.tool_runs}": result.tool_runs == case.tool_runs,
        f"outcome is {result.outcome}": result.outcome == outcome,
        f"kind is {result.kind}": result.kind == kind,
        f"{result.requests} requests": result.requests <= max_requests,
        f"took {result.seconds:.1f} s": min_seconds <= result.seconds <= _max_seconds(expect),
        f"reasoning is {result.reasoning!r}": _is_as(expect, "reasoning", result.reasoning),
        f"usage is {result.usage}": _is_as(expect, "usage", result.usage),
        f"error is {result.error}": _is_readable(result.error),
    }
    return [problem for problem, is_met in checks.items() if not is_met]


def _max_requests(case: Case) -> int:
    word = case.expect["retry"].partition(":")[0]
    if word not in _REQUESTS:
        raise ValueError(f"{case.id}: unknown retry {word!r}; known are {', '.join(_REQUESTS)}")
    count = case.expect.get("max_requests", _REQUESTS[word])
    return int(count) + (max(1, len(case.tool_runs)) if case.expect.get("tool_calls") else 0)


def _wait_seconds(case: Case) -> float:
    """Return the wait that the server asks for before the second request, scaled."""
    word, _, seconds = case.expect["retry"].partition(":")
    return float(seconds) * SCALE if word == "after" else 0


def _max_seconds(expect: dict[str, Any]) -> float:
    """Return how long a case may take: its own limit, else that of its waits; plus a margin.

    A limit may be the name of an option with a number of seconds, such as ``idle_timeout + 0.5``.
    """
    limit = expect.get("max_seconds", 120 * SCALE + (30 if "<" in expect["text"] else 2))
    if not isinstance(limit, str):
        return limit + 0.5
    name, _, margin = limit.replace(" ", "").partition("+")
    return LIMITS.get(name, LIMITS["timeout"]) + float(margin or 0) + 0.5


def _is_as(expect: dict[str, Any], name: str, value: Any) -> bool:
    """Return whether a value is as expected, where the case has one and the reader tells it."""
    return name not in expect or value is None or value == expect[name]


_KEY_LIKE = re.compile(r"(?:sk-|gsk_|xai-|hf_|AIza|[Bb]earer )[\w-]{12,}")


def _is_readable(error: str) -> bool:
    name, _, message = error.partition(": ")
    foreign = ("Traceback", "httpx", "httpcore", "openai.", "json.", KEY)
    if _KEY_LIKE.search(error):
        return False
    return not error or (
        name.endswith("Error") and message and not any(word in error for word in foreign)
    )
