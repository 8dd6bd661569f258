"""Stores to be put under faults, of each kind, each at a place that nobody else has."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

from replaycache.stores import Store, open_store

__all__ = ["KINDS", "Place"]

KINDS = ("disk", "cassette", "shared")
_numbers = itertools.count()


class Place:
    """Where a store is.

    Args:
        kind: of it.
        directory: in which it lies; a shared store lies in none.

    Attributes:
        name: by which the option `store` takes it.
        patience: seconds within which every call is answered, whoever was killed.
    """

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self.directory = directory / str(next(_numbers))
        self.directory.mkdir()
        self.patience = 8.0
        if kind == "disk":
            self.path = self.directory / "cache"
            self.name = str(self.path)
        elif kind == "cassette":
            self.path = self.directory / "c.json"
            self.name = str(self.path)
        else:
            from tests.stores import shared_servers

            self.name = f"{shared_servers.server('valkey').url}?namespace=proof-{time.time_ns()}"
            self.patience = 45.0  # a lease ends after 30

    def open(self) -> Any:
        store: Store = open_store(self.name)[0]
        return store

    def left_beside(self) -> list[str]:
        """What lies there that is not to be there once nobody uses it."""
        if self.kind == "cassette":
            return sorted(path.name for path in self.directory.iterdir() if path != self.path)
        if self.kind == "disk" and self.path.exists():
            known = {"cache.db", "cache.db-wal", "cache.db-shm", "usage.db", "usage.db-wal", "usage.db-shm"}
            known |= {"salt", "claims.lock"}
            return sorted(path.name for path in self.path.iterdir() if path.is_file() and path.name not in known)
        return []
