"""What one run of the suite has: how much is measured, and stores that are filled when first needed."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from callers import caller, replay
from measure import Figure, Plan
from traffic import Case, chat_answer, chat_request, mock

__all__ = ["Row", "Run", "library_of", "stored_chats"]

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        id: stays the same from run to run.
        what: for people, in 34 characters.
        unit: of the value and the goal: "x", "µs", "ms", "s", "MB", "modules".
        measure: gives the figure, in that unit.
        goal: the greatest value that is good enough; the least, where `at_least`.
        ours: False for what is shown for comparison.
    """

    id: str
    what: str
    unit: str
    measure: Callable[[], Figure]
    goal: float | None = None
    at_least: bool = False
    ours: bool = True


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        quick: less is measured, in smaller stores.
        workspace: a directory that all groups of a run share, and that is gone after it.
    """

    quick: bool
    workspace: Path

    @property
    def plan(self) -> Plan:
        """How much is measured."""
        return Plan.of(self.quick)

    @property
    def many(self) -> int:
        """How many recordings are stored beside those that are asked for."""
        return 1_000 if self.quick else 10_000

    @property
    def bytecode(self) -> Path:
        """Where fresh processes keep compiled modules."""
        return self.workspace / "bytecode"

    def directory(self, name: str) -> Path:
        """A new directory in the workspace."""
        path = self.workspace / name
        path.mkdir(parents=True)
        return path

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where asynchronous calls run."""
        return asyncio.new_event_loop()

    def ask(self, call: Callable[[T], Any], item: T) -> Any:
        """The result of one call."""
        result = call(item)
        return self.loop.run_until_complete(result) if isinstance(result, Coroutine) else result

    def stored(self, entries: int) -> Path:
        """A disk cache of that many small chats, recorded through a transport; it is filled once in a run."""
        directory, filled = self.workspace / f"stored-{entries}", self.workspace / f"stored-{entries}.filled"
        if not filled.exists():
            print(f"recording {entries:,} small chats", file=sys.stderr, flush=True)
            case = stored_chats(range(entries))
            library = library_of("httpx2")
            upstream = mock(library, case.answer, streamed=True, numbered=True)
            with replay(library, "sync", upstream, store=str(directory), mode="record") as transport:
                call = caller(library, "sync", transport, case)
                for number in range(0, entries, 1000):
                    for item in stored_chats(range(number, min(number + 1000, entries))).items:
                        call(item)
            filled.touch()
        return directory


def library_of(name: str) -> ModuleType:
    """httpx or httpx2."""
    return importlib.import_module(name)


def stored_chats(numbers: range) -> Case:
    """What `Run.stored` has, and what answers it."""
    return Case(chat_request, numbers, chat_answer())
