"""What the options of commands mean: which recordings are meant, what may be spent, what is redacted."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from .._errors import ConfigurationError
from ..configuration import defaults
from ..maintenance.selection import Selection
from ..options import combined, parse_duration
from ..redaction.redact import Redact
from .errors import wrong_use

if TYPE_CHECKING:
    from ..accounts.budget import Budget
    from ..accounts.prices import Prices


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command --model, --since and --status together as `which: Selection`."""

    @click.option("--model", metavar="TEXT", help="Only models with TEXT in their name, or like gpt-4*.")
    @click.option("--since", metavar="TIME", help="Only what was recorded since: 2h, 7d, or 2026-11-21.")
    @click.option("--status", metavar="STATUS", help="Only this status: 200, or 4xx.")
    @functools.wraps(command)
    def with_selection(
        *arguments: Any, model: str | None, since: str | None, status: str | None, **others: Any
    ) -> Any:
        which = Selection(model=model, since=parse_since(since), statuses=parse_status(status))
        return command(*arguments, which=which, **others)

    return with_selection


def pairs(texts: Iterable[str], form: str, option: str) -> list[tuple[str, str]]:
    """What an option that may be repeated says, each time in a form such as `NAME=VALUE`; a header may be empty.

    Raises:
        click.BadParameter: it is not of that form.
    """
    mark = "=" if "=" in form else ":"
    found = []
    for text in texts:
        name, given, value = text.partition(mark)
        if not (name.strip() and (value.strip() or given == ":")):
            raise click.BadParameter(f"{text!r} is not of the form {form}", param_hint=option)
        found.append((name.strip(), value.strip()))
    return found


def budget_option(text: str | None) -> Budget | None:
    """What `--budget` gives to the calls of a command.

    Raises:
        click.UsageError: it is no amount.
    """
    if text is None:
        return None
    from ..accounts.budget import Budget

    with wrong_use():
        return Budget(text, _where="--budget")


def all_redacted(redact: Redact) -> Redact:
    """What a command redacts: what its options say, and what the nearest pyproject.toml does.

    Raises:
        ConfigurationError: that file is wrong.
    """
    found: Redact = combined(defaults().options, {"redact": redact})["redact"]
    return found


def prices_of_project() -> Prices:
    """By what money is told: the prices in the nearest pyproject.toml, and else those of genai-prices.

    Raises:
        ConfigurationError: the file is wrong.
    """
    from ..accounts.prices import Prices

    return Prices(defaults().options.get("prices"))


def parse_since(text: str | None) -> float | None:
    """The moment that `--since` names, in seconds since 1970: a time ago (`2h`, `7d`), or an ISO date or moment.

    Raises:
        click.BadParameter: it is neither.
    """
    if text is None:
        return None
    try:
        ago = parse_duration(text, "--since")
        return None if ago is None else time.time() - ago
    except ConfigurationError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time; write how long ago (90s, 15m, 2h, 7d, 2w), or a date such as 2026-11-21",
            param_hint="--since",
        ) from None


def parse_status(text: str | None) -> range | None:
    """The statuses that `--status` names: `404`, or `4xx`.

    Raises:
        click.BadParameter: it is neither.
    """
    if text is None:
        return None
    if re.fullmatch(r"[1-9]\d\d", text):
        return range(int(text), int(text) + 1)
    if re.fullmatch(r"[1-9]xx", text.lower()):
        return range(int(text[0]) * 100, int(text[0]) * 100 + 100)
    raise click.BadParameter(f"{text!r} is no status; write 404, or 4xx", param_hint="--status")
