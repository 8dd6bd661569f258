"""A cassette that was edited into nonsense is a `CassetteError` with its place, before a call is answered."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replaycache import Body, CacheMiss, CassetteError, Chunk
from replaycache.stores.cassette.text import dump, dump_recording, load
from tests.drivers import SYNC, Driver
from tests.stores.test_cassette import URL, recorded
from tests.stores.test_stored_nonsense import UNREADABLE, mutated, shown
from tests.test_transports import EVENTS

REQUEST_BODY = recorded().request.json()
DEEP = json.loads("[" * 900 + "]" * 900)
DOCUMENT: dict[str, Any] = json.loads(
    dump(
        [
            dump_recording(recorded(answer=b"1", sample=0)),
            dump_recording(recorded(answer=b"a\xff", sample=3)),
            dump_recording(
                recorded(
                    content_type="text/event-stream",
                    body=Body.of([Chunk(EVENTS[0], 0.25), Chunk(EVENTS[1] + EVENTS[2], 0.5), Chunk(b"\xff", 1.0)]),
                    complete=False,
                )
            ),
            dump_recording(recorded(answer=b'{"a": 1}')),
        ]
    )
)


def answered(driver: Driver, path: Path, **asked: Any) -> Any:
    """What a client gets, read whole; the sessions of a test are its own."""
    found = []

    async def body() -> None:
        async with driver.client(store=str(path), mode="replay", **asked) as client:
            found.append(await client.post(URL, json=REQUEST_BODY))

    driver.run(body)
    return found[0]


def edited(path: Path, place: tuple[Any, ...], value: Any) -> Path:
    """The cassette with another value in one place of its first recording."""
    document = copy.deepcopy(DOCUMENT)
    inner = document["recordings"]
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    path.write_text(json.dumps(document))
    return path


DATES: list[Any] = [
    None,
    5,
    True,
    "",
    "yesterday",
    "2026-99-99",
    "2026-02-30T00:00:00Z",
    "1969-12-31",
    "0001-01-01",
]
NO_LINES: list[Any] = [None, 5, {}, [5], [["b"]], "€", "a\nb", "\0"]
NO_EVENTS: list[Any] = [None, 5, {}, "a", [5], [["a"]], [[]], [[1, 2, 3]]]
NO_LINE: list[Any] = [None, {}, "ab", [0, 5], [0, ["a"]]]
NO_PIECES: list[Any] = [5, None, {}, {"base64": 5}, {"text": "a"}]
WRONG: list[tuple[tuple[Any, ...], Any, str]] = [
    *(((0, "response", "status"), value, "response.status is") for value in UNREADABLE["status"]),
    *(((0, "response", "latency"), value, "response.latency is") for value in UNREADABLE["latency"]),
    *(((0, "sample"), value, "[0].sample is") for value in UNREADABLE["sample"]),
    *(((0, "complete"), value, "[0].complete is") for value in UNREADABLE["complete"]),
    *(((0, "recorded_at"), value, "[0].recorded_at is") for value in [*DATES, "9999-12-31T23:59:59-23:59"]),
    *(((0, "response", "headers"), value, "header") for value in [None, 5, [], "a", [["a", "b"]]]),
    *(((0, "response", "headers", "a"), value, "header") for value in NO_LINES),
    *(((0, "request", "headers", name), "a", "") for name in ["€", "a\nb", "a\x00"]),
    ((0, "response", "headers", "Content-Encoding"), "gzip", "content-encoding"),
    *(
        ((0, "request", "url"), value, "request.url is none")
        for value in [None, 5, "", "/v1", "a/b://c", "http://[::1/"]
    ),
    *(((0, "request", "url"), value, "request.url is none") for value in ["http://a/ b", "http://a\n/", "://a/"]),
    *(((0, "request", "method"), value, "request.method is") for value in [None, 5, "", "post", "PO ST", "P\n"]),
    *(((0, "request", "json"), value, "nested too deeply") for value in [DEEP, {"a": DEEP}]),
    *(((0, "response", "json"), value, "nested too deeply") for value in [DEEP]),
    *(((0, "response", "layout"), value, "layout") for value in [None, 5, [], "odd", "compact"]),
    *(((1, "response", "base64"), value, "") for value in [None, 5, "!", "YQ", "é", ["YQ==", 5], ["é"], {}]),
    *(((0, "response", "text"), value, "text") for value in [None, 5, ["a"], {}]),
    ((1, "response", "text"), "a", "response has a body as 'base64' and as 'text'"),
    ((2, "response", "text"), "a", "response has a body as 'events' and as 'text'"),
    ((2, "response", "base64"), "YQ==", "response has a body as 'base64' and as 'events'"),
    ((1, "response", "events"), [], "response has a body as 'base64' and as 'events'"),
    ((1, "response", "assembled"), "a", "assembled"),
    ((2, "response", "assembled"), 5, "assembled"),
    *(((2, "response", "events"), value, "events") for value in NO_EVENTS),
    *(
        ((2, "response", "events", 0), value, "response.events[0] ")
        for value in [None, {}, "ab", [0, 5], [0, ["a"]]]
    ),
    *(((2, "response", "events", 0), [0, value], "response.events[0] ") for value in NO_PIECES),
    *(((2, "response", "events", 0, 0), value, "response.events[0] ") for value in UNREADABLE["latency"]),
    *(((0, name), 1, f"[0] has an unknown member {name!r}") for name in ["note", "respones"]),
    ((0, "request", "heders"), {}, "request has an unknown member 'heders' (is 'headers' meant?)"),
    ((0, "response", "event"), [], "response has an unknown member 'event' (is 'events' meant?)"),
    *(((0,), value, "recordings[0] is no object") for value in [None, 5, "a", []]),
    *(((0, "request"), value, "request is no object") for value in [None, 5, "a", []]),
    *(((0, "response"), value, "response is no object") for value in [None, 5, "a", []]),
]


@pytest.mark.parametrize(("place", "value", "says"), WRONG)
def test_nonsense_is_told_with_its_place(tmp_path: Path, place: tuple[Any, ...], value: Any, says: str) -> None:
    path = edited(tmp_path / "c.json", place, value)

    for driver in SYNC:
        with pytest.raises(CassetteError) as caught:
            answered(driver, path, sample=3 if place[0] == 1 else 0)
        told = str(caught.value)
        assert says in told
        assert str(path) in told
        assert f"line 1: recordings[{place[0]}]" in told or "nested too deeply" in told
        assert told.endswith("restore the file.")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"format"', '"note": 1, "format"', "the file has an unknown member 'note'"),
        ('"format"', '"recordings": [], "format"', "line 3: recordings is given twice"),
        ('"status"', '"status": 500, "status"', "recordings[0].response.status is given twice"),
        ('"status"', '"st\\u0061tus": 500, "status"', "recordings[0].response.status is given twice"),
        ('"request"', '"request": {"a\\u0022": 1}, "request"', "recordings[0].request is given twice"),
        ('"model"', '"model": 1, "model"', "line 12: recordings[0].request.json.model is given twice"),
        ('"latency": 0.5', '"latency": NaN', "is no JSON"),
        ('"latency": 0.5', '"latency": Infinity', "is no JSON"),
        ('"latency": 0.5', '"latency": 1e400', "is no JSON"),
        ('"hello"', '"\\ud800"', "is no JSON"),
        ('"hello"', "[" * 2000 + "]" * 2000, "is no JSON"),
        ('"replaycache/1"', '"replaycache/²"', "its format is"),
        ('"replaycache/1"', '"replaycache/0"', "its format is"),
        ('"replaycache/1"', f'"replaycache/{"9" * 5000}"', "Upgrade"),
        ('"replaycache/1"', '"replaycache/01"', "its format is"),
    ],
)
def test_a_file_edited_into_nonsense(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "c.json"
    text = dump([dump_recording(recorded())])
    assert old in text
    path.write_text(text.replace(old, new, 1))

    for driver in SYNC:
        with pytest.raises(CassetteError) as caught:
            answered(driver, path)
        assert says in str(caught.value)
        assert len(str(caught.value)) < 1000


def test_a_quotation_mark_spelt_otherwise_is_no_member_given_twice(tmp_path: Path) -> None:
    text = dump([dump_recording(recorded('say "a" or \\u0022b'))])
    for spelling in (text, text.replace('\\"', "\\u0022")):
        (back,) = load(spelling.encode(), "c.json")
        assert back.request.json()["messages"][0]["content"] == 'say "a" or \\u0022b'


def test_a_date_without_a_zone_is_the_same_everywhere(tmp_path: Path) -> None:
    path = edited(tmp_path / "c.json", (0, "recorded_at"), "2026-11-21T22:02:00")

    first, *_ = load(path.read_bytes(), "c.json")

    assert first.recorded_at == 1_795_298_520.0


@pytest.mark.parametrize("depth", [1, 249, 250, 251, 254, 300, 1000, 5000])
def test_json_of_any_depth_is_written_so_that_it_can_be_read(depth: int) -> None:
    body = b"[" * depth + b"]" * depth

    (back,) = load(dump([dump_recording(recorded(answer=body))]).encode(), "c.json")

    assert back.body.read() == body


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from([0, 1, -1, 200, 204, 1e9, 1e300, 1 << 48, 2.8e8, "\ud800", "gzip", "a\r\nb", "é", "€"])
    | st.sampled_from(["content-encoding", "2026-01-01", "9999-12-31T23:59:59.9Z", "indent 4, newline", "YQ=="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)


def check(path: Path, text: bytes) -> None:
    """Reading it is our error, or recordings that every adapter plays."""
    path.write_bytes(text)
    try:
        found = load(text, str(path))
    except CassetteError:
        return
    for made in found:
        try:
            made.body.read()
        except CassetteError:
            continue
        shown(made)
    for driver in SYNC:
        for options in ({"sample": 0}, {"sample": 3}, {"sample": 0, "repeats": "same"}):
            try:
                answer = answered(driver, path, **options)
            except (CassetteError, CacheMiss):
                continue
            assert answer.content is not None
            assert answer.text is not None


@pytest.mark.exhaustive
@settings(max_examples=250)
@given(st.data())
def test_mutated_cassettes_replay_or_are_our_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    document = mutated(data, DOCUMENT, _VALUES)

    check(tmp_path_factory.getbasetemp() / "mutated.json", json.dumps(document).encode())


@pytest.mark.parametrize("hiding", ["\\u005cu0022", "\\\\\\u00750022", "\\\\u\\u0030022"])
def test_a_member_that_is_given_twice_is_hidden_by_no_escape(tmp_path: Path, hiding: str) -> None:
    """Whoever reviews the file sees the first of them, and its reader takes the last."""
    path = tmp_path / "a.json"
    text = dump([dump_recording(recorded(answer=b'{"answer":"no"}'))])
    # a text that spells a backslash otherwise has as many marks as the member that is lost
    assert text.count('"json": {') == 2
    first, _, last = text.rpartition('"answer": "no"')
    path.write_text(f'{first}"answer": "no", "answer": "yes", "more": "{hiding * 4}"{last}')

    with pytest.raises(CassetteError, match="is given twice"):
        load(path.read_bytes(), "a.json")
