"""What text names: a cassette, the directory of a disk cache, or nothing, and then nothing is made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from replaycache import ConfigurationError, install, use_cassette
from replaycache.httpx2 import ReplayTransport
from replaycache.stores import CassetteStore, DiskStore, MemoryStore, default_directory, open_store
from tests.cli.recorded import cassette, chat, disk, replaycache


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


FILES = [
    "weather.yaml",
    "a/b.YML",
    "x.har",
    "c.json.gz",
    "x.txt",
    "x.jsonl",
    "x.db",
    "x.sqlite",
    "x.sqlite3",
    "x.py",
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("as_path", [False, True])
def test_no_directory_is_named_like_a_file(tmp_path: Path, name: str, as_path: bool) -> None:
    for opening in (open_store, lambda store: ReplayTransport(store=store), lambda store: install(store=store)):
        with pytest.raises(ConfigurationError, match=r"is named like a file.*ends in \.json.*name a directory"):
            opening(Path(name) if as_path else name)

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["weather", "cache.d", "v1.2", ".cache", "a.b/c", "weather.yaml/", ".yaml", "x.json/", "日本.語"]
)
def test_what_names_a_directory_is_one(name: str) -> None:
    assert isinstance(open_store(name)[0], DiskStore)


@pytest.mark.parametrize("name", ["weather.json", "a/WEATHER.JSON", "weather.yaml.json"])
def test_what_names_a_cassette_is_one(name: str) -> None:
    assert isinstance(open_store(name)[0], CassetteStore)
    assert isinstance(open_store(Path(name))[0], CassetteStore)
    use_cassette(name)
    use_cassette(Path(name))


@pytest.mark.parametrize(
    ("path", "way_out"),
    [
        ("weather.yaml", "`replaycache import weather.yaml --store weather.json`"),
        (Path("a") / "weather.har", f"--store {Path('a') / 'weather'}.json`"),
        ("weather", "as in 'weather.json'"),
        ("weather.txt", "as in 'weather.json'"),
        ("v1.2", "as in 'v1.2.json'"),
        ("weather/", "as in 'weather.json'"),
        ("", "ends in .json"),
        (".json", "as in 'cassette.json'"),
        ("a/.json", f"as in '{Path('a') / 'cassette.json'}'"),
        ("c.json.gz", "`replaycache import c.json.gz --store c.json`"),
        ("c.har.gz", "`replaycache import c.har.gz --store c.json`"),
        ("a.b/", "as in 'a.b.json'"),
        (":memory:", "ends in .json"),
        ("redis://localhost", "ends in .json"),
        (None, "give a path that ends in .json, or a store object"),
        (5, "give a path that ends in .json, or a store object"),
        (b"weather.json", "give a path that ends in .json, or a store object"),
        (MemoryStore, "use_cassette takes a path: @use_cassette("),
    ],
    ids=repr,
)
def test_a_cassette_in_use_is_named_as_one(tmp_path: Path, path: Any, way_out: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        use_cassette(path)

    assert way_out in str(raised.value)
    assert os.listdir(tmp_path) == []


def test_a_store_object_is_used_as_a_cassette() -> None:
    for store in (MemoryStore(), CassetteStore("a.json"), DiskStore("weather.yaml")):
        with use_cassette(store) as session:
            assert session.store is store


@pytest.mark.parametrize("name", ["foo.json", "foo.yaml", "~/foo.db"])
def test_the_users_cache_is_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", name)

    for opening in (default_directory, ReplayTransport, install):
        with pytest.raises(ConfigurationError, match=f"^REPLAYCACHE_DIR='{name}' is named like a file"):
            opening()
    listed = replaycache("ls")
    assert (listed.exit_code, "REPLAYCACHE_DIR" in listed.stderr) == (3, True)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["redis://localhost", "sqlite:///cache.db", ":memory:"])
def test_the_users_cache_is_a_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", name)

    for opening in (default_directory, ReplayTransport, install):
        with pytest.raises(ConfigurationError, match=f"^REPLAYCACHE_DIR='{name}' is no directory; give the path"):
            opening()
    assert os.listdir(tmp_path) == []


def test_a_slash_says_that_the_users_cache_is_a_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", "foo.json/")

    assert isinstance(open_store(None)[0], DiskStore)
    disk(tmp_path / "foo.json", chat())
    assert replaycache("ls").stdout


@pytest.mark.parametrize("name", [".json", "a/.json", Path(".JSON")])
def test_a_mere_ending_names_nothing(tmp_path: Path, name: str | Path) -> None:
    for opening in (open_store, use_cassette):
        with pytest.raises(ConfigurationError, match="cassette.json"):
            opening(name)
    assert os.listdir(tmp_path) == []


def test_who_gives_a_path_is_told_of_disk_store_and_who_gives_text_of_a_slash() -> None:
    with pytest.raises(ConfigurationError, match=r"DiskStore\('x.yaml'\) says that it is one"):
        open_store(Path("x.yaml"))
    with pytest.raises(ConfigurationError, match="a slash behind the name says that it is one"):
        open_store("x.yaml")


def test_commands_make_no_directory_that_is_named_like_a_file(tmp_path: Path) -> None:
    cassette(tmp_path / "a.json", chat())
    (tmp_path / "ok.py").write_text("print('it ran')")
    before = sorted(os.listdir(tmp_path))

    for arguments in (
        ("run", "--store", "x.yaml", "ok.py"),
        ("export", "x.txt", "--store", "a.json"),
        ("import", "a.json", "--store", "x.yaml"),
        ("demo", "--store", "x.yaml"),
    ):
        done = replaycache(*arguments)

        assert done.exit_code == 2, arguments
        where = "TARGET" if arguments[0] == "export" else "--store"
        assert f"Error: {where}='x." in done.stderr, arguments
        assert "is named like a file" in done.stderr, arguments
        assert "a slash behind the name says" in done.stderr, arguments
        assert "it ran" not in done.stdout
        assert sorted(os.listdir(tmp_path)) == before


def test_a_cache_that_was_named_so_before_is_still_read(tmp_path: Path) -> None:
    (key,) = disk(tmp_path / "weather.yaml", chat())

    assert key in replaycache("ls", "weather.yaml").stdout
    assert replaycache("export", "a.json", "--store", "weather.yaml").exit_code == 0
    assert len(CassetteStore("a.json")) == 1
