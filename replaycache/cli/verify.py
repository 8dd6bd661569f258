"""`replaycache verify`."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import click

from .._errors import BudgetExceeded, ConfigurationError
from .._printable import one_line
from ..accounts.amounts import human_money
from ..accounts.budget import Budget
from ..accounts.prices import Prices
from ..dialects.usage import usage_of
from ..engine.naming import name_of
from ..maintenance.verifying import Upstream, Verified, make_client, verify, why_not
from ..wire import url as _url
from .choosing import budget_option, pairs, prices_of_project
from .errors import NothingMatches, Status, confirm
from .fitting import note, progress
from .opening import Entry, complete_store, entries, existing_store, in_order, is_cassette, stores_meant
from .output import Column, json_option, write_list

ASKED_FROM = 10
"""More calls than this are made only where the user agrees."""


@click.command("verify")
@click.argument("stores", metavar="STORE...", nargs=-1, required=True, shell_complete=complete_store)
@click.option("--base-url", metavar="URL", help="Call this instead of the recorded hosts.")
@click.option("--host", "hosts", metavar="OLD=NEW", multiple=True, help="Call NEW instead of the host OLD.")
@click.option(
    "--header",
    "headers",
    metavar="NAME=VARIABLE",
    multiple=True,
    help="Send this header, its value from the environment.",
)
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="At most N calls.")
@click.option("--budget", metavar="USD", help="What the calls may cost, such as 0.50.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=120.0, help="Seconds a call may be silent."
)
@click.option(
    "-y",
    "--yes",
    is_flag=True,
    help=f"Do not ask before more than {ASKED_FROM} calls, or a --header to several hosts.",
)
@json_option
def command(
    stores: tuple[str, ...],
    base_url: str | None,
    hosts: tuple[str, ...],
    headers: tuple[str, ...],
    limit: int | None,
    budget: str | None,
    timeout: float,
    yes: bool,
    as_json: bool,
) -> Status:
    """Call upstream again and report the drift.

    A STORE is a cassette, a directory, which stands for the cassettes in it,
    however deep, or a cache.

    Each recorded call that generates, or only reads, is made once more and the
    answers are compared: in shape, and in values. Exits with 1 if one differs
    in shape, and with 3 if one could not be compared.

    Keys are not in recordings. They come from the environment, under the name
    that the provider's own client reads (OPENAI_API_KEY, ANTHROPIC_API_KEY,
    GEMINI_API_KEY, ...), and go to that provider's hosts only. For others:
    --header authorization=MY_KEY, to which "Bearer " is added.

    Piped, a line has these fields, separated by tabs: file, number or key,
    result, call, what differs. With --json a line is a JSON object.
    """
    try:
        upstream = Upstream(base_url, dict(pairs(hosts, "OLD=NEW", "--host")), _headers(headers))
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--base-url") from error
    allowance, prices = budget_option(budget), prices_of_project()
    if allowance is not None:
        allowance.check_prices(prices)
    found: list[tuple[str, Entry]] = []
    calls: list[tuple[str, Entry]] = []
    for name in stores_meant(stores):
        store = existing_store(name)
        for entry in in_order(store) if is_cassette(store) else entries(store):
            is_asked = not why_not(entry.recording)
            if is_asked and len(calls) == limit:
                if is_cassette(store):
                    continue
                break  # a cache may have more than fits into memory
            found.append((name, entry))
            if is_asked:
                calls.append(found[-1])
    if not found:
        raise NothingMatches("there is no recording to verify.")
    _confirm_hosts(calls, upstream, yes)
    _confirm(calls, prices, yes)
    results, stopped = _verify(found, len(calls), upstream, allowance, prices, timeout)
    write_list(results, as_json=_as_json if as_json else None, columns=_COLUMNS, cells=_cells, fields=_fields)
    counts = _tell_counts(results)
    if stopped:
        note(f"Error: {stopped}")
    if counts["shape"]:
        return Status.FOUND
    return Status.FAILED if counts["failed"] or stopped else Status.DONE


def _headers(texts: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for name, variable in pairs(texts, "NAME=VARIABLE", "--header"):
        value = os.environ.get(variable)
        if not value:
            raise click.BadParameter(f"the variable {variable} is not set", param_hint="--header")
        bare = name.lower() == "authorization" and " " not in value
        headers[name.lower()] = f"Bearer {value}" if bare else value
    return headers


def _confirm_hosts(calls: list[tuple[str, Entry]], upstream: Upstream, yes: bool) -> None:
    """A header that the user named for one host is not sent to others that a cassette happens to name."""
    origins = dict.fromkeys(_url.parse(upstream.url(entry.recording.request.url)).origin for _, entry in calls)
    if yes or not upstream.headers or len(origins) < 2:
        return
    confirm(
        f"{', '.join(upstream.headers)} would be sent to {len(origins)} hosts: {', '.join(origins)}.",
        unasked="No call was made; verify them one by one, or add --yes.",
        refused="no call was made.",
    )


def _confirm(calls: list[tuple[str, Entry]], prices: Prices, yes: bool) -> None:
    if yes or len(calls) <= ASKED_FROM:
        return
    usages = (entry.recording.usage or usage_of(entry.recording) for _, entry in calls)
    money = human_money(prices.total(Counter(usage for usage in usages if usage is not None)).price)
    cost = f" They cost about {money}." if money else ""
    confirm(
        f"This makes {len(calls)} calls upstream.{cost}",
        unasked=f"None was made; add --yes, or --limit {ASKED_FROM}.",
        refused="no call was made.",
    )


_Result = tuple[str, Entry, Verified]


def _verify(
    found: list[tuple[str, Entry]],
    calls: int,
    upstream: Upstream,
    budget: Budget | None,
    prices: Prices,
    timeout: float,
) -> tuple[list[_Result], str]:
    results: list[_Result] = []
    with make_client(timeout) as client, progress("verifying", total=calls) as advance:
        for name, entry in found:
            try:
                result = verify(entry.recording, upstream, client, budget, prices, note)
            except BudgetExceeded as error:
                return results, str(error)
            advance(result.status != "skipped")
            results.append((name, entry, result))
    return results, ""


def _tell_counts(results: list[_Result]) -> Counter[str]:
    """Says what became of the recordings of each file, where there are several, and of all."""
    files: dict[str, Counter[str]] = {}
    for name, _, result in results:
        files.setdefault(name, Counter())[result.status] += 1
    several = len(files) > 1
    for name, found in files.items() if several else ():
        note(f"{one_line(name, 4096)}: {_summary(found)}")
    counts = sum(files.values(), Counter())
    note(f"{len(files)} files: {_summary(counts)}" if several else _summary(counts))
    return counts


def _summary(counts: Counter[str]) -> str:
    names = {
        "same": "as recorded",
        "values": "with other values",
        "shape": "of another shape",
        "failed": "not compared",
        "skipped": "skipped",
    }
    parts = [f"{counts[status]} {text}" for status, text in names.items() if counts[status]]
    return f"{', '.join(parts)}." if parts else "nothing was verified."


_COLUMNS = (
    Column("#", least=1, most=8, style="yellow"),
    Column("result", least=7),
    Column("call", least=12, most=48),
    Column("file"),
    Column("what", least=16),
)


def _cells(result: _Result) -> tuple[str, ...]:
    name, entry, verified = result
    call = name_of(entry.recording.request)
    return str(entry.number or entry.short), verified.status, call, os.path.basename(name), _what(verified)


def _fields(result: _Result) -> tuple[str, ...]:
    name, entry, verified = result
    call = name_of(entry.recording.request)
    return name, str(entry.number or entry.key), verified.status, call, _what(verified)


def _what(verified: Verified) -> str:
    return verified.reason or (str(verified.drift) if verified.drift else "")


def _as_json(result: _Result) -> dict[str, Any]:
    name, entry, verified = result
    return {
        "file": name,
        "number": entry.number,
        "key": entry.key,
        "result": verified.status,
        "call": name_of(entry.recording.request),
        "method": entry.recording.request.method,
        "url": entry.recording.request.url,
        "shape": list(verified.drift.shape),
        "values": list(verified.drift.values),
        "volatile": list(verified.drift.volatile),
        "reason": verified.reason or None,
    }
