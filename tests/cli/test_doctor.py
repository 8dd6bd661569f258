"""`replaycache doctor`."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from replaycache import __version__
from replaycache.cli.installed import EXTRAS, SDKS
from tests.cli.recorded import cassette, chat, disk, replaycache
from tests.cli.terminal import COLUMNS, run_in_terminal

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, whose cache has one recording."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take a while to be loaded
    disk(tmp_path / "cache", chat("hello"))
    return tmp_path


def _told(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = replaycache("doctor", "--json", *arguments)
    return done.exit_code, json.loads(done.stdout)


def _problems(*arguments: str) -> list[str]:
    status, told = _told(*arguments)
    assert status == bool(told["problems"])
    return told["problems"]  # type: ignore[no-any-return]  # JSON's


def test_where_all_is_well_it_says_what_a_bug_report_needs(project: Path) -> None:
    status, told = _told()

    assert (status, told["problems"]) == (0, [])
    assert told["replaycache"] == __version__
    assert told["python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert told["libraries"]["httpx2"] == metadata.version("httpx2")
    assert {"name": "openai", "version": metadata.version("openai"), "on": ["httpx2"], "covered": True} in told[
        "sdks"
    ]
    assert told["mode"] == {"value": "auto", "from": "default"}
    [store] = told["stores"]
    assert (store["location"], store["recordings"]) == (str(project / "cache"), 1)
    assert store["size"] > 0
    assert store["mode"] == ("" if os.name == "nt" else "0700")
    assert told["pytest"]["replaycache"] == metadata.version("replaycache")
    assert told["variables"] == ["PYTEST_DISABLE_PLUGIN_AUTOLOAD", "REPLAYCACHE_DIR"]


def test_it_fits_a_screen(project: Path) -> None:
    screen = run_in_terminal("doctor", cwd=project)

    lines = screen.text.splitlines()
    assert screen.status == 0
    assert max(map(len, lines)) <= COLUMNS
    assert len(lines) <= 24
    assert "recordings: 1, " in " ".join(screen.text.split())
    assert lines[-1].split() == ["problem", "none", "was", "found"]


def test_piped_a_problem_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAYCACHE_MOED", "auto")

    done = replaycache("doctor")

    assert done.exit_code == 1
    last = done.stdout.splitlines()[-1]
    assert last.startswith("problem ")
    assert last.endswith(
        "REPLAYCACHE_MOED is set, and is no variable of replaycache; did you mean 'REPLAYCACHE_MODE'?"
    )


def test_it_looks_and_changes_nothing(project: Path) -> None:
    def files() -> dict[str, bytes]:
        return {str(one): one.read_bytes() for one in project.rglob("*") if one.is_file()}

    before = files()
    assert _problems("--store", "other") == []
    assert _problems("--store", "other.json") == []
    assert _problems() == []

    assert files() == before


def test_the_mode_has_its_origin(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pyproject.toml").write_text("[tool.replaycache]\nmode = 'once'")
    assert _told()[1]["mode"] == {"value": "once", "from": str(project / "pyproject.toml")}

    monkeypatch.setenv("REPLAYCACHE_MODE", "replay")
    assert _told()[1]["mode"] == {"value": "replay", "from": "REPLAYCACHE_MODE"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("variable", "value", "text", "told"),
    [
        ("REPLAYCACHE_MODE", "atuo", "", "REPLAYCACHE_MODE='atuo' is no mode"),
        ("REPLAYCACHE_IGNORE_HOSTS", "http://x", "", "REPLAYCACHE_IGNORE_HOSTS"),
        ("REPLAYCACHE_DIR", "x.json", "", "REPLAYCACHE_DIR='x.json' is named like a file"),
        ("REPLAYCACHE_XYZ", "1", "", "is no variable of replaycache; there are REPLAYCACHE_BUDGET"),
        ("CI", "", "[tool.replaycache]\nmoed = 1", "did you mean 'mode'?"),
        ("CI", "", "[tool.replaycache]\nmode =", "pyproject.toml cannot be read"),
    ],
)
def test_what_is_set_wrongly_is_a_problem(
    project: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, text: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    (project / "pyproject.toml").write_text(text)

    [problem] = _problems()

    assert told in problem


def test_a_mode_that_is_none_has_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAYCACHE_MODE", "atuo")

    assert "\nmode" not in replaycache("doctor").stdout


@pytest.mark.parametrize("prices", ["", "[tool.replaycache.prices]\nm = { input = 1 }"])
def test_a_budget_needs_prices(project: Path, monkeypatch: pytest.MonkeyPatch, prices: str) -> None:
    monkeypatch.setattr("replaycache.accounts.list_prices.is_available", lambda: False)
    (project / "pyproject.toml").write_text(f"[tool.replaycache]\nbudget = 2\n{prices}")

    assert [problem[:31] for problem in _problems()] == ([] if prices else ["budget='2' needs to know prices"])


@pytest.mark.exhaustive
def test_no_credential_is_shown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLAYCACHE_DIR")
    monkeypatch.setenv("REPLAYCACHE_SERVE_TOKEN", "a-token-that-nobody-sees")
    address = "redis://user:pass-that-nobody-sees@127.0.0.1:1/3"
    (project / "pyproject.toml").write_text(f"[tool.replaycache]\nstore = ['cache', '{address}', '{address}x']")

    for arguments in ([], ["--json"], ["--store", address], ["--store", f"{address}x"]):
        done = replaycache("doctor", *arguments)
        assert done.exit_code == 1
        assert "nobody-sees" not in done.stdout + done.stderr
    (project / "pyproject.toml").write_text(f"[tool.replaycache]\nstore = ['cache', '{address}']")
    assert "127.0.0.1:1/3" in replaycache("doctor").stdout
    assert "nobody-sees" not in replaycache("doctor").stdout


# -- the store ---------------------------------------------------------------------------------------------


def test_recordings_of_the_future(project: Path) -> None:
    disk(project / "cache", chat("hello", age=-7200))

    [problem] = _problems()

    assert "recordings of the future" in problem
    assert "Set the clock" in problem


def test_a_lock_that_another_holds(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replaycache.stores.disk.LOCK_TIMEOUT", 0.1)
    with closing(sqlite3.connect(project / "cache" / "cache.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        [problem] = _problems()
        other.execute("ROLLBACK")

    assert "another process holds its lock" in problem
    assert "end it" in problem


@pytest.mark.skipif(os.name == "nt", reason="Windows has other locks")
def test_a_cassette_that_another_has_locked(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.setattr("replaycache.cli.store_health.PATIENCE", 0.1)
    cassette(project / "one.json", chat("hello"))
    assert _problems("--store", "one.json") == []
    with open(project / "one.json") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        [problem] = _problems("--store", "one.json")

    assert "another process has had it locked" in problem


@pytest.mark.exhaustive
@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_what_others_may_read_or_write(project: Path) -> None:
    cache = project / "cache"
    (cache / "cache.db").chmod(0o644)
    assert _problems() == []  # nobody comes there
    cache.chmod(0o755)
    (cache / "cache.db").chmod(0o644)  # who opens it to write takes that away
    [problem] = _problems()
    assert "others may read cache.db" in problem
    assert problem.endswith(f"in {cache}: chmod -R go-rwx {cache}")

    (cache / "cache.db").chmod(0o600)
    cache.chmod(0o777)
    # a process tells of a directory once
    done = subprocess.run(
        [sys.executable, "-m", "replaycache", "doctor", "--json"],
        cwd=project, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    [problem] = json.loads(done.stdout)["problems"]
    assert "others may write in" in problem


@pytest.mark.skipif(IS_ROOT or os.name == "nt", reason="the administrator may write everywhere")
def test_a_directory_that_cannot_be_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "cache").chmod(0o500)
    [problem] = _problems()
    monkeypatch.setenv("REPLAYCACHE_MODE", "replay")

    assert "cannot be written by you" in problem
    assert _problems() == []


@pytest.mark.parametrize("damage", [b"no database at all, but long enough to be one" * 99, b""])
def test_a_cache_that_is_damaged(project: Path, damage: bytes) -> None:
    for one in (project / "cache").glob("cache.db*"):
        one.write_bytes(damage)

    status, told = _told()

    assert (status, bool(told["problems"])) == ((1, True) if damage else (0, False))


def test_a_cassette_that_is_damaged(project: Path) -> None:
    (project / "one.json").write_text('{"format": "replaycache/1", "recordings": [')

    [problem] = _problems("--store", "one.json")

    assert "one.json" in problem


# -- what is installed -------------------------------------------------------------------------------------


def _package(place: Path, name: str, version: str, *requires: str, plugin: str = "") -> None:
    told = place / f"{name.replace('-', '_')}-{version}.dist-info"
    told.mkdir(parents=True)
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {it}" for it in requires),
    ]
    (told / "METADATA").write_text("\n".join(lines) + "\n")
    if plugin:
        (told / "entry_points.txt").write_text(f"[pytest11]\n{plugin} = {plugin}\n")


def _with(project: Path, **environment: str) -> dict[str, Any]:
    variables = {name: value for name, value in os.environ.items() if name != "PYTEST_DISABLE_PLUGIN_AUTOLOAD"}
    path = os.pathsep.join([str(project / "packages"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "replaycache", "doctor", "--json"],
        cwd=project, capture_output=True, text=True, env=variables | {"PYTHONPATH": path} | environment,
    )  # fmt: skip
    return json.loads(done.stdout)  # type: ignore[no-any-return]  # JSON's


def test_what_an_sdk_runs_on_its_metadata_says(project: Path) -> None:
    packages = project / "packages"
    _package(packages, "boto3", "1.40", "botocore<2,>=1.40", 's3transfer; extra == "crt"')
    _package(packages, "botocore", "1.40", "urllib3!=2.2.0,<3,>=1.25.4")
    _package(packages, "langchain-openai", "1.7.3", "langchain-core", "openai (>=2)", "requests")
    _package(packages, "groq", "1.7.0", "httpx<1,>=0.23.0", "aiohttp; extra == 'aiohttp'")

    told = _with(project, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    found = {one["name"]: (one["on"], one["covered"]) for one in told["sdks"]}
    assert found["boto3"] == (["urllib3"], False)
    assert found["langchain-openai"] == (["httpx2"], True)
    assert found["groq"] == (["httpx"], True)


def test_a_version_that_does_not_do_is_a_problem(project: Path) -> None:
    _package(project / "packages", "httpx2", "3.0.1")
    _package(project / "packages", "orjson", "3.9.15")

    told = _with(project, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    assert told["problems"] == [
        "orjson 3.9.15 is not supported: pip install 'orjson>=3.10'",
        "httpx2 3.0.1 is not supported: pip install 'httpx2>=2.10,<3'",
    ]


def test_a_plugin_that_claims_a_name_of_ours_is_a_problem(project: Path) -> None:
    packages = project / "packages"
    _package(packages, "pytest-other", "1.0", plugin="other_plugin")
    (packages / "other_plugin.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--replay-mode', default='')\n"
    )

    told = _with(project)

    assert told["pytest"]["pytest-other"] == "1.0"
    [problem] = told["problems"]
    assert "pytest does not start with the plugins that are installed: " in problem
    assert "--replay-mode" in problem
    assert "switch one off with -p no:" in problem


def test_the_sdks_are_those_that_are_tested() -> None:
    environments = tomllib.loads((ROOT / "tests" / "sdks" / "sdks.toml").read_text("utf-8")).values()
    tested = {re.split(r"[=\[]", one["install"][0])[0].replace("_", "-") for one in environments}

    assert {*SDKS} == {*tested, "boto3"}


def test_the_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert list(EXTRAS) == sorted(project["optional-dependencies"])


def test_an_extra_that_is_missing_is_told_with_its_use(project: Path) -> None:
    metadata_of_ours = project / "packages" / f"replaycache-{__version__}.dist-info"
    _package(
        project / "packages",
        "replaycache",
        __version__,
        'brotli>=1.2; extra == "brotli"',
        "nowhere; extra == 'zstd'",
    )

    screen = run_in_terminal(
        "doctor", cwd=project, PYTHONPATH=os.pathsep.join([str(metadata_of_ours.parent), str(ROOT)])
    )

    assert "zstd (answers that come in zstd)" in " ".join(screen.text.split())
    assert screen.status == 0
