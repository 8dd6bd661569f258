"""`replaycache doctor`."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

from .. import __version__
from .._errors import ReplayCacheError, did_you_mean
from ..accounts.amounts import human_size
from ..configuration import VARIABLES, Configuration, defaults, read_configuration
from ..options import Options
from ..serve.settings import PREFIX, SETTINGS
from .config import Said, option_said
from .errors import Status
from .installed import EXTRAS, TRANSPORTS, extras, library_problems, plugin_problems, plugins, sdks, version
from .opening import store_option
from .output import json_option, write_field, write_json
from .store_health import Health, look_at

T = TypeVar("T")

_OURS = "REPLAYCACHE_"
_OTHERS = ("CI", "PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
"""What the pytest plugin goes by, too."""


@click.command("doctor")
@store_option
@json_option
def command(store: str | None, as_json: bool) -> int:
    """Say what a bug report needs, and what is wrong here.

    Versions; the SDKs that are installed, and whether their calls are seen;
    extras; the store, with what it holds and whether it can be written; the
    mode, and who says it; variables of the environment that are ours; whether
    pytest starts with the plugins that are installed. No credential is shown.

    It changes nothing. Where another process has a store locked, it waits for
    some seconds. Exit status 1: something is wrong, and told as `problem`.
    """
    problems: list[str] = []

    def tried(do: Callable[[], T], otherwise: T) -> T:
        try:
            return do()
        except ReplayCacheError as error:
            if str(error) not in problems:
                problems.append(str(error))
            return otherwise

    problems += library_problems()
    variables = sorted(name for name in os.environ if name.startswith(_OURS) or name in _OTHERS)
    problems += _misspelt(variables)
    file = tried(read_configuration, Configuration(None, {}, {}))
    said = tried(defaults, file).options
    tried(lambda: Options.parse({name: value for name, value in said.items() if name != "store"}), None)
    mode = tried(lambda: option_said("mode", {}, file), Said("", ""))
    given = {} if store is None else {"store": store}
    named = tried(lambda: option_said("store", given, file), Said(None, ""))
    stores = look_at(named.value, writes=mode.value != "replay") if named.by else []
    problems += [problem for one in stores for problem in one.problems]
    problems += plugin_problems()
    told = {
        "replaycache": __version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": platform.platform(),
        "libraries": {name: found for name in TRANSPORTS if (found := version(name))},
        "sdks": [one._asdict() for one in sdks()],
        "extras": extras(),
        "pytest": plugins(),
        "stores": [one._asdict() for one in stores],
        "mode": {"value": mode.value, "from": mode.by},
        "variables": variables,
        "file": file.path,
        "problems": problems,
    }
    if as_json:
        write_json(told)
    else:
        _write(told, stores, named.by)
    return Status.FOUND if problems else Status.DONE


def _misspelt(variables: list[str]) -> Iterator[str]:
    known = {*VARIABLES.values(), *(row.variable for row in SETTINGS), f"{PREFIX}TOKEN"}
    for name in variables:
        if name.startswith(_OURS) and name not in known:
            # all begin alike
            near = did_you_mean(name.removeprefix(_OURS), [one.removeprefix(_OURS) for one in sorted(known)])
            told = (
                near.replace(" '", f" '{_OURS}")
                or f"; there are {', '.join(sorted(VARIABLES.values()))}, {PREFIX}..."
            )
            yield f"{name} is set, and is no variable of replaycache{told}"


def _write(told: dict[str, Any], stores: list[Health], store_by: str) -> None:
    write_field("replaycache", f"{told['replaycache']}, Python {told['python']}, {told['platform']}")
    write_field("libraries", _listed(told["libraries"].items()))
    for name, is_covered, more in (("covered", True, ""), ("by proxy", False, "; see `replaycache serve --help`")):
        found = [one for one in told["sdks"] if one["covered"] is is_covered]
        listed = ", ".join(f"{one['name']} {one['version']} (by {', '.join(one['on'])})" for one in found)
        write_field(name, listed and listed + more)
    write_field("extras", ", ".join(name for name, is_there in told["extras"].items() if is_there))
    lacking = [f"{name} ({EXTRAS[name]})" for name, is_there in told["extras"].items() if not is_there]
    write_field("missing", ", ".join(lacking))
    write_field("pytest", _listed(told["pytest"].items()))
    for one in stores:
        held = "nothing can be read" if one.recordings is None else f"recordings: {one.recordings:,}"
        size = "" if one.size is None else f", {human_size(one.size)}"
        mode = f", mode {one.mode}" if one.mode else ""
        write_field("store", f"{one.location} ({store_by}); {held}{size}{mode}")
    write_field("mode", told["mode"]["from"] and f"{told['mode']['value']} ({told['mode']['from']})")
    write_field("variables", ", ".join(told["variables"]))
    write_field("file", str(told["file"] or ""))
    for problem in told["problems"]:
        write_field("problem", problem, "red")
    if not told["problems"]:
        write_field("problem", "none was found", "green")


def _listed(items: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {one}" for name, one in items)
