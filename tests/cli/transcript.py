"""The session in docs/reference/command-line.md, as a new user would have it in a terminal of 80 columns.

    python -m tests.cli.transcript

records it anew, writes it into that page, and its first command into docs/demo.svg.
"""

from __future__ import annotations

import io
import re
import shlex
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.cli.terminal import COLUMNS, run_in_terminal

__all__ = ["PICTURE", "SESSION", "comparable", "demonstration", "in_page", "record"]

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "reference" / "command-line.md"
PICTURE = DOCS / "demo.svg"
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


def in_page() -> str:
    """The session as it stands in the page.

    Raises:
        ValueError: there is none.
    """
    found = _BLOCK.search(PAGE.read_text("utf-8"))
    if found is None:
        raise ValueError(f"{PAGE} has no block that begins with `$ replaycache demo`")
    return found[0]


def demonstration(session: str) -> list[str]:
    """The lines of the session's first command."""
    return session.partition("\n\n$ ")[0].splitlines()


def picture(session: str) -> str:
    """The session's first command in a terminal, as SVG that loads nothing."""
    lines = demonstration(session)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(Text(line, style="bold" if re.match(r"\$|\d\. ", line) else ""))
    drawn = console.export_svg(title="replaycache", unique_id="demo")
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # they are fetched
    return re.sub(r"[ \t]+$", "", drawn, flags=re.MULTILINE)


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
    PAGE.write_text(_BLOCK.sub(lambda _: recorded, PAGE.read_text("utf-8")), "utf-8")
    PICTURE.write_text(picture(recorded), "utf-8")
    print(recorded)
