"""Every error and warning that replaycache raises.

    ReplayCacheError(Exception)     something is wrong that the user can put right
    ├── StoreError                  a store failed
    │   ├── CorruptRecording        an entry is damaged
    │   └── StoreUnavailable        the store as a whole cannot be used
    ├── CassetteError               a cassette file cannot be used
    ├── SecretFound                 a recording holds what looks like a credential
    ├── DriftFound                  upstream no longer answers as recorded
    └── ConfigurationError          an option is wrong
    Refused(BaseException)          a call that must not go out, on purpose
    ├── CacheMiss                   nothing is recorded for it, and upstream may not be called
    └── BudgetExceeded              it would cost more than is allowed
    ReplayCacheWarning(UserWarning) the call went on, but not as asked

None of them is a subclass of a client library's error: code that catches `httpx.HTTPError` to retry
must not retry these. All can be pickled and copied, so that they come out of other processes whole.

Their texts quote what was asked and what stands in files, and tracebacks and warnings reach terminals as they are:
so every text is made printable where the error is made.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from ._printable import printable

if TYPE_CHECKING:
    from ._models import Recording, Request

MissReason = Literal[
    "no_recording", "already_played", "expired", "cassette_not_found", "not_cacheable", "request_too_large"
]


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """What an error says of a name that is misspelt; empty where nothing comes near."""
    import difflib  # nobody waits for it who makes no mistake

    close = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _printable(arguments: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(printable(one, lines=True) if isinstance(one, str) else one for one in arguments)


class ReplayCacheError(Exception):
    """The base of every error of replaycache that is not a refusal."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*_printable(arguments))


class StoreError(ReplayCacheError):
    """A store failed. In mode `auto` it is a warning and the call goes live; in `replay` it is raised."""


class CorruptRecording(StoreError):
    """An entry of a store is damaged: cut short, changed, or not a recording. It is never replayed in part."""


class StoreUnavailable(StoreError):
    """The store as a whole cannot be read or written: no permission, a full disk, a damaged database."""


class CassetteError(ReplayCacheError):
    """A cassette file cannot be used; the text says which file, what is wrong with it and what to do."""


class SecretFound(ReplayCacheError):
    """A recording holds what looks like a credential and was not written; names the place, never the value."""


class DriftFound(ReplayCacheError):
    """Upstream's live answer differs in shape from what was recorded."""


class ConfigurationError(ReplayCacheError):
    """An option is misspelt, has a wrong value, or does not go together with another."""


class Refused(BaseException):
    """A call that must not go out, refused on purpose.

    It derives from `BaseException`, as `KeyboardInterrupt` does, because everything between a transport
    and the user treats an `Exception` as a network failure: the OpenAI and Anthropic clients wrap every
    `Exception` of a transport as a connection error, sleep and retry, and agent frameworks catch
    `Exception` to fall back to another model. Either would hide the refusal.

    `concurrent.futures` hands it on. `multiprocessing.Pool` and `ThreadPool` hand on an `Exception` only: a worker
    that raises anything else ends, its traceback is written to standard error, and whoever waits for the result
    waits for ever. The function that is given to them has to catch `Refused` and raise an error of its own.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*_printable(arguments))

    def __reduce__(self) -> tuple[Any, ...]:
        # an exception's own way would call the class with the text alone
        return _copied, (type(self), self.args), self._state()

    def _state(self) -> dict[str, Any]:
        return self.__dict__


def _copied(kind: type[Refused], args: tuple[Any, ...]) -> Refused:
    return kind.__new__(kind, *args)


class CacheMiss(Refused):
    """Nothing stored answers the request, and the mode forbids to call upstream.

    Attributes:
        reason: why nothing matched: `no_recording`, `already_played`, `expired`, `cassette_not_found`,
            `not_cacheable` (a cache only keeps calls that generate, and `Match(cacheable=...)` may leave calls out
            of either) or `request_too_large`.
        request: the request that was asked, as it would be stored (credentials replaced).
        nearest: the recording that comes nearest to it, or None.
        key: the key that was looked up; empty where none could be made.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: MissReason,
        request: Request,
        nearest: Recording | None = None,
        key: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.request = request
        self.nearest = nearest
        self.key = key

    def _state(self) -> dict[str, Any]:
        try:
            nearest = copy.deepcopy(self.nearest)
        except Exception:  # noqa: BLE001  # its store is closed or damaged: the text says how it differs
            nearest = None
        return {**self.__dict__, "nearest": nearest}


class BudgetExceeded(Refused):
    """The call was not sent because what was spent has reached the budget."""


class ReplayCacheWarning(UserWarning):
    """The caller's call went on, but replaycache could not do its part; the text says why."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*_printable(arguments))


for _one in list(globals().values()):
    if isinstance(_one, type) and issubclass(_one, BaseException):
        _one.__module__ = "replaycache"  # a traceback names what a program can import
del _one
