"""Anything in any order, against plain models: stores, sessions on a cassette, the engine with calls in flight."""

from __future__ import annotations

import contextvars
import json
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx2
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from replaycache import CacheMiss, use_cassette
from replaycache.engine import flights
from replaycache.engine.decisions import Forward, Recheck, Refuse, Replay, Wait
from replaycache.engine.recorder import Ending
from replaycache.stores import CassetteStore, DiskStore, MemoryStore
from tests.engine.parts import ANSWER, HEADERS, call_of, exchange
from tests.scripted_server import ScriptedServer, counting_answers
from tests.stores.test_layers import Dictionary
from tests.test_transports import CHAT

# -- stores ----------------------------------------------------------------------------------------------------


class MemoryMachine(Dictionary):
    make = staticmethod(MemoryStore)


class DiskMachine(Dictionary):
    """The same, and others have the same directory open."""

    def open(self) -> None:
        self.directory = tempfile.mkdtemp()
        self.store = DiskStore(self.directory)
        self.model = {}

    open = initialize()(open)  # type: ignore[assignment]  # as that of the class above

    @rule()
    def go_on_with_another(self) -> None:
        self.store.close()
        self.store = DiskStore(self.directory)

    @rule()
    def ask_beside(self) -> None:
        other = DiskStore(self.directory)
        assert {key: other.get(key) for key in list(other.keys())} == self.model
        other.close()

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.directory)


# -- sessions --------------------------------------------------------------------------------------------------


class Session:
    """One that is open, and what the model says that it has: the file as it was, and its places in it."""

    def __init__(self, path: Path, mode: str) -> None:
        self.mode = mode
        self.held: dict[int, list[int]] | None = None
        self.played: dict[int, int] = defaultdict(int)
        self.renewed: set[int] = set()
        self.context = contextvars.copy_context()
        self._cassette = use_cassette(path, mode=mode)
        self.context.run(self._cassette.__enter__)

    def close(self) -> None:
        self.context.run(self._cassette.__exit__, None, None, None)


class SessionMachine(RuleBasedStateMachine):
    """Sessions on one cassette, one after the other and beside each other."""

    questions = st.integers(0, 2)

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.path = self.directory / "c.json"
        self.server = ScriptedServer(counting_answers())
        self.client = httpx2.Client()
        self.file: dict[int, list[int]] = defaultdict(list)
        self.open: list[Session] = []

    def _ask(self, session: Session, question: int) -> int | None:
        body = {"model": "m", "messages": [{"role": "user", "content": f"{question}"}]}
        try:
            answer = session.context.run(self.client.post, self.server.url + CHAT, json=body)
        except CacheMiss:
            return None
        return int(answer.json()["answer"])

    @precondition(lambda self: len(self.open) < 3 and not any(one.mode == "record" for one in self.open))
    @rule(mode=st.sampled_from(["once", "auto", "replay", "record"]))
    def enter(self, mode: str) -> None:
        if mode == "record" and self.open:
            mode = "auto"
        self.open.append(Session(self.path, mode))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 2), question=questions)
    def ask(self, which: int, question: int) -> None:
        self._check(self.open[which % len(self.open)], question)

    def _check(self, session: Session, question: int) -> None:
        calls = len(self.server.requests)
        if session.held is None:  # it reads the file when it is first asked
            session.held = {question: list(answers) for question, answers in self.file.items()}
        held = session.held.get(question, [])
        has_any = any(session.held.values())
        at = session.played[question]
        answer = self._ask(session, question)
        is_live = len(self.server.requests) > calls
        if session.mode != "record" and at < len(held):
            assert (answer, is_live) == (held[at], False)
            session.played[question] += 1
        elif session.mode == "replay" or (session.mode == "once" and has_any):
            assert (answer, is_live) == (None, False)
        else:
            assert (answer, is_live) == (len(self.server.requests), True)
            if session.mode == "record" and question not in session.renewed:
                session.renewed.add(question)
                self.file[question] = []
            self.file[question].append(answer)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 2))
    def leave(self, which: int) -> None:
        self.open.pop(which % len(self.open)).close()

    @invariant()
    def the_file_holds_what_was_recorded(self) -> None:
        if not hasattr(self, "path") or self.open:
            return
        found: dict[int, list[int]] = defaultdict(list)
        for recording in CassetteStore(self.path).all():
            question = int(json.loads(recording.request.body)["messages"][0]["content"])
            found[question].append(json.loads(recording.body.read())["answer"])
        assert found == {question: answers for question, answers in self.file.items() if answers}

    def teardown(self) -> None:
        if not hasattr(self, "path"):
            return
        for session in self.open:
            session.close()
        self.client.close()
        self.server.stop()
        shutil.rmtree(self.directory)


# -- the engine ------------------------------------------------------------------------------------------------


class Flying:
    """A call that was sent.

    Attributes:
        leads: whether others wait for it.
        stores: whether its answer is stored, if it is whole.
    """

    def __init__(self, question: int, answer: Any, body: bytes, *, leads: bool, stores: bool) -> None:
        self.question = question
        self.answer = answer
        self.body = body
        self.leads = leads
        self.stores = stores
        self.fed = 0
        self.status = 0


class EngineMachine(RuleBasedStateMachine):
    """Calls in every mode, in flight at once, answered, failed, left and dropped at any point."""

    questions = st.integers(0, 2)
    modes = st.sampled_from(["auto", "auto", "replay", "record", "off"])

    @initialize()
    def begin(self) -> None:
        self.made = exchange()
        self.stored: dict[int, bytes] = {}
        self.flying: list[Flying] = []
        self.waiting: list[tuple[int, Any, Wait]] = []
        self.number = 0

    @rule(question=questions, mode=modes)
    def ask(self, question: int, mode: str) -> None:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": f"{question}"}]}).encode()
        self._decide(
            question, call_of(self.made, body=body, headers=[(b"x-replaycache-mode", mode.encode())]), mode
        )

    def _decide(self, question: int, call: Any, mode: str) -> None:
        decision = call.decide(call.load())
        while isinstance(decision, Recheck):
            decision = call.decide(call.load())
        is_led = any(one.question == question and one.leads for one in self.flying)
        if mode in ("auto", "replay") and question in self.stored:
            assert isinstance(decision, Replay)
            assert decision.recording.body.read() == self.stored[question]
        elif mode == "replay":
            assert decision == Refuse("no_recording")
        elif mode == "auto" and is_led:
            assert isinstance(decision, Wait)
            self.waiting.append((question, call, decision))
        else:
            assert isinstance(decision, Forward)
            self.number += 1
            body = ANSWER.replace(b"Red", b"%d" % self.number)
            stores = mode in ("auto", "record")
            leads = mode == "auto"
            self.flying.append(Flying(question, call.sending(decision), body, leads=leads, stores=stores))

    def _one(self, which: int) -> Flying:
        return self.flying[which % len(self.flying)]

    @precondition(lambda self: any(not one.status for one in self.flying))
    @rule(which=st.integers(0, 9), status=st.sampled_from([200, 200, 200, 429, 500]))
    def respond(self, which: int, status: int) -> None:
        waiting = [one for one in self.flying if not one.status]
        one = waiting[which % len(waiting)]
        one.status = status
        one.answer.respond(status, HEADERS[:1])
        one.answer.resume()
        one.leads = one.leads and status == 200  # nobody waits for what is not kept

    @precondition(lambda self: any(one.status for one in self.flying))
    @rule(which=st.integers(0, 9), share=st.sampled_from([0.3, 0.7, 1.0, 1.0]))
    def feed(self, which: int, share: float) -> None:
        begun = [one for one in self.flying if one.status]
        one = begun[which % len(begun)]
        upto = max(one.fed, int(len(one.body) * share))
        if upto > one.fed:
            one.answer.feed(one.body[one.fed : upto])
            one.answer.resume()
            one.fed = upto

    @precondition(lambda self: any(one.status for one in self.flying))
    @rule(which=st.integers(0, 9), ending=st.sampled_from([Ending.END, *Ending]))
    def end(self, which: int, ending: Ending) -> None:
        begun = [one for one in self.flying if one.status]
        one = begun[which % len(begun)]
        self.flying.remove(one)
        if one.answer.settle(ending):
            one.answer.save()
        is_whole = one.status == 200 and one.fed == len(one.body) and ending is Ending.END
        if one.stores and is_whole:
            self.stored[one.question] = one.body
            assert one.answer.outcome.status == "miss"
        else:
            assert one.answer.outcome.status == "live"
        assert not one.answer.settle(Ending.END)

    @precondition(lambda self: self.flying)
    @rule(which=st.integers(0, 9), ending=st.sampled_from([Ending.FAILED, Ending.CANCELLED]))
    def abandon(self, which: int, ending: Ending) -> None:
        one = self._one(which)
        self.flying.remove(one)
        one.answer.abandon("the call broke off", ending)

    @precondition(lambda self: any(wait.flight.is_over for _, _, wait in self.waiting))
    @rule()
    def go_on(self) -> None:
        at = next(at for at, (_, _, wait) in enumerate(self.waiting) if wait.flight.is_over)
        question, call, wait = self.waiting.pop(at)
        call.go_on()
        if wait.flight.is_left:
            self._decide(question, call, "auto")
        else:
            self._after_waiting(question, call)

    def _after_waiting(self, question: int, call: Any) -> None:
        """Upstream failed: it does not wait again, and is nobody's leader."""
        decision = call.decide(call.load())
        while isinstance(decision, Recheck):
            decision = call.decide(call.load())
        if question in self.stored:
            assert isinstance(decision, Replay)
            assert decision.recording.body.read() == self.stored[question]
            return
        assert isinstance(decision, Forward)
        self.number += 1
        body = ANSWER.replace(b"Red", b"%d" % self.number)
        self.flying.append(Flying(question, call.sending(decision), body, leads=False, stores=True))

    @invariant()
    def the_store_has_what_was_whole(self) -> None:
        if hasattr(self, "made"):
            found = [recording.body.read() for _, recording in self.made.store.newest(99)]
            assert sorted(found) == sorted(self.stored.values())

    @invariant()
    def nobody_waits_for_what_is_over(self) -> None:
        if hasattr(self, "made"):
            assert len(flights._aloft) == sum(one.leads for one in self.flying)

    def teardown(self) -> None:
        if hasattr(self, "made"):
            for one in self.flying:
                one.answer.abandon("the end")
            for _, call, _ in self.waiting:
                call.abandon("the end")
            assert not flights._aloft


EXAMPLES = settings.default.max_examples
"""More of them with `HYPOTHESIS_PROFILE=thorough`."""

for machine in (MemoryMachine, DiskMachine, SessionMachine):
    machine.TestCase.settings = settings(max_examples=EXAMPLES // 4, stateful_step_count=20)
EngineMachine.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=30)
TestMemory, TestDisk = MemoryMachine.TestCase, DiskMachine.TestCase
TestSessions, TestEngine = SessionMachine.TestCase, EngineMachine.TestCase
