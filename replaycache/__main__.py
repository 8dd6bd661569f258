"""The program: `replaycache`, or `python -m replaycache`.

The command line is an extra: programs of users who want none install nothing for it.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec


def main() -> None:
    """Runs the command line and ends the process with its status: 2 where the extra is not installed."""
    if find_spec("click") is None:
        extra = "serve" if sys.argv[1:2] == ["serve"] else "cli"  # it has all that the other has
        print(  # noqa: T201  # click is what would print it
            f"Error: the command line needs click, which the extra `{extra}` brings: "
            f'pip install "replaycache[{extra}]"',
            file=sys.stderr,
        )
        sys.exit(2)
    from .cli import main as command_line

    command_line(prog_name="replaycache")


if __name__ == "__main__":
    main()
