"""Which mode holds: the command line says it, else the environment, a test's mark, the ini file, `CI`."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ..options import MODE_VARIABLE, Mode

__all__ = ["check_modes", "is_ci", "mode_of"]


def is_ci() -> bool:
    """Whether this is continuous integration."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def mode_of(config: pytest.Config, of_mark: Any = None) -> tuple[Mode, str]:
    """Which mode holds, and who said so.

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
    return (Mode.REPLAY, "CI is set") if is_ci() else (Mode.ONCE, "the default")


def check_modes(config: pytest.Config) -> None:
    """Looks at each mode that is said for the run, also where another overrides it.

    Raises:
        ConfigurationError: there is no such mode.
    """
    mode_of(config)
    Mode.parse(os.environ.get(MODE_VARIABLE) or Mode.ONCE, MODE_VARIABLE)
    Mode.parse(config.getini("replay_mode") or Mode.ONCE, "replay_mode")
