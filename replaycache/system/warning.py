"""Warnings that point at the code of the user's that they are about, and not at ours."""

from __future__ import annotations

import os
import sys
import warnings
from functools import cache

from .._errors import ReplayCacheWarning

_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep


def warn_harmlessly(message: str) -> bool:
    """As `warn`; False where warnings are errors: nothing of ours fails the caller's call."""
    try:
        warn(message)
    except ReplayCacheWarning:
        return False
    return True


def warn(message: str) -> None:
    """Warns, at the nearest caller that is neither of this package, nor installed, nor of the standard library.

    Where there is none, at the nearest that is not of this package.
    """
    nearest = level = 1
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if "importlib" in file and "_bootstrap" in file:  # not counted by the levels of a stack either
            frame = frame.f_back  # type: ignore[assignment]  # None above the outermost
            continue
        if not file.startswith(_OURS):
            nearest = nearest if nearest > 1 else level + 1
            if not _is_installed(file):
                nearest = level + 1
                break
        frame = frame.f_back  # type: ignore[assignment]  # None above the outermost
        level += 1
    warnings.warn(message, ReplayCacheWarning, stacklevel=nearest)


def _is_installed(file: str) -> bool:
    """Whether it is a file of the standard library, of what is installed, or none."""
    in_packages = any(f"{os.sep}{name}{os.sep}" in file for name in ("site-packages", "dist-packages"))
    try:
        return in_packages or file.startswith(("<frozen", *_installed()))
    except (OSError, ImportError):  # no further file can be opened: it may be that which is to be told
        return in_packages


@cache
def _installed() -> tuple[str, ...]:
    """The directories of the standard library and of what is installed."""
    import sysconfig  # most have nothing to be warned of

    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = {sysconfig.get_path(name) for name in names} | {os.path.dirname(os.__file__)}
    return tuple({form + os.sep for path in paths if path for form in (path, os.path.realpath(path))})
