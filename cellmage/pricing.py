"""What answers cost, by the price list of the genai-prices package, and a limit on it."""

from __future__ import annotations

import importlib
from decimal import Decimal
from importlib.util import find_spec

from .errors import ConfigError, UsageError
from .messages import Request, Response, Usage
from .urls import is_here

_CHARACTERS = 4
"""Characters in a token, about: for answers that were cut before their tokens were counted."""


def need_prices() -> None:
    """Say what to install, where it is missing.

    Raises:
        ConfigError: the price list is not installed.
    """
    if find_spec("genai_prices") is None:
        raise ConfigError("a spend limit needs a price list: pip install 'cellmage[prices]'")


def cost(response: Response) -> Decimal | None:
    """US dollars that an answer cost, by the provider's count of its tokens.

    None where the tokens were not counted, the price is not known, or the package is missing.

    Example:
        >>> str(cost(Response("Hi", "", "gpt-4o-mini", "api.openai.com", usage=Usage(1000, 100))))
        '0.00021'
        >>> cost(Response("Hi", model="llama3.2", provider="localhost:11434", usage=Usage(9, 9)))
    """
    usage = response.usage
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return _price(response.model, response.provider, usage)


def _price(model: str, host: str, usage: Usage) -> Decimal | None:
    try:
        # It takes a fifth of a second to import.
        prices = importlib.import_module("genai_prices")
    except ImportError:
        return None
    try:
        counts = prices.Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cached_tokens,
        )
        found = prices.calc_price(counts, model, provider_api_url=f"https://{host}/v1")
    except (LookupError, ValueError):  # no such price; counts that cannot be
        return None
    return Decimal(found.total_price)


def dollars(amount: Decimal) -> str:
    """An amount as it is shown: cents from a cent on, else two digits.

    Example:
        >>> dollars(Decimal("1.5")), dollars(Decimal("0.000213"))
        ('$1.50', '$0.00021')
    """
    return f"${amount:.2f}" if amount >= Decimal("0.01") or not amount else f"${amount:.2g}"


class Spending:
    """What the answers of a notebook have cost.

    Example:
        >>> from cellmage import Options
        >>> spending = Spending()
        >>> asked = Request((), Options())
        >>> dear = Response("Hi", "", "gpt-4o", "api.openai.com", usage=Usage(10**6, 0))
        >>> spending.add(asked, dear), dollars(spending.total)
        (True, '$2.50')
        >>> spending.check(3.0)
    """

    def __init__(self) -> None:
        self._costs: list[Decimal] = []

    @property
    def total(self) -> Decimal:
        """US dollars so far."""
        return sum(self._costs, Decimal(0))

    def check(self, limit: float | None) -> None:
        """Stop before the request when the answers so far have cost the limit, in US dollars.

        Raises:
            UsageError: they have.
        """
        if limit is not None and self.total >= Decimal(str(limit)):
            raise UsageError(
                f"nothing was sent: answers have cost {dollars(self.total)} in this notebook, and "
                f"the limit is {dollars(Decimal(str(limit)))}; %llm_config --spend-limit raises it"
            )

    def add(self, request: Request, response: Response) -> bool:
        """Count an answer, by an estimate where its tokens were not counted.

        Returns:
            whether its price is known.
        """
        amount = Decimal(0) if _is_free(response) else cost(response)
        if amount is None:
            amount = _price(response.model, response.provider, _estimate(request, response))
        self._costs.append(amount or Decimal(0))
        return amount is not None


def _is_free(response: Response) -> bool:
    """Whether an answer came from this machine or network, or failed without a word."""
    host = response.provider
    has_words = response.text or response.reasoning or response.usage or response.steps
    return not has_words or "." not in host or is_here(f"http://{host}")


def _estimate(request: Request, response: Response) -> Usage:
    asked = sent = sum(len(message.content) for message in request.messages)
    answered = len(response.text) + len(response.reasoning)
    for each in response.steps:  # a request each, with all that was before it
        written = len(each.text) + sum(len(call.arguments) for call in each.calls)
        answered += written - len(each.text)
        sent += written + sum(len(call.result) for call in each.calls)
        asked += sent
    return Usage(asked // _CHARACTERS, answered // _CHARACTERS)
