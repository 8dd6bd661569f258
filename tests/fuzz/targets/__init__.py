"""The targets, by their names: each a function of bytes that raises nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable

__all__ = ["TARGETS", "target"]

TARGETS = {
    "canonical": "keys",
    "pair": "keys",
    "multipart": "keys",
    "form": "keys",
    "url": "keys",
    "paths": "keys",
    "rules": "keys",
    "encoding": "framings",
    "sse": "framings",
    "lines": "framings",
    "array": "framings",
    "frames": "framings",
    "answer": "framings",
    "entry": "stored",
    "pieces": "stored",
    "cassette": "stored",
    "journal": "stored",
    "foreign_file": "others_files",
    "yaml": "others_files",
    "path": "proxied",
    "headers": "proxied",
    "configuration": "settings",
    "options": "settings",
}
"""In which module each is, under its name."""


def target(name: str) -> Callable[[bytes], None]:
    """One of them; what it needs is imported now, for its process has no use for the others'."""
    found: Callable[[bytes], None] = getattr(importlib.import_module(f"{__name__}.{TARGETS[name]}"), name)
    return found
