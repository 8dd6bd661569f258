"""From what a user names to stores and recordings."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import diskcache
import pytest

from replaycache.stores import DiskStore
from tests.cli.recorded import CHAT, cassette, chat, disk, replaycache

HAR = {
    "log": {
        "version": "1.2",
        "creator": {"name": "t", "version": "1"},
        "entries": [
            {
                "startedDateTime": "2026-01-01T00:00:00Z",
                "time": 1,
                "request": {
                    "method": "POST",
                    "url": CHAT,
                    "httpVersion": "HTTP/1.1",
                    "headers": [{"name": "content-type", "value": "application/json"}],
                    "queryString": [],
                    "cookies": [],
                    "headersSize": -1,
                    "bodySize": -1,
                    "postData": {"mimeType": "application/json", "text": '{"model":"m","messages":[]}'},
                },
                "response": {
                    "status": 200,
                    "statusText": "OK",
                    "httpVersion": "HTTP/1.1",
                    "headers": [{"name": "content-type", "value": "application/json"}],
                    "cookies": [],
                    "content": {"size": 2, "mimeType": "application/json", "text": "{}"},
                    "redirectURL": "",
                    "headersSize": -1,
                    "bodySize": -1,
                },
                "cache": {},
                "timings": {"send": 0, "wait": 1, "receive": 0},
            }
        ],
    }
}


def _refused(*arguments: str, status: int = 3) -> str:
    done = replaycache(*arguments)
    assert done.exit_code == status, (done.stdout, done.stderr)
    assert done.stdout == ""
    return done.stderr


def test_the_users_cache_is_the_default_and_looking_does_not_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "cache"))
    empty = replaycache("ls")

    assert empty.exit_code == 0
    assert empty.stdout == ""
    assert f"Nothing is recorded in {tmp_path / 'cache'}" in empty.stderr
    assert not (tmp_path / "cache").exists()

    (key,) = disk(tmp_path / "cache", chat())
    assert replaycache("ls").stdout.startswith(key)


@pytest.mark.parametrize("name", ["gone", "gone.json", "gone/cassette.json"])
def test_a_path_that_does_not_exist(tmp_path: Path, name: str) -> None:
    (tmp_path / "other.json").write_text("{}")
    path = tmp_path / name

    assert f"{path} does not exist" in _refused("ls", str(path))
    assert not path.exists()
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("command", ["prune", "demo"])
def test_a_cassette_where_a_cache_is_meant(tmp_path: Path, command: str) -> None:
    path = tmp_path / "a.json"
    cassette(path, chat())
    before = path.read_bytes()
    place = ("--store", str(path)) if command == "demo" else (str(path), "--older-than", "1s")

    assert "disk cache" in _refused(command, *place, status=2)
    assert path.read_bytes() == before
    assert "disk cache" in _refused("demo", "--store", str(tmp_path / "new.json"), status=2)
    assert not (tmp_path / "new.json").exists()


def test_a_missing_cassette_is_looked_for_beside(tmp_path: Path) -> None:
    cassette(tmp_path / "weather.json", chat())

    assert "Beside it are weather.json" in _refused("ls", str(tmp_path / "wether.json"))


def test_a_directory_that_is_no_cache_stays_as_it_is(tmp_path: Path) -> None:
    cassette(tmp_path / "cassettes" / "a.json", chat())

    text = _refused("ls", str(tmp_path))

    assert "is no disk cache: there is no cache.db" in text
    assert str(tmp_path / "cassettes" / "a.json") in text
    assert os.listdir(tmp_path) == ["cassettes"]


def test_another_programs_disk_cache_stays_as_it_is(tmp_path: Path) -> None:
    with diskcache.Cache(str(tmp_path)) as cache:
        cache["a"] = "b"
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection:
        before = sorted(connection.execute("SELECT key, value FROM Settings"))

    assert "of another program" in _refused("ls", str(tmp_path))
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection:
        assert sorted(connection.execute("SELECT key, value FROM Settings")) == before


def test_recordings_of_a_newer_version_are_counted_and_named(tmp_path: Path) -> None:
    good, bad = disk(tmp_path, chat("one"), chat("two"))
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection, connection:
        ((value,),) = connection.execute("SELECT value FROM Cache WHERE key = ?", (bad,)).fetchall()
        newer = value[:7] + bytes([value[7] + 1]) + value[8:]
        connection.execute("UPDATE Cache SET value = ? WHERE key = ?", (newer, bad))

    listed = replaycache("ls", str(tmp_path))

    assert listed.exit_code == 0
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == [good]
    assert "1 entry cannot be read" in listed.stderr
    assert "upgrade" in listed.stderr
    assert "upgrade" in _refused("show", bad, "--store", str(tmp_path))


def test_a_cassette_of_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"format": "replaycache/99", "recordings": []}')

    text = _refused("ls", str(path))

    assert "replaycache/99" in text
    assert "Upgrade" in text


@pytest.mark.parametrize("text", ["", "nonsense", "{}", '{"format": 1}', "[1, 2]", '{"format": "replaycache/1"'])
def test_a_file_that_is_no_cassette(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)

    assert str(path) in _refused("ls", str(path))
    assert path.read_text() == text


def test_files_of_other_recorders_are_read(tmp_path: Path) -> None:
    har = tmp_path / "session.har"
    har.write_text(json.dumps(HAR))
    renamed = tmp_path / "session.json"
    renamed.write_text(json.dumps(HAR))

    for path in (har, renamed):
        fields = replaycache("ls", str(path)).stdout.split("\t")
        assert fields[2:6] == ["POST", CHAT, "m", "200"]


def test_a_key_may_be_cut(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat())

    for name in (key, key[:4], key[:12].upper()):
        assert replaycache("show", name, "--store", str(tmp_path)).stdout.startswith(f"key         {key}\n")
        assert replaycache("show", f"{tmp_path}#{name}").stdout.startswith(f"key         {key}\n")


def test_an_unknown_key_gets_the_nearest(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat())
    other = key[:6] + ("0" if key[6] != "0" else "1") + key[7]

    text = _refused("show", other, "--store", str(tmp_path), status=1)

    assert f"begins with {other}; did you mean {key[:8]}?" in text


def test_an_ambiguous_key_lists_the_candidates(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    keys = [f"abcd{number:028x}" for number in range(12)]
    for key in keys:
        store.put(key, chat())
    store.close()

    text = _refused("show", "abcd", "--store", str(tmp_path), status=2)

    assert "the beginning of 12 keys" in text
    assert text.count(f"POST {CHAT} 200") == 10
    assert "and 2 more" in text
    assert replaycache("show", keys[3], "--store", str(tmp_path)).exit_code == 0


@pytest.mark.parametrize(
    ("name", "part"),
    [("abc", "too short"), ("xyzw!", "neither a key"), ("#1", "only the recordings of a cassette"), ("", "")],
)
def test_what_is_no_key(tmp_path: Path, name: str, part: str) -> None:
    disk(tmp_path, chat())

    assert part in _refused("show", name, "--store", str(tmp_path), status=2)


def test_recordings_of_a_cassette_have_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassette(path, chat("one"), chat("two"), chat("two"))

    for arguments in (
        ("show", f"{path}#2"),
        ("show", "#2", "--store", str(path)),
        ("show", "2", "--store", str(path)),
    ):
        assert replaycache(*arguments).stdout.splitlines()[0].endswith("  #2")
    assert "it has 3 recordings" in _refused("show", f"{path}#4", status=1)
    assert "has 3 recordings; name one of them" in _refused("show", str(path), "--raw", status=2)


def test_a_file_whose_name_has_the_mark_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a#1.json"
    cassette(path, chat("one"))

    assert "one" in replaycache("show", str(path)).stdout
    assert "one" in replaycache("show", f"{path}#1").stdout
