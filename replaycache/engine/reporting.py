"""What is told of calls: to the log, hooks, a trace, the session's tally, the cache's ledger and the budget."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._errors import BudgetExceeded, CacheMiss, StoreError
from .._models import Outcome, Recording, Request
from .._printable import printable
from ..accounts.noted import Noted
from ..options import Options
from ..system.forking import postponed
from ..system.warning import warn_harmlessly
from .tally import Tally

if TYPE_CHECKING:
    from ..stores import Store
    from .decisions import Forward

logger = logging.getLogger("replaycache")
logger.addHandler(logging.NullHandler())  # whoever wants the log asks for it; the rest are warned by `warnings`


_failed: dict[str, object] = {}
"""The stores that were told to be of no use, by their identity, and by whom: many calls may find out at once."""


def shown(request: Request) -> str:
    """A request in its stored form as people are told of it, with placeholders for what looks like a credential.

    More people read logs and reports than stores.
    """
    try:
        with postponed():
            from ..redaction.credentials import find, placeholder
    except (OSError, ImportError) as error:
        # a process that can open no further file goes on, and so does its call
        return f"a request that cannot be told: {error}"

    url = request.url
    for found in reversed(find(url)):
        url = f"{url[: found.start]}{placeholder(found.name, found.value)}{url[found.end :]}"
    return printable(f"{request.method} {url}")


class _Shown:
    """A request in a log: looked at when the line is written, and not at all where nobody asks for the log."""

    __slots__ = ("_asked",)

    def __init__(self, asked: Request | Recording) -> None:
        self._asked = asked

    def __str__(self) -> str:
        asked = self._asked
        try:
            return shown(asked if isinstance(asked, Request) else asked.request)
        except StoreError as error:  # it was stored, and is damaged or gone
            return f"a request that cannot be read ({error})"


def current_span() -> Any:
    """The span in which a call is made; None where none is recorded. OpenTelemetry is never imported for it."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    try:
        span = trace.get_current_span()
        return span if span.is_recording() else None
    except Exception:  # noqa: BLE001  # it is being imported, or is the user's own
        return None


def tell_span(span: Any, outcome: Outcome, status: str = "") -> None:
    """Tells a span of an outcome; does nothing where it has ended.

    Args:
        span: as `current_span` gave it.
        outcome: of the call.
        status: instead of the outcome's, as long as that is not final.
    """
    told = {"status": status or outcome.status, "key": outcome.key, "reason": "" if status else outcome.reason}
    with suppress(Exception):  # nothing of ours fails the caller's call
        if span is not None and span.is_recording():
            span.set_attributes({f"replaycache.{name}": value for name, value in told.items() if value})


class Reporter:
    """Tells of the calls of one exchange. Nothing of it fails the caller's call.

    Args:
        options: with the hooks and the budget.
        store: a cache that keeps a ledger is told of every call.
        is_cache: whether it is one.
        tally: of the session.
    """

    def __init__(self, options: Options, store: Store, is_cache: bool, tally: Tally) -> None:
        self.tally = tally
        self._options = options
        self._is_cache = is_cache
        note = getattr(store, "note", None) if is_cache else None
        self._note: Callable[[Noted], None] | None = note if callable(note) else None
        self._where = printable(store.location)
        self._identity = store.identity
        self._warned = False

    # -- what happens to a call ----------------------------------------------------------------------------

    def hit(self, recording: Recording, outcome: Outcome, took: float) -> None:
        """A recording answers, `took` seconds after it was asked."""
        self.tally.replayed += 1
        if not self._is_cache:
            self.tally.played.add(id(recording))
        elif self._note is not None and not outcome.fault:  # a fault saves nobody a call
            took += self._options.pace * recording.duration
            self._tell(Noted("hit", outcome.key, recording.usage, recording.duration, took, recording.size))
        if (span := current_span()) is not None:
            tell_span(span, outcome)
        if logger.isEnabledFor(logging.INFO):
            fault = f", with the fault {outcome.fault}" if outcome.fault else ""
            logger.info("hit %s, key %s in %s%s", _Shown(recording), outcome.key, self._where, fault)
        if self._options.on_hit is not None:
            self._call(self._options.on_hit, recording, outcome)

    @property
    def logs_misses(self) -> bool:
        """Whether the log has a line for each."""
        return logger.isEnabledFor(logging.INFO)

    def miss(self, request: Request, forward: Forward, key: str) -> None:
        """Nothing stored answers, and upstream is called."""
        what = (forward.missed, _Shown(request), key, self._where, forward.nearest and f"; {forward.nearest}")
        logger.info("miss (%s) %s, key %s in %s: calling upstream%s", *what)
        if self._options.on_miss is not None:
            self._call(self._options.on_miss, request, forward.missed)

    def refused(self, miss: CacheMiss) -> None:
        """Nothing stored answers, and upstream may not be called."""
        request = miss.request
        what = (miss.reason, _Shown(request), miss.key, self._where)
        logger.info("miss (%s) %s, key %s in %s: refused", *what)
        if not self._is_cache:
            self.tally.misses.append(miss)
        self._tell(Noted("refused", miss.key))
        if self._options.on_miss is not None:
            self._call(self._options.on_miss, request, miss.reason)

    def waiting(self, key: str) -> None:
        """Another process calls upstream for the same key."""
        logger.debug("waiting for another process, key %s in %s", key, self._where)

    def sending(self, key: str) -> None:
        """Upstream is about to be called.

        Raises:
            BudgetExceeded: it may not be.
        """
        if self._options.budget is None:
            return
        try:
            self._options.budget.check()
        except BudgetExceeded as error:
            logger.info("refused, key %s in %s: %s", key, self._where, error)
            self.tally.unsent += 1
            if not self._is_cache:
                self.tally.over_budget.append(error)
            self._tell(Noted("refused", key))
            raise

    def answered(self, recording: Recording, telling: Sequence[dict[str, Any]]) -> None:
        """Upstream's answer is there as a whole; finds out what it came to.

        Args:
            recording: of the answer.
            telling: as `usage_of` has it.
        """
        request, usage = recording.request, None
        try:
            with postponed():
                # a process that only replays has no use for it
                from ..dialects.usage import asked_of, usage_of

            usage = usage_of(recording, telling)
            # where it does not tell, it is at least known who was asked: hits need not look at the request again
            recording.usage = usage or asked_of(request)
        except Exception as error:  # noqa: BLE001  # what it came to is no reason to lose the answer
            logger.warning("what an answer came to could not be read: %r", error)
        if self._options.budget is not None:
            what, prices = str(_Shown(request)), self._options.prices
            told = self._options.budget.spend(usage, recording.recorded_at, what, prices)
            if told:
                self.warn(told)

    def stored(self, recording: Recording, outcome: Outcome) -> None:
        """Upstream's answer has been stored."""
        self.tally.recorded += 1
        logger.info("stored %s, key %s in %s", _Shown(recording.request), outcome.key, self._where)
        seconds = recording.duration
        self._tell(Noted("miss", outcome.key, recording.usage, seconds, seconds, recording.size))
        if self._options.on_store is not None:
            self._call(self._options.on_store, recording, outcome)

    def passed(self, outcome: Outcome, recording: Recording | None, took: float) -> None:
        """Upstream's answer, which took so many seconds, is not stored."""
        logger.debug("live, key %s: %s", outcome.key, outcome.reason)
        if recording is None:
            self._tell(Noted("live", outcome.key, None, took, took))
        else:
            self._tell(Noted("live", outcome.key, recording.usage, took, took, recording.size))

    def lost(self, what: str, outcome: Outcome) -> None:
        """What came of upstream's answer is not kept, so that nobody knows what it cost.

        Args:
            what: was called.
            outcome: of the call.
        """
        if self._options.budget is not None:
            self.warn_once(f"{what} is not counted in the budget, for its answer was not kept: {outcome.reason}.")

    # -- warnings ------------------------------------------------------------------------------------------

    def warn(self, message: str) -> None:
        """Warns; logs where warnings are errors."""
        if not warn_harmlessly(message):
            logger.warning("%s", printable(message, lines=True))

    def warn_once(self, message: str) -> None:
        """Warns the first time, and logs after that, that something went wrong that does not concern the call."""
        if self._warned:
            logger.warning("%s", printable(message, lines=True))
            return
        self._warned = True
        self.warn(message)

    def store_failed(self, message: str) -> None:
        """The store could not be used, which does not fail the call.

        Told once in the process, however many use that store, in the log and by a warning.
        """
        mine = object()
        is_known = _failed.setdefault(self._identity, mine) is not mine
        logger.log(logging.DEBUG if is_known else logging.WARNING, "%s", printable(message, lines=True))
        if not is_known:
            warn_harmlessly(message)

    def _tell(self, call: Noted) -> None:
        if self._note is None:
            return
        try:
            self._note(call)
        except Exception as error:  # noqa: BLE001  # a store of the user's may raise anything
            self.store_failed(f"the store {self._where} could not note a call: {error!r}")

    def _call(self, hook: Callable[..., object], *arguments: Any) -> None:
        try:
            hook(*arguments)
        except Exception as error:  # noqa: BLE001  # a hook of the user's may raise anything
            self.warn_once(f"a hook of yours failed, {hook!r}: {error!r}")
