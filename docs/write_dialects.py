"""Writes the table of APIs in `same-request.md`, of the dialects' rows: `python docs/write_dialects.py`.

With `--check` it writes nothing, and exits with 1 where the table is another.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from replaycache.dialects.dialect import Dialect  # noqa: E402  # it stands beside the pages
from replaycache.dialects.registry import DIALECTS  # noqa: E402

PAGE = HERE / "same-request.md"
_TABLE = re.compile(r"(?<=<!-- dialects -->\n).*?(?=<!-- end -->)", re.DOTALL)


def table() -> str:
    """A row for each API of which there is something to say, and the names of the others that have hosts."""
    lines = [
        "| API | a cache keeps the calls | headers that count | the same as leaving it out, on its own hosts |",
        "|---|---|---|---|",
    ]
    others = []
    for dialect in DIALECTS:
        calls = _code(path for each in dialect.endpoints if each.kind == "generates" for path in each.paths)
        cells = [calls, _code(header.name for header in dialect.headers), _the_same(dialect)]
        if any(cells):
            lines.append(f"| {dialect.name} | {' | '.join(cells)} |")
        elif dialect.base_url is not None:
            others.append(dialect.name)
    return "\n".join([*lines, "", f"Known by their hosts, with the calls of the others: {', '.join(others)}.", ""])


def _the_same(dialect: Dialect) -> str:
    """What is folded: values, nulls, and spellings."""
    values = _code(f"{row.parameter}={json.dumps(row.value)}" for row in dialect.no_ops if row.value is not None)
    nulls = _code(row.parameter for row in dialect.no_ops if row.value is None)
    spellings = "; ".join(dict.fromkeys(row.what for row in dialect.equivalents))
    return "; ".join(filter(None, [values, nulls and f"`null` for {nulls}", spellings]))


def _code(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in dict.fromkeys(texts))


def main() -> int:
    """Writes the table, or tells whether it is another."""
    before = PAGE.read_text("utf-8")
    after = _TABLE.sub(lambda _: table(), before)
    if "--check" not in sys.argv:
        PAGE.write_text(after, "utf-8")
    elif before != after:
        print(f"{PAGE.name}: not what `python docs/write_dialects.py` writes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
