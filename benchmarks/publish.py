"""Publishes a full run: `out/results.*` become the committed ones, and the texts' figures follow.

A text has its figures between `<!-- figures: NAME -->` and `<!-- end -->`. `--check` tells whether all of them are
those of the committed results.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from report import OUT, Result, cells, goal_text, shown

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("results.json")
PICTURE = Path(__file__).with_name("results.svg")
TEXTS = ("README.md", "benchmarks/README.md", "docs/benchmarks.md", "docs/cassettes.md")

_FIGURES = re.compile(r"(<!-- figures: ([\w-]+) -->)(.*?)(<!-- end -->)", re.DOTALL)

SPEED = (
    ("a hit in the disk cache", "hits.httpx2.sync.small", "hits.httpx.sync.small"),
    ("the same, asynchronous", "hits.httpx2.async.small", "hits.httpx.async.small"),
    ("a request of 300 KB", "hits.httpx2.sync.300k", "hits.httpx.sync.300k"),
    ("a request of 1 MB, an image in it", "hits.httpx2.sync.1m", "hits.httpx.sync.1m"),
    ("a stream of 400 chunks", "hits.httpx2.sync.stream", "hits.httpx.sync.stream"),
    ("a hit through the OpenAI client", "hits.openai.small", ""),
    ("among 100,000 recordings over among 100", "growth.httpx2", "growth.httpx"),
    ("throughput of 64 tasks", "many.httpx2.tasks", "many.httpx.tasks"),
    ("being recorded adds to a small call", "recording.httpx2.sync.small", "recording.httpx.sync.small"),
    (
        "and to a stream's first chunk",
        "recording.httpx2.sync.first-chunk",
        "recording.httpx.sync.first-chunk",
    ),
    (
        "a process's first hit, 10,000 stored, adds",
        "starting.httpx2.first-hit-many",
        "starting.httpx.first-hit-many",
    ),
    ("replaying a stream of 100 MB adds", "memory.httpx2.sync.replay", "memory.httpx.sync.replay"),
)
Results = dict[str, Result]


def speed(results: Results, data: dict[str, Any]) -> str:
    """The rows that docs/benchmarks.md tells."""
    lines = ["| | httpx2 | httpx | goal |", "|---|---|---|---|"]
    for what, *ids in SPEED:
        values = [_value(results[each]) if each else "" for each in ids]
        lines.append(f"| {what} | {' | '.join(values)} | {goal_text(results[ids[0]])} |")
    return "\n".join([*lines, *_note(data)])


def peers(results: Results, _: dict[str, Any]) -> str:
    """Who is beside us."""
    lines = ["| | small | 400-chunk stream | cannot |", "|---|---|---|---|"]
    for small in (each for each in results if re.fullmatch(r"peers\.[\w-]+\.small(-replaycache)?", each)):
        found = [results[small], results[small.replace(".small", ".stream")]]
        cannot = dict.fromkeys(each["cannot"] for each in found if each["cannot"])
        values = " | ".join(_value(each) for each in found)
        lines.append(f"| {found[0]['what'].removeprefix('small, ')} | {values} | {'; '.join(cannot)} |")
    return "\n".join(lines)


def every_row(results: Results, data: dict[str, Any]) -> str:
    """The whole table."""
    lines = ["| | median | least..greatest | by the wall clock | goal | |", "|---|---|---|---|---|---|"]
    for found in results.values():
        what, *others = cells(found)
        told = f"{what} ({found['cannot']})" if found["cannot"] else what
        lines.append(f"| {told} | {' | '.join(others)} |")
    versions = dict(data["versions"])
    for found in results.values():
        versions |= found["details"].get("versions", {})
    installed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return "\n".join([*lines, "", f"Python {data['python']} on {data['system']}; {installed}.", *_note(data)])


def cassette_memory(results: Results, _: dict[str, Any]) -> str:
    """What an answer takes in memory for a moment, times its size."""
    return f"{max(results[f'memory.cassette.{way}']['value'] for way in ('record', 'replay')):.0f}"


def openai_hit(results: Results, _: dict[str, Any]) -> str:
    """How long a hit through the OpenAI client takes, times the same answered from memory."""
    return shown(results["hits.openai.small"]["value"], "x")


def _note(data: dict[str, Any]) -> list[str]:
    """What a reader has to know of results that are not those of one full run."""
    return ["", data["note"]] if data.get("note") else []


def _value(found: Result) -> str:
    return "-" if found["value"] is None else f"{shown(found['value'], found['unit'])} {found['unit']}"


FIGURES: dict[str, Callable[[Results, dict[str, Any]], str]] = {
    "speed": speed,
    "peers": peers,
    "all": every_row,
    "cassette-memory": cassette_memory,
    "openai-hit": openai_hit,
}


def written(text: str, data: dict[str, Any]) -> str:
    """The text with the figures of these results."""
    results = {found["id"]: found for found in data["rows"]}

    def figures(match: re.Match[str]) -> str:
        begin, name, between, end = match.groups()
        lines = "\n" if between.startswith("\n") else ""
        return f"{begin}{lines}{FIGURES[name](results, data)}{lines}{end}"

    return _FIGURES.sub(figures, text)


def unpublishable(data: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a run that is to be published."""
    if not data["complete"] and not data.get("note"):  # a note stands in the texts
        yield "it is not complete: run `python benchmarks --peers`"
    for found in data["rows"]:
        if "not installed" in found["cannot"]:
            yield f"{found['id']}: {found['cannot']}"


def main() -> int:
    """Publishes, or checks what is published."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a text differs")
    options = parser.parse_args()
    data = json.loads((RESULTS if options.check else OUT / "results.json").read_text("utf-8"))
    wrong = list(unpublishable(data))
    for text in TEXTS:
        path = ROOT / text
        before = path.read_text("utf-8")
        after = written(before, data)
        if options.check and before != after:
            wrong.append(
                f"{text}: figures differ from {RESULTS.name}, which `python benchmarks/publish.py` puts right"
            )
        elif not options.check and not wrong:
            path.write_text(after, encoding="utf-8")
    for each in wrong:
        print(each, file=sys.stderr)
    if not wrong and not options.check:
        shutil.copyfile(OUT / "results.json", RESULTS)
        shutil.copyfile(OUT / "results.svg", PICTURE)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
