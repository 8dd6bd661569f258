"""What a cache was asked for: calls, tokens, seconds and bytes by run, hour, model and outcome.

It is kept in one SQLite file beside the recordings. Calls are noted in memory and written now and then, beside
what goes on, so that a hit stays one read; a process that is killed takes with it what it has not written yet.
Of calls that are older than `TOLD_APART` no more is kept than their sums by day and model: the file does not grow
with every process that ever used the cache.
"""

from __future__ import annotations

import atexit
import logging
import os
import sqlite3
import sys
import threading
import time
import weakref
from bisect import bisect_left
from collections import deque
from contextlib import closing
from typing import Any, Literal, NamedTuple

from .._errors import StoreUnavailable
from .._models import Usage
from ..system.database import Database, is_busy, make_private, reason
from .noted import Noted

logger = logging.getLogger("replaycache")

VERSION = 1
PRICE_TIERS = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
"""Input tokens above which some providers ask for more for the whole call, as genai-prices has them. Calls of
different tiers are added up apart, so that a sum costs what its calls cost."""

FLUSH_SECONDS = 60.0
FLUSH_CALLS = 4096
"""When what was noted is written at the latest, where calls go on."""

TOLD_APART = 90 * 86400
"""Seconds for which hours and runs are told apart; calls of a day that is older are added up by day, in a run
without a name."""

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process that is writing, where somebody asks what was noted."""

PATIENCE = 0.02
"""Seconds to wait for one where what was noted is to be written, and it can be written later as well."""

LAST_PATIENCE = 5.0
"""The same at the end of the process."""

MOST_NOTED = 100_000
"""Calls that are kept in memory while they cannot be written; the oldest are forgotten first."""

LONGEST_NAME = 200
"""Characters of a name that are kept: a server may call its model anything."""

TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
_SUMS = ("requests", *TOKENS, "seconds", "took", "bytes")
_MOST = 1e60
"""More than calls can add up to, whatever their servers say of tokens; what is less can be reckoned with."""
_LATEST = 253_402_300_799
"""The last second of the year 9999, from 1970 on."""
_HOUR = 3600
_DAY = 86400
_DAY_OF_HOUR = f"hour / {_DAY} * {_DAY}"
_PARTS = {"hour": "hour", "day": _DAY_OF_HOUR, "run": "run"}


# a file that is damaged is quoted in SQLite's error, and what Python cannot read of that is an error of its own
_FAILURES = (OSError, sqlite3.Error, UnicodeDecodeError)


class Entry(NamedTuple):
    """The sum of calls of one model and status.

    Attributes:
        run: names the process; empty where the sum is not of one, and of calls older than `TOLD_APART`.
        program: what the process ran.
        started: when the process first used the cache, in seconds since 1970 (UTC).
        when: the beginning of the hour or the day of the calls, of a run the hour of its first; in seconds since
            1970 (UTC). Of calls older than `TOLD_APART` only the day is known.
        usage: sums. Each of the calls is in the same tier of prices, so that the price of their mean, times their
            number, is their price.
        status, requests, seconds, took, size: as in `Noted`, added up.
    """

    run: str
    program: str
    started: float
    when: int
    status: str
    requests: int
    usage: Usage
    seconds: float
    took: float
    size: int


_Noted = tuple[float, Noted]
_Group = tuple[int, str, str, str, str, int]
_KIND = ("provider", "model", "status", "service_tier", "price_tier")
_GROUP = ("hour", *_KIND)


class Ledger:
    """Adds up calls. All methods may be called from any thread.

    Args:
        path: of its file, which is made when something is written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        # A rollback journal, which is SQLite's own choice: nothing lies beside the file, so that it can be read
        # where the directory cannot be written. Writers are rare, and wait for each other.
        self._database = Database(path, lay_out=self._lay_out, version=VERSION)
        self._noted: deque[_Noted] = deque(maxlen=MOST_NOTED)
        self._is_waiting = False
        _ledgers.add(self)

    def note(self, call: Noted) -> None:
        """Takes account of a call. Never fails, and does not wait for the disk."""
        self._noted.append((time.time(), call))
        if not self._is_waiting:
            self._is_waiting = True
            _process.waiting.add(self)
            _process.write_at_exit()
        if len(self._noted) >= FLUSH_CALLS or time.monotonic() - _process.written > FLUSH_SECONDS:
            _process.write_beside()

    def flush(self, patience: float = PATIENCE) -> None:
        """Writes what was noted so far. Never fails: what cannot be written now is tried again at the end of the
        process, and what cannot be written at all is forgotten.

        Args:
            patience: seconds to wait for another process that is writing.
        """
        with _process.writing:
            # in this order: a call that is noted meanwhile is either written now or waits for the next time
            _process.waiting.discard(self)
            self._is_waiting = False
            noted = self._take()
            if not noted:
                return
            try:
                with self._database.transaction(patience) as database:
                    self._write(database, noted)
                    self._merge_old(database)
            except Exception as error:  # noqa: BLE001  # a user's store may have noted anything, and no call fails of it
                logger.debug("what was asked of the cache was not noted in %s: %s", self.path, error)
                if is_busy(error):
                    self._noted.extendleft(reversed(noted))
                    self._is_waiting = True
                    _process.waiting.add(self)
            finally:
                self._database.close()

    def _take(self) -> list[_Noted]:
        noted = []
        while True:
            try:
                noted.append(self._noted.popleft())
            except IndexError:
                return noted

    def _forget(self) -> None:
        self._noted.clear()
        self._is_waiting = False

    def _write(self, database: sqlite3.Connection, noted: list[_Noted]) -> None:
        # first those that are alike: most calls of a process have been answered the same before
        alike: dict[tuple[int, str, Usage], list[float]] = {}
        played: dict[str, list[float]] = {}
        for at, call in noted:
            total = alike.setdefault((int(at // _HOUR), call.status, call.usage or _NOTHING), [0, 0.0, 0.0, 0])
            total[0] += 1
            total[1] += call.seconds
            total[2] += call.took
            total[3] += call.size
            if call.status == "hit":
                last = played.setdefault(call.key, [0.0, 0])
                last[0] = at
                last[1] += 1
        sums: dict[_Group, list[float]] = {}
        units: dict[tuple[_Group, str], float] = {}
        for (hour, status, usage), (count, *measured) in alike.items():
            group = (
                hour * _HOUR,
                _name(usage.provider),
                _name(usage.model),
                status,
                _name(usage.service_tier),
                price_tier(usage.input_tokens),
            )
            total = sums.setdefault(group, [0.0] * len(_SUMS))
            tokens = (count * getattr(usage, name) for name in TOKENS)
            for place, value in enumerate((count, *tokens, *measured)):
                total[place] += value
            for name, amount in usage.units:
                units[group, name] = units.get((group, name), 0.0) + count * amount
        database.execute(
            "INSERT OR IGNORE INTO runs (run, program, started) VALUES (?, ?, ?)",
            (_process.run, _program(), _process.started),
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
        database.executemany(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) {_adding(sums)}",  # noqa: S608  # our own names
            [(_process.run, *row) for row in rows],
        )

    def _merge_old(self, database: sqlite3.Connection) -> None:
        """Once a day: adds up by day, in the run without a name, what is older than `TOLD_APART`."""
        until = int((time.time() - TOLD_APART) // _DAY) * _DAY
        if database.execute("SELECT until FROM merged").fetchall() == [(until,)]:
            return
        database.execute("DELETE FROM merged")
        database.execute("INSERT INTO merged (until) VALUES (?)", (until,))
        for table, more, sums in (("calls", (), _SUMS), ("units", ("unit",), ("amount",))):
            kind = ", ".join((*_KIND, *more))
            added = ", ".join(f"sum({name})" for name in sums)
            database.execute(
                f"INSERT INTO {table} (run, hour, {kind}, {', '.join(sums)}) "  # noqa: S608  # our own names
                f"SELECT '', {_DAY_OF_HOUR} AS day, {kind}, {added} FROM {table} "
                f"WHERE run <> '' AND hour < ? GROUP BY day, {kind} {_adding(sums)}",
                (until,),
            )
            database.execute(f"DELETE FROM {table} WHERE run <> '' AND hour < ?", (until,))  # noqa: S608  # our own names
        database.execute("DELETE FROM runs WHERE run NOT IN (SELECT run FROM calls)")

    def _lay_out(self) -> None:
        make_private(self.path)
        with closing(sqlite3.connect(self.path, timeout=LAST_PATIENCE, isolation_level=None)) as database:
            database.executescript(_SCHEMA)

    # -- what was noted ------------------------------------------------------------------------------------

    def entries(
        self, each: Literal["hour", "day", "run"] = "hour", *, since: float = 0.0, newest: int | None = None
    ) -> list[Entry]:
        """What was noted so far, by model and status.

        Calls older than `TOLD_APART` count as those of the first hour of their day, and of a run without a name.

        Args:
            each: what is added up: the calls of each hour, of each day (UTC), or of each run.
            since: only hours that ended after this moment, in seconds since 1970 (UTC).
            newest: only so many runs, those that started last; the one without a name is none of them.

        Returns:
            entries, the oldest hour, day or run first.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        self.flush(LOCK_TIMEOUT)
        which, values = "hour > ?", [since - _HOUR]
        if newest is not None:
            which += " AND run IN (SELECT run FROM runs ORDER BY started DESC LIMIT ?)"
            values.append(newest)
        part, kind = _PARTS[each], ", ".join(_KIND)
        units: dict[tuple[Any, ...], list[tuple[str, float]]] = {}
        for *group, name, amount in self._rows(
            f"SELECT {part} AS part, {kind}, unit, sum(amount) FROM units "  # noqa: S608  # our own names
            f"WHERE {which} GROUP BY part, {kind}, unit ORDER BY unit",
            values,
        ):
            units.setdefault(tuple(group), []).append((name, amount))
        adding = ", ".join(f"sum({name})" for name in _SUMS)
        rows = self._rows(
            f"SELECT {part} AS part, {kind}, {adding}, min(hour), coalesce(program, ''), coalesce(started, 0) "  # noqa: S608  # our own names
            f"FROM calls LEFT JOIN runs USING (run) WHERE {which} GROUP BY part, {kind}",
            values,
        )
        try:
            entries = [_entry(each == "run", row, units) for row in rows]
            return sorted(entries, key=lambda entry: (entry.started, entry.run, entry.when, entry.usage[:2]))
        except ValueError as error:
            raise self._unavailable(error) from error

    def last_played(self) -> dict[str, float]:
        """When each recording was played last, by its key, in seconds since 1970 (UTC).

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        self.flush(LOCK_TIMEOUT)
        rows = self._rows("SELECT key, at FROM played", ())
        try:
            _check(all(type(key) is str and _is_number(at) for key, at in rows))
        except ValueError as error:
            raise self._unavailable(error) from error
        return dict(rows)

    def forget(self, keys: list[str]) -> None:
        """Forgets when recordings that are gone were played.

        Raises:
            StoreUnavailable: the file cannot be written.
        """
        if not self._database.exists:
            return
        try:
            with self._database.transaction(LOCK_TIMEOUT) as database:
                database.executemany("DELETE FROM played WHERE key = ?", [(key,) for key in keys])
        except _FAILURES as error:
            raise self._unavailable(error) from error
        finally:
            self._database.close()

    def _rows(self, query: str, values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._database.read(query, values, patience=LOCK_TIMEOUT)
        except _FAILURES as error:
            raise self._unavailable(error) from error
        finally:
            self._database.close()

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"{self.path}, where replaycache notes what was asked of the cache, cannot be used: {reason(error)}. "
            f"It holds no recordings: where it stays so, move it aside, and calls are noted anew."
        )


def _entry(of_run: bool, row: tuple[Any, ...], units: dict[tuple[Any, ...], list[tuple[str, float]]]) -> Entry:
    group, sums, (hour, program, started) = row[:6], row[6:-3], row[-3:]
    part, *names, _ = group
    more = tuple(units.get(group, ()))
    _check(all(type(name) is str for name in (*names, program, *((part,) if of_run else ()))))
    _check(all(type(name) is str and _is_number(amount) for name, amount in more))
    _check(type(hour) is int and 0 <= hour <= _LATEST and _is_number(started) and 0 <= started <= _LATEST)
    _check(all(map(_is_number, sums)) and round(sums[0]) > 0 and min(sums[6:]) >= 0)
    provider, model, status, service_tier = names
    requests, inputs, outputs, cached, cache_write, reasoning = map(round, sums[:6])
    seconds, took, size = sums[6:]
    usage = Usage(provider, model, inputs, outputs, cached, cache_write, reasoning, service_tier, more)
    if not of_run:
        part, program, started, hour = "", "", 0.0, part
    return Entry(part, program, started, hour, status, requests, usage, seconds, took, round(size))


def _check(holds: bool) -> None:
    """Checks what was read: SQLite keeps any value in any column, and anybody may have written there.

    Raises:
        ValueError: it does not hold.
    """
    if not holds:
        raise ValueError("it holds what replaycache did not write")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -_MOST < value < _MOST


def _adding(sums: tuple[str, ...]) -> str:
    """What an INSERT ends with whose sums are added to those that are there."""
    return "ON CONFLICT DO UPDATE SET " + ", ".join(f"{name} = {name} + excluded.{name}" for name in sums)


def price_tier(input_tokens: int) -> int:
    """The tier of prices that a call is in, by the number of tokens above which it begins."""
    place = bisect_left(PRICE_TIERS, input_tokens)
    return PRICE_TIERS[place - 1] if place else 0


_NOTHING = Usage("", "")


def _name(text: str) -> str:
    """A name as SQLite takes it."""
    return text[:LONGEST_NAME].encode("utf-8", "replace").decode()


def _program() -> str:
    """What this process runs, in a word."""
    path = sys.argv[0] if sys.argv else ""
    name = os.path.basename(path)
    if name == "__main__.py":  # python -m name
        name = os.path.basename(os.path.dirname(path))
    return _name(name)


_KEYS = "run TEXT, hour INTEGER, provider TEXT, model TEXT, status TEXT, service_tier TEXT, price_tier INTEGER"
_SCHEMA = f"""
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
    CREATE TABLE IF NOT EXISTS merged (until INTEGER);
    COMMIT;
"""


# -- when it is written ------------------------------------------------------------------------------------


class _Process:
    """What the ledgers of one process share.

    Attributes:
        run: names the process.
        started: when it first used a cache, in seconds since 1970 (UTC).
        waiting: ledgers with calls that are not written yet, held here, so that none is lost with its store.
        writing: is held while a ledger is written.
        written: when that was last begun, by the clock `time.monotonic`.
    """

    def __init__(self) -> None:
        self.run = os.urandom(8).hex()
        self.started = time.time()
        self.waiting: set[Ledger] = set()
        self.writing = threading.RLock()
        self.written = time.monotonic()
        self._is_writing_beside = False
        self._writes_at_exit = False

    def write_all(self, patience: float = PATIENCE) -> None:
        """Writes what waits to be written."""
        self.written = time.monotonic()
        for ledger in list(self.waiting):
            ledger.flush(patience)

    def write_beside(self) -> None:
        """The same in a thread of its own: whoever made a call does not wait for the disk."""
        if self._is_writing_beside:
            return
        self._is_writing_beside = True
        self.written = time.monotonic()
        try:
            threading.Thread(target=self._write_beside, name="replaycache-ledger", daemon=True).start()
        except RuntimeError:  # the interpreter is about to end, or there may be no more threads
            self._write_beside()

    def _write_beside(self) -> None:
        try:
            self.write_all()
        finally:
            self._is_writing_beside = False

    def write_at_exit(self) -> None:
        """Has what waits written when the process ends."""
        if self._writes_at_exit:
            return
        self._writes_at_exit = True
        multiprocessing = sys.modules.get("multiprocessing.util")
        if multiprocessing is not None:
            # its children end without `atexit`
            multiprocessing.Finalize(None, self.write_all, (LAST_PATIENCE,), exitpriority=0)


_ledgers: weakref.WeakSet[Ledger] = weakref.WeakSet()
_process = _Process()


def _write_at_exit() -> None:
    _process.write_all(LAST_PATIENCE)


def _after_fork() -> None:
    """In a forked child: what the parent noted, the parent writes."""
    global _process
    _process = _Process()
    for ledger in list(_ledgers):
        ledger._forget()


atexit.register(_write_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
