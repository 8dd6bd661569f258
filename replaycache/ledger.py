"""What a cache was asked for: calls, tokens, seconds and bytes by run, hour, model and outcome.

It is kept in one SQLite file beside the recordings. Calls are added up in memory and written now and then, so that
a hit stays one read; a process that is killed takes with it what it has not written yet.
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import sqlite3
import sys
import threading
import time
import weakref
from bisect import bisect
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from ._errors import StoreUnavailable
from ._models import Usage
from .tally import Noted

__all__ = ["Entry", "Ledger"]

logger = logging.getLogger("replaycache")

VERSION = 1
PRICE_TIERS = (128_000, 200_000, 256_000, 272_000)
"""Input tokens above which some providers ask for more. Calls of different tiers are added up apart, so that a sum
costs what its calls cost."""

FLUSH_SECONDS = 60.0
FLUSH_CALLS = 4096
"""When what was noted is written at the latest, where calls go on."""

TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
_SUMS = ("requests", *TOKENS, "seconds", "took", "bytes")


class Entry(NamedTuple):
    """The sum of the calls of one run, hour, model and status.

    Attributes:
        run: names the process.
        program: what it ran.
        hour: when, in seconds since 1970 (UTC).
        usage: sums. Each of the calls is in the same tier of prices, so that the price of their mean, times their
            number, is their price.
        status, requests, seconds, took, size: as in `Noted`, added up.
    """

    run: str
    program: str
    hour: int
    status: str
    requests: int
    usage: Usage
    seconds: float
    took: float
    size: int


_Group = tuple[int, str, str, str, str, int]
_GROUP = ("hour", "provider", "model", "status", "service_tier", "price_tier")


class Ledger:
    """Adds up calls. All methods may be called from any thread.

    Args:
        path: of its file, which is made when something is written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._clear()
        self._started = time.time()
        self._is_registered = False

    def _clear(self) -> None:
        self._lock = threading.Lock()
        self._run = secrets.token_hex(8)
        self._noted: deque[tuple[float, Noted]] = deque()
        self._written = time.monotonic()

    def note(self, call: Noted) -> None:
        """Takes account of a call. Never fails."""
        self._noted.append((time.time(), call))
        if not self._is_registered:
            self._is_registered = True
            _register(self)
        if len(self._noted) >= FLUSH_CALLS or time.monotonic() - self._written > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what was noted. Never fails: where it cannot be written, it is forgotten."""
        with self._lock:
            noted, self._noted = self._noted, deque()
            self._written = time.monotonic()
        if not noted:
            return
        try:
            with closing(self._open()) as database, database:
                self._write(database, noted)
        except (OSError, sqlite3.Error, StoreUnavailable) as error:
            logger.debug("what was asked of the cache was not noted in %s: %s", self.path, error)

    def _write(self, database: sqlite3.Connection, noted: deque[tuple[float, Noted]]) -> None:
        sums: dict[_Group, list[float]] = {}
        units: dict[tuple[_Group, str], float] = {}
        played: dict[str, list[float]] = {}
        for at, call in noted:
            usage = call.usage or Usage("", "")
            tokens = (getattr(usage, name) for name in TOKENS)
            tier = bisect(PRICE_TIERS, usage.input_tokens)
            group = (int(at // 3600) * 3600, usage.provider, usage.model, call.status, usage.service_tier, tier)
            total = sums.setdefault(group, [0.0] * len(_SUMS))
            for place, value in enumerate((1, *tokens, call.seconds, call.took, call.size)):
                total[place] += value
            for name, amount in usage.units:
                units[group, name] = units.get((group, name), 0.0) + amount
            if call.status == "hit":
                last = played.setdefault(call.key, [0.0, 0])
                last[0] = at
                last[1] += 1
        database.execute(
            "INSERT OR IGNORE INTO runs (run, program, started) VALUES (?, ?, ?)",
            (self._run, os.path.basename(sys.argv[0]) if sys.argv else "", self._started),
        )
        self._add(database, "calls", _SUMS, [(*group, *total) for group, total in sums.items()])
        self._add(
            database, "units", ("amount",), [(*group, name, amount) for (group, name), amount in units.items()]
        )
        database.executemany(
            "INSERT INTO played (key, at, hits) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET at = max(at, excluded.at), hits = hits + excluded.hits",
            [(key, at, hits) for key, (at, hits) in played.items()],
        )

    def _add(
        self, database: sqlite3.Connection, table: str, sums: tuple[str, ...], rows: list[tuple[Any, ...]]
    ) -> None:
        names = ("run", *_GROUP, *(("unit",) if table == "units" else ()), *sums)
        adding = ", ".join(f"{name} = {name} + excluded.{name}" for name in sums)
        database.executemany(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "  # noqa: S608  # our own names
            f"ON CONFLICT DO UPDATE SET {adding}",
            [(self._run, *row) for row in rows],
        )

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        database = sqlite3.connect(self.path, timeout=10.0)
        try:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise StoreUnavailable(
                    f"a newer version of replaycache wrote {self.path} (format {version}, and this one reads up "
                    f"to {VERSION}); upgrade it"
                )
            if version < VERSION:
                database.executescript(_SCHEMA)
        except BaseException:
            database.close()
            raise
        return database

    def entries(self) -> Iterator[Entry]:
        """What was noted so far, the oldest hour first.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        self.flush()
        group = ", ".join(_GROUP)
        units: dict[tuple[Any, ...], list[tuple[str, float]]] = {}
        for *whole, name, amount in self._rows(f"SELECT run, {group}, unit, amount FROM units ORDER BY unit"):  # noqa: S608  # our own names
            units.setdefault(tuple(whole), []).append((name, amount))
        for program, *row in self._rows(
            f"SELECT program, run, {group}, {', '.join(_SUMS)} "  # noqa: S608  # our own names
            f"FROM calls LEFT JOIN runs USING (run) ORDER BY hour, run, provider, model, status"
        ):
            run, hour, provider, model, status, service_tier, _, requests, *sums = row
            inputs, outputs, cached, cache_write, reasoning = map(int, sums[: len(TOKENS)])
            seconds, took, size = sums[len(TOKENS) :]
            usage = Usage(
                provider,
                model,
                inputs,
                outputs,
                cached,
                cache_write,
                reasoning,
                service_tier,
                tuple(units.get(tuple(row[:7]), ())),
            )
            yield Entry(run, program or "", hour, status, int(requests), usage, seconds, took, int(size))

    def last_played(self) -> dict[str, float]:
        """When each recording was played last, by its key, in seconds since 1970 (UTC).

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        self.flush()
        return dict(self._rows("SELECT key, at FROM played"))

    def forget(self, keys: list[str]) -> None:
        """Forgets when recordings that are gone were played.

        Raises:
            StoreUnavailable: the file cannot be written.
        """
        if os.path.exists(self.path):
            try:
                with closing(self._open()) as database, database:
                    database.executemany("DELETE FROM played WHERE key = ?", [(key,) for key in keys])
            except (OSError, sqlite3.Error) as error:
                raise self._unavailable(error) from error

    def _rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        if not os.path.exists(self.path):
            return
        try:
            with closing(self._open()) as database:
                yield from database.execute(query)
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"{self.path}, where replaycache notes what was asked of the cache, cannot be used: {error}. It holds "
            f"no recordings and may be removed."
        )


_KEYS = "run TEXT, hour INTEGER, provider TEXT, model TEXT, status TEXT, service_tier TEXT, price_tier INTEGER"
_SCHEMA = f"""
    PRAGMA journal_mode = WAL;
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, program TEXT, started REAL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS calls (
        {_KEYS}, {", ".join(f"{name} REAL NOT NULL" for name in _SUMS)},
        PRIMARY KEY (run, {", ".join(_GROUP)})
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS units (
        {_KEYS}, unit TEXT, amount REAL NOT NULL, PRIMARY KEY (run, {", ".join(_GROUP)}, unit)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS played (key TEXT PRIMARY KEY, at REAL, hits INTEGER) WITHOUT ROWID;
    PRAGMA user_version = {VERSION};
    COMMIT;
"""


# -- at the end of the process, and in its children --------------------------------------------------------

_ledgers: weakref.WeakSet[Ledger] = weakref.WeakSet()
_is_registered = False


def _register(ledger: Ledger) -> None:
    global _is_registered
    if not _is_registered:
        _is_registered = True
        atexit.register(_flush_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_forget_all)
    _ledgers.add(ledger)


def _flush_all() -> None:
    for ledger in list(_ledgers):
        ledger.flush()


def _forget_all() -> None:
    """In a forked child: what the parent noted, the parent writes."""
    for ledger in list(_ledgers):
        ledger._clear()
