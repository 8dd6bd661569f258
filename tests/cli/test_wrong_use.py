"""What is wrong with the arguments ends with 2 and names the argument; what the environment says wrong with 3."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.recorded import cassette, chat, replaycache
from tests.cli.terminal import run_in_terminal


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ok.py").write_text("print('it ran')")
    cassette(tmp_path / "a.json", chat())
    (tmp_path / "there.har").write_text("{}")
    (tmp_path / "there.yaml").write_text("{}")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("run", "--ttl", "7x", "ok.py"), "--ttl='7x' is no time"),
        (("run", "--ignore-hosts", "http://x", "ok.py"), "--ignore-hosts='http://x'"),
        (("run", "--budget", "much", "ok.py"), "--budget='much' is no budget"),
        (("run", "--store", "x.yaml", "ok.py"), "--store='x.yaml' is named like a file"),
        (("run", "--store", "memcached://h", "ok.py"), "--store='memcached://h' is not supported"),
        (("run", "--store", "redis://", "ok.py"), "--store: redis:// names no host"),
        (("ls", "redis://h/x"), "STORE: the database of a shared store is a number"),
        (("import", "a.json", "--store", "x.yaml"), "--store='x.yaml' is named like a file"),
        (("import", "a.json", "--store", "memcached://h"), "--store='memcached://h' is not supported"),
        (("import", "a.json", "--store", "redis://h?namespace=a:b"), "--store: namespace='a:b' is wrong"),
        (("export", "x.txt", "--store", "a.json"), "TARGET='x.txt' is named like a file"),
        (("export", "x.har", "--store", "a.json"), "TARGET='x.har' is named like a file"),
        (("export", "", "--store", "a.json"), "TARGET='' is not supported"),
        (("verify", "a.json", "--budget", "much"), "--budget='much' is no budget"),
        (("demo", "--store", "x.yaml"), "--store='x.yaml' is named like a file"),
        (
            ("ls", "memcached://h"),
            "'memcached://h' names no store that outlives a process; give a path, or redis://",
        ),
        (("ls", "redis://h?namspace=a"), "STORE: the address of the shared store has no 'namspace'; did you mean"),
        (
            ("run", "--store", "valkey://h?max-age=9", "ok.py"),
            "--store: the address of the shared store has no 'max-",
        ),
        (("ls", ":memory:"), "':memory:' names no store"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_arguments_are_named(arguments: tuple[str, ...], named: str) -> None:
    done = replaycache(*arguments)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")
    assert f"Error: {named}" in done.stderr
    assert "DiskStore" not in done.stderr


@pytest.mark.parametrize("variable", ["REPLAYCACHE_IGNORE_HOSTS", "REPLAYCACHE_MODE", "REPLAYCACHE_BUDGET"])
def test_a_wrong_environment_is_no_wrong_use(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "http://much")

    done = replaycache("run", "ok.py")

    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith(f"Error: {variable}='http://much'")


def test_a_file_that_exists_is_told_before_anything_is_read() -> None:
    done = replaycache("export", "there.yaml", "--store", "gone.json")

    assert (done.exit_code, done.stderr) == (
        3,
        "Error: there.yaml exists. Name another file, or add --force to write it anew.\n",
    )


@pytest.mark.parametrize("name", ["nofile.yaml", "nofile.har", "nofile.json"])
def test_a_file_that_is_not_there_is_looked_for_beside(tmp_path: Path, name: str) -> None:
    done = replaycache("import", name)

    beside = {
        ".yaml": "Beside it are there.yaml.",
        ".har": "Beside it are there.har.",
        ".json": "Beside it are a.json.",
    }
    assert (done.exit_code, done.stderr) == (3, f"Error: {name} does not exist. {beside[Path(name).suffix]}\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize(
    "arguments", [("export", "x.txt"), ("ls", "nope"), ("import", "a.json", "--store", "x.yaml")]
)
def test_texts_fit_the_terminal(tmp_path: Path, arguments: tuple[str, ...], columns: int) -> None:
    screen = run_in_terminal(*arguments, columns=columns, cwd=tmp_path, REPLAYCACHE_DIR="cache")

    assert screen.status in (2, 3)
    assert "Error: " in screen.text
    assert max(map(len, screen.text.splitlines())) <= columns


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
def test_what_pytest_is_told_fits_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(): pass")
    screen = run_in_terminal(
        *("run", "-q", "-m", "pytest", "-p", "replaycache.pytest_plugin", "-p", "no:cacheprovider"),
        *("--replay-orphans", "test_it.py"),
        columns=60,
        cwd=tmp_path,
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
        PYTHONWARNINGS="default",
    )

    assert "Only a part of the tests was selected" in screen.text
    assert max(map(len, screen.text.partition("orphaned")[2].splitlines())) <= 60
