"""What a batch has cost, and whether a further row may be asked within a budget."""

from __future__ import annotations

from decimal import Decimal

from ..errors import SpendLimitError
from ..messages import Request, Response
from ..pricing import Budget, format_usd, require_price_list


class Spending:
    """The cost of a batch.

    A row is not asked if those under way would reach the limit, at the mean cost of a row, or if
    there is a limit and the price is not known.

    Args:
        limit: US dollars; None allows any cost.

    Raises:
        ConfigError: there is a limit, and the price list is not installed.

    Example:
        >>> Spending(None).allows(in_flight=3)
        True
    """

    def __init__(self, limit: float | None = None) -> None:
        if limit is not None:
            require_price_list()
        self._limit = None if limit is None else Decimal(str(limit))
        self._budget = Budget()
        self._answers = 0
        self.spent = Decimal(0)
        self.is_known = True

    @property
    def limit(self) -> Decimal | None:
        """US dollars that may be spent; None for any cost."""
        return self._limit

    def add(self, request: Request, response: Response) -> None:
        """Add an answer, also one that was cut."""
        self._answers += 1
        self.is_known = self._budget.record(request, response) and self.is_known
        self.spent = self._budget.spent

    def allows(self, in_flight: int) -> bool:
        """Return whether a further row may be asked.

        Args:
            in_flight: the rows that are under way.
        """
        if self._limit is None:
            return True
        if not self.is_known:
            return False
        mean = self.spent / self._answers if self._answers else Decimal(0)
        return self.spent + mean * in_flight < self._limit

    def error(self) -> SpendLimitError:
        """Return the error of a row that is not asked."""
        if not self.is_known:
            return SpendLimitError(
                "not asked: the price of this model is not known, so `budget` cannot count it",
                option="budget",
            )
        spent, limit = format_usd(self.spent), format_usd(self._limit or Decimal(0))
        return SpendLimitError(
            f"not asked: the answers have cost {spent}, and the budget is {limit}; "
            "a higher `budget` asks the missing rows",
            option="budget",
        )
