"""`replaycache scan` and `replaycache scrub`."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import yaml

from replaycache import Body, Chunk, Match, Redact, ResponseHead, foreign, use_cassette
from replaycache.maintenance.scanning import AT_ONCE
from replaycache.stores import CassetteStore, DiskStore

from .recorded import CHAT, answer_json, cassette, chat, disk, replaycache, stream
from .terminal import run_in_terminal

SECRET = "sk-proj-" + "Ab3dE5gH7jK9mN1pQ3sT5vX7zB2dF4hJ6lM8oR0tV2xZ4b6D8f" + "T3BlbkFJ" + "9kL1nP3rS5uW7yA9cE1gI3"
OTHER = "ghp_" + "Zq8wX2cV5bN9mK4jH7gF3dS6aP1oI0uY2tR5"


def _vcr(path: Path, asked: str, answer: bytes, **headers: str) -> None:
    interaction = {
        "request": {
            "body": json.dumps({"messages": [{"role": "user", "content": asked}]}),
            "headers": {name: [value] for name, value in headers.items()},
            "method": "POST",
            "uri": CHAT,
        },
        "response": {
            "body": {"string": answer.decode()},
            "headers": {"content-type": ["application/json"]},
            "status": {"code": 200, "message": "OK"},
        },
    }
    path.write_text(yaml.safe_dump({"interactions": [interaction], "version": 1}))


# -- scan --------------------------------------------------------------------------------------------------


def test_a_clean_tree(tmp_path: Path) -> None:
    cassette(tmp_path / "c.json", chat())
    (tmp_path / "notes.txt").write_text("nothing to see")

    done = replaycache("scan", str(tmp_path))

    assert done.exit_code == 0
    assert done.stdout == ""
    assert "2 files" in done.stderr


def _seen(line: str) -> str:
    """What a terminal shows of a line that is written over what stood there."""
    shown = ""
    for text in line.split("\r"):
        shown = text + shown[len(text) :]
    return shown.rstrip()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
def test_the_bar_of_progress_leaves_nothing_in_what_is_found(tmp_path: Path) -> None:
    for number in range(3):
        _vcr(tmp_path / f"{number}.yaml", SECRET, answer_json())
    disk(tmp_path / "cache", chat())

    piped = replaycache("scan", str(tmp_path)).stdout.splitlines()
    scanned = run_in_terminal("scan", str(tmp_path), columns=200)
    exported = run_in_terminal("export", str(tmp_path / "c.json"), "--store", str(tmp_path / "cache"), columns=200)

    assert "\rscanning 0\r" in scanned.raw
    assert [_seen(line) for line in scanned.raw.split("\n")] == [*piped, "3 findings in 4 files.", ""]
    assert "\rexporting [" in exported.raw
    assert "] 0/1\r" in exported.raw
    assert [_seen(line) for line in exported.raw.split("\n")] == [f"1 recording written to {tmp_path}/c.json.", ""]


def test_a_cassette_names_recording_path_and_line(tmp_path: Path) -> None:
    cassette(tmp_path / "c.json", chat(), chat(f"my key is {SECRET}"))
    line = 1 + (tmp_path / "c.json").read_text()[: (tmp_path / "c.json").read_text().index(SECRET)].count("\n")

    done = replaycache("scan", str(tmp_path))

    assert done.exit_code == 1
    assert SECRET not in done.output
    assert done.stdout.startswith(f"{tmp_path / 'c.json'}:{line}: ")
    assert "in recording 2, request.json.messages[0].content" in done.stdout


def test_json_lines(tmp_path: Path) -> None:
    cassette(tmp_path / "c.json", chat(f"my key is {SECRET}"))

    (found,) = map(json.loads, replaycache("scan", str(tmp_path), "--json").stdout.splitlines())

    assert found["recording"] == "1"
    assert found["where"] == "request.json.messages[0].content"
    assert found["path"] == str(tmp_path / "c.json")
    assert SECRET not in json.dumps(found)


def test_a_secret_that_a_stream_sends_in_pieces(tmp_path: Path) -> None:
    pieces = [SECRET[at : at + 9] for at in range(0, len(SECRET), 9)]
    body = stream(*({"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces))
    path = tmp_path / "c.json"
    cassette(path, chat(), chat("b", body, content_type="text/event-stream"))
    # the assembled text is there for the reader, and need not be
    path.write_text("\n".join(line for line in path.read_text().split("\n") if '"assembled"' not in line))
    path.write_text(path.read_text().replace("        ],\n      },", "        ]\n      },"))

    done = replaycache("scan", str(path))

    assert done.exit_code == 1
    assert "recording 2, response.text" in done.stdout


def test_headers_in_a_file_of_vcrpy_count_although_they_would_not_be_imported(tmp_path: Path) -> None:
    _vcr(tmp_path / "c.yaml", "hello", b"{}", Authorization=f"Bearer {SECRET}")

    done = replaycache("scan", str(tmp_path))

    assert done.exit_code == 1
    assert f"{tmp_path / 'c.yaml'}:" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_compressed_body_in_a_file_of_vcrpy(tmp_path: Path) -> None:
    _vcr(tmp_path / "c.yaml", "hello", b"")
    document = yaml.safe_load((tmp_path / "c.yaml").read_text())
    response = document["interactions"][0]["response"]
    response["body"]["string"] = gzip.compress(answer_json(f"it is {SECRET}"))
    response["headers"]["content-encoding"] = ["gzip"]
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(document))

    done = replaycache("scan", str(tmp_path))

    assert done.exit_code == 1
    assert "recording 1, response.body" in done.stdout


def test_a_compressed_file(tmp_path: Path) -> None:
    _vcr(tmp_path / "c.yaml", f"my key is {SECRET}", b"{}")
    (tmp_path / "c.yaml.gz").write_bytes(gzip.compress((tmp_path / "c.yaml").read_bytes()))
    (tmp_path / "c.yaml").unlink()

    assert replaycache("scan", str(tmp_path)).exit_code == 1


def test_a_cache(tmp_path: Path) -> None:
    key, _ = disk(tmp_path / "tree" / "cache", chat(f"my key is {SECRET}"), chat())

    done = replaycache("scan", str(tmp_path))

    assert done.exit_code == 1
    assert f"recording {key}, request.body.messages[0].content" in done.stdout
    assert SECRET not in done.output


def test_any_text_at_any_depth_but_nothing_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / ".env").write_text(f"X=1\nOPENAI_API_KEY={SECRET}\n")
    (tmp_path / "a" / "image.bin").write_bytes(b"\0\1\2" + SECRET.encode())
    (tmp_path / "a" / "wide.txt").write_text(f"key {OTHER}", encoding="utf-16")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(SECRET)
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "pyvenv.cfg").write_text("")
    (tmp_path / "venv" / "x.py").write_text(SECRET)

    done = replaycache("scan", str(tmp_path))

    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [
        f"{tmp_path}/a/wide.txt:1",
        f"{tmp_path}/a/b/.env:2",
    ]


def test_a_large_file_is_looked_at_to_its_end(tmp_path: Path) -> None:
    line = "all work and no play makes jack a dull boy\n"
    count = AT_ONCE // len(line) + 1
    (tmp_path / "log.txt").write_text(line * count + f"key={SECRET}\n" + line)
    (tmp_path / "one-line.txt").write_text("word " * (AT_ONCE // 5 + 1) + f" key={SECRET} " + "word " * 10)

    done = replaycache("scan", str(tmp_path))

    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [
        f"{tmp_path}/log.txt:{count + 1}",
        f"{tmp_path}/one-line.txt:1",
    ]


def test_what_is_excluded(tmp_path: Path) -> None:
    (tmp_path / "poetry.lock").write_text(SECRET)
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated" / "x.txt").write_text(SECRET)

    assert replaycache("scan", str(tmp_path), "--exclude", "*.lock", "--exclude", "generated").exit_code == 0


def test_a_damaged_cassette_is_still_looked_at(tmp_path: Path) -> None:
    cassette(tmp_path / "c.json", chat(f"my key is {SECRET}"))
    (tmp_path / "c.json").write_text((tmp_path / "c.json").read_text()[:-20])

    done = replaycache("scan", str(tmp_path / "c.json"))

    assert done.exit_code == 1
    assert "cut short" in done.stderr
    assert SECRET not in done.output


def test_a_name_that_is_a_secret_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"a": {SECRET: 1}}))

    done = replaycache("scan", str(tmp_path))

    assert done.exit_code == 1
    assert SECRET not in done.output


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    done = replaycache("scan", str(tmp_path / "nowhere"))

    assert done.exit_code == 3
    assert "does not exist" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a shell's pipe, and its status, as POSIX has them")
def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"{number}.txt").write_text(SECRET)

    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m replaycache scan . | head -1; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=60,
    )

    assert done.stdout.splitlines()[1] == "141"
    assert done.stderr == ""


# -- scrub -------------------------------------------------------------------------------------------------


def test_a_cassette_is_scrubbed_and_replays(tmp_path: Path) -> None:
    recording = chat(f"my key is {SECRET}", answer_json(f"your key is {SECRET}"))
    recording.head = ResponseHead(200, (("content-type", "application/json"), ("set-cookie", "id=1")))
    cassette(tmp_path / "c.json", chat("first"), recording, chat("last"))

    done = replaycache("scrub", str(tmp_path / "c.json"))

    assert done.exit_code == 0
    assert SECRET not in done.output
    assert done.stdout.startswith("recording 2: ")
    assert "the header set-cookie" in done.stdout
    text = (tmp_path / "c.json").read_text()
    assert SECRET not in text
    assert '"set-cookie": ' not in text
    asked = [json.loads(item.request.body) for item in CassetteStore(tmp_path / "c.json").all()]
    assert [body["messages"][0]["content"][:5] for body in asked] == ["first", "my ke", "last"]
    with (
        use_cassette(tmp_path / "c.json", mode="replay", redact=Redact(secrets="replace")),
        httpx.Client() as client,
    ):
        answer = client.post(CHAT, content=recording.request.body, headers={"content-type": "application/json"})
    assert "REDACTED-" in answer.text
    assert replaycache("scan", str(tmp_path)).exit_code == 0


def test_scrubbing_again_changes_nothing(tmp_path: Path) -> None:
    cassette(tmp_path / "c.json", chat(f"my key is {SECRET}"))
    replaycache("scrub", str(tmp_path / "c.json"))
    before = (tmp_path / "c.json").stat()

    done = replaycache("scrub", str(tmp_path / "c.json"))

    assert done.exit_code == 0
    assert "Nothing to replace" in done.stderr
    assert (tmp_path / "c.json").stat().st_mtime_ns == before.st_mtime_ns


def test_what_stands_beside_the_recordings_is_told(tmp_path: Path) -> None:
    """It is no part of a cassette, which is read strictly."""
    cassette(tmp_path / "c.json", chat())
    document = json.loads((tmp_path / "c.json").read_text())
    document["recordings"][0]["note"] = SECRET
    (tmp_path / "c.json").write_text(json.dumps(document))

    done = replaycache("scrub", str(tmp_path / "c.json"))

    assert done.exit_code not in (0, 1)
    assert "recordings[0] has an unknown member 'note'" in " ".join(done.stderr.split())
    assert SECRET not in done.output


def test_a_cache_is_scrubbed_and_its_keys_follow(tmp_path: Path) -> None:
    old, stays = disk(tmp_path / "cache", chat(f"my key is {SECRET}"), chat())

    done = replaycache("scrub", str(tmp_path / "cache"))

    assert done.exit_code == 0
    store = DiskStore(tmp_path / "cache")
    keys = set(store.keys())
    assert old not in keys
    assert stays in keys
    (new,) = keys - {stays}
    recording = store.get(new)
    store.close()
    assert recording is not None
    assert (new, recording.digest) == Match().identity(recording.request)
    for path in (tmp_path / "cache").rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path


def test_scrubbing_finishes_what_was_broken_off(tmp_path: Path) -> None:
    """What was replaced is in no row any more, but still in pages that the database does not use."""
    disk(tmp_path, chat(f"my key is {SECRET}"))
    with closing(sqlite3.connect(tmp_path / "cache.db")) as database:
        database.execute("PRAGMA secure_delete=OFF")  # some builds of SQLite have it on
        database.execute("DELETE FROM Cache")
        database.commit()
    assert any(SECRET.encode() in path.read_bytes() for path in tmp_path.iterdir())

    done = replaycache("scrub", str(tmp_path))

    assert done.exit_code == 0
    assert "Nothing to replace" in done.stderr
    assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.iterdir())


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    cassette(tmp_path / "c.json", chat(f"my key is {SECRET}"))
    (key,) = disk(tmp_path / "cache", chat(f"my key is {SECRET}"))
    _vcr(tmp_path / "c.yaml", f"my key is {SECRET}", b"{}")
    before = [(tmp_path / name).read_bytes() for name in ("c.json", "c.yaml")]

    for name in ("c.json", "c.yaml", "cache"):
        done = replaycache("scrub", str(tmp_path / name), "--dry-run", "--json")
        told = json.loads(done.stdout)
        assert told["dry_run"] is True
        assert len(told["changed"]) == 1
    assert [(tmp_path / name).read_bytes() for name in ("c.json", "c.yaml")] == before
    store = DiskStore(tmp_path / "cache")
    assert list(store.keys()) == [key]
    store.close()


def test_a_file_of_vcrpy_keeps_all_but_its_secrets(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    _vcr(path, f"my key is {SECRET}", f'{{"a":"{OTHER}"}}'.encode(), Authorization=f"Bearer {SECRET}", X_Mine="1")
    before = path.read_text()
    path.chmod(0o640)

    done = replaycache("scrub", str(path))

    assert done.exit_code == 0
    after = path.read_text()
    assert SECRET not in after
    assert OTHER not in after
    assert len(after.splitlines()) == len(before.splitlines())
    assert "X_Mine" in after
    assert path.stat().st_mode & 0o777 == 0o640
    assert len(foreign.read(path)) == 1
    assert replaycache("scan", str(tmp_path)).exit_code == 0


def test_a_compressed_file_stays_one(tmp_path: Path) -> None:
    _vcr(tmp_path / "c.yaml", f"my key is {SECRET}", b"{}")
    packed = tmp_path / "c.yaml.gz"
    packed.write_bytes(gzip.compress((tmp_path / "c.yaml").read_bytes()))

    assert replaycache("scrub", str(packed)).exit_code == 0

    assert SECRET.encode() not in gzip.decompress(packed.read_bytes())


def test_what_cannot_be_replaced_in_a_file_of_others_is_told(tmp_path: Path) -> None:
    _vcr(tmp_path / "c.yaml", "hello", b"")
    document = yaml.safe_load((tmp_path / "c.yaml").read_text())
    response = document["interactions"][0]["response"]
    response["body"]["string"] = gzip.compress(answer_json(f"it is {SECRET}"))
    response["headers"]["content-encoding"] = ["gzip"]
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(document))

    done = replaycache("scrub", str(tmp_path / "c.yaml"))

    assert done.exit_code == 1
    assert "could not be replaced" in done.stderr


def test_stores_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "newer.json").write_text('{"format": "replaycache/9", "recordings": []}\n')
    (tmp_path / "cut.json").write_text('{"format": "replaycache/1", "recordings": [')

    for name, why in (("newer.json", "Upgrade"), ("cut.json", "cut short"), ("nowhere.json", "does not exist")):
        before = (tmp_path / name).read_bytes() if (tmp_path / name).exists() else None
        done = replaycache("scrub", str(tmp_path / name))
        assert done.exit_code == 3
        assert why in done.stderr
        assert ((tmp_path / name).read_bytes() if (tmp_path / name).exists() else None) == before


def test_a_body_that_is_no_text_is_left_as_it_is(tmp_path: Path) -> None:
    audio = chat("speak", Body.of([Chunk(bytes(range(256)), 0.1)]), content_type="audio/mpeg")
    cassette(tmp_path / "c.json", audio)
    before = (tmp_path / "c.json").read_bytes()

    replaycache("scrub", str(tmp_path / "c.json"))

    assert (tmp_path / "c.json").read_bytes() == before


def test_a_file_that_is_named_after_a_terminals_commands_commands_none(tmp_path: Path) -> None:
    """Nor does what is found in it forge a line of its own."""
    path = tmp_path / "a\x1b[2J\x9b\u202e\n.yaml"
    _vcr(path, SECRET, answer_json("\x1b[2J"), **{"x-\x1b[2J": SECRET})
    other = tmp_path / "b\x1b[2J\n.json"
    CassetteStore(other).append(chat(f"{SECRET}", url=f"https://h/\x9b31m\u202e/{OTHER}"))

    for command in ("scrub", "scan"):
        for place in (path, other):
            done = replaycache(command, str(place))
            assert not set(done.stdout + done.stderr) & set("\x1b\x07\x9b\u202e")
            assert all(
                "yaml" in line or "json" in line or "recording" in line for line in done.stdout.splitlines()
            )


@pytest.mark.parametrize(
    "data",
    [b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\xff" * 40, gzip.compress(b"a" * 99)[:-9], b"\x1f\x8b"],
    ids=["no deflate", "cut short", "the magic number alone"],
)
def test_what_is_no_gzip_is_looked_at_and_not_scrubbed(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.yaml.gz"
    path.write_bytes(data)

    assert replaycache("scan", str(path)).exit_code == 0
    done = replaycache("scrub", str(path))
    assert done.exit_code == 3
    assert "cannot read" in done.stderr
    assert path.read_bytes() == data
