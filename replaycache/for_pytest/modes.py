"""Which mode holds: the command line, else the environment, a test's mark, the ini file, `CI`, pyproject.toml."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ..options import MODE_VARIABLE, Mode
from .suite_options import of_file


def is_ci() -> bool:
    """Whether this is continuous integration."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def mode_of(config: pytest.Config, of_mark: Any = None) -> tuple[Mode, str]:
    """Which mode holds, and who said so.

    `CI` goes before pyproject.toml, whose mode is for other programs, too: in CI nothing goes live by it.

    Raises:
        ConfigurationError: there is no such mode.
    """
    for where, value in (
        ("--replay-mode", config.getoption("replay_mode")),
        (MODE_VARIABLE, os.environ.get(MODE_VARIABLE)),
        ("@pytest.mark.replay(mode=...)", of_mark),
        ("replay_mode", config.getini("replay_mode")),
    ):
        if value is not None and value != "":
            return Mode.parse(value, where), where
    if is_ci():  # of the environment, too
        return Mode.REPLAY, "CI is set"
    file = of_file(config)
    of_options = file.options.get("mode")
    return (Mode.ONCE, "the default") if of_options is None else (Mode(of_options), str(file.path))


def check_modes(config: pytest.Config) -> None:
    """Looks at each mode that is said for the run, also where another overrides it.

    Raises:
        ConfigurationError: there is no such mode.
    """
    mode_of(config)
    Mode.parse(os.environ.get(MODE_VARIABLE) or Mode.ONCE, MODE_VARIABLE)
    Mode.parse(config.getini("replay_mode") or Mode.ONCE, "replay_mode")
