"""Prints what CHANGELOG.md says of a version, for its release.

python .ci/release_notes.py v1.2.3    exits with 1 unless it is pyproject.toml's version, and dated
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def notes(tag: str, version: str, changelog: str) -> str:
    """The section of a version, without its heading.

    Raises:
        SystemExit: the tag names another version, or the section is not there, is empty, or says no date.
    """
    if tag != f"v{version}":
        raise SystemExit(f"the tag is {tag}, and the version in pyproject.toml is {version}; tag v{version}")
    found = re.search(
        rf"^## {re.escape(version)}, ([^\n]+)\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE
    )
    if found is None or not found[2].strip():
        raise SystemExit(f"CHANGELOG.md says nothing of {version}; write a section '## {version}, YYYY-MM-DD'")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", found[1]) is None:
        raise SystemExit(f"CHANGELOG.md has {version} as {found[1]!r}; give it the date of today, YYYY-MM-DD")
    return found[2].strip() + "\n"


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    sys.stdout.write(notes(sys.argv[1], project["version"], (ROOT / "CHANGELOG.md").read_text("utf-8")))


if __name__ == "__main__":
    main()
