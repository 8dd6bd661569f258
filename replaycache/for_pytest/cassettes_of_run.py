"""The cassettes of a test run: read once where tests share them, and recorded anew once."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..options import Mode
from .cassette_paths import file_name

if TYPE_CHECKING:
    from ..stores import CassetteStore


class CassettesOfRun:
    """Opens the cassettes of a run's tests, one test at a time.

    Args:
        place: a directory that the processes of the run have in common; None where there is one process.
    """

    def __init__(self, place: Path | None) -> None:
        self._place = place
        self._shared: dict[Path, CassetteStore] = {}
        self._renewed: dict[Path, list[str]] = {}

    @contextmanager
    def opened(self, path: Path, mode: Mode, is_shared: bool) -> Generator[CassetteStore]:
        """A cassette for the time of one test; it is written at the end, unless the block raises.

        Where tests in other processes record into it too, they wait for each other, and find what was recorded.

        Args:
            path: of the cassette.
            mode: what the test does; in `record`, the cassette is a `RenewedCassette`.
            is_shared: whether other tests have it too.

        Raises:
            CassetteError: the file cannot be read or written.
        """
        if self._place is not None and is_shared and mode in (Mode.AUTO, Mode.RECORD):
            from ..stores.cassette.lock import locked_by_file

            with locked_by_file(self._beside(self._place, path, ".lock")):
                yield from self._opened(path, mode, is_shared)
        else:
            yield from self._opened(path, mode, is_shared)

    def _opened(self, path: Path, mode: Mode, is_shared: bool) -> Generator[CassetteStore]:
        if mode is Mode.RECORD:
            yield from self._renewing(path, is_shared)
            return
        from ..stores import CassetteStore

        store = self._shared.get(path) or CassetteStore(path)
        if is_shared:
            self._shared[path] = store  # so that it is read once
        len(store)  # a file that cannot be read is told of here, and not from inside of a client library
        with store.deferred():
            yield store

    def _renewing(self, path: Path, is_shared: bool) -> Generator[CassetteStore]:
        from ..stores.cassette.renewed import RenewedCassette

        file = self._beside(self._place, path, ".renewed") if self._place is not None and is_shared else None
        if file is not None and file.exists():
            self._renewed[path] = json.loads(file.read_text("utf-8"))
        store = RenewedCassette(path, self._renewed.get(path, ()))
        len(store)
        with store.deferred():
            yield store
            renewed = store.renewed
        self._renewed[path] = renewed
        if file is not None:
            file.write_text(json.dumps(renewed), "utf-8")

    @staticmethod
    def _beside(place: Path, path: Path, ending: str) -> Path:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place / file_name([os.path.realpath(path)]).replace(".json", ending)
