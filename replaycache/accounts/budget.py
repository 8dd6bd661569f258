"""What recording may cost."""

from __future__ import annotations

import os
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from .._errors import BudgetExceeded, ConfigurationError
from .._models import Usage
from ..system.forking import new_lock
from . import BUDGET_VARIABLE
from .prices import LIST_PRICES, Prices


class Budget:
    """US dollars that live calls may cost together; whoever is given the same budget shares it.

    A call is refused, before it is sent, once what was spent has reached the limit; calls that are under way
    are not disturbed, so that the last of them may go beyond it. Spent is what the answers that were read to
    their end say they came to, at the prices of the package genai-prices and of the option `prices`. What has no
    price there, such as a local server, or tells no tokens, is not counted, and a warning says so once.

    Args:
        limit: a number of US dollars, or text such as `"$2"` or `"0.50"`.

    Raises:
        ConfigurationError: the limit is none.
    """

    def __init__(self, limit: float | str | Decimal, *, _where: str = "budget") -> None:
        self.limit = parse_limit(limit, _where)
        self._where = _where
        self._lock = new_lock()
        self._spent = Decimal(0)
        self._told: set[str] = set()

    @property
    def spent(self) -> Decimal:
        """US dollars spent so far."""
        return self._spent

    def check_prices(self, prices: Prices | None) -> None:
        """Looks whether it can be known what is spent.

        Args:
            prices: the user's own.

        Raises:
            ConfigurationError: there are none, and the package that knows the others' is not installed.
        """
        if not (prices or LIST_PRICES).are_known:
            raise ConfigurationError(
                f"{self._where}={str(self.limit)!r} needs to know prices: install replaycache with its extra "
                f'`prices` (pip install "replaycache[prices]"), or give them with the option `prices`'
            )

    def check(self) -> None:
        """To be called before a call is sent.

        Raises:
            BudgetExceeded: what was spent has reached the limit.
        """
        if self._spent >= self.limit:
            raise BudgetExceeded(
                f"the call was not sent: ${self._spent:.4f} were spent, and the budget is ${self.limit}. Raise "
                f"{self._where}, or replay what is recorded with mode='replay'."
            )

    def spend(self, usage: Usage | None, when: float, what: str, prices: Prices | None = None) -> str:
        """Takes account of an answer; gives what is to be said about it, once for each kind.

        Args:
            usage: of the answer; None where it tells none.
            when: it was asked for, in seconds since 1970 (UTC).
            what: names the call for the user.
            prices: the user's own.
        """
        price = None if usage is None else (prices or LIST_PRICES).price_of(usage, when)
        if price is not None:
            with self._lock:
                self._spent += price
            return ""
        kind = usage.model if usage is not None and usage.model else what
        if kind in self._told:
            return ""
        self._told.add(kind)
        why = (
            "it tells no tokens"
            if usage is None
            else f"the price of {kind} is not known; the option `prices` takes it"
        )
        return f"{what} is not counted in the budget: {why}."

    def __repr__(self) -> str:
        return f"<Budget ${self._spent:.4f} of ${self.limit} spent>"


def parse_limit(limit: Any, where: str) -> Decimal:
    """US dollars, from a number or from text such as `$2`.

    Raises:
        ConfigurationError: it is neither, or negative; `where` says in the message who asked for it.
    """
    if isinstance(limit, (int, float, Decimal)) and not isinstance(limit, bool):
        text = str(limit)
    elif isinstance(limit, str):
        text = re.sub(r"^\s*(?:\$|USD)?\s*|\s*(?:\$|USD)?\s*$", "", limit)
    else:
        text = ""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise ConfigurationError(f"{where}={limit!r} is no budget; write US dollars, such as 2 or '$2'")
    return value


_of_environment: dict[str, Budget] = {}


def budget_of_environment() -> Budget | None:
    """The budget that `REPLAYCACHE_BUDGET` gives to all of this process together; None without it.

    Raises:
        ConfigurationError: as `Budget`.
    """
    text = os.environ.get(BUDGET_VARIABLE, "")
    if not text:
        return None
    if text not in _of_environment:
        _of_environment[text] = Budget(text, _where=BUDGET_VARIABLE)
    return _of_environment[text]
