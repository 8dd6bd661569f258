"""Options that a suite gives to all of its marked tests, and how those of a mark go on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import ConfigurationError
from ..options import Options, combined

__all__ = ["combined", "suite_options"]

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
