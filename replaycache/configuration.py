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

import os
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

from ._errors import ConfigurationError, did_you_mean
from .accounts import BUDGET_VARIABLE
from .match import Match
from .options import IGNORE_HOSTS_VARIABLE, MODE_VARIABLE, Options
from .redaction.redact import Redact
from .stores import DIRECTORY_VARIABLE, check_names_store

SECTIONS = ("serve",)
"""Tables beside the options; whose they are checks what is in them."""

VARIABLES = {
    "store": DIRECTORY_VARIABLE,
    "mode": MODE_VARIABLE,
    "budget": BUDGET_VARIABLE,
    "ignore_hosts": IGNORE_HOSTS_VARIABLE,
}
"""Of the environment, by the options that they say."""

_IN_CODE = ("keep", "on_hit", "on_miss", "on_store")
_IN_CODE_OF_MATCH = ("normalize", "cacheable")
OPTIONS = (
    "store",
    *(option.name for option in fields(Options) if option.init and option.name not in _IN_CODE),
)
"""That can stand in a file."""

_TABLE = rb"""(?m)tool["']?\s*\.\s*["']?replaycache\b|(?:^|\{)[ \t]*replaycache\s*(?:\.|=\s*\{)"""
"""How it looks in a file that cannot be read."""

_PROJECT = (".git", ".hg")
"""What the directory of a project holds, besides a pyproject.toml: nothing above it is the project's."""


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

    @property
    def mode_as(self) -> str:
        """How a mode is named where the file names one, with `{}` for it; empty where it names none."""
        return f'mode = "{{}}" in {self.path}' if "mode" in self.options else ""


def defaults(start: Path | None = None) -> Configuration:
    """What the nearest pyproject.toml says, without the options that the environment says.

    Raises:
        ConfigurationError: as `read_configuration`.
    """
    found = read_configuration(start)
    said = {name for name, variable in VARIABLES.items() if os.environ.get(variable)}
    return found._replace(options={name: value for name, value in found.options.items() if name not in said})


def read_configuration(start: Path | None = None) -> Configuration:
    """Reads the nearest pyproject.toml: in a directory or the first above it that has one, up to the project's.

    One without `[tool.replaycache]` says nothing, whatever else is in it or wrong with it, and ends the search. So
    does one that others have put where everybody may write.

    Args:
        start: the directory; None for the current one.

    Raises:
        ConfigurationError: the file cannot be opened, one with that table cannot be read, a name is misspelt or a
            value is wrong.
    """
    nothing = Configuration(None, {}, {})
    try:
        directory = (start or Path.cwd()).absolute()
    except OSError:  # it was removed
        return nothing
    for parent in (directory, *directory.parents):
        path = parent / "pyproject.toml"
        if os.path.isfile(path):
            return nothing if _is_planted(path) else _read(path)
        if any(os.path.exists(parent / name) for name in _PROJECT):
            break
    return nothing


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
            near = did_you_mean(name, known) or "."
            raise ConfigurationError(f"{where}: there is no {name!r}{near} It takes {', '.join(sorted(known))}")


def _is_planted(path: Path) -> bool:
    """Whether somebody else has put a file into a directory in which everybody may write, as in /tmp."""
    directory, owners = path.parent.stat(), {path.stat().st_uid, path.lstat().st_uid}  # of a link, too
    others = hasattr(os, "geteuid") and not owners <= {os.geteuid(), 0, directory.st_uid}
    return others and bool(directory.st_mode & stat.S_IWOTH)


def _read(path: Path) -> Configuration:
    document: dict[str, Any] = {}
    try:
        data = path.read_bytes()
    except OSError as error:  # it may forbid live calls
        raise ConfigurationError(
            f"{path} cannot be read, so that nobody knows what it says of replaycache: {error.strerror}. "
            f"Check its permissions"
        ) from error
    plain = data.replace(b"\0", b"")  # in UTF-16 too, which TOML never is
    if b"replaycache" in plain:
        import tomllib  # most files do not name us

        try:
            document = tomllib.loads(data.decode())
        except (ValueError, RecursionError) as error:
            if re.search(_TABLE, plain):
                raise ConfigurationError(f"{path} cannot be read: {error}") from error
    tool = document.get("tool", {})
    where = f"{path}: [tool.replaycache]"
    table = _table(tool.get("replaycache", {}) if isinstance(tool, dict) else {}, where)
    _check_is_no_function(table, _IN_CODE, where)
    check_names(table, (*OPTIONS, *SECTIONS), where)
    sections = {
        name: _table(table[name], f"{path}: [tool.replaycache.{name}]") for name in SECTIONS if name in table
    }
    options = {name: _option(name, value, path) for name, value in table.items() if name in OPTIONS}
    return Configuration(path, options, sections)


def _check_is_no_function(table: Mapping[str, Any], in_code: Collection[str], where: str) -> None:
    for name in in_code:
        if name in table:
            raise ConfigurationError(f"{where}: {name} is a function, and can be given in code only")


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
        _check_is_no_function(_table(value, where), in_code, where)
        check_names(value, [one for one in signature(kind).parameters if one not in in_code], where)
        if name == "match" and isinstance(value.get("scrub"), list):  # TOML has no pairs
            scrub = [tuple(one) if isinstance(one, list) else one for one in value["scrub"]]
            value = {**value, "scrub": scrub}
        value = _checked(lambda: kind(**value), where)
    check_option(name, value, where)
    return value


def check_option(name: str, value: Any, where: str) -> None:
    """Looks at the value of an option, whatever the environment says of others.

    Raises:
        ConfigurationError: it is wrong; `where` says in the message where it stands.
    """
    if name == "budget":  # whether prices are known is asked by who has calls to pay
        from .accounts.budget import parse_limit

        parse_limit(value, f"{where}: {name}")
    else:
        _checked(lambda: Options.parse({"mode": "auto", "ignore_hosts": (), name: value}), where)


def _store(value: Any, path: Path, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{where}: store={value!r} is wrong; it takes text, or a list of texts")
    _checked(lambda: check_names_store(value, "store"), where)
    is_path = value != ":memory:" and "://" not in value
    return str(path.parent / os.path.expanduser(value)) if is_path else value


def _checked(make: Any, where: str) -> Any:
    try:
        return make()
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
