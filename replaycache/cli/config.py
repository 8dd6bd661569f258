"""`replaycache config`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any, NamedTuple

import click

from ..configuration import OPTIONS, VARIABLES, Configuration, read_configuration
from ..match import Match
from ..options import Options, parse_hosts
from ..redaction.redact import Redact
from ..stores import default_directory, is_shared
from ..stores.redis.address import parse_address
from .errors import Status
from .fitting import note
from .given import check_given, given_options
from .output import Column, is_terminal, json_option, write_json, write_table

DEFAULT = "default"
_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]*@|[^/@=\s]*:[^/@\s]*@")
"""Before the host of an address."""
_COLUMNS = (Column("option"), Column("value", least=10, most=60), Column("from", least=24, style="dim"))


class Said(NamedTuple):
    """What an option is.

    Attributes:
        value: of it.
        by: who says so: a flag, a variable of the environment, the path of a file, or `default`.
    """

    value: Any
    by: str


@click.command("config")
@given_options
@click.option("--all", "shows_all", is_flag=True, help="Also the options that nobody says.")
@json_option
def command(shows_all: bool, as_json: bool, **options: Any) -> int:
    """Say which options hold, and who says them.

    They are those of install(), `replaycache run` and, but for the store,
    of marked tests, here and now: the command line (give what you would give
    to `run`) goes before the environment, and that before [tool.replaycache]
    of the nearest pyproject.toml. Of a transport that is made in code, only
    the environment's hold. What the proxy alone has is told as `serve.NAME`.

    Piped, a line has these fields, separated by tabs: option, value, and who
    says it: an option, a variable, a file, or `default`.
    """
    given = check_given(options)
    file = read_configuration()
    found = {name: option_said(name, given, file) for name in OPTIONS}
    lines = {name: said for option in found for name, said in _parts(option, found[option])}
    if not shows_all:
        lines = {name: said for name, said in lines.items() if said.by != DEFAULT}
    lines.update(_of_proxy(file))
    if as_json:
        write_json({name: {"value": _plain(said.value), "from": said.by} for name, said in lines.items()})
        return Status.DONE
    write_table(_COLUMNS, ((name, shown(said.value), _place(said.by)) for name, said in lines.items()))
    if not lines:
        note("Nobody says anything: all options are as they are by default. --all lists them.")
    return Status.DONE


def option_said(name: str, given: Mapping[str, Any], file: Configuration) -> Said:
    """What an option is, and who says so.

    Args:
        name: of the option.
        given: on the command line.
        file: what the nearest pyproject.toml says.

    Raises:
        ConfigurationError: what the environment says is wrong.
    """
    if name in given:
        return Said(given[name], f"--{name.replace('_', '-')}")
    variable = VARIABLES.get(name, "")
    of_environment = os.environ.get(variable)
    if of_environment:
        if name == "store":
            return Said(str(default_directory()), variable)
        Options.parse({})  # looks at what the environment says
        return Said(parse_hosts(None, variable) if name == "ignore_hosts" else of_environment, variable)
    if name in file.options:
        return Said(file.options[name], str(file.path))
    if name == "store":
        return Said(str(default_directory()), DEFAULT)
    return Said("auto" if name == "mode" else signature(Options).parameters[name].default, DEFAULT)


def shown(value: Any) -> str:
    """A value for people; of an address, no credentials."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(shown, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{shown(name)}={shown(one)}" for name, one in value.items()) or "none"
    if is_shared(value):
        return parse_address(value).place
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None or value == "" else _CREDENTIALS.sub("", str(value))


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {shown(name): _plain(one) for name, one in value.items()}
    return shown(value) if isinstance(value, str) and value else value


def _parts(name: str, said: Said) -> Iterator[tuple[str, Said]]:
    """An option by itself, or each rule of those that have several."""
    if not isinstance(said.value, (Match, Redact)):
        yield name, said
        return
    for part, parameter in signature(type(said.value)).parameters.items():
        if parameter.default is None:  # a function
            continue
        value = getattr(said.value, part)
        is_default = value == parameter.default or not (value or parameter.default)
        yield f"{name}.{part}", Said(value, DEFAULT if is_default else said.by)


def _of_proxy(file: Configuration) -> Iterator[tuple[str, Said]]:
    """What is said of the proxy alone; its own command looks at the values."""
    from ..serve.settings import PREFIX, SETTINGS, section_of

    section = section_of(file)
    for row in SETTINGS:
        if os.environ.get(row.variable) and row.variable not in VARIABLES.values():
            yield f"serve.{row.name}", Said(os.environ[row.variable], row.variable)
        elif row.name in section:
            yield f"serve.{row.name}", Said(section[row.name], str(file.path))
    if os.environ.get(f"{PREFIX}TOKEN"):
        yield "serve.token", Said("(not shown)", f"{PREFIX}TOKEN")


def _place(by: str) -> str:
    """A path as short as it can be written here, on a terminal."""
    if not os.path.isabs(by) or not is_terminal():
        return by
    here = os.path.relpath(by)
    return here if len(here) < len(by) else by
