"""The site: `.ci/docs` builds it of the pages beside this file."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers
from sphinx.util.logging import getLogger

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from replaycache import __version__  # noqa: E402  # it stands beside the pages
from replaycache.cli import COMMANDS, main  # noqa: E402

REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["metadata"]["hooks"][
    "custom"
]["repository"]

project = "replaycache"
author = "The replaycache developers"
copyright = author  # Sphinx's name
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_*"]
default_role = "code"
add_module_names = False
python_use_unqualified_type_names = True

myst_heading_anchors = 4
lexers["gitattributes"] = TextLexer()

autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_use_rtype = False

html_theme = "furo"
pygments_dark_style = "monokai"  # furo's own underlines what is imported
html_title = "replaycache"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "docs/",
}

_FENCED = re.compile(r"^(```.*?^```)$", re.DOTALL | re.MULTILINE)
_GLOB = re.compile(r"```\{toctree\}[^`]*\n([\w-]+)/\*\n```\n")
_TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
_CODE = re.compile(r'(?<=<span class="pre">)[^<]+')
_UPWARDS = re.compile(r"(?<!!)(\[[^\]]*\]\()((?:\.\./)+[^)#\s]+)")


def _prepared(app: Any, docname: str, source: list[str]) -> None:
    """A page as it is built: with what is made of the code, and links out of docs/ that lead to the repository."""
    if docname == "reference/command-line":
        source[0] += "".join(map(_help, COMMANDS))
    if docname == "index":  # a directory may have no page yet
        source[0] = _GLOB.sub(lambda found: found[0] if any(HERE.glob(f"{found[1]}/*.md")) else "", source[0])
    pieces = _FENCED.split(source[0])
    place = (HERE / docname).parent
    pieces[::2] = (_UPWARDS.sub(lambda link: link[1] + _address(place, link[2]), piece) for piece in pieces[::2])
    source[0] = "".join(pieces)


def _help(name: str) -> str:
    program = click.Context(main, info_name="replaycache")
    command = main.get_command(program, name)
    assert command is not None
    told = command.get_help(click.Context(command, parent=program, info_name=name, max_content_width=80))
    return f"\n### {name}\n\n```text\n{told}\n```\n"


def _address(place: Path, target: str) -> str:
    path = Path(os.path.normpath(place / target))
    if path.is_relative_to(HERE):
        return target
    if not path.exists():
        getLogger(__name__).warning("%s: there is no %s", place.relative_to(ROOT), target)
    return f"{REPOSITORY}/blob/main/{path.relative_to(ROOT)}"


def _docstring(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """An indented paragraph of a docstring is code."""
    for number in range(len(lines) - 1, 0, -1):
        above = next((line for line in reversed(lines[:number]) if line), "")
        if lines[number].startswith("    ") and not lines[number - 1] and not above.startswith(" "):
            lines[number:number] = ["::", ""]


def _breakable(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Lets code in tables break behind its signs, as `<wbr>` does, which is not copied with it."""

    def broken(table: re.Match[str]) -> str:
        return _CODE.sub(lambda code: re.sub(r"(?<=.{9}[(=/.,_-])(?=[^)].{3})", "<wbr>", code[0]), table[0])

    context["body"] = _TABLE.sub(broken, context.get("body", ""))


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _prepared)
    app.connect("html-page-context", _breakable)
    app.connect("autodoc-process-docstring", _docstring, priority=400)  # before napoleon
