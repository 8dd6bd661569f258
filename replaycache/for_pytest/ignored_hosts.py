"""Which hosts are ignored: the command line says it, else the environment, a test's options, the ini file,
pyproject.toml."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ..options import IGNORE_HOSTS_VARIABLE, parse_hosts
from .suite_options import of_file

_INI = "replay_ignore_hosts"


def ignored_hosts(config: pytest.Config, of_test: Any = None) -> Any:
    """What the option `ignore_hosts` of a test is.

    Args:
        config: pytest's.
        of_test: as its marks, or else `replay_options`, have it; None where they do not.

    Raises:
        ConfigurationError: a pattern of the run is wrong; those of the test are not looked at.
    """
    said = config.getoption("replay_ignore_hosts")
    if said is not None or os.environ.get(IGNORE_HOSTS_VARIABLE):
        return parse_hosts(said, "--replay-ignore-hosts")
    if of_test is not None:
        return of_test
    return parse_hosts(config.getini(_INI), _INI) or of_file(config).options.get("ignore_hosts", ())


def check_ignored_hosts(config: pytest.Config) -> None:
    """Looks at each pattern that is said for the run, also where another overrides it.

    Raises:
        ConfigurationError: one is wrong.
    """
    ignored_hosts(config)
    parse_hosts(None, IGNORE_HOSTS_VARIABLE)
    parse_hosts(config.getini(_INI), _INI)
