"""What holds for every command: help, exit statuses, outputs, what is loaded."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from replaycache.cli import COMMANDS
from tests.cli.recorded import chat, disk, replaycache
from tests.cli.terminal import run_in_terminal


def _process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "replaycache", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment,
    )


def test_help_names_every_command_and_imports_none() -> None:
    code = (
        "import sys\nfrom replaycache.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())

    assert [
        line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines()[1 : 1 + len(COMMANDS)]
    ] == list(COMMANDS)
    assert not loaded & {
        "httpx",
        "httpx2",
        "diskcache",
        "orjson",
        "replaycache.stores",
        "replaycache.match",
    }
    assert not {f"replaycache.cli.{lazy.module}" for lazy in COMMANDS.values()} & loaded


@pytest.mark.parametrize(("command", "extra"), [("ls", "cli"), ("serve", "serve")])
def test_without_its_extra_it_says_what_to_install(command: str, extra: str) -> None:
    code = "import sys\nsys.modules['click'] = None\nfrom replaycache.__main__ import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: the command line needs click, which the extra `{extra}` brings: "
        f'pip install "replaycache[{extra}]"\n'
    )


def test_an_interrupt_ends_quietly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "replaycache", "demo", "--store", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("1. live")
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=60)

    assert process.returncode == 130
    assert complaints.strip() == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process at once")
def test_sigterm_leaves_nothing_half_written(tmp_path: Path) -> None:
    disk(tmp_path / "cache", chat())
    target = tmp_path / "out.yaml"
    code = (
        "import os, signal, sys\n"
        "from replaycache.cli import main\n"
        "def hook(event, arguments):\n"
        "    if event == 'os.rename' and str(arguments[1]).endswith('out.yaml'):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.addaudithook(hook)\n"
        "main(sys.argv[1:])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, "export", str(target), "--store", str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (143, "")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_a_shell_completes_commands_keys_and_files(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat())

    def complete(*words: str) -> list[str]:
        done = _process(
            _REPLAYCACHE_COMPLETE="bash_complete",
            COMP_WORDS=" ".join(["replaycache", *words]),
            COMP_CWORD=str(len(words)),
        )
        return done.stdout.split()

    assert complete("sh") == ["plain,show"]
    assert complete("show", "--store", str(tmp_path), key[:2]) == [f"plain,{key}"]
    assert complete("show", "--store", str(tmp_path / "gone"), key[:2]) == [f"file,{key[:2]}"]
    assert complete("show", "./ca") == ["file,./ca"]
    assert complete("ls", "cas") == ["file,cas"]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_there_and_its_help_fits(name: str) -> None:
    done = replaycache(name, "--help")

    assert done.exit_code == 0
    assert f" {name} " in done.stdout.splitlines()[0]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_exit_statuses_are_documented() -> None:
    text = " ".join(replaycache("--help").stdout.split())

    assert (
        "0 done; 1 a difference, drift or finding, or nothing matched; 2 wrong arguments; 3 it could not" in text
    )


def test_a_misspelt_command_and_option_get_a_hint() -> None:
    command = replaycache("shwo")
    option = replaycache("ls", "--limti", "3")

    assert (command.exit_code, option.exit_code) == (2, 2)
    assert "Did you mean 'show'?" in command.stderr
    assert "--limit" in option.stderr
    assert command.stdout == option.stdout == ""


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    disk(tmp_path, *(chat(f"question {number} {'x' * 2000}") for number in range(200)))
    process = subprocess.Popen(
        [sys.executable, "-m", "replaycache", "ls", "--json", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    first = process.stdout.readline()
    process.stdout.close()
    complaints = process.stderr.read()
    process.stderr.close()

    assert first.startswith(b"{")
    assert complaints == b""
    assert process.wait(timeout=60) == 141


def test_a_reader_of_what_is_shown_of_one_recording_may_go_away_too(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat(f"question {'x' * 400_000}"))
    process = subprocess.Popen(
        [sys.executable, "-m", "replaycache", "show", key, "--store", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    complaints = process.stderr.read()
    process.stderr.close()

    assert complaints == b""
    assert process.wait(timeout=60) == 141


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX closes the descriptor")
@pytest.mark.parametrize("command", ["ls", "show"])
def test_a_closed_standard_output_is_no_error(command: str, tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat())
    arguments = ["ls", str(tmp_path)] if command == "ls" else ["show", key, "--store", str(tmp_path)]

    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "replaycache", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_bare_name_shows_help_once() -> None:
    done = _process()

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("Usage: replaycache") == 1
    assert "Error" not in done.stderr


def test_a_terminal_without_colour_gets_none(tmp_path: Path) -> None:
    disk(tmp_path, chat())
    colour = re.compile(r"\x1b\[[\d;]*3[0-7]")

    coloured = run_in_terminal("ls", str(tmp_path))
    without = run_in_terminal("ls", str(tmp_path), NO_COLOR="1")
    dumb = run_in_terminal("ls", str(tmp_path), TERM="dumb")

    assert colour.search(coloured.raw)
    assert not colour.search(without.raw)
    assert "\x1b" not in dumb.raw
    assert coloured.text == without.text == dumb.text


def test_an_encoding_without_the_characters_gets_others(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat("Sag „hallo“ 日本"))

    done = _process("show", key, "--store", str(tmp_path), PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert done.returncode == 0, done.stderr
    assert r"Sag \u201ehallo\u201c \u65e5\u672c" in done.stdout


def test_what_is_wrong_with_a_store_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"SQLite format 3\0 and then nonsense" * 100)

    done = _process("ls", str(tmp_path))

    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
