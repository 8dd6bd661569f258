"""The program: `replaycache`, or `python -m replaycache`.

The command line is an extra: httpx imports its own wherever click, rich and pygments are installed, and every
program of a user who wants none would pay for that.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

__all__ = ["main"]

_NEEDED = ("click", "rich")


def main() -> None:
    """Runs the command line and ends the process with its status: 2 where the extra is not installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        extra = "serve" if sys.argv[1:2] == ["serve"] else "cli"  # it has all that the other has
        print(  # noqa: T201  # click is what would print it
            f"Error: the command line needs {' and '.join(missing)}, which the extra `{extra}` brings: "
            f'pip install "replaycache[{extra}]"',
            file=sys.stderr,
        )
        sys.exit(2)
    from .cli import main as command_line

    command_line(prog_name="replaycache")


if __name__ == "__main__":
    main()
