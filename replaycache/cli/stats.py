"""`replaycache stats`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import click

from ..accounts.amounts import human_count, human_duration, human_money, human_size, human_units, iso_time, many
from ..accounts.ledger import TOKENS, Ledger
from ..accounts.list_prices import is_available
from ..accounts.prices import Prices
from ..accounts.savings import Line, Savings, Sum, of_ledger, of_recordings
from ..stores import Store
from .choosing import parse_since, prices_of_project
from .errors import Status
from .fitting import counted, note
from .opening import complete_store, entries, existing_store, size_on_disk
from .output import Column, is_terminal, json_option, write, write_field, write_json, write_table

SHOWN = 10
"""Lines of a table on a terminal, where --limit does not say otherwise."""

RUNS = 1000
"""Runs that are looked at: the newest."""

_TABLES = {"model": "models", "provider": "providers", "day": "days", "run": "runs", "store": "stores"}


@dataclass(frozen=True, slots=True)
class _Told:
    """What was found out.

    Attributes:
        savings: of all the stores.
        stores: what each of them came to, by its location.
        recordings, size: recordings that are stored now, and the bytes of their files.
        of_calls: whether calls were added up, not recordings.
    """

    savings: Savings
    stores: dict[str, Line]
    recordings: int
    size: int
    of_calls: bool


@click.command("stats")
@click.argument("stores", nargs=-1, metavar="[STORE]...", shell_complete=complete_store)
@click.option(
    "--by",
    type=click.Choice(list(_TABLES)),
    help="Only this table. Days are in UTC; a run is one process.",
)
@click.option("--since", metavar="TIME", help="Only the calls since: 2h, 7d, or 2026-11-21.")
@click.option("--recordings", is_flag=True, help="Add up what is stored, not the calls that were made.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    help=f"At most N lines of a table; {SHOWN} on a terminal.",
)
@json_option
def command(
    stores: tuple[str, ...],
    by: str | None,
    since: str | None,
    recordings: bool,
    limit: int | None,
    as_json: bool,
) -> Status:
    """Say what was saved: calls, tokens, time, money.

    Of a disk cache, yours where none is named: of all calls that came to it,
    how many a recording answered, and what those would have come to upstream.
    Of cassettes: what their recordings came to when they were recorded, which
    is what every replay of all of them saves.

    Money is in US dollars at the prices of [tool.replaycache.prices], and else
    at list prices, as the package genai-prices knows them: pip install
    "replaycache[prices]". It counts answers that tell what they used. Time is
    that of the answers, less what replaying took.

    Piped, a line has these fields, separated by tabs: table (total, model,
    provider, day, run or store), name, calls, replayed, recorded, live,
    refused; of what was replayed, tokens in and out, seconds saved, bytes and
    dollars; of what went upstream, tokens in and out, seconds, bytes and
    dollars.
    """
    start = parse_since(since) or 0.0
    told = _told(stores, start, recordings)
    tables = [by] if by else [table for table in _TABLES if table != "store" or as_json or len(told.stores) > 1]
    lines = {table: _ordered(told, table) for table in tables}
    if as_json:
        write_json(_as_json(told, start, {table: list(islice(found, limit)) for table, found in lines.items()}))
    elif is_terminal():
        _show(told, since, by, lines, limit or SHOWN)
    else:
        rows = [] if by else [("total", told.savings.total)]
        rows += [(table, line) for table, found in lines.items() for line in islice(found, limit)]
        write_table((), (_as_data(table, line) for table, line in rows))
    if not told.savings.total.requests:
        note(_nothing(told, since))
    return Status.DONE


def _nothing(told: _Told, since: str | None) -> str:
    if since is not None:
        return f"Nothing since {since}."
    if told.recordings:
        return "No call was noted yet."
    return "Nothing is recorded yet. `replaycache demo` records something."


# -- what is added up --------------------------------------------------------------------------------------


def _told(names: tuple[str, ...], since: float, recordings: bool) -> _Told:
    opened = [existing_store(name) for name in names] or [existing_store(None)]
    of_calls = not recordings and any(_ledger(store) is not None for store in opened)
    prices = prices_of_project()
    total = Savings(prices)
    stores: dict[str, Line] = {}
    count = size = 0
    for store in opened:
        ledger = _ledger(store)
        if ledger is None or recordings:
            found = _of_store(store, prices, since)
        else:
            found = of_ledger(ledger, prices=prices, since=since, runs=RUNS)
        total.merge(found)
        stores.setdefault(store.location, Line(store.location)).merge(found.total)
        count += len(store)
        size += size_on_disk(store) or 0
    return _Told(total, stores, count, size, of_calls)


def _ledger(store: Store) -> Ledger | None:
    """What was asked of a cache; None of other stores."""
    found = getattr(store, "ledger", None)
    return found if isinstance(found, Ledger) else None


def _of_store(store: Store, prices: Prices, since: float) -> Savings:
    every = counted(entries(store, in_any_order=True, warns=True), "adding up", len(store))
    return of_recordings((entry.recording for entry in every), prices=prices, since=since)


def _ordered(told: _Told, table: str) -> list[Line]:
    """The lines of a table: days and runs the newest first, others by what they saved."""
    savings = told.savings
    if table == "day":
        return [line for _, line in sorted(savings.days.items(), reverse=True)]
    if table == "run":
        return sorted(savings.runs.values(), key=lambda line: line.started, reverse=True)
    if table == "store":
        return list(told.stores.values())
    lines = (savings.models if table == "model" else savings.providers).values()
    return sorted(lines, key=lambda line: line.weight, reverse=True)


def _name(table: str, line: Line) -> str:
    if table == "day":
        return iso_time(float(line.name))[:10] or "1970-01-01"
    return line.name


# -- for programs ------------------------------------------------------------------------------------------


def _as_data(table: str, line: Line) -> list[str]:
    saved, spent = line.saved, line.spent
    return [
        table,
        _name(table, line) if table != "total" else "",
        str(line.requests),
        str(saved.requests),
        str(line.missed.requests + line.recorded.requests),
        str(line.live.requests),
        str(line.refused.requests),
        *(str(count) for count in (saved.input_tokens, saved.output_tokens)),
        f"{line.seconds_saved:.3f}",
        str(saved.size),
        _dollars(saved),
        *(str(count) for count in (spent.input_tokens, spent.output_tokens)),
        f"{spent.seconds:.3f}",
        str(spent.size),
        _dollars(spent),
    ]


def _dollars(part: Sum) -> str:
    return "" if part.price is None else f"{part.price:.6f}"


def _as_json(told: _Told, since: float, lines: dict[str, list[Line]]) -> dict[str, Any]:
    return {
        "since": iso_time(since) or None,
        "of": "calls" if told.of_calls else "recordings",
        "recordings": told.recordings,
        "bytes_on_disk": told.size,
        "prices": told.savings.prices.are_known,
        "total": _line_as_json(told.savings.total),
        **{
            _TABLES[table]: [{table: _name(table, line), **_line_as_json(line)} for line in found]
            for table, found in lines.items()
        },
    }


def _line_as_json(line: Line) -> dict[str, Any]:
    of_run = {"program": line.program, "started": iso_time(line.started)} if line.started else {}
    return {
        **of_run,
        "calls": line.requests,
        "replayed": line.saved.requests,
        "recorded": line.missed.requests + line.recorded.requests,
        "live": line.live.requests,
        "refused": line.refused.requests,
        "saved": {**_sum_as_json(line.saved), "seconds": round(line.seconds_saved, 6)},
        "upstream": _sum_as_json(line.spent),
    }


def _sum_as_json(part: Sum) -> dict[str, Any]:
    return {
        **{name: getattr(part, name) for name in TOKENS},
        "seconds": round(part.seconds, 6),
        "bytes": part.size,
        "units": part.units,
        "usd": part.price,
        "without_price": part.unpriced,
        "without_usage": part.untold,
    }


# -- for people --------------------------------------------------------------------------------------------


def _show(told: _Told, since: str | None, by: str | None, lines: dict[str, list[Line]], limit: int) -> None:
    total = told.savings.total
    if by is None:
        _show_total(told, since)
    for table, found in lines.items():
        if not found or (by is None and table == "provider"):
            continue
        if by is None:
            left = len(found) - limit
            write()
            write(f"by {table}" + (f", {limit} of {len(found):,}" if left > 0 else ""), "bold")
        columns = _columns(table, total)
        rows = ([cell(line) for _, cell in columns] for line in found[:limit])
        write_table([column for column, _ in columns], rows)
    if by is None:
        for line in _footnotes(total):
            note(line)


def _show_total(told: _Told, since: str | None) -> None:
    total = told.savings.total
    if len(told.stores) == 1:
        write_field("store", next(iter(told.stores)))
    else:
        write_field("stores", f"{len(told.stores)}")
    on_disk = f", {human_size(told.size)} on disk" if told.size else ""  # a shared store has no file here
    write_field("stored", f"{many(told.recordings, 'recording')}{on_disk}")
    if since is not None:
        write_field("since", since)
    if told.of_calls:
        write_field("calls", _calls(total))
        write_field("saved", _amounts(total.saved, total.seconds_saved), "green")
        write_field("upstream", _amounts(total.spent, total.spent.seconds))
    else:
        write_field("recorded", _amounts(total.spent, total.spent.seconds))


def _calls(total: Line) -> str:
    parts = [
        (total.saved, "replayed"),
        (total.missed, "recorded"),
        (total.recorded, "recorded"),
        (total.live, "live"),
        (total.refused, "refused"),
    ]
    told = [f"{part.requests:,} {what}" for part, what in parts if part.requests]
    if total.saved.requests and told:
        told[0] += f" ({100 * total.saved.requests // total.requests}%)"
    return f"{total.requests:,}" + (f": {', '.join(told)}" if told else "")


def _amounts(part: Sum, seconds: float) -> str:
    if not part.requests:
        return "nothing"
    tokens = _tokens(part)
    more = [
        f"{human_count(count)} {what}"
        for count, what in ((part.cached_tokens, "cached"), (part.reasoning_tokens, "for reasoning"))
        if count
    ]
    told = [tokens + (f" ({', '.join(more)})" if more else "")] if tokens and part.untold < part.requests else []
    told.append(_units(part))
    told += [human_duration(seconds), human_size(part.size), human_money(part.price)]
    return ", ".join(filter(None, told))


def _tokens(part: Sum) -> str:
    if part.units and not part.input_tokens and not part.output_tokens:
        return ""
    return f"{human_count(part.input_tokens)} tokens in, {human_count(part.output_tokens)} out"


def _units(part: Sum) -> str:
    return human_units(part.units.items(), has_tokens=bool(part.input_tokens or part.output_tokens))


_Shown = tuple[Column, Callable[[Line], str]]


def _columns(table: str, total: Line) -> list[_Shown]:
    """The columns of a table, and what each shows of a line: of calls, the tokens and the time that were saved."""
    of_calls = not total.recorded.requests
    columns: list[_Shown] = [(Column(table, least=20, most=36, style="cyan"), partial(_label, table))]

    def part(line: Line) -> Sum:
        return line.saved if of_calls else line.spent

    def number(title: str, cell: Callable[[Line], str], least: int, most: int, **more: Any) -> None:
        columns.append((Column(title, right=True, least=least, most=most, **more), cell))

    number("calls" if of_calls else "recorded", lambda line: human_count(line.requests), 5, 8)
    if of_calls:
        number("hits", _hits, 4, 5)
    number("in", lambda line: human_count(part(line).input_tokens), 4, 6)
    number("out", lambda line: human_count(part(line).output_tokens), 4, 6)
    number("cached", lambda line: human_count(part(line).cached_tokens), 6, 6, drop=1)
    number("reasoning", lambda line: human_count(part(line).reasoning_tokens), 9, 9, drop=2)
    number("time", lambda line: human_duration(line.seconds_saved if of_calls else line.spent.seconds), 11, 12)
    if _units(part(total)):
        columns.append((Column("units", least=8, most=24, drop=3), lambda line: _units(part(line))))
    if _is_priced(total):
        if total.saved.requests:
            number("saved", lambda line: human_money(line.saved.price), 8, 10, style="green")
        number("spent", lambda line: human_money(line.spent.price), 8, 10)
    return columns


def _hits(line: Line) -> str:
    return f"{100 * line.saved.requests // line.requests}%" if line.requests else ""


def _is_priced(total: Line) -> bool:
    return bool(total.saved.priced or total.spent.priced)


def _label(table: str, line: Line) -> str:
    if table == "run":
        return f"{iso_time(line.started)[5:16].replace('T', ' ')} {line.program}"
    return _name(table, line) or "(not told)"


def _footnotes(total: Line) -> Iterable[str]:
    parts = (total.saved, total.spent)
    unpriced = sum(part.unpriced for part in parts)
    untold = sum(part.untold for part in parts)
    if unpriced and not (_is_priced(total) or is_available()):
        yield 'Prices: pip install "replaycache[prices]"'
    elif unpriced:
        yield f"Money leaves out {many(unpriced, 'call')} whose price is not known."
    if untold:
        yield f"Tokens leave out {many(untold, 'call')} whose answers tell none."
