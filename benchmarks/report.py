"""What a benchmark leaves behind: a table of at most 80 columns, a JSON file and a picture."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["Bar", "Column", "arguments", "draw", "goal", "print_table", "save"]

OUT = Path(__file__).parent / "out"
PACKAGES = ("httpx", "httpx2", "openai", "diskcache", "orjson", "xxhash", "hishel", "vcrpy", "cassetter")


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, its width, and whether it is set to the right."""

    title: str
    width: int
    right: bool = True

    def set(self, text: str) -> str:
        """The text in this column."""
        return text.rjust(self.width) if self.right else text.ljust(self.width)


@dataclass(frozen=True)
class Bar:
    """One bar of a picture, with the goal it should not pass."""

    label: str
    value: float
    goal: float | None


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a short run with fewer rounds")
    return parser


def goal(value: float, limit: float | None, unit: str = "") -> str:
    """The last column: the goal, and whether `value` meets it."""
    if limit is None:
        return "-"
    return f"<={limit:g}{unit} {'met' if value <= limit else 'MISSED'}"


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> None:
    """Prints a table."""
    for cells in ([column.title for column in columns], *rows):
        print(" ".join(column.set(cell) for column, cell in zip(columns, cells, strict=True)).rstrip())
    for note in notes:
        print(note)
    sys.stdout.flush()


def save(name: str, rows: Sequence[dict[str, Any]], **more: Any) -> None:
    """Writes what was measured to `out/<name>.json`, with the versions it was measured with."""
    OUT.mkdir(exist_ok=True)
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    data = {"benchmark": name, "python": platform.python_version(), "versions": versions, **more, "rows": rows}
    (OUT / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def draw(name: str, title: str, unit: str, bars: Sequence[Bar], *, floor: float | None = None) -> None:
    """Draws bars with their goals to `out/<name>.svg`, if matplotlib is there.

    Args:
        name: of the file.
        title: stands above.
        unit: says what the bars' length means.
        bars: from the top.
        floor: where a line shows the floor.
    """
    try:
        import matplotlib
    except ImportError:
        print(f"no picture: matplotlib is not installed (out/{name}.json has the figures)")
        return
    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.26 * len(bars)), layout="constrained")
    places = range(len(bars))
    met = [bar.goal is None or bar.value <= bar.goal for bar in bars]
    axes.barh(places, [bar.value for bar in bars], color=["#4878a8" if good else "#c8553d" for good in met])
    for place, bar in zip(places, bars, strict=True):
        axes.annotate(f" {bar.value:.3g}", (bar.value, place), va="center", fontsize=7)
        if bar.goal is not None:
            axes.plot([bar.goal, bar.goal], [place - 0.45, place + 0.45], color="black", linewidth=1.5)
    if floor is not None:
        axes.axvline(floor, color="grey", linewidth=0.8, linestyle="dotted")
    axes.set_yticks(places, [bar.label for bar in bars], fontsize=7)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlabel(f"{unit}; black mark: goal; red: missed")
    axes.set_title(title, fontsize=10)
    OUT.mkdir(exist_ok=True)
    figure.savefig(OUT / f"{name}.svg")
    pyplot.close(figure)
