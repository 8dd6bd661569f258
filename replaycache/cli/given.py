"""The options that mean the same everywhere, as the command line gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import click

from .._faults import parse_fault
from ..options import Mode, Repeats, parse_duration, parse_hosts
from .choosing import budget_option
from .errors import wrong_use
from .opening import check_store_name, complete_store

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--store",
        metavar="STORE",
        shell_complete=complete_store,
        help="A directory, a cassette or redis://HOST, instead of the default store.",
    ),
    click.option(
        "--mode", type=click.Choice([mode.value for mode in Mode]), help="Otherwise REPLAYCACHE_MODE, or auto."
    ),
    click.option("--ttl", metavar="AGE", help="Older recordings are misses: 12h, 7d."),
    click.option("--budget", metavar="USD", help="What live calls may cost, such as 2."),
    click.option("--pace", type=click.FloatRange(min=0), help="0: at once (the default); 1: as recorded."),
    click.option("--sample", type=click.IntRange(min=0), help="Ask for further answers to the same requests."),
    click.option(
        "--repeats",
        type=click.Choice(get_args(Repeats)),
        help="numbered: the n-th identical request of each process gets the n-th answer.",
    ),
    click.option(
        "--ignore-hosts",
        metavar="HOSTS",
        help="Leave these alone: localhost (loopback by any name), *.internal.example:8443, with commas between "
        "them.",
    ),
    click.option(
        "--fault", metavar="FAULT", help="What goes wrong with replayed answers: cut:after=5, status:429,times=2."
    ),
)


def given_options(command: _Command) -> _Command:
    """Gives a command these options, each None where it is not given; `check_given` takes them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that were given.

    Raises:
        click.UsageError: one is wrong.
    """
    given = {name: value for name, value in options.items() if value is not None}
    with wrong_use():
        parse_duration(given.get("ttl"), "--ttl")
        if "ignore_hosts" in given:
            parse_hosts(given["ignore_hosts"], "--ignore-hosts")
        if "fault" in given:
            parse_fault(given["fault"], "--fault")
    check_store_name(given.get("store"), "--store")
    budget_option(given.get("budget"))
    return given
