"""What becomes of upstream's answer."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest

from replaycache import Outcome, Recording, ReplayCacheWarning, StoreError
from replaycache.engine import flights
from replaycache.engine.answer import LATE_SECONDS, Answer
from replaycache.engine.recorder import Ending
from replaycache.engine.unclosed import Unclosed
from replaycache.stores import CassetteStore, MemoryStore
from tests.engine.parts import ANSWER, HEADERS, URL, answer_in_full, call_of, exchange, sent

EVENTS = [(b"content-type", b"text/event-stream"), (b"transfer-encoding", b"chunked")]
PART = b'data: {"choices":[{"index":0,"delta":{"content":"Red"},"finish_reason":null}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
TERMINAL = b"data: [DONE]\n\n"


class Body(Unclosed):
    """Whatever its reader does."""


def streamed(made: Any, *chunks: bytes) -> Answer:
    """A stream of which so much has come, and that is still open."""
    answer = sent(call_of(made))
    answer.respond(200, EVENTS)
    for chunk in chunks:
        answer.resume()
        answer.feed(chunk)
    return answer


def only(made: Any) -> Recording | None:
    """What is stored."""
    recordings = [recording for _, recording in made.store.newest(9)]
    assert len(recordings) <= 1
    return recordings[0] if recordings else None


@pytest.fixture(autouse=True)
def _nobody_is_waited_for() -> Any:
    yield
    assert not flights._aloft


def test_before_its_end_an_answer_tells_where_it_will_be_stored() -> None:
    made = exchange()
    answer = sent(call_of(made))
    outcome = answer.respond(200, HEADERS)
    told = (outcome.key, outcome.store)
    answer.resume()
    answer.feed(ANSWER)
    assert answer.settle(Ending.END)
    answer.save()

    assert told == (next(made.store.keys()), made.store.location)


def test_what_is_read_to_its_end_is_stored_once() -> None:
    stored: list[Outcome] = []
    made = exchange(on_store=lambda recording, outcome: stored.append(outcome))
    answer = sent(call_of(made))
    outcome = answer.respond(200, HEADERS)
    assert (outcome.status, outcome.reason) == ("live", "the response's body has not been read to its end")

    answer.resume()
    answer.feed(ANSWER)
    assert answer.is_whole
    assert answer.settle(Ending.END)
    assert answer.settle(Ending.FAILED)  # the first time counts
    answer.save()
    answer.save()

    assert not answer.settle(Ending.END)
    assert (outcome.status, outcome.reason) == ("miss", "")
    assert stored == [outcome]
    recording = only(made)
    assert recording is not None
    assert recording.complete
    assert recording.body.read() == ANSWER
    assert recording.head.header("content-type") == "application/json"


def test_of_a_body_that_was_decoded_the_encoding_is_not_kept() -> None:
    made = exchange()
    answer = sent(call_of(made))
    answer.respond(200, [(b"Content-Type", b"application/json"), (b"Content-Encoding", b"gzip")], decoded=True)
    answer.resume()
    answer.feed(ANSWER)
    assert answer.settle(Ending.END)
    answer.save()

    recording = only(made)
    assert recording is not None
    assert recording.body.read() == ANSWER
    assert recording.head.header("content-encoding") is None


@pytest.mark.parametrize(
    ("url", "options", "status", "reason"),
    [
        (URL, {}, 500, "a response with status 500 is not kept"),
        (URL, {"mode": "off"}, 200, "the mode is off"),
        (
            URL.replace("chat/completions", "models"),
            {},
            200,
            "a cache keeps only calls that generate, and this is none",
        ),
    ],
)
def test_what_is_not_stored_says_why_and_holds_nobody_up(
    url: str, options: dict[str, Any], status: int, reason: str
) -> None:
    made = exchange(**options)
    answer = sent(call_of(made, url=url))
    answer.respond(status, HEADERS)
    assert not flights._aloft

    answer.hold(object(), Body())
    assert not made.responses.held
    answer.resume()
    answer.feed(ANSWER)
    assert not answer.settle(Ending.END)
    answer.save()
    assert (answer.outcome.status, answer.outcome.reason) == ("live", reason)
    assert only(made) is None


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (Ending.END, "the answer ended before it was whole"),
        (Ending.CLOSED, "the caller closed the response before its end"),
        (Ending.FAILED, "the response broke off"),
        (Ending.CUT, "the caller closed the response before its end, and the rest of it broke off"),
    ],
)
def test_a_cache_stores_nothing_that_is_cut(ending: Ending, reason: str) -> None:
    made = exchange()
    answer = streamed(made, PART)

    assert not answer.settle(ending)
    assert answer.outcome.reason == reason
    assert only(made) is None


def test_a_cassette_keeps_what_the_caller_left(tmp_path: Any) -> None:
    made = exchange(CassetteStore(tmp_path / "a.json"))
    answer = streamed(made, PART)
    assert answer.settle(Ending.CLOSED)
    answer.save()

    recording = only(made)
    assert recording is not None
    assert not recording.complete
    assert recording.body.read() == PART
    assert answer.outcome.status == "miss"
    assert answer.outcome.reason == "the caller closed the response before its end"


def test_how_long_what_was_closed_early_is_read_on(tmp_path: Any) -> None:
    cache, cassette = exchange(), exchange(CassetteStore(tmp_path / "a.json"))
    for made, chunks, seconds in (
        (cache, [PART], 0.0),
        (cache, [PART, STOP], 0.5),
        (cache, [PART, STOP, TERMINAL], 0.0),
        (cassette, [PART], 10.0),
        (cassette, [PART, STOP, TERMINAL], 0.0),
    ):
        answer, body = streamed(made, *chunks), Body()
        answer.hold(object(), body)
        assert answer.drain_seconds() == seconds
        answer.resume()
        assert answer.drain_seconds() == 0  # somebody waits for a chunk
        answer.abandon("as you like")
        assert answer.drain_seconds() == 0


def test_what_is_read_from_lives_until_the_answer_has_settled() -> None:
    class Stream:
        gone = 0

        def __del__(self) -> None:
            Stream.gone += 1

    made = exchange()
    answer, body = streamed(made, PART, STOP), Body()
    answer.hold(Stream(), body)
    assert made.responses.held == {answer}
    assert answer.open_body is body
    gc.collect()
    assert Stream.gone == 0

    answer.abandon("as you like")
    gc.collect()
    assert Stream.gone == 1
    assert not made.responses.held
    assert answer.open_body is None


def test_a_body_that_is_dropped_is_put_off_where_that_is_worth_it() -> None:
    made = exchange()
    answer, body = streamed(made, PART, STOP), Body()
    answer.hold(object(), body)
    answer.drop(body)

    assert not flights._aloft
    assert not made.responses.held
    assert made.responses.next_dropped() is body
    assert 0 < answer.drain_seconds() <= LATE_SECONDS
    answer.resume()
    answer.feed(TERMINAL)
    assert answer.settle(Ending.CLOSED)
    answer.save()
    recording = only(made)
    assert recording is not None
    assert recording.body.read() == PART + STOP + TERMINAL


def test_a_body_that_is_dropped_in_the_middle_is_given_up() -> None:
    made = exchange()
    answer, body = streamed(made, PART), Body()
    answer.hold(object(), body)
    answer.drop(body)

    assert made.responses.next_dropped() is None
    assert not made.responses.held
    assert answer.outcome.status == "live"
    assert only(made) is None


def test_what_was_settled_can_be_forgotten() -> None:
    made = exchange()
    answer = sent(call_of(made))
    answer.respond(200, HEADERS)
    answer.resume()
    answer.feed(ANSWER)
    assert answer.settle(Ending.END)
    answer.forget("nobody wants it")
    answer.save()

    assert answer.outcome.reason == "nobody wants it"
    assert only(made) is None


class Failing(MemoryStore):
    """Its `put` fails."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def put(self, key: str, recording: Recording) -> None:
        raise self.error


def test_a_store_that_fails_is_told_of_and_disturbs_nobody() -> None:
    made = exchange(Failing(StoreError("no disk.")))
    answer = sent(call_of(made))
    with pytest.warns(ReplayCacheWarning, match=r"no disk\. The answer was not stored\."):
        answer_in_full(answer)

    assert (answer.outcome.status, answer.outcome.reason) == ("live", "the store failed: no disk.")


def test_an_interrupt_while_it_is_stored_holds_nobody_up() -> None:
    made = exchange(Failing(KeyboardInterrupt()))
    answer = sent(call_of(made))
    with pytest.raises(KeyboardInterrupt):
        answer_in_full(answer)

    assert (answer.outcome.status, answer.outcome.reason) == ("live", "storing it was interrupted")


def test_in_mode_verify_it_is_compared_and_not_stored() -> None:
    made = exchange(on_drift="raise")
    answer_in_full(sent(call_of(made)))
    verify = [(b"x-replaycache-mode", b"verify")]
    same = sent(call_of(made, headers=verify))
    answer_in_full(same)
    assert (same.outcome.status, same.outcome.reason) == ("live", "the mode is verify")
    assert not made.tally.drifts

    answer_in_full(sent(call_of(made, headers=verify)), body=b'{"another":1}'.ljust(len(ANSWER)))
    assert len(made.tally.drifts) == 1
    recording = only(made)
    assert recording is not None
    assert recording.body.read() == ANSWER


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_reads_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    made = exchange()
    answer, body = streamed(made, PART, STOP), Body()
    answer.hold(object(), body)
    child = os.fork()
    if not child:
        os._exit(answer.drain_seconds() != 0 or answer.open_body is not None)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    answer.abandon("as you like")
