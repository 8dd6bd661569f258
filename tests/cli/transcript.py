"""The session in README, as a new user would have it in a terminal of 80 columns.

    python -m tests.cli.transcript

records it anew and writes it into README.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from pathlib import Path

from tests.cli.terminal import run_in_terminal

__all__ = ["README", "SESSION", "comparable", "in_readme", "record"]

README = Path(__file__).resolve().parents[2] / "README.md"
SESSION = (
    "demo",
    "ls",
    "show 9bf8 --response",
    "explain 9bf8 --host '127.0.0.1:*=demo.replaycache.invalid'",
    "stats --by model",
)
"""What is typed after `replaycache`; `9bf8` is the key that the demonstration's request has everywhere."""
HOME = "/home/me"

_BLOCK = re.compile(r"(?<=```console\n)\$ replaycache demo\n.*?(?=^```)", re.DOTALL | re.MULTILINE)


def record(home: Path) -> str:
    """Runs the session in an empty home directory, and returns what a person would have seen."""
    pieces = []
    for typed in SESSION:
        screen = run_in_terminal(
            *shlex.split(typed), cwd=home, HOME=str(home), REPLAYCACHE_DIR=str(home / ".cache" / "replaycache")
        )
        text = screen.text.replace(str(home), HOME)
        if screen.status:
            raise RuntimeError(f"replaycache {typed} ended with {screen.status}: {text}")
        lines = [line.rstrip() for line in text.splitlines()]
        pieces.append("\n".join([f"$ replaycache {typed}", *lines, ""]))
    return "\n".join(pieces)


def in_readme() -> str:
    """The session as it stands in README.

    Raises:
        ValueError: there is none.
    """
    found = _BLOCK.search(README.read_text("utf-8"))
    if found is None:
        raise ValueError(f"{README} has no block that begins with `$ replaycache demo`")
    return found[0]


_VARIES = (
    (r"127\.0\.0\.1:\d+|port \d+", "PORT"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ", "MOMENT"),
    (r"(just now|(now|\d+[sm]) ago)", "AGE"),
    (r"(?<=9bf8aecc) +(now|\d+[sm])\b", " AGE"),
    (r"\d+(\.\d+)? (s|ms|µs)\b", "TIME"),
    (r"(?<=timeline) +[ ▁▂▃▄▅▆▇█]+", " BARS"),
    (r"(?<=in )\d+(?= chunks)", "N"),  # a busy machine joins chunks
    (r" +", " "),
)


def comparable(text: str) -> str:
    """A session without what is another each time: ports, moments, times, and how chunks were joined."""
    for pattern, placeholder in _VARIES:
        text = re.sub(pattern, placeholder, text)
    return text


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        recorded = record(Path(home))
    written = _BLOCK.sub(lambda _: recorded, README.read_text("utf-8"))
    README.write_text(written, "utf-8")
    print(recorded)
