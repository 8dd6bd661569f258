"""The benchmarks can be run, and what the texts tell of speed is what they printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks"
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

CLAIMS = {
    **{f"hits.{library}.{kind}.small": 1.3 for library in ("httpx2", "httpx") for kind in ("sync", "async")},
    **{f"hits.{library}.{kind}.300k": 1.4 for library in ("httpx2", "httpx") for kind in ("sync", "async")},
    **{f"hits.{library}.{kind}.1m": 2 for library in ("httpx2", "httpx") for kind in ("sync", "async")},
    **{f"hits.{library}.{kind}.stream": 1.3 for library in ("httpx2", "httpx") for kind in ("sync", "async")},
    **{f"hits.openai.{what}": 1.03 for what in ("300k", "stream", "embeddings")},
    "hits.openai.small": 1.1,
    **{
        f"many.{library}.{way}": 0.75
        for library in ("httpx2", "httpx")
        for way in ("tasks", "threads", "processes")
    },
    **{f"growth.{library}": 1.05 for library in ("httpx2", "httpx")},
    **{
        f"recording.{library}.sync.small{over}": 150
        for library in ("httpx2", "httpx")
        for over in ("", "-loopback")
    },
    **{
        f"recording.{library}.async.small{over}": 250
        for library in ("httpx2", "httpx")
        for over in ("", "-loopback")
    },
    **{f"recording.{library}.sync.300k": 1500 for library in ("httpx2", "httpx")},
    **{f"recording.{library}.{kind}.stream": 600 for library in ("httpx2", "httpx") for kind in ("sync", "async")},
    **{
        f"recording.{library}.{kind}.first-chunk": 300
        for library in ("httpx2", "httpx")
        for kind in ("sync", "async")
    },
    **{f"starting.{library}.first-hit-{size}": 40 for library in ("httpx2", "httpx") for size in ("few", "many")},
    "starting.cassette.enter": 10,
    "starting.import-httpx.modules": 0,
    "memory.httpx2.sync.replay": 5,
    "cassettes.open.over-cassetter": 0.25,
    "cassettes.open.over-vcrpy": 0.1,
    "cassettes.hit.few": 1.4,
    "cassettes.hit.many": 1.4,
    "cassettes.record.all": 10,
    "cassettes.record.last": 1.5,
    "cassettes.record.300k": None,
    "cassettes.record.stream": None,
    "stores.bytes.small": 2,
    "stores.bytes.stream": 2,
    **{
        f"peers.{name}.{what}": None
        for name in ("replaycache", "vcrpy", "cassetter", "hishel", "requests-cache", "litellm", "langchain")
        for what in ("small", "stream")
    },
}
"""What is claimed, and the goal of each."""

MEASURED = re.compile(r"\d(?:[\d,.]*\d)?\s*(?:µs|us|ms|microseconds?|milliseconds?|x|times)(?![\w'=-])(?!-)")

EXAMPLES = {"docs/cassettes.md": ["27 ms"]}  # what an offset of the page's example means


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REPLAYCACHE")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def _published() -> dict[str, dict[str, object]]:
    rows = json.loads((BENCHMARKS / "results.json").read_text("utf-8"))["rows"]
    return {row["id"]: row for row in rows}


def test_the_texts_tell_what_was_measured() -> None:
    done = _run("benchmarks/publish.py", "--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", [path.relative_to(ROOT).as_posix() for path in TEXTS])
def test_no_other_figure_is_told(text: str) -> None:
    told = (ROOT / text).read_text("utf-8")
    told = re.sub(r"<!-- figures: [\w-]+ -->.*?<!-- end -->", "", told, flags=re.DOTALL)
    told = re.sub(r"^```.*?^```$", "", told, flags=re.DOTALL | re.MULTILINE)
    assert MEASURED.findall(told) == EXAMPLES.get(text, [])


def test_what_is_claimed_is_measured_against_its_goal() -> None:
    published = _published()
    assert {name: published[name]["goal"] for name in CLAIMS} == CLAIMS
    assert [name for name in CLAIMS if published[name]["value"] is None and not published[name]["cannot"]] == []


def test_the_published_rows_are_those_of_the_suite() -> None:
    done = _run("benchmarks", "--list")
    assert done.returncode == 0, done.stderr
    listed = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()}
    assert listed == {name: row["what"] for name, row in _published().items()}


@pytest.mark.exhaustive
def test_a_part_runs(tmp_path: Path) -> None:
    done = _run("benchmarks", "--quick", "--only", "starting.import-httpx.modules", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "import httpx beside us" in done.stdout
    assert [row["value"] for row in json.loads((tmp_path / "results.json").read_text("utf-8"))["rows"]] == [0]
    assert max(map(len, done.stdout.splitlines()[1:])) <= 80


def test_a_wrong_answer_fails_the_run(tmp_path: Path) -> None:
    """A measured callable that gives another answer ends with exit status 1."""
    program = (
        "import sys; sys.path.insert(0, 'benchmarks')\n"
        "import runpy\n"
        "from run import Row, Run\n"
        "from measure import Arm, Plan, interleave\n"
        "def check(result, item): assert result == item, 'another answer'\n"
        "right, wrong = Arm(lambda: lambda item: item, check), Arm(lambda: lambda item: item + 1, check)\n"
        "def rows(run): yield Row('a.b', 'a b', 'x', lambda: interleave(right, wrong, [1, 2], Plan(3, 0.001)))\n"
        "main = runpy.run_path('benchmarks/__main__.py', run_name='suite')\n"
        "main['GROUPS'].clear(); main['GROUPS']['wrong'] = rows\n"
        f"sys.argv = ['benchmarks', '--group', 'wrong', '--workspace', {str(tmp_path)!r}]\n"
        "sys.exit(main['main']())\n"
    )
    done = _run("-c", program)
    assert done.returncode == 1
    assert "another answer" in done.stderr
    assert done.stdout == ""
