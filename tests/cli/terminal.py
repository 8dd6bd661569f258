"""A pseudo-terminal to run the command in, as a person has it in front of them."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import NamedTuple

__all__ = ["COLUMNS", "Screen", "cells", "run_in_terminal"]

COLUMNS = 80
ROOT = str(Path(__file__).resolve().parents[2])

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


class Screen(NamedTuple):
    """What came to a terminal, as it was written and without its styles; and the exit status."""

    raw: str
    text: str
    status: int


def cells(line: str) -> int:
    """How wide a terminal shows a line: ideographs and emoji take two cells, what joins or marks others none."""
    wide = sum(unicodedata.east_asian_width(character) in ("W", "F") for character in line)
    return len(line) + wide - sum(unicodedata.category(character) in ("Mn", "Cf") for character in line)


def run_in_terminal(
    *arguments: str, columns: int = COLUMNS, cwd: Path | None = None, **environment: str
) -> Screen:
    """Runs `replaycache` with a terminal of so many columns as its standard input, output and error."""
    import fcntl
    import pty
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    # the terminal must not turn line feeds into CR LF: the text is compared
    modes = termios.tcgetattr(follower)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(follower, termios.TCSANOW, modes)
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "CI")}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "replaycache", *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=cwd,
        env=inherited
        | {"TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(filter(None, [ROOT, *sys.path]))}
        | environment,
        close_fds=True,
    )
    os.close(follower)
    pieces = []
    try:
        while piece := os.read(leader, 1 << 16):
            pieces.append(piece)
    except OSError:
        pass  # Linux says so that nobody has the terminal open any more
    finally:
        os.close(leader)
    status = process.wait(timeout=60)
    raw = b"".join(pieces).decode("utf-8", "replace")
    return Screen(raw, _STYLE.sub("", raw), status)


if __name__ == "__main__":
    print(run_in_terminal(*sys.argv[1:], columns=int(os.environ.get("WIDTH", COLUMNS))).text, end="")
