"""What came of a scenario: how often it was tried, and what went wrong."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from replaycache import Refused, ReplayCacheError

__all__ = ["COUNTED", "Tally"]

COUNTED = ("wrong", "lost", "hangs", "foreign", "leaks")
_SHOWN = 1000
"""Characters of the beginning and of the end of what went wrong."""
_TOLD = 5
"""Of so many things that went wrong it is told what they were."""


@dataclass
class Tally:
    """What is counted.

    Attributes:
        times: how often the fault was tried.
        wrong: answers that were not the whole right one.
        lost: recordings that were acknowledged and are not there.
        hangs: calls and processes that did not end.
        foreign: errors that are neither ours nor, where it failed, the client library's.
        leaks: threads, files, tasks, connections and temporary files that were left.
        told: what the first of them were.
        absent: why the scenario cannot be tried on this machine, where it cannot.
    """

    times: int = 0
    wrong: int = 0
    lost: int = 0
    hangs: int = 0
    foreign: int = 0
    leaks: int = 0
    told: list[str] = field(default_factory=list)
    absent: str = ""

    def count(self, what: str, told: str) -> None:
        """Counts something that went wrong, by the name of its column."""
        setattr(self, what, getattr(self, what) + 1)
        if len(self.told) < _TOLD:
            shown = told if len(told) < 2 * _SHOWN else f"{told[:_SHOWN]} ... {told[-_SHOWN:]}"
            self.told.append(f"{what}: {shown}")

    def add(self, other: Tally) -> None:
        """Adds what another process counted."""
        self.times += other.times
        for what in COUNTED:
            setattr(self, what, getattr(self, what) + getattr(other, what))
        self.told = (self.told + other.told)[:_TOLD]

    @contextmanager
    def ours(self, where: str, *allowed: type[BaseException]) -> Iterator[None]:
        """Around what may raise our errors, and those; any other is counted."""
        try:
            yield
        except (ReplayCacheError, Refused, *allowed):
            pass
        except Exception:
            self.count("foreign", f"{where}: {traceback.format_exc()}")

    @property
    def is_clean(self) -> bool:
        return not any(getattr(self, what) for what in COUNTED)

    def dumped(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loaded(cls, text: str) -> Tally:
        return cls(**json.loads(text))
