"""Interleaved measurement: a floor and a subject by turns in one process, so that both meet the same noise.

The machine may be busy with other work. What is reported is therefore never a time alone but the median of
many ratios (or differences), each of two batches that ran side by side, with the least and the greatest.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Arm", "Plan", "Ratio", "fresh_environment", "interleave", "percentile"]

Call = Callable[[Any], Any]


@dataclass(frozen=True)
class Arm:
    """One of the things compared.

    Attributes:
        prepare: gives what is called with each item, as a function or a coroutine function. It runs before
            every batch, outside the clock, so that an arm can start each batch anew.
        check: receives the last result of every batch, outside the clock, and raises if it is wrong.
    """

    prepare: Callable[[], Call]
    check: Callable[[Any], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds, and how many seconds one batch of the floor should take."""

    rounds: int
    batch: float

    @classmethod
    def of(cls, quick: bool) -> Plan:
        """A short plan, or a full one."""
        return cls(9, 0.005) if quick else cls(75, 0.008)


@dataclass(frozen=True)
class Ratio:
    """Subject over floor: the median of the rounds' ratios, the least and the greatest.

    Attributes:
        floor: the floor's median time of one call, in seconds.
        cpu: the median ratio by the process's CPU time, which other work on the machine disturbs less.
    """

    median: float
    least: float
    greatest: float
    floor: float
    cpu: float
    rounds: int
    calls: int


def fresh_environment(bytecode: str) -> dict[str, str]:
    """The environment of a fresh process that finds the repository.

    Args:
        bytecode: a directory for compiled modules, which are kept as those of an installed package are,
            whatever this process's own environment says.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    return environment


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of `values` lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def interleave(
    floor: Arm,
    subject: Arm,
    items: Sequence[Any],
    plan: Plan,
    *,
    loop: asyncio.AbstractEventLoop | None = None,
    calls: int | None = None,
) -> Ratio:
    """Measures both arms by turns, the first of each round drawn by lot.

    Args:
        floor: what the subject is compared with.
        subject: what is measured.
        items: the calls' arguments, gone through in a circle.
        plan: how much is measured.
        loop: where coroutine functions run.
        calls: of a batch; None: as many as the plan's time allows.
    """
    for arm in (floor, subject):
        _batch(arm, items[: min(len(items), 100)], loop)
    calls = calls or _calls(floor, items, plan, loop)
    order = random.Random(7)
    walls: list[float] = []
    cpus: list[float] = []
    floors: list[float] = []
    for number in range(plan.rounds):
        chosen = [items[(number * calls + index) % len(items)] for index in range(calls)]
        if order.random() < 0.5:
            ground, measured = _batch(floor, chosen, loop), _batch(subject, chosen, loop)
        else:
            measured, ground = _batch(subject, chosen, loop), _batch(floor, chosen, loop)
        walls.append(measured[0] / ground[0])
        cpus.append(measured[1] / ground[1])
        floors.append(ground[0] / calls)
    return Ratio(
        statistics.median(walls),
        min(walls),
        max(walls),
        statistics.median(floors),
        statistics.median(cpus),
        plan.rounds,
        calls,
    )


def _calls(floor: Arm, items: Sequence[Any], plan: Plan, loop: asyncio.AbstractEventLoop | None) -> int:
    """How many calls of the floor fit the plan's time."""
    trial = [items[index % len(items)] for index in range(10)]
    each = min(_batch(floor, trial, loop)[0] for _ in range(3)) / len(trial)
    return max(3, min(1000, round(plan.batch / each)))


def _batch(arm: Arm, items: Sequence[Any], loop: asyncio.AbstractEventLoop | None) -> tuple[float, float]:
    """Wall and CPU seconds of calling the arm with every item."""
    call = arm.prepare()
    if inspect.iscoroutinefunction(call):
        assert loop is not None
        wall, cpu, result = loop.run_until_complete(_async_batch(call, items))
    else:
        started, cpu_started = time.perf_counter(), time.process_time()
        for item in items:
            result = call(item)
        cpu, wall = time.process_time() - cpu_started, time.perf_counter() - started
    arm.check(result)
    return wall, cpu


async def _async_batch(call: Call, items: Sequence[Any]) -> tuple[float, float, Any]:
    started, cpu_started = time.perf_counter(), time.process_time()
    for item in items:
        result = await call(item)
    return time.perf_counter() - started, time.process_time() - cpu_started, result
