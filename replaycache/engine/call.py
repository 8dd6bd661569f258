"""One request's way through replaycache, for every transport.

    call = exchange.call(method, url, headers)      an adapter, for each request
    call.identify(body)                             where `call.asked.needs_body`
    call.decide(call.load())                        Replay | Disturb | Forward | Wait | Recheck | Refuse

    Replay    the adapter answers from the recording's chunks
    Disturb   the same, and it has go wrong what the plan says; call.give_back() where not all of it is given
    Forward   answer = call.sending(forward), and the adapter calls upstream; then answer.respond(),
              answer.feed() for every chunk, answer.settle() exactly once, and answer.save() where that says so
    Wait      an identical request is in flight: wait for it, call.go_on(), load and decide again
    Recheck   load and decide again
    Refuse    raise call.miss(): upstream may not be called

Nothing here knows a client library, opens a file, starts a thread or awaits: adapters do, and the store
that they were given. Every method may be called from any thread, one at a time.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from .._errors import CacheMiss, MissReason, StoreUnavailable
from ..options import Mode, Options
from ..stores import StoreBusy
from ..system.calling_upstream import calling_upstream
from ..system.forking import postponed
from .asked import Asked
from .decider import Decider
from .decisions import Decision, Disturb, Forward, Recheck, Replay, Wait
from .diagnosis import Advice, diagnose, told_nearest
from .flights import ClaimedElsewhere
from .identifier import Identifier
from .keeper import Keeper
from .lead import Lead, Neighbours
from .lookup import Found, Lookup, Nothing
from .recorder import Ending
from .reporting import Reporter

if TYPE_CHECKING:
    from ..stores import Store
    from .answer import Answer
    from .plan import Met


class Shared:
    """What the calls of a transport share.

    Attributes:
        options: checked.
        store: where recordings are.
        advice: what the text of a miss says to do next.
        reporter: is told what becomes of each call.
        identifier: tells which requests are the same.
        lookup: looks into the store.
        decider: decides.
        neighbours: who may ask the same; None where each call goes on its own.
        keeper: keeps upstream's answers.
        met: how many calls of a key faults have met.
    """

    options: Options
    store: Store
    advice: Advice
    reporter: Reporter
    identifier: Identifier
    lookup: Lookup
    decider: Decider
    neighbours: Neighbours | None
    keeper: Keeper
    met: Met


class Call:
    """One request on its way to its answer. Adapters make it by `Exchange.call`.

    Attributes:
        asked: what is asked.
    """

    __slots__ = ("_answer", "_began", "_lead", "_shared", "asked")

    def __init__(self, shared: Shared, asked: Asked) -> None:
        self._began = time.perf_counter()
        self._shared = shared
        self.asked = asked
        self._lead: Lead | None = None
        self._answer: Answer | None = None

    @property
    def passes_by(self) -> bool:
        """Whether upstream's response is handed on as it is."""
        return self.asked.mode is Mode.OFF

    @property
    def max_request_bytes(self) -> int:
        """How many bytes of a request's body are read."""
        return self._shared.options.max_request_bytes

    def identify(self, body: bytes | None) -> None:
        """Takes the request's body; None where it is larger than `max_request_bytes`."""
        self._shared.identifier.identify(self.asked, body)

    def load(self) -> Found:
        """Reads the store, where the request may be answered from it.

        Raises:
            StoreError: the store failed and the mode is `replay`.
            CassetteError: the cassette cannot be read.
        """
        lookup = self._shared.lookup
        if not lookup.connects:
            return lookup.find(self.asked)
        with calling_upstream.begun():  # what a store connects to is ours
            return lookup.find(self.asked)

    def decide(self, found: Found) -> Decision:
        """What to do, given what `load` found."""
        shared = self._shared
        decision = shared.decider.decide(self.asked, found)
        if isinstance(decision, Forward) and decision.missed is not None:
            return self._with_nearest(self._take_off(decision, found))
        if self._lead is not None and not isinstance(decision, Recheck):
            self._lead.land()
        if isinstance(decision, Replay):
            if shared.keeper.redirects.is_any:
                with suppress(Exception):  # what a store of the user's may raise: those calls go live again
                    shared.keeper.pass_on(self.asked, decision.recording)
            disturbed = self._disturbed(decision) if self.asked.fault else decision
            recording = decision.recording
            shared.reporter.hit(recording, decision.outcome, time.perf_counter() - self._began)
            if recording.head.status != 200 and disturbed is decision:
                return _at_pace(decision)
            return disturbed
        return decision

    def _disturbed(self, replay: Replay) -> Replay | Disturb:
        with postponed():
            from .faults import disturb  # most calls have none

        shared, met = self._shared, self.asked.met
        disturbed = disturb(replay, self.asked, shared.met if met is None else met)
        if disturbed is None:
            return replay
        shared.reporter.tally.disturbed += 1
        return disturbed

    def give_back(self) -> None:
        """Its caller does not get all of the recording: whoever asks again does."""
        self._shared.keeper.release(self.asked)

    def _take_off(self, forward: Forward, found: Found) -> Forward | Wait | Recheck:
        """Nothing answers: what to do, as others may ask the same."""
        lead, identity = self._lead, self.asked.identity
        if lead is None:
            # kept before it has anything: an interrupt must find what is to be let go
            lead = self._lead = Lead(self._shared.neighbours)
        if lead.is_settled or identity is None:
            return forward
        try:
            with calling_upstream.begun():
                flight = lead.take_off(identity)
        except StoreBusy:
            lead.land()
            return Recheck()
        if flight is not None:
            if isinstance(flight, ClaimedElsewhere):
                self._shared.reporter.waiting(identity.key)
            return Wait(flight)
        before = found.landings if isinstance(found, Nothing) else None
        return Recheck() if lead.may_have_missed(before) else forward

    def _with_nearest(self, decision: Forward | Wait | Recheck) -> Forward | Wait | Recheck:
        """Where the log tells of misses: with what comes nearest, while the store may be asked."""
        shared, asked = self._shared, self.asked
        if not isinstance(decision, Forward) or decision.missed is None or not shared.reporter.logs_misses:
            return decision
        with calling_upstream.begun():
            nearest = told_nearest(shared.keeper.stored(asked), asked.sample, decision.missed, shared.store)
        return decision._replace(nearest=nearest)

    def patience(self, timeout: float | None) -> float | None:
        """Seconds that are left to wait of a time-out: those who wait for one leader after another have one."""
        return timeout and self._began + timeout - time.perf_counter()

    def go_on(self) -> None:
        """The wait is over."""
        if self._lead is not None:
            self._lead.go_on()

    def miss(self, reason: MissReason) -> CacheMiss:
        """The error that tells what was asked, why nothing matched, what comes nearest, and what to do."""
        shared, asked = self._shared, self.asked
        with calling_upstream.begun():
            miss = diagnose(
                shared.keeper.stored(asked),
                reason,
                mode=asked.said,
                mode_as="x-replaycache-mode: {}" if asked.names_mode else shared.options.mode_as,
                key=asked.key,
                sample=asked.sample,
                number=asked.number and asked.number.value,
                store=shared.store,
                advice=shared.advice._replace(mode=None, mode_as="") if asked.names_mode else shared.advice,
            )
        shared.reporter.refused(miss)
        return miss

    def sending(self, forward: Forward) -> Answer:
        """Upstream is about to be called; takes its answer.

        Raises:
            BudgetExceeded: it may not be.
        """
        shared, asked = self._shared, self.asked
        if asked.mode is not Mode.OFF:
            shared.reporter.sending(asked.key)
            if forward.missed is not None:
                shared.reporter.miss(shared.keeper.stored(asked), forward, asked.key)
        if asked.names_mode:
            shared.reporter.tally.named_mode.add(asked.endpoint.origin)
        self._answer = self._answer_to(forward)
        return self._answer

    def _answer_to(self, forward: Forward) -> Answer:
        try:
            with postponed():
                # what reads along with answers is imported at the first live call: hits have no use for it
                from .answer import Answer
        except OSError as error:
            raise StoreUnavailable(
                f"what records answers cannot be loaded: {error}. Upstream was not called; where too many files "
                f"are open, allow more (ulimit -n)."
            ) from error

        return Answer(self.asked, forward, self._lead or Lead(None), self._shared.keeper)

    def abandon(self, reason: str, ending: Ending = Ending.FAILED) -> None:
        """The call is of no use to anybody: nobody waits for it, and nothing of an answer is stored."""
        answer = self._answer
        if answer is not None:
            answer.abandon(reason, ending)
            return
        if self._lead is not None:
            self._lead.land(is_left=ending is Ending.CANCELLED)
        self._shared.keeper.release(self.asked)


def _at_pace(replay: Replay) -> Replay:
    """With the time that an error tells its client to wait as the pace has it."""
    with postponed():
        from .retry_after import at_pace  # few tell one

    recording = replay.recording
    head = at_pace(recording.head, replay.pace)
    return replay if head is recording.head else replay._replace(recording=recording.with_parts(head=head))
