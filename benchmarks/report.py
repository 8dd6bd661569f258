"""What a run leaves behind: tables of at most 80 columns, a JSON file and a picture."""

from __future__ import annotations

import json
import platform
import sys
import textwrap
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from measure import Figure
from run import Row

__all__ = ["OUT", "cells", "draw", "goal_text", "print_header", "print_result", "result", "save", "shown"]

OUT = Path(__file__).parent / "out"
PACKAGES = ("replaycache", "httpx", "httpx2", "openai", "diskcache", "orjson", "xxhash")
WIDTHS = (34, 10, 13, 6, 6, 6)

Result = dict[str, Any]
"""A row as it stands in the JSON."""


def shown(value: float, unit: str) -> str:
    """A value as it is printed, and judged."""
    if unit in ("µs", "modules") or value >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if unit in ("x", "s") else f"{value:.1f}"


def result(row: Row, figure: Figure) -> Result:
    """A row with its figure."""
    met = None
    if row.goal is not None and figure.value is not None:
        value = float(shown(figure.value, row.unit))
        met = value >= row.goal if row.at_least else value <= row.goal
    return {
        "id": row.id,
        "what": row.what,
        "value": figure.value,
        "unit": row.unit,
        "least": figure.least,
        "greatest": figure.greatest,
        "by": figure.by,
        "goal": row.goal,
        "at_least": row.at_least,
        "met": met,
        "ours": row.ours,
        "cannot": figure.cannot,
        "details": figure.details,
    }


def goal_text(found: Result) -> str:
    """The goal as it is printed."""
    if found["goal"] is None:
        return ""
    return f"{'>=' if found['at_least'] else '<='}{found['goal']:g}"


def cells(found: Result) -> list[str]:
    """A row's cells: what, value, least and greatest, by the wall clock, the goal, whether it was met."""
    unit = found["unit"]
    if found["value"] is None:
        return [found["what"], "-", "", "", goal_text(found), ""]
    spread = ""
    if found["least"] is not None:
        spread = "..".join(shown(found[end], unit) for end in ("least", "greatest"))
    wall = shown(found["details"]["wall"], unit) if found["by"] == "CPU" and "wall" in found["details"] else ""
    verdict = {None: "", True: "met", False: "MISSED"}[found["met"]]
    return [found["what"], f"{shown(found['value'], unit)} {unit}", spread, wall, goal_text(found), verdict]


def _line(texts: Sequence[str]) -> str:
    first, *others = texts
    return " ".join(
        [first.ljust(WIDTHS[0]), *(t.rjust(w) for t, w in zip(others, WIDTHS[1:], strict=True))]
    ).rstrip()


def print_header(title: str) -> None:
    """The title of a table, and its columns' titles."""
    print(f"\n{title}\n{_line(['', 'median', 'min..max', 'wall', 'goal', ''])}", flush=True)


def print_result(found: Result) -> None:
    """A line of a table, and what cannot be done on one of its own."""
    print(_line(cells(found)))
    for line in textwrap.wrap(found["cannot"], 76):
        print(f"    {line}")
    sys.stdout.flush()


def save(results: Sequence[Result], path: Path, **more: Any) -> None:
    """Writes what was measured, with the versions it was measured with."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"python": platform.python_version(), "system": platform.system(), **more, "rows": list(results)}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """Of what is measured, and what it runs on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


PANELS = (
    ("A hit in the disk cache", ("hits.", "growth."), "times the floor"),
    ("Hits of many at once", ("many.",), "calls a second over the floor's"),
    ("Added to a call that is recorded", ("recording.", "cassettes.record."), "microseconds of each call"),
    ("From the start of a process", ("starting.",), "milliseconds of CPU"),
    ("Memory of a long stream", ("memory.",), "MB over the bare client"),
    ("A cassette: opened, and its first answer", ("cassettes.open.",), "milliseconds of CPU"),
    ("A cassette: hits, growth, opening over the peers", ("cassettes.",), "times the other"),
    ("Bytes on the disk; memory of a stream in a cassette", ("stores.", "memory."), "times the response"),
    ("Many calls recorded into a cassette", ("cassettes.",), "seconds"),
    ("Hits beside others, each over the floor of its own client", ("peers.",), "times the floor"),
)
UNITS = {"microseconds": "µs", "milliseconds": "ms", "MB": "MB", "seconds": "s"}
MET, MISSED, THEIRS = "#4878a8", "#c8553d", "#a8a8a8"


def draw(results: Iterable[Result], path: Path) -> None:
    """Draws every row that is measured, with its goal, if matplotlib is there."""
    try:
        import matplotlib
    except ImportError:
        print("no picture: matplotlib is not installed")
        return
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "replaycache"  # the same figures are the same picture
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    left = [found for found in results if found["value"] is not None]
    panels = []
    for title, prefixes, meaning in PANELS:
        unit = UNITS.get(meaning.split()[0], "x")
        chosen = [found for found in left if found["id"].startswith(prefixes) and found["unit"] == unit]
        chosen.sort(key=lambda found: prefixes == ("peers.",) and ".stream" in found["id"])
        left = [found for found in left if found not in chosen]
        if chosen:
            panels.append((title, chosen, meaning))
    if not panels:
        return
    heights = [len(chosen) + 2.6 for _, chosen, _ in panels]
    figure, axes = pyplot.subplots(
        len(panels), 1, figsize=(9, 0.2 * sum(heights)), height_ratios=heights, layout="constrained", squeeze=False
    )
    for axis, (title, chosen, meaning) in zip(axes[:, 0], panels, strict=True):
        _panel(axis, title, chosen, meaning)
    figure.suptitle(
        "blue: ours; red: ours, the goal is missed; grey: others; black mark: goal; dotted: the floor", fontsize=8
    )
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _panel(axis: Any, title: str, results: Sequence[Result], meaning: str) -> None:
    """One group of bars: blue meets its goal or has none, red misses it, grey is another's."""
    values = [found["value"] for found in results]
    far = min(values) > 0 and max(values) > 30 * min(values)
    for place, found in enumerate(results):
        value, goal = found["value"], found["goal"]
        colour = THEIRS if not found["ours"] else MISSED if found["met"] is False else MET
        axis.barh(place, value, color=colour)
        axis.annotate(f" {shown(value, found['unit'])}", (max(value, 0), place), va="center", fontsize=7)
        if goal is not None:
            axis.plot([goal, goal], [place - 0.45, place + 0.45], color="black", linewidth=1.6)
    if far:
        axis.set_xscale("log")
        axis.set_xlim(left=0.5)
    axis.margins(x=0.08)
    axis.set_yticks(range(len(results)), [found["what"] for found in results], fontsize=7)
    axis.set_ylim(len(results) - 0.4, -0.6)
    axis.tick_params(axis="x", labelsize=7)
    axis.set_title(f"{title}: {meaning}{' (logarithmic)' if far else ''}", fontsize=8, loc="left")
    if "floor" in meaning:
        axis.axvline(1, color="black", linewidth=0.8, linestyle="dotted")
    axis.spines[["top", "right"]].set_visible(False)
