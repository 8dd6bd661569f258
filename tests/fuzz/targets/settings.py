"""What users set: the table of a pyproject.toml, and single options."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from replaycache import ConfigurationError
from replaycache.configuration import read_configuration
from replaycache.options import Options
from replaycache.serve.settings import read_settings
from replaycache.stores import check_names_store
from tests.fuzz.given import Given

__all__ = ["configuration", "options"]

_DIRECTORY = tempfile.mkdtemp(prefix="replaycache-fuzz-")


def configuration(data: bytes) -> None:
    """A file is read, or is our error that names it."""
    directory = Path(_DIRECTORY, str(os.getpid()))
    directory.mkdir(exist_ok=True)
    (directory / "pyproject.toml").write_bytes(data)
    try:
        found = read_configuration(directory)
        Options.parse({name: value for name, value in found.options.items() if name != "store"})
        if "serve" in found.sections:
            read_settings(start=directory)
    except ConfigurationError:
        pass


def options(data: bytes) -> None:
    """A value of an option is taken, or is our error that names the option."""
    given = Given(data)
    names = list(Options.__init__.__kwdefaults__ or {})
    name = given.choice([*names, "nonsense", "store"])
    text = given.rest().decode("utf-8", "replace")
    values: list[Any] = [text]
    try:
        values.append(json.loads(text))
    except (ValueError, RecursionError):
        pass
    for value in values:
        try:
            Options.parse({name: value})
        except ConfigurationError:
            pass
        if isinstance(value, str):
            try:
                check_names_store(value)
            except ConfigurationError:
                pass
