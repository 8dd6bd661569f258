"""What becomes of upstream's answer: it passes to the caller, settles once, and is stored or is not."""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections.abc import Iterable
from typing import Any

from .._errors import SecretFound
from .._models import Outcome, Recording, ResponseHead
from ..dialects.answers import end_told_by, watcher_of
from ..dialects.request_body import members
from ..match import Identity
from ..options import Mode
from ..stores import StoreBusy
from ..system.calling_upstream import calling_upstream
from .asked import Asked
from .decisions import Forward
from .keeper import OUTLIVED, Keeper, NotFoundAgain
from .lead import Lead
from .named_in_answers import without_named
from .recorder import Ending, Recorder
from .reporting import current_span, shown, tell_span
from .unclosed import Unclosed

LATE_SECONDS = 1.0
"""For how long, at most, a response is read on that was let go of: another call waits meanwhile."""


_ENDED = "The interpreter ended while a response was open: close responses, or read them to their end."


class Answer:
    """The answer to a request that is sent now.

    Attributes:
        asked: the request.
        outcome: final once the answer has settled and was saved.
        head: of a response that is recorded.
        keeper: stores it.
        pending: what is left to `save`.
        recorder: is told when upstream is asked for a chunk, and is fed with it; None where nothing is recorded,
            or not any more.

    Args:
        asked: the request.
        forward: why it is sent.
        lead: of its call; it lands when the answer can be had from the store, or never will be.
        keeper: as the attribute.
    """

    __slots__ = (
        "_body_of",
        "_expected",
        "_held",
        "_held_by",
        "_is_late",
        "_is_left",
        "_is_paid_for",
        "_is_told",
        "_latency",
        "_lead",
        "_recorded_at",
        "_sent_at",
        "_settled",
        "_span",
        "_telling",
        "asked",
        "head",
        "keeper",
        "outcome",
        "pending",
        "recorder",
    )

    def __init__(self, asked: Asked, forward: Forward, lead: Lead, keeper: Keeper) -> None:
        self.asked = asked
        self._expected = forward.expected
        self._lead = lead
        self.keeper = keeper
        self.outcome = Outcome("live", asked.key, keeper.location, reason=asked.unstorable)
        self.recorder: Recorder | None = None
        self.head: ResponseHead | None = None
        self.pending: Recording | None = None
        self._settled = False
        self._is_paid_for = self._is_told = False
        self._held: list[object] = []
        self._body_of: weakref.ref[Unclosed] | None = None
        self._held_by = 0
        self._is_late = self._is_left = False
        self._telling: list[dict[str, Any]] = []
        self._latency = self._recorded_at = 0.0
        self._span = current_span()
        self._sent_at = time.perf_counter()

    # -- while it passes -----------------------------------------------------------------------------------

    def respond(
        self,
        status: int,
        headers: Iterable[tuple[bytes, bytes]],
        *,
        http_version: bytes = b"",
        decoded: bool = False,
    ) -> Outcome:
        """Takes the head of upstream's response; says what becomes of it so far.

        Args:
            status: of the response.
            headers: as the client library has them.
            http_version: as the client library tells it.
            decoded: whether the chunks that follow have lost the content-encoding that the headers name.
        """
        now = time.perf_counter()
        asked, keeper = self.asked, self.keeper
        self._is_paid_for = 200 <= status < 300 and asked.endpoint.generates
        if asked.identity is not None and not asked.unstorable:
            head = ResponseHead(
                status,
                tuple(
                    (key, value.decode("latin-1"))
                    for name, value in headers
                    if not (key := name.decode("latin-1").lower()).startswith("content-")
                    or not decoded
                    or key in ("content-type", "content-disposition")
                ),
            )
            if keeper.is_cache:
                keeper.redirects.note(asked, head)
            if keeper.may_want(head):
                self.head = head
                self._latency = now - self._sent_at
                self._recorded_at = time.time()
                self.recorder = Recorder(
                    watcher_of(asked.method, asked.endpoint.path, head, lambda: members(asked.request)),
                    head,
                    now,
                    keeper.spool,
                    is_framed=http_version not in (b"", b"HTTP/1.1", b"HTTP/1.0"),
                    has_body=asked.method != "HEAD" and status not in (204, 304),
                    # what is compared and not stored may be of any size
                    largest=None if asked.mode is Mode.VERIFY else keeper.largest,
                )
                self.outcome.reason = "the response's body has not been read to its end"
                if asked.mode is not Mode.VERIFY:
                    tell_span(self._span, self.outcome, "miss")  # the span may end before it is known
            else:
                self.outcome.reason = f"a response with status {status} is not kept"
        if self.recorder is None:
            self.land()
        else:
            self._lead.listen(self.recorder)
        return self.outcome

    def resume(self) -> None:
        """Upstream is about to be asked for the next chunk."""
        recorder = self.recorder  # another thread may settle meanwhile
        if recorder is not None:
            recorder.ask(time.perf_counter())

    def feed(self, data: bytes) -> None:
        """Takes a chunk that is handed to the caller."""
        recorder = self.recorder
        if recorder is not None:
            recorder.feed(data, time.perf_counter())

    # -- where its reader does not come to its end ---------------------------------------------------------

    def drain_seconds(self) -> float:
        """Seconds for which a response that is closed now is read on.

        0 where it is whole or is not stored, and where a chunk is owed: somebody waits for it, or it is lost.
        """
        recorder = self.recorder
        if self._settled or recorder is None or recorder.reason or recorder.is_owed:
            return 0.0
        if recorder.is_whole(Ending.CLOSED):
            return 0.0
        if self._held_by != os.getpid():
            return 0.0  # a forked process may not read from its parent's connections
        seconds = self.keeper.drain_seconds(ends_soon=recorder.watcher.ends_soon)
        return min(seconds, LATE_SECONDS) if self._is_late else seconds

    @property
    def is_whole(self) -> bool:
        """Whether all of the answer is there, though its response is still open."""
        recorder = self.recorder
        return not self._settled and recorder is not None and recorder.is_whole(Ending.CLOSED)

    @property
    def open_body(self) -> Unclosed | None:
        """The body of a response that is still open, though nothing or little is to come of it."""
        body = self._body_of() if self._body_of is not None else None
        recorder = self.recorder
        if body is None or self._settled or recorder is None:
            return None
        is_ours = self._held_by == os.getpid()
        return body if is_ours and (recorder.watcher.ends_soon or self.is_whole) else None

    def hold(self, upstream: object, body: Unclosed) -> None:
        """Keeps what is read from alive until the response has settled.

        A response that is let go of is garbage together with what it was read from, and of that the collector may
        close some before it comes to the response.
        """
        if self.recorder is not None:
            self._body_of = weakref.ref(body)
            self._held_by = os.getpid()
            self._held.append(upstream)
            self.keeper.responses.held.add(self)

    def leave(self, body: Unclosed) -> bool:
        """The response's reader has left. Says whether what it read from is still needed, as in `drop`."""
        if self._settled:
            return False
        self.drop(body)
        if self._settled or self.is_whole:
            self._held.clear()
            return False
        return True

    def drop(self, body: Unclosed) -> None:
        """The response was let go of without being closed: where that is worth it, it is closed later.

        The collector may call this anywhere: nothing is saved here, and nothing read.
        """
        if self._is_late:
            return
        span, self._span = self._span, None  # it has a lock, and who is interrupted by the collector may hold that
        if self.is_whole or self.drain_seconds():
            self._is_left = True
            self.land()  # nobody waits for what may never be taken up
            self._is_late, self._span = True, span
            responses = self.keeper.responses
            responses.dropped.append(body)
            # the body has all that it is read from; where it is lost on its way from there, that goes with it
            responses.held.discard(self)
            return
        self.settle(Ending.CLOSED)
        self.forget("the response was dropped, not closed")

    def abandon(self, reason: str, ending: Ending = Ending.FAILED) -> None:
        """The response is of no use to anybody: settles, and stores nothing."""
        self.settle(ending)
        self.forget(reason)

    # -- at its end ----------------------------------------------------------------------------------------

    def settle(self, ending: Ending) -> bool:
        """Says how the response ended; the first time counts. Tells whether there is something to `save`.

        Whatever interrupts it, nobody waits for it any more.
        """
        if self._settled:
            return self.pending is not None
        self._settled = True
        self._is_left = ending not in (Ending.END, Ending.FAILED)
        recorder, self.recorder = self.recorder, None
        try:
            self._let_go()
            self._finish(recorder, ending)
        except BaseException:
            self._let_go()
            self.land()
            if self.pending is None:
                self.outcome.reason = "it was interrupted before it was stored"
            raise
        return self.pending is not None

    def _let_go(self) -> None:
        self._held.clear()
        self.keeper.responses.held.discard(self)

    def _finish(self, recorder: Recorder | None, ending: Ending) -> None:
        """Leaves in `pending` what is to be stored, or lands where nothing is."""
        asked, keeper = self.asked, self.keeper
        if recorder is None or self.head is None or asked.identity is None:
            self.land()
            if asked.mode is not Mode.OFF:
                if self._is_paid_for:
                    self._lose()
                self._pass()
            return
        body = recorder.finish(ending, partly=not keeper.is_cache)
        keeper.learn(self.head, body)
        end, self._telling = end_told_by(recorder.watcher, self.head), recorder.watcher.telling
        if body is None:
            self.outcome.reason = recorder.reason
            keeper.not_kept(asked, recorder.reason)
        elif why := keeper.why_not(self.head, end):
            self.outcome.reason, body = why, None
        if body is None:
            self.land()
            self._lose()
            self._pass()
            return
        if recorder.reason:
            self.outcome.reason = recorder.reason
        self.pending = Recording(
            request=keeper.stored(asked),
            head=keeper.redactor.head(self.head),
            body=body,
            digest=asked.identity.digest,
            recorded_at=self._recorded_at,
            latency=self._latency,
            complete=not recorder.reason,
            verdict=end.verdict if self.head.status < 400 else "whole",
            sample=asked.sample,
            rules=keeper.rules,
            size=recorder.size,
            duration=self._latency + recorder.duration,
        )

    def save_at_once(self) -> bool:
        """The same as `save`, where that does not keep an event loop for long; False where it is left to that."""
        keeper = self.keeper
        if keeper.put_at_once is None or keeper.redirects.is_any or self.asked.mode is Mode.VERIFY:
            return False
        self._save(at_once=True)
        return self.pending is None

    def save(self) -> None:
        """Stores what `settle` left to store; does nothing when it is called again.

        Never fails the caller's call: it warns instead. Whatever interrupts it, nobody waits for it any more.
        """
        self._save(at_once=False)

    def _save(self, *, at_once: bool) -> None:
        recording, self.pending = self.pending, None
        identity = self.asked.identity
        if recording is None or identity is None:
            return
        try:
            self._store(recording, identity, at_once)
        except BaseException:
            self.land()
            if self.outcome.status != "miss":
                self.outcome.reason = "storing it was interrupted"
            raise

    def _store(self, recording: Recording, identity: Identity, at_once: bool) -> None:
        keeper, reporter = self.keeper, self.keeper.reporter
        if not self._is_told:
            self._is_told = True
            reporter.answered(recording, self._telling)
            recording = without_named(recording, keeper.redactor)
        if self.asked.mode is Mode.VERIFY:
            self.outcome.reason = "the mode is verify"
            if recording.complete:
                keeper.compare(self._expected, recording)
            self._pass(recording)
            self.land()
            return
        if keeper.is_over:
            self.outcome.reason = OUTLIVED
            self.land()
            self._pass(recording)
            return
        try:
            with calling_upstream.begun():  # what a store connects to is ours
                keeper.save(recording, identity, self.asked, at_once=at_once)
            keeper.pass_on(self.asked, recording)
        except StoreBusy as error:
            if at_once:
                self.pending = recording
                return
            self._failed(error)
        except SecretFound as error:
            self.outcome.reason = str(error)
            reporter.warn(str(error))
        except NotFoundAgain as error:
            self.outcome.reason = str(error)
            keeper.not_kept(self.asked, str(error))
            reporter.warn_once(str(error))
        except Exception as error:  # noqa: BLE001  # a store of the user's may raise anything
            self._failed(error)
        else:
            self.outcome.status = "miss"
            if recording.complete:
                self.outcome.reason = ""
        self.land()
        if self.outcome.status == "miss":
            reporter.stored(recording, self.outcome)
        else:
            self._pass(recording)

    def _failed(self, error: Exception) -> None:
        told = _ENDED if sys.is_finalizing() else str(error)
        self.outcome.reason = f"the store failed: {told}"
        self.keeper.not_kept(self.asked, told)
        self.keeper.reporter.store_failed(f"{told} The answer was not stored.")

    def forget(self, reason: str, *, is_meant: bool = False) -> None:
        """Stores nothing of what is left to `save`.

        Args:
            reason: why.
            is_meant: whether the user wants it so.
        """
        if self.pending is not None:
            self.pending = None
            self.outcome.reason = reason
            self.land()
            if not is_meant:
                self.keeper.not_kept(self.asked, reason)
            self._release()

    def land(self) -> None:
        """Nobody waits for this answer any more. If interrupted, it is to be called again."""
        self._lead.land(is_left=self._is_left)
        tell_span(self._span, self.outcome)

    def _release(self) -> None:
        # what is compared and not stored has had its turn once it was answered
        if self.asked.mode is not Mode.VERIFY or self.head is None:
            self.keeper.release(self.asked)

    def _lose(self) -> None:
        asked, keeper = self.asked, self.keeper
        keeper.reporter.lost(shown(keeper.stored(asked)), self.outcome)

    def _pass(self, recording: Recording | None = None) -> None:
        self._release()
        self.keeper.reporter.passed(self.outcome, recording, time.perf_counter() - self._sent_at)
