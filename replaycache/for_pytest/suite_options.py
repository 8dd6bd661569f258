"""Options that a suite, or a project, gives to all of its marked tests, and how those of a mark go on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from .._errors import ConfigurationError
from ..configuration import Configuration, defaults
from ..options import Options

_FILE = pytest.StashKey[Configuration]()


def of_file(config: pytest.Config) -> Configuration:
    """What the pyproject.toml that is the nearest to pytest's rootdir says; read once in a run.

    Raises:
        ConfigurationError: it is wrong.
    """
    if _FILE not in config.stash:
        config.stash[_FILE] = defaults(config.rootpath)
    return config.stash[_FILE]


_ELSEWHERE = {
    "mode": "say it by --replay-mode, by REPLAYCACHE_MODE, in a mark, or in the ini file as replay_mode",
    "store": "a test's cassette is named by its mark, as in replay('weather.json')",
    "path": "a test's cassette is named by its mark, as in replay('weather.json')",
}


def suite_options(returned: object) -> dict[str, Any]:
    """The options that the fixture `replay_options` returned.

    Raises:
        ConfigurationError: they are none.
    """
    if not isinstance(returned, Mapping) or not all(isinstance(name, str) for name in returned):
        raise ConfigurationError(
            f"the fixture replay_options returned {returned!r}; it returns a dict of options, such as "
            f"{{'match': Match(ignore=['metadata.run_id'])}}, and {{}} for none"
        )
    for name, instead in _ELSEWHERE.items():
        if name in returned:
            raise ConfigurationError(
                f"the fixture replay_options returned {name!r}, which it cannot set; {instead}"
            )
    try:
        Options.parse(returned)
    except ConfigurationError as error:
        raise ConfigurationError(f"the fixture replay_options: {error}") from None
    return dict(returned)
