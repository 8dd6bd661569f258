"""The pages of docs/, and their blocks as programs, tests and commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["blocks", "run", "run_tests", "shell"]

ROOT = Path(__file__).resolve().parents[2]
_SURROUNDINGS = {
    name: value
    for name, value in os.environ.items()
    if name not in ("CI", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER")
    and not name.startswith(("OPENAI", "REPLAYCACHE"))
}


def blocks(page: str, *languages: str) -> list[str]:
    """The blocks of a page in these languages, in its order.

    Args:
        page: under docs/, such as `how-to/agents.md`.
        languages: as they stand behind the fence.
    """
    text = (ROOT / "docs" / page).read_text("utf-8")
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def _run(command: list[str], cwd: Path, environment: dict[str, str], returns: int | None) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**_SURROUNDINGS, "PYTHONPATH": str(ROOT), "REPLAYCACHE_DIR": str(cwd / "cache"), **environment},
    )
    told = done.stdout + done.stderr
    assert returns is None or done.returncode == returns, (command, told)
    return told


def run(code: str, cwd: Path, **environment: str) -> str:
    """What a program says."""
    return _run([sys.executable, "-c", code], cwd, {"OPENAI_API_KEY": "placeholder", **environment}, 0)


def run_tests(
    cwd: Path, *arguments: str, plugins: tuple[str, ...] = (), fails: bool = False, **environment: str
) -> str:
    """What pytest says of the tests in a directory, with our plugin alone, or with these."""
    named = [word for plugin in plugins or ("replaycache.pytest_plugin",) for word in ("-p", plugin)]
    return _run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *named, *arguments],
        cwd,
        {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        int(fails),
    )


def shell(commands: str, cwd: Path, **environment: str) -> str:
    """What the commands of a block say, in a shell that finds this `python` and this `replaycache`; those that
    install something are left out."""
    programs = cwd / "programs"
    programs.mkdir(exist_ok=True)
    for name, words in (("replaycache", "-m replaycache "), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        program.chmod(0o755)
    wanted = "".join(line for line in commands.splitlines(keepends=True) if not line.startswith("pip "))
    paths = os.pathsep.join((str(programs), os.environ["PATH"]))
    return _run([shutil.which("sh") or "sh", "-ec", wanted], cwd, {"PATH": paths, **environment}, 0)
