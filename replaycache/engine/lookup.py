"""What a store has for a request."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .._errors import CorruptRecording, MissReason
from .._models import Recording
from ..match import Identity
from ..options import Mode
from ..stores import LayerUnavailable, StoreBusy
from .asked import Asked
from .flights import landings
from .reporting import Reporter
from .sequence import Sequence

if TYPE_CHECKING:
    from ..stores import Store

_READING = frozenset({Mode.AUTO, Mode.REPLAY, Mode.VERIFY})


class Nothing(NamedTuple):
    """No recording.

    Attributes:
        why: there is none.
        landings: how many flights had landed before the store was read.
        is_busy: the store would have waited, and is to be asked once more, where it may.
    """

    why: MissReason = "no_recording"
    landings: int = 0
    is_busy: bool = False


Found = Recording | Nothing
"""What a look into the store came to."""


class Lookup:
    """Looks into a store.

    Attributes:
        connects: whether the store may use the network.

    Args:
        store: where recordings are.
        sequence: the session's place in it, where it keeps recordings in order; None for a cache.
        accepts: whether a cache may answer a request of an identity with a recording.
        reporter: is told of a store that fails.
        apart_from: the identity of what is asked among recordings of which something is unknown.
    """

    def __init__(
        self,
        store: Store,
        sequence: Sequence | None,
        accepts: Callable[[Recording, Identity], bool],
        reporter: Reporter,
        apart_from: Callable[[Asked, tuple[str, ...]], Identity],
    ) -> None:
        self._store = store
        # said by the very class: one that is derived from it may do anything
        self.connects: bool = vars(type(store)).get("connects", True)
        self._sequence = sequence
        self._accepts = accepts
        self._reporter = reporter
        self._apart_from = apart_from

    def find(self, asked: Asked) -> Found:
        """Reads the store, where the request may be answered from it, and resolves what its mode `once` comes to.

        Raises:
            StoreError: the store failed and the mode is `replay`.
            CassetteError: the cassette cannot be read.
        """
        sequence = self._sequence
        mode = asked.mode
        if mode is Mode.ONCE:
            # for the cassette as the session found it
            mode = Mode.REPLAY if sequence is not None and sequence.had_recordings else Mode.AUTO
            asked.mode = mode
        if asked.identity is None or asked.unstorable:
            return Nothing()
        if sequence is not None and mode is Mode.RECORD:
            asked.place = sequence.ask_anew(asked.identity, partial(self._apart_from, asked))
        if mode not in _READING:
            return Nothing()
        if sequence is not None:
            asked.place, recording, why = sequence.take(asked.identity, partial(self._apart_from, asked))
            return Nothing(why) if recording is None else recording
        before = landings()
        try:
            recording = self._store.get(asked.identity.key)
            if recording is not None and not self._accepts(recording, asked.identity):
                recording = None
        except StoreBusy:
            return Nothing(is_busy=True)
        except Exception as error:
            if mode is Mode.REPLAY:
                raise
            told = f"{error} The call goes live."
            if isinstance(error, CorruptRecording):
                self._reporter.warn_once(told)
            else:
                if not isinstance(error, LayerUnavailable):
                    asked.unstorable = f"the store failed: {error}"
                self._reporter.store_failed(told)
            recording = None
        return Nothing(landings=before) if recording is None else recording
