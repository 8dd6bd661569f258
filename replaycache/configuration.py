"""The options that stand in a file: `[tool.replaycache]` of the nearest pyproject.toml.

[tool.replaycache]
mode = "replay"
ttl = "7d"

[tool.replaycache.match]
ignore = ["metadata.run_id"]

[tool.replaycache.serve]
port = 8400
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

from ._errors import ConfigurationError
from .match import Match
from .options import Options
from .redaction.redact import Redact
from .stores import check_names_store

__all__ = ["Configuration", "check_names", "read_configuration"]

SECTIONS = ("serve",)
"""Tables beside the options; whose they are checks what is in them."""

_IN_CODE = ("keep", "on_hit", "on_miss", "on_store")
_IN_CODE_OF_MATCH = ("normalize", "cacheable")
_OPTIONS = (
    "store",
    *(option.name for option in fields(Options) if option.init and option.name not in _IN_CODE),
)


class Configuration(NamedTuple):
    """What a file says.

    Attributes:
        path: of the file; None where there is none.
        options: those that mean the same everywhere, `store` among them; `match` and `redact` are made of their
            tables. A path is relative to the file.
        sections: the other tables, by their names, as they stand there.
    """

    path: Path | None
    options: Mapping[str, Any]
    sections: Mapping[str, Mapping[str, Any]]


def read_configuration(start: Path | None = None) -> Configuration:
    """Reads the nearest pyproject.toml: in a directory or the first above it that has one.

    Args:
        start: the directory; None for the current one.

    Raises:
        ConfigurationError: the file cannot be read, a name is misspelt or a value is wrong.
    """
    directory = (start or Path.cwd()).absolute()
    for parent in (directory, *directory.parents):
        path = parent / "pyproject.toml"
        if path.is_file():
            return _read(path)
    return Configuration(None, {}, {})


def check_names(given: Collection[str], known: Collection[str], where: str) -> None:
    """Looks for misspelt names.

    Args:
        given: the names.
        known: those that there are.
        where: they stand, for the message.

    Raises:
        ConfigurationError: one is not among them; the text says which comes nearest.
    """
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, list(known), n=1)
            guess = f"; did you mean {close[0]!r}?" if close else "."
            raise ConfigurationError(f"{where}: there is no {name!r}{guess} It takes {', '.join(sorted(known))}")


def _read(path: Path) -> Configuration:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    tool = document.get("tool", {})
    table = tool.get("replaycache", {}) if isinstance(tool, dict) else {}
    where = f"{path}: [tool.replaycache]"
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where} is no table")
    for name in _IN_CODE:
        if name in table:
            raise ConfigurationError(f"{where}: {name} is a function, and can be given in code only")
    check_names(table, (*_OPTIONS, *SECTIONS), where)
    sections = {
        name: _table(table[name], f"{path}: [tool.replaycache.{name}]") for name in SECTIONS if name in table
    }
    options: dict[str, Any] = {}
    for name, value in table.items():
        if name in _OPTIONS:
            options[name] = _option(name, value, path)
    return Configuration(path, options, sections)


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} is no table")
    return value


def _option(name: str, value: Any, path: Path) -> Any:
    where = f"{path}: [tool.replaycache]"
    if name == "store":
        if isinstance(value, list) and value:
            return [_store(one, path, where) for one in value]
        return _store(value, path, where)
    if name in ("match", "redact"):
        kind, in_code = (Match, _IN_CODE_OF_MATCH) if name == "match" else (Redact, ())
        where = f"{path}: [tool.replaycache.{name}]"
        check_names(_table(value, where), [one for one in signature(kind).parameters if one not in in_code], where)
        if name == "match" and isinstance(value.get("scrub"), list):  # TOML has no pairs
            scrub = [tuple(one) if isinstance(one, list) else one for one in value["scrub"]]
            value = {**value, "scrub": scrub}
        value = _checked(lambda: kind(**value), where)
    _checked(lambda: Options.parse({name: value}), where)
    return value


def _store(value: Any, path: Path, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{where}: store={value!r} is wrong; it takes text, or a list of texts")
    _checked(lambda: check_names_store(value, "store"), where)
    is_path = value != ":memory:" and "://" not in value
    return str(path.parent / Path(value).expanduser()) if is_path else value


def _checked(make: Any, where: str) -> Any:
    try:
        return make()
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
