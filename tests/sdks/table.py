"""The table of SDKs that the documentation has, read for its tests and for the pages that are made of it."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

__all__ = ["HERE", "NOTES", "SDKS", "Row", "rows"]

HERE = Path(__file__).resolve().parent
SDKS = tomllib.loads((HERE / "sdks.toml").read_text("utf-8"))
_TEXT = (HERE.parents[1] / "docs" / "sdks" / "index.md").read_text("utf-8")

NOTES = {
    mark: " ".join(note.split())
    for mark, note in zip("¹²³⁴⁵⁶⁷⁸⁹", re.findall(r"^\d\. (.*(?:\n   .*)*)", _TEXT, re.MULTILINE), strict=False)
}
"""By the mark that a row has; each in one line."""


class Row(NamedTuple):
    """What the table says of an SDK.

    Attributes:
        sdk: its name, with the line of versions where there are several.
        version: that is tested.
        code: the line that gives it a transport; None where it takes none.
        module: where that transport is from.
        installed: whether `install()` holds for it.
        marks: of the notes that stand behind the row.
    """

    sdk: str
    version: str
    code: str | None
    module: str
    installed: str
    marks: str

    def __str__(self) -> str:
        return self.sdk

    @property
    def environment(self) -> str:
        """Of the file of tests: `openai 2.x` is tested in openai2."""
        return self.sdk.replace(" ", "").removesuffix(".x")

    @property
    def source(self) -> ast.Module:
        """The tests of it."""
        name = f"test_{self.environment.replace('-', '_')}.py"
        return ast.parse((HERE / name).read_text("utf-8"))


def rows() -> list[Row]:
    """The table, in its order."""
    found = []
    for line in _TEXT.splitlines():
        if line.startswith("| ["):
            sdk, version, code, adapter, installed = (cell.strip() for cell in line.strip("|").split("|"))
            quoted = re.match("`(.*)`", code)
            marks = "".join(dict.fromkeys(re.findall(f"[{''.join(NOTES)}]", line)))
            name = re.sub(r"\[([^]]*)\].*", r"\1", sdk)
            module = adapter and f"replaycache.{adapter.strip('`')}"
            found.append(Row(name, version, quoted and quoted[1], module, installed, marks))
    return found
