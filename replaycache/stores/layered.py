"""Several caches, one before the other: memory before the disk before what a team shares."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Literal

from .._errors import ConfigurationError, CorruptRecording, StoreError
from .._models import Recording
from ..redaction.seal import SALT_BYTES
from . import LayerUnavailable, Store, StoreBusy


def _first(layers: Iterable[Store], name: str) -> Any:
    """What the first of them has by this name; None where none has it."""
    return next((found for layer in layers if (found := getattr(layer, name, None)) is not None), None)


def _keeps_a_loop() -> bool:
    """Whether what waits here keeps an event loop."""
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    running = [asyncio.get_running_loop] if asyncio is not None else []
    if trio is not None:
        running.append(trio.lowlevel.current_trio_token)
    for here in running:
        try:
            here()
        except RuntimeError:
            continue
        return True
    return False


class _Claims:
    """Those of a layer that waits, for a store that does not."""

    def __init__(self, store: LayeredStore, claims: Any) -> None:
        self._store = store
        self._claims = claims
        self._put_off: set[str] = set()
        self.release, self.is_free = claims.release, claims.is_free

    def claim(self, key: str) -> bool:
        if key not in self._put_off and _keeps_a_loop():
            self._put_off.add(key)
            self._store.has_to_wait()
            raise StoreBusy(f"claiming in {self._store.location} may take long")
        self._put_off.discard(key)
        return bool(self._claims.claim(key))


class LayeredStore:
    """Asks one cache after the other, and keeps what a later one has in those before it.

    What is stored goes to all of them. One that fails is passed over, with a warning: a recording is stored where
    any of them has it, and looked for in the others; only where none has it, its failure is told. `Outcome.store`
    says which of them answered. What is removed elsewhere from the last stays in the others: `ttl` bounds that.

    Args:
        layers: caches, the quickest first, the one that all share last.

    Raises:
        ConfigurationError: there are none, or one is no cache.
    """

    repeats: Literal["same"] = "same"

    def __init__(self, layers: Iterable[Store]) -> None:
        self._layers = tuple(layers)
        if not self._layers:
            raise ConfigurationError("a layered store takes one cache at least")
        for layer in self._layers:
            if layer.repeats != "same":
                raise ConfigurationError(
                    f"{layer.location} keeps recordings in order, and the layers of a store are caches"
                )
        self.location = ", ".join(layer.location for layer in self._layers)
        self.identity = f"layers:{' '.join(layer.identity for layer in self._layers)}"
        self._has_to_wait = False
        self._failed: set[str] = set()
        # what stores may have beyond the protocol: the last is shared by most, and the first is the user's own
        self.claims = _first(reversed(self._layers), "claims")
        if self.claims is not None and self._layers[-1].slow:
            self.claims = _Claims(self, self.claims)
        self._salt = _first(reversed(self._layers), "salt")
        self._adopt_salt = _first(reversed(self._layers), "adopt_salt")
        self._own_salt = os.urandom(SALT_BYTES)
        self.note = _first(self._layers, "note")
        self.ledger = _first(self._layers, "ledger")

    @property
    def layers(self) -> tuple[Store, ...]:
        """The caches, in the order in which they are asked."""
        return self._layers

    @property
    def slow(self) -> bool:
        """Whether the next call may have to wait: it came to a cache that does."""
        return self._has_to_wait or self._layers[0].slow

    def get(self, key: str) -> Recording | None:
        """The recording under `key` in the first that has it; None where there is none.

        Raises:
            StoreBusy: one that has to be asked would wait; `slow` is true until one `get` has.
            LayerUnavailable: none has it, and one of them failed.
            StoreError: all of them failed, or what is there is damaged.
        """
        waits = self.slow or not _keeps_a_loop()
        failures: list[tuple[Store, StoreError]] = []
        for number, layer in enumerate(self._layers):
            if not waits and layer.slow:
                self._has_to_wait = True
                raise StoreBusy(f"{layer.location} is asked where nothing waits for it")
            try:
                found = self._asked(layer, key, waits=waits)
            except StoreBusy:
                self._has_to_wait = True
                raise
            except StoreError as error:
                failures.append((layer, error))
                continue
            if found is not None:
                self._has_to_wait = False
                for failed, failure in failures:
                    self._tell(failed, failure)
                self._fill(self._layers[:number], key, found, waits=waits)
                found.found_in = layer.location
                return found
        self._has_to_wait = False
        if not failures:
            return None
        failed, failure = failures[0]
        if isinstance(failure, CorruptRecording) or len(failures) == len(self._layers):
            raise failure
        self._failed.add(failed.identity)  # whoever asks tells of it
        raise LayerUnavailable(*failure.args) from failure

    def has_to_wait(self) -> None:
        """The next call comes to one that waits."""
        self._has_to_wait = True

    @staticmethod
    def _asked(layer: Store, key: str, *, waits: bool) -> Recording | None:
        try:
            return layer.get(key)
        except StoreBusy:
            if not waits:
                raise
            return layer.get(key)  # it waits now

    def _fill(self, layers: tuple[Store, ...], key: str, recording: Recording, *, waits: bool) -> None:
        """Keeps in the layers before what one of them had; nothing is lost where that fails."""
        for layer in layers:
            put = layer.put if waits else getattr(layer, "put_at_once", None)
            if put is not None:
                with suppress(StoreError):
                    put(key, recording)

    def put(self, key: str, recording: Recording) -> None:
        """Stores `recording` under `key` in all of them.

        Raises:
            StoreError: none took it.
        """
        failures: list[tuple[Store, StoreError]] = []
        for layer in reversed(self._layers):  # others wait for the last
            try:
                layer.put(key, recording)
            except StoreError as error:
                failures.append((layer, error))
        if len(failures) == len(self._layers):
            raise failures[0][1]
        for layer, failure in failures:
            self._tell(layer, failure)

    def put_at_once(self, key: str, recording: Recording) -> None:
        """The same, where an event loop may be kept by it.

        Raises:
            StoreBusy: one of them would keep it for long.
        """
        for layer in self._layers:
            if layer.slow or not hasattr(layer, "put_at_once"):
                raise StoreBusy(f"storing in {layer.location} may take long")
        *before, last = self._layers
        last.put_at_once(key, recording)  # type: ignore[attr-defined]  # looked at above
        self._fill(tuple(before), key, recording, waits=False)

    def _tell(self, layer: Store, error: StoreError) -> None:
        if layer.identity in self._failed:
            return
        self._failed.add(layer.identity)
        from ..system.warning import warn_harmlessly

        others = ", ".join(other.location for other in self._layers if other is not layer)
        warn_harmlessly(f"{error} What is recorded goes to {others} alone.")

    def delete(self, key: str) -> bool:
        """Removes the recording under `key` from all of them; tells whether there was one."""
        was_there, failure = False, None
        for layer in self._layers:
            try:
                was_there |= layer.delete(key)
            except StoreError as error:
                failure = failure or error  # none is left out
        if failure is not None:
            raise failure
        return was_there

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        """Up to `limit` recordings with their keys: those of the last layer, the last stored first, and then what
        only those before it have."""
        told: set[str] = set()
        for layer in reversed(self._layers):
            for key, recording in layer.newest(limit):
                if len(told) == limit:
                    return
                if key not in told:
                    told.add(key)
                    yield key, recording

    def keys(self) -> Iterator[str]:
        """The keys, in no particular order."""
        told: set[str] = set()
        for layer in reversed(self._layers):
            for key in layer.keys():  # noqa: SIM118  # a store is no dict
                if key not in told:
                    told.add(key)
                    yield key

    def __len__(self) -> int:
        return len(self._layers[0]) if len(self._layers) == 1 else sum(1 for _ in self.keys())

    def close(self) -> None:
        """Closes all of them; the store may be used again."""
        for layer in self._layers:
            layer.close()

    # -- the salt ----------------------------------------------------------------------------------------------

    def salt(self) -> bytes:
        """With which what is redacted and counts is sealed: that of the last that has one."""
        return self._salt() if self._salt is not None else self._own_salt

    @property
    def is_salted(self) -> bool:
        """Whether `salt` gives it without waiting."""
        return self._salt is None or bool(getattr(self._salt.__self__, "is_salted", True))

    def adopt_salt(self, salt: bytes) -> bool:
        """Takes over the salt of another store, from which recordings come; False where it has another already."""
        return bool(self._adopt_salt(salt)) if self._adopt_salt is not None else False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(map(repr, self._layers))}>"
