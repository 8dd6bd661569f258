"""`replaycache ls`."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from replaycache import Request, Usage
from replaycache.stores import DiskStore
from tests.cli.recorded import CHAT, answer_json, cassette, chat, disk, put, replaycache, rerank, stream
from tests.cli.terminal import cells, run_in_terminal


def _asked(*arguments: str) -> list[str]:
    return [line.split("\t")[-1] for line in replaycache("ls", *arguments).stdout.splitlines()]


@pytest.fixture
def store(tmp_path: Path) -> str:
    put(
        DiskStore(tmp_path),
        [
            chat("old", answer_json(model="claude"), age=40 * 86400, model="claude-sonnet-4-5"),
            chat("failed", age=7200, status=429),
            chat("large", answer_json("x" * 5000), age=60),
            chat("new", age=1, model="gpt-4o"),
        ],
    )
    return str(tmp_path)


def test_piped_a_line_has_every_field(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat("Say\thello,\nthen stop."))

    done = replaycache("ls", str(tmp_path))
    fields = done.stdout.removesuffix("\n").split("\t")

    assert fields[0] == key
    assert fields[1].endswith("Z")
    assert fields[2:] == [
        "POST", CHAT, "gpt-4o-mini", "200", str(len(answer_json())), "1", "12", "34", "Say hello, then stop.",
    ]  # fmt: skip
    assert done.stderr == ""


def test_a_line_of_json_is_a_recording(tmp_path: Path) -> None:
    keys = disk(tmp_path, chat("one"), chat("日本 \x1b[31m", complete=False))

    lines = [json.loads(line) for line in replaycache("ls", "--json", str(tmp_path)).stdout.splitlines()]

    assert [line["key"] for line in lines] == keys[::-1]
    assert [line["asked"] for line in lines] == ["日本 \x1b[31m", "one"]
    assert [line["complete"] for line in lines] == [False, True]
    assert lines[0]["usage"]["input_tokens"] == 12
    assert lines[0]["status"] == 200


def test_an_answer_that_does_not_tell_what_it_used_has_no_tokens(tmp_path: Path) -> None:
    recording = chat("hello", answer_json(usage=None))
    recording.usage = Usage("openai", "gpt-4o-mini")
    (key,) = disk(tmp_path, recording)

    assert replaycache("ls", str(tmp_path)).stdout.split("\t")[8:10] == ["", ""]
    assert json.loads(replaycache("ls", "--json", str(tmp_path)).stdout)["usage"] is None
    assert "tokens" not in replaycache("show", key, "--store", str(tmp_path)).stdout


def test_what_is_paid_by_other_units_says_them(tmp_path: Path) -> None:
    disk(tmp_path, rerank())

    assert re.search(r" 2 rerank searches +hello", run_in_terminal("ls", str(tmp_path), columns=120).text)


def test_the_newest_come_first(store: str) -> None:
    assert _asked(store) == ["new", "large", "failed", "old"]
    assert _asked(store, "--limit", "2") == ["new", "large"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--model", "gpt-4o"], ["new", "large", "failed"]),
        (["--model", "GPT-4O"], ["new", "large", "failed"]),
        (["--model", "gpt-4o-mini*"], ["new", "large", "failed"]),
        (["--model", "claude-*"], ["old"]),
        (["--since", "1h"], ["new", "large"]),
        (["--since", "7d"], ["new", "large", "failed"]),
        (["--since", "2020-01-01"], ["new", "large", "failed", "old"]),
        (["--status", "429"], ["failed"]),
        (["--status", "2xx"], ["new", "large", "old"]),
        (["--status", "4XX", "--model", "claude"], []),
        (["--sort", "oldest"], ["old", "failed", "large", "new"]),
        (["--sort", "size", "--limit", "1"], ["large"]),
        (["--sort", "oldest", "--limit", "2"], ["old", "failed"]),
    ],
    ids=" ".join,
)
def test_filters_and_orders(store: str, options: list[str], found: list[str]) -> None:
    assert _asked(store, *options) == found


def test_what_nothing_matches_ends_with_1(store: str) -> None:
    done = replaycache("ls", store, "--model", "gemini")

    assert done.exit_code == 1
    assert done.stdout == ""
    assert "none of the 4 recordings" in done.stderr


@pytest.mark.parametrize("option", ["--since=soon", "--status=ok", "--limit=0", "--sort=name"])
def test_a_wrong_value_is_refused_by_name(store: str, option: str) -> None:
    done = replaycache("ls", store, option)

    assert done.exit_code == 2
    assert option.partition("=")[0] in done.stderr


def test_a_cassette_lists_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassette(path, chat("one"), chat("two"), chat("two"))

    lines = [json.loads(line) for line in replaycache("ls", "--json", str(path)).stdout.splitlines()]

    assert [(line["number"], line["asked"]) for line in lines] == [(3, "two"), (2, "two"), (1, "one")]
    assert run_in_terminal("ls", str(path)).text.splitlines()[0].split()[:2] == ["#", "key"]


def test_a_table_fits_the_terminal(tmp_path: Path) -> None:
    disk(
        tmp_path,
        chat("界" * 100),
        chat("👩‍👩‍👧‍👦 🎉" * 30, model="model-" * 20),
        chat("x" * 3000),
        chat("plain", stream({"choices": []}), url=f"https://{'h' * 300}/v1/chat/completions"),
    )

    for columns in (60, 80, 120):
        lines = run_in_terminal("ls", str(tmp_path), columns=columns).text.splitlines()
        assert len(lines) == 5
        assert max(map(cells, lines)) <= columns


def test_nothing_recorded_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202ereversed\r\n\x00"
    disk(tmp_path, chat(evil, model=f"m{evil}", url=f"https://h/{'%1b'}\x9b31m\u202e/chat/completions"))

    for screen in (
        run_in_terminal("ls", str(tmp_path), TERM="dumb"),
        run_in_terminal("ls", "--json", str(tmp_path)),
    ):
        assert screen.status == 0
        assert not set(screen.raw) & set("\x1b\x07\x9b\x00\r\u202e")
    piped = replaycache("ls", str(tmp_path)).stdout
    assert not set(piped) & set("\x1b\x07\x9b\x00\r\u202e")
    assert piped.count("\n") == 1


@pytest.mark.exhaustive
def test_memory_does_not_grow_with_the_number_of_recordings(tmp_path: Path) -> None:
    """The database is mapped into memory, so that its pages are counted apart: what Python holds is compared."""
    body = answer_json("x" * 2000)

    def peak(count: int) -> int:
        path = tmp_path / str(count)
        put(DiskStore(path), (chat(f"{number} {'y' * 500}", body) for number in range(count)))
        code = (
            "import os, sys, tracemalloc\nfrom replaycache.cli import main\n"
            "sys.stdout = open(os.devnull, 'w')\ntracemalloc.start()\n"
            f"main(['ls', {str(path)!r}], standalone_mode=False)\n"
            "print(tracemalloc.get_traced_memory()[1], file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
        )
        return int(done.stderr)

    assert peak(800) < peak(80) + (1 << 19)


def test_a_list_of_some_reads_no_more_than_it_shows(tmp_path: Path) -> None:
    """What is damaged beyond them is not met; a list of all tells it, in whatever order."""
    keys = disk(tmp_path, *(chat(str(number), age=number) for number in range(40)))
    with closing(sqlite3.connect(tmp_path / "cache.db")) as database, database:
        database.execute("UPDATE Cache SET value = x'00' WHERE key = ?", (keys[0],))

    some = replaycache("ls", str(tmp_path), "--limit", "20")
    assert [line.split("\t")[0] for line in some.stdout.splitlines()] == keys[:19:-1]
    assert some.stderr == ""
    for sort in ("newest", "oldest", "size", "tokens", "duration"):
        every = replaycache("ls", str(tmp_path), "--sort", sort)
        assert {line.split("\t")[0] for line in every.stdout.splitlines()} == set(keys[1:])
        assert "1 entry cannot be read" in every.stderr


def test_where_nothing_can_be_read_no_filter_is_blamed(tmp_path: Path) -> None:
    disk(tmp_path, chat("one"), chat("two"))
    with closing(sqlite3.connect(tmp_path / "cache.db")) as database, database:
        database.execute("UPDATE Cache SET value = x'00'")

    done = replaycache("ls", str(tmp_path))
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"none of the 2 recordings in {tmp_path} can be read" in done.stderr
    assert "matches" in replaycache("ls", str(tmp_path), "--model", "gpt*").stderr


def test_a_request_that_cannot_be_read_is_told_where_it_would_be_shown(tmp_path: Path) -> None:
    """It is decoded for what is shown alone."""
    strange, *_ = keys = disk(tmp_path, *(chat(str(number), age=100 * number) for number in range(3)))
    store = DiskStore(tmp_path)
    recording = store.get(strange)
    assert recording is not None
    store.put(strange, recording.with_parts(request=Request("PO ST", CHAT, (), b"")))
    store.close()

    assert "Warning" not in replaycache("ls", str(tmp_path), "--sort", "oldest", "--limit", "2").stderr
    shown = replaycache("ls", str(tmp_path), "--sort", "oldest")
    assert [line.split("\t")[0] for line in shown.stdout.splitlines()] == [keys[2], keys[1]]
    assert f"Warning: {strange}: the recorded request cannot be read" in shown.stderr
