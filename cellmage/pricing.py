"""Price answers by the list of the genai-prices package, and keep them within a budget."""

from __future__ import annotations

import importlib
from decimal import Decimal
from importlib.util import find_spec

from .content import attachment_tokens, attachments_of
from .errors import ConfigError, SpendLimitError
from .messages import Request, Response, Usage
from .model_table import family_of
from .urls import is_loopback

_CHARS_PER_TOKEN = 4
"""An estimate, for answers that were cut before the provider counted their tokens."""

BATCH_SHARE = Decimal("0.5")
"""The share of the price that OpenAI and Anthropic ask for rows of their batch endpoints."""

_SMALLEST_PERCENT = 0.01
_SMALLEST_USD = Decimal("0.000001")


def require_price_list() -> None:
    """Check that the price list is installed.

    Raises:
        ConfigError: it is not installed; the message says how to install it.
    """
    if find_spec("genai_prices") is None:
        raise ConfigError("a spend limit needs a price list: pip install 'cellmage[prices]'")


def cost(response: Response) -> Decimal | None:
    """Return what an answer cost in US dollars, by the provider's count of its tokens.

    Returns:
        None if the tokens were not counted, the price is unknown, or the list is not installed.

    Example:
        >>> str(cost(Response("Hi", "", "gpt-4o-mini", "api.openai.com", usage=Usage(1000, 100))))
        '0.00021'
        >>> cost(Response("Hi", model="llama3.2", provider="localhost:11434", usage=Usage(9, 9)))
    """
    usage = response.usage
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return _price(response.model, response.provider, usage)


def window_of(model: str, host: str) -> int | None:
    """Return how many tokens a model can read; None if it is not known.

    Args:
        model: the name of the model.
        host: the server, as in `Response.provider`; the list has windows for known servers.

    Example:
        >>> window_of("gpt-6-luna", "api.openai.com"), window_of("llama3.2", "localhost:11434")
        (1050000, None)
    """
    try:
        snapshot = importlib.import_module("genai_prices.data_snapshot").get_snapshot()
        address = f"https://{host}/v1"
        _, listed = snapshot.find_provider_model(model, None, None, address)
        window = listed.context_window
    except (ImportError, LookupError, ValueError):
        window = None
    return window or family_of(model).window


def price_of(model: str, host: str, usage: Usage) -> Decimal | None:
    """Return what these tokens cost in US dollars; None if the price is not known."""
    if _is_free_host(host):
        return None
    return _price(model, host, usage)


def expected_price(model: str, host: str, usage: Usage) -> Decimal | None:
    """Return what these tokens will cost in US dollars; None if the price is not known.

    Example:
        >>> str(expected_price("gpt-4o-mini", "api.openai.com", Usage(1000, 100)))
        '0.00021'
        >>> str(expected_price("llama3.2", "localhost:11434", Usage(1000, 100)))
        '0'
    """
    return Decimal(0) if _is_free_host(host) else _price(model, host, usage)


def _price(model: str, host: str, usage: Usage) -> Decimal | None:
    try:
        # Imported at the first use: it takes a fifth of a second.
        prices = importlib.import_module("genai_prices")
    except ImportError:
        return None
    try:
        counts = prices.Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
        )
        price = prices.calc_price(counts, model, provider_api_url=f"https://{host}/v1")
    except (LookupError, ValueError):  # no such price; impossible counts
        return None
    return Decimal(price.total_price)


def format_usd(amount: Decimal) -> str:
    """Return an amount as text: with cents from one cent up, else with two significant digits.

    Example:
        >>> format_usd(Decimal("1.5")), format_usd(Decimal("0.000213")), format_usd(Decimal("2e-9"))
        ('$1.50', '$0.00021', '< $0.000001')
    """
    if 0 < amount < _SMALLEST_USD:
        return f"< ${_SMALLEST_USD}"
    return f"${amount:.2f}" if amount >= Decimal("0.01") or not amount else f"${amount:.2g}"


def format_percent(share: float) -> str:
    """Return a share as text, with two significant digits below ten per cent.

    Example:
        >>> format_percent(0.123), format_percent(0.00123), format_percent(0.0000001)
        ('12 %', '0.12 %', '< 0.01 %')
    """
    percent = 100 * share
    if 0 < percent < _SMALLEST_PERCENT:
        return f"< {_SMALLEST_PERCENT} %"
    return f"{percent:.0f} %" if percent >= 10 or not percent else f"{percent:.2g} %"


class Budget:
    """The cost of the answers of a notebook, and a limit on it.

    Example:
        >>> from cellmage import Options
        >>> budget = Budget()
        >>> response = Response("Hi", "", "gpt-4o", "api.openai.com", usage=Usage(10**6, 0))
        >>> budget.record(Request((), Options()), response), format_usd(budget.spent)
        (True, '$2.50')
        >>> budget.check(3.0)
    """

    def __init__(self) -> None:
        self._costs: list[Decimal] = []

    @property
    def spent(self) -> Decimal:
        """The cost of the answers so far, in US dollars."""
        return sum(self._costs, Decimal(0))

    def check(self, limit: float | None) -> None:
        """Refuse a request when the answers so far have cost as much as the limit.

        Args:
            limit: US dollars; None allows any cost.

        Raises:
            SpendLimitError: the limit is reached.
        """
        if limit is not None and self.spent >= Decimal(str(limit)):
            raise SpendLimitError(
                f"nothing was sent: answers have cost {format_usd(self.spent)} in this notebook, "
                f"and the limit is {format_usd(Decimal(str(limit)))}; `spend_limit` raises it",
                option="spend_limit",
            )

    def add(self, amount: Decimal) -> None:
        """Add a cost that was counted elsewhere."""
        self._costs.append(amount)

    def record(self, request: Request, response: Response) -> bool:
        """Add the cost of an answer; it is estimated if its tokens were not counted.

        Args:
            request: the request of the answer, for the estimate.
            response: the answer.

        Returns:
            True if its price is known.
        """
        amount = Decimal(0) if _is_free(response) else cost(response)
        if amount is None:
            amount = _price(response.model, response.provider, _estimate_usage(request, response))
        self._costs.append(amount or Decimal(0))
        return amount is not None


def _is_free(response: Response) -> bool:
    """Return whether an answer is recorded, from this machine or network, or has no content."""
    if response.kept_from:
        return True
    has_content = response.text or response.reasoning or response.usage or response.steps
    return not has_content or _is_free_host(response.provider)


def _is_free_host(host: str) -> bool:
    """Return whether a host is this machine, or one of its network."""
    return "." not in host or is_loopback(f"http://{host}")


def _estimate_usage(request: Request, response: Response) -> Usage:
    """Return an estimate of the tokens, from the number of characters.

    Every tool step was a request of its own, which contained everything before it.
    """
    attachments = [part for message in request.messages for part in attachments_of(message.content)]
    chars_in = context = sum(len(message.text) for message in request.messages) + (
        _CHARS_PER_TOKEN * sum(map(attachment_tokens, attachments))
    )
    chars_out = len(response.text) + len(response.reasoning)
    for step in response.steps:
        arguments = sum(len(call.arguments) for call in step.calls)
        chars_out += arguments
        context += len(step.text) + arguments + sum(len(call.result) for call in step.calls)
        chars_in += context
    return Usage(chars_in // _CHARS_PER_TOKEN, chars_out // _CHARS_PER_TOKEN)
