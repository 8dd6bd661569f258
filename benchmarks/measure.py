"""Measuring by turns: a floor and a subject in one process, batch by batch, so that both meet the same noise.

The machine may be busy with other work. What is reported is therefore never a time alone but the median over the
rounds of ratios (or differences), each of two batches that ran side by side, with the least and the greatest.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

__all__ = [
    "Arm",
    "Clock",
    "Figure",
    "Plan",
    "Sample",
    "by_turns",
    "clocked",
    "difference",
    "fresh_environment",
    "fresh_process",
    "interleave",
    "ratio",
]

Call = Callable[[Any], Any]
Clock = Literal["CPU", "wall"]


class Sample(NamedTuple):
    """Seconds that a batch took."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Figure:
    """What was measured: the median of the rounds, the least and the greatest.

    Attributes:
        value: in the unit of its row; None where it cannot be had.
        by: what was read: "CPU" and "wall" are clocks.
        cannot: why there is no value, or what the one that is measured cannot do.
        details: what else was seen: the medians by both clocks, in the same unit, and more.
    """

    value: float | None
    least: float | None = None
    greatest: float | None = None
    by: str = ""
    cannot: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Arm:
    """One of the things compared.

    Attributes:
        prepare: gives what is called with each item, as a function or a coroutine function. It runs before
            every batch, outside the clock, so that an arm can start each batch anew.
        check: receives the last result of every batch and its item, outside the clock, and raises if it is wrong.
    """

    prepare: Callable[[], Call]
    check: Callable[[Any, Any], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds, and how many seconds one batch of the floor should take."""

    rounds: int
    batch: float

    @classmethod
    def of(cls, quick: bool) -> Plan:
        """A short plan, or a full one."""
        return cls(5, 0.002) if quick else cls(41, 0.008)


def by_turns(arms: Sequence[Callable[[int], Sample]], rounds: int) -> list[list[Sample]]:
    """The samples of every arm, which run by turns; the order in a round is drawn by lot.

    Args:
        arms: each is called with the number of the round.
        rounds: how many are counted; one before them, of number -1, is not.
    """
    draw = random.Random(7)
    samples: list[list[Sample]] = [[] for _ in arms]
    for number in range(-1, rounds):
        for place in draw.sample(range(len(arms)), len(arms)):
            sample = arms[place](number)
            if number >= 0:
                samples[place].append(sample)
    return samples


def ratio(floor: Sequence[Sample], subject: Sequence[Sample], by: Clock, **details: Any) -> Figure:
    """Subject over floor."""
    walls = [ours.wall / ground.wall for ours, ground in zip(subject, floor, strict=True)]
    cpus = [ours.cpu / ground.cpu for ours, ground in zip(subject, floor, strict=True)]
    return _figure(walls, cpus, by, details)


def difference(
    floor: Sequence[Sample], subject: Sequence[Sample], by: Clock, unit: float, calls: int = 1, **details: Any
) -> Figure:
    """What each of a batch's calls takes more, in units of which a second has `unit`."""
    scale = unit / calls
    walls = [(ours.wall - ground.wall) * scale for ours, ground in zip(subject, floor, strict=True)]
    cpus = [(ours.cpu - ground.cpu) * scale for ours, ground in zip(subject, floor, strict=True)]
    return _figure(walls, cpus, by, details)


def _figure(walls: Sequence[float], cpus: Sequence[float], by: Clock, details: dict[str, Any]) -> Figure:
    values = cpus if by == "CPU" else walls
    medians = {"cpu": statistics.median(cpus), "wall": statistics.median(walls)}
    return Figure(
        statistics.median(values),
        min(values),
        max(values),
        by,
        details={**medians, "rounds": len(values), **details},
    )


def interleave(
    floor: Arm,
    subject: Arm,
    items: Sequence[Any],
    plan: Plan,
    *,
    by: Clock = "CPU",
    loop: asyncio.AbstractEventLoop | None = None,
    calls: int | None = None,
) -> Figure:
    """The ratio of two arms that are called with the same items, batch by batch.

    Args:
        floor: what the subject is compared with.
        subject: what is measured.
        items: the calls' arguments, gone through in a circle.
        plan: how much is measured.
        by: the clock whose ratio counts: CPU time where a single thread's work is compared.
        loop: where coroutine functions run.
        calls: of a batch; None: as many as the plan's time allows.
    """
    each = _seconds(floor, items, loop)
    calls = calls or max(1, min(1000, round(plan.batch / each)))
    rounds = plan.rounds if calls * each < 3 * plan.batch else max(3, plan.rounds // 2)

    def batch(arm: Arm, number: int) -> Sample:
        start = max(number, 0) * calls
        return _batch(arm, [items[(start + index) % len(items)] for index in range(calls)], loop)

    arms = [lambda number, arm=arm: batch(arm, number) for arm in (floor, subject)]
    ground, measured = by_turns(arms, rounds)
    floor_us = statistics.median(sample.cpu for sample in ground) / calls * 1e6
    return ratio(ground, measured, by, floor_us=floor_us, batch=calls)


def _seconds(floor: Arm, items: Sequence[Any], loop: asyncio.AbstractEventLoop | None) -> float:
    """What a call of the floor takes, about."""
    trial = items[:3]
    return min(_batch(floor, trial, loop).cpu for _ in range(3)) / len(trial)


def _batch(arm: Arm, items: Sequence[Any], loop: asyncio.AbstractEventLoop | None) -> Sample:
    """Calls the arm with every item."""
    call = arm.prepare()
    if inspect.iscoroutinefunction(call):
        assert loop is not None
        sample, result = loop.run_until_complete(_async_batch(call, items))
    else:
        with clocked() as taken:
            for item in items:
                result = call(item)
        sample = taken()
    arm.check(result, items[-1])
    return sample


async def _async_batch(call: Call, items: Sequence[Any]) -> tuple[Sample, Any]:
    with clocked() as taken:
        for item in items:
            result = await call(item)
    return taken(), result


@contextmanager
def clocked() -> Iterator[Callable[[], Sample]]:
    """A block that is timed; what it gives says afterwards how long it took."""
    ended: list[Sample] = []
    started, cpu = time.perf_counter(), time.process_time()
    yield lambda: ended[0]
    taken = time.process_time() - cpu
    ended.append(Sample(time.perf_counter() - started, taken))


def fresh_environment(bytecode: Path) -> dict[str, str]:
    """The environment of a fresh process that finds the replaycache of this one.

    Args:
        bytecode: a directory for compiled modules, which are kept as those of an installed package are,
            whatever this process's own environment says.
    """
    import replaycache

    environment = {**os.environ, "PYTHONPATH": str(Path(replaycache.__file__).resolve().parent.parent)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
    return environment


def fresh_process(command: Sequence[str], environment: dict[str, str]) -> tuple[Sample, str]:
    """Runs Python with these arguments; what it took, and what it printed.

    Raises:
        AssertionError: it failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        env=environment,
        cwd=tempfile.gettempdir(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"the process failed: {' '.join(command)}"
    return Sample(time.perf_counter() - started, usage.ru_utime + usage.ru_stime), printed
