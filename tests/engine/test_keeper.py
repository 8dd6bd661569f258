"""What is kept of upstream's answers."""

from __future__ import annotations

from typing import Any

import pytest

from replaycache import (
    AnswerEnd,
    Body,
    Chunk,
    ConfigurationError,
    Redact,
    ReplayCacheWarning,
    Request,
    ResponseHead,
    SecretFound,
)
from replaycache.stores import CassetteStore
from tests.engine.parts import URL, asked_of, exchange, recording_of

SECRET = b"sk-" + b"proj-" + b"a1B2c3D4e5F6" * 5


def cassette(tmp_path: Any, **options: Any) -> Any:
    return exchange(CassetteStore(tmp_path / "a.json"), **options)


def head(status: int) -> ResponseHead:
    return ResponseHead(status, ())


def test_a_cache_wants_what_succeeded_and_a_cassette_everything(tmp_path: Any) -> None:
    statuses = [200, 204, 299, 301, 404, 500]

    assert [exchange().keeper.may_want(head(status)) for status in statuses] == [True] + [False] * 5
    assert all(cassette(tmp_path).keeper.may_want(head(status)) for status in statuses)


ENDS = [AnswerEnd("whole", ("stop",)), AnswerEnd("unfinished"), AnswerEnd("failed")]


def test_a_cache_wants_what_is_whole_and_a_cassette_everything(tmp_path: Any) -> None:
    assert [exchange().keeper.why_not(head(200), end) for end in ENDS] == [
        "",
        "the answer ended before it was whole",
        "the answer tells a failure",
    ]
    assert [cassette(tmp_path).keeper.why_not(head(200), end) for end in ENDS] == [""] * 3


def test_the_user_says_what_is_wanted() -> None:
    """All but half an answer, which a cache never has."""
    keeper = exchange(keep=lambda head, end: head.status == 404 or end.finish_reasons == ("stop",)).keeper

    assert keeper.may_want(head(404))
    assert [bool(keeper.why_not(head(status), end)) for status in (404, 200) for end in ENDS] == [
        *(False, True, False),
        *(False, True, True),
    ]


def test_what_the_user_says_may_fail(tmp_path: Any) -> None:
    def keep(head: ResponseHead, end: AnswerEnd) -> bool:
        raise KeyError("colour")

    keeper = exchange(keep=keep).keeper
    with pytest.warns(ReplayCacheWarning, match=r"keep failed.*KeyError: 'colour'"):
        assert keeper.why_not(head(200), ENDS[0]) == "keep failed"


@pytest.mark.parametrize("keep", [lambda head: True, lambda: True, "200", 200])
def test_what_the_user_says_takes_the_head_and_the_end(keep: Any) -> None:
    with pytest.raises(ConfigurationError, match="takes two arguments"):
        exchange(keep=keep)


@pytest.mark.parametrize(
    ("on_abandon", "seconds"),
    [(None, [0.0, 0.5, 10.0, 10.0]), ("discard", [0.0, 0.5] * 2), ("drain", [10.0] * 4)],
)
def test_how_long_is_read_on(tmp_path: Any, on_abandon: Any, seconds: list[float]) -> None:
    keepers = [exchange(on_abandon=on_abandon).keeper, cassette(tmp_path, on_abandon=on_abandon).keeper]

    assert [keeper.drain_seconds(ends_soon=soon) for keeper in keepers for soon in (False, True)] == seconds


def save(made: Any, asked: Any) -> None:
    """What was asked is looked up, and upstream's answer saved."""
    made.lookup.find(asked)
    made.keeper.save(recording_of(asked), asked.identity, asked)


def test_a_cache_keeps_one_answer_and_a_cassette_all(tmp_path: Any) -> None:
    for made, count in ((exchange(), 1), (cassette(tmp_path), 2)):
        for _ in range(2):
            save(made, asked_of(made))

        assert len(made.store) == count


def test_a_cassette_that_is_recorded_anew_loses_what_it_had(tmp_path: Any) -> None:
    made = cassette(tmp_path)
    for _ in range(2):
        save(made, asked_of(made))
    made.close()
    made = cassette(tmp_path, mode="record")
    save(made, asked_of(made))

    assert len(made.store) == 1


def test_a_credential_is_not_written_to_a_cassette(tmp_path: Any) -> None:
    made = cassette(tmp_path)
    asked = asked_of(made, body=b'{"prompt": "' + SECRET + b'"}')
    with pytest.raises(SecretFound) as raised:
        save(made, asked)

    assert SECRET.decode() not in str(raised.value)
    assert len(made.tally.secrets) == 1
    assert len(made.store) == 0
    with pytest.raises(SecretFound):
        made.close()
    made.close()  # it is told once


def test_where_that_is_asked_for_a_placeholder_is_written(tmp_path: Any) -> None:
    made = cassette(tmp_path, redact=Redact(secrets="replace"))
    asked = asked_of(made, body=b'{"prompt": "' + SECRET + b'"}')
    save(made, asked)

    assert len(made.store) == 1
    assert SECRET not in (tmp_path / "a.json").read_bytes()


def test_an_answer_that_differs_is_told_of() -> None:
    made = exchange()
    asked = asked_of(made)
    expected = recording_of(asked)
    made.keeper.compare(expected, recording_of(asked))
    with pytest.warns(ReplayCacheWarning, match="is not what was recorded"):
        made.keeper.compare(expected, recording_of(asked, head=head(500)))
    with pytest.warns(ReplayCacheWarning, match=f"nothing is recorded for POST {URL}"):
        made.keeper.compare(None, recording_of(asked, request=Request("POST", URL, (), b"")))

    assert len(made.tally.drifts) == 1


def test_another_transport_may_keep_other_answers_in_a_cache() -> None:
    """Each applies its own rule to what it reads."""
    made = exchange()
    asked = asked_of(made)
    failing = exchange(keep=lambda head, end: end.failed).keeper
    whole = recording_of(asked)
    recordings = [
        whole,
        recording_of(asked, verdict="failed", body=Body.of([Chunk(b'{"error":"no"}', 0.0)])),
        recording_of(asked, verdict="unfinished", body=Body.of([Chunk(b"{", 0.0)])),
        recording_of(asked, head=ResponseHead(500, whole.head.headers)),
    ]

    other = recording_of(asked, digest="of another request")
    partly = recording_of(asked, complete=False)
    assert not made.keeper.accepts(other, asked.identity)
    assert not made.keeper.accepts(partly, asked.identity)
    answers = [
        [keeper.accepts(recording, asked.identity) for recording in recordings]
        for keeper in (made.keeper, failing)
    ]
    assert answers == [[True, False, False, False], [False, True, False, True]]
