"""What every dialect does: each example answer whole, cut, failed, mislabelled and in nonsense.

A further dialect is one more module of examples. The whole table is asked of what reads along with answers; some
of each kind go through live servers, every client library, a cache and a cassette.
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache.dialects.answering import answering
from replaycache.dialects.framing.json_values import ObjectDecoder
from replaycache.dialects.registry import DIALECTS, endpoints, kind_of
from replaycache.dialects.watcher import AnswerWatcher
from tests.drivers import ALL, Client, Driver, outcome_of
from tests.test_transports import LIBRARIES_OWN_GENERATORS

from .example import Answer, Example, array, document, events, lines, payload_of, reframed
from .examples import EXAMPLES
from .live_answers import FRAMINGS, HttpFraming, Sent, ask, inner_transport, read

WHOLE = [example for example in EXAMPLES if not example.fails]
FAILED = [example for example in EXAMPLES if example.fails]
STREAMS = [example for example in WHOLE if example.streams]
TERMINATED = [example for example in WHOLE if example.tells_terminal]
ONE_OF_EACH = list({example.answer.framing: example for example in reversed(WHOLE)}.values())
"""One whole answer of each framing of events."""

MEDIA_TYPES = ("", "application/json", "text/plain", "text/event-stream", "application/octet-stream")
"""What an answer is labelled with that is something else, and no label."""


def watching(example: Example, media_type: str | None = None) -> AnswerWatcher:
    """What reads along with an answer, labelled as it should be or otherwise."""
    path = example.path.partition("?")[0]
    label = example.answer.media_type if media_type is None else media_type
    return AnswerWatcher(answering("POST", path), label, lambda: example.asked)


def watched(example: Example, pieces: Sequence[bytes], media_type: str | None = None) -> AnswerWatcher:
    """What has read along with an answer that ends cleanly behind these pieces."""
    watcher = watching(example, media_type)
    for piece in pieces:
        watcher.feed(piece)
    watcher.end()
    return watcher


def cuts_inside(example: Example) -> Iterator[list[bytes]]:
    """The answer, cut in the middle of each piece behind which something is missing."""
    pieces = example.answer.pieces
    for at in range(example.pieces_to_terminal or len(pieces)):
        if len(pieces[at]) > 1:
            yield [*pieces[:at], pieces[at][: len(pieces[at]) // 2]]


# -- the whole table -------------------------------------------------------------------------------------


def test_every_endpoint_that_generates_has_an_example() -> None:
    shown = {endpoint for example in EXAMPLES for endpoint in endpoints("POST", example.path.partition("?")[0])}
    missing = [
        (dialect.name, endpoint.paths)
        for dialect in DIALECTS
        for endpoint in dialect.endpoints
        if endpoint.kind == "generates" and endpoint not in shown
    ]

    assert not missing


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_call_generates(example: Example) -> None:
    assert kind_of("POST", example.path.partition("?")[0], example.asked) == "generates"


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_it_is_told_by_its_content_whatever_its_label(example: Example) -> None:
    right = dict.fromkeys(MEDIA_TYPES, "failed" if example.fails else "whole")
    if example.answer.framing == "other":
        right["application/json"] = "unfinished"  # what is labelled as JSON and is none was cut

    assert watched(example, example.answer.pieces).verdict == right[""]
    assert {label: watched(example, [example.body], label).verdict for label in MEDIA_TYPES} == right


@pytest.mark.parametrize("example", STREAMS, ids=str)
def test_behind_each_event_it_is_whole_only_where_nothing_is_missing(example: Example) -> None:
    pieces = example.answer.pieces
    needed = example.pieces_to_whole

    for label in (None, *MEDIA_TYPES):
        verdicts = [watched(example, pieces[:count], label).verdict for count in range(len(pieces) + 1)]
        assert verdicts == ["unfinished"] * needed + ["whole"] * (len(pieces) + 1 - needed), label


@pytest.mark.parametrize("example", [example for example in WHOLE if example.answer.framing != "other"], ids=str)
def test_cut_inside_an_event_it_is_unfinished(example: Example) -> None:
    for pieces in cuts_inside(example):
        for label in (None, *MEDIA_TYPES):
            assert watched(example, pieces, label).verdict == "unfinished", (pieces[-1], label)


@pytest.mark.parametrize("example", TERMINATED, ids=str)
def test_it_is_over_at_its_terminal_event_and_not_before(example: Example) -> None:
    pieces = example.answer.pieces
    watcher = watching(example)
    over = []
    for piece in pieces:
        watcher.feed(piece)
        over.append(watcher.is_over)

    assert over.index(True) + 1 == example.pieces_to_terminal


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_empty_answer_is_none(example: Example) -> None:
    assert watched(example, []).verdict == "unfinished"


@pytest.mark.parametrize("example", STREAMS, ids=str)
def test_how_its_lines_end_does_not_count(example: Example) -> None:
    """Nor a byte order mark: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream."""
    ends = {"events": (b"\r\n", b"\r"), "lines": (b"\r\n",), "array": (b"\r\n", b"")}
    for end in ends.get(example.answer.framing, ()):
        pieces = [piece.replace(b"\n", end) for piece in example.answer.pieces]
        for count in (example.pieces_to_whole - 1, len(pieces)):
            right = "whole" if count == len(pieces) else "unfinished"
            assert watched(example, pieces[:count]).verdict == right
            assert watched(example, [b"\xef\xbb\xbf", *pieces[:count]]).verdict == right


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.answer.framing == "document"], ids=str)
def test_how_a_document_is_set_does_not_count(example: Example) -> None:
    """Servers send white space while they wait: https://api-docs.deepseek.com/quick_start/rate_limit."""
    indented = json.dumps(json.loads(example.body), indent=2).encode()
    *cut, _ = indented.splitlines(keepends=True)

    watcher = watched(example, [b"\n", b"  \n\n", indented, b"\n"])
    assert watcher.verdict == ("failed" if example.fails else "whole")
    assert not watcher.is_stream
    assert not watched(example, [json.dumps(json.loads(example.body)).encode(), b"\n"]).is_stream
    for count in range(1, len(cut) + 1):
        assert watched(example, cut[:count]).verdict == "unfinished"


def test_white_space_while_the_server_works_is_not_kept() -> None:
    watcher = AnswerWatcher(answering("POST", "/v1/chat/completions"), "application/json")
    tracemalloc.start()
    try:
        for _ in range(64):
            watcher.feed(b" " * (1 << 16))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    watcher.feed(b'{"choices": []}')
    watcher.end()

    assert watcher.verdict == "whole"


LARGE = [b'{"data": [{"object": "embedding", "embedding": "', *[b"MDEy" * (1 << 18)] * 33, b'"}]}']
"""Embeddings, of more bytes than are looked into: 2,048 inputs are taken at once.

https://platform.openai.com/docs/api-reference/embeddings/create#embeddings-create-input
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "end", [b"", *(pytest.param(end, marks=pytest.mark.exhaustive) for end in (b"\n", b"\n \n"))]
)
@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        pytest.param(b"", b"", marks=pytest.mark.exhaustive),
        pytest.param(b"[{}, ", b"]", marks=pytest.mark.exhaustive),
        (b'{\n"a": ', b"\n}"),
    ],
)
def test_a_document_too_large_to_be_looked_into_is_whole_where_it_is_closed(
    opening: bytes, closing: bytes, end: bytes
) -> None:
    example = Example("openai media", "large", "/v1/embeddings", {"input": "red"}, document({}))

    assert watched(example, [opening, *LARGE, closing + end]).verdict == "whole"
    assert watched(example, [opening, *LARGE[:-1], end]).verdict == "unfinished"
    assert watched(example, [opening, *LARGE, closing + end, b"{}"]).verdict == "unfinished"


@given(st.recursive(st.text(alphabet='"\\\\{}[] '), lambda inner: st.lists(inner, max_size=3)), st.data())
def test_brackets_of_what_is_too_large_are_counted_however_it_is_cut(value: Any, data: st.DataObject) -> None:
    body = json.dumps({"a": [value]}, indent=data.draw(st.sampled_from([None, 1]))).encode() + b"\n"
    body = body[: data.draw(st.integers(4, len(body)))]
    at = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=9)))
    decoder = ObjectDecoder(limit=3)
    for start, end in pairwise([0, *at, len(body)]):
        decoder.feed(body[start:end])
    decoder.flush()

    try:
        json.loads(body)
        is_whole = True
    except ValueError:
        is_whole = False
    assert decoder.passed_over
    assert decoder.broken != is_whole


@pytest.mark.parametrize(
    ("status", "verdict"), [("queued", "unfinished"), ("running", "unfinished"), ("", "whole")]
)
def test_a_ticket_of_workers_ai_is_no_answer(status: str, verdict: str) -> None:
    """https://developers.cloudflare.com/workers-ai/features/batch-api/rest-api/: asked again, it may be there."""
    told: dict[str, Any] = {"status": status, "request_id": "r1"} if status else {"responses": []}
    answer = document({"result": told, "success": True, "errors": [], "messages": []})
    example = Example("workers ai", "batch", "/client/v4/accounts/a1/ai/run/@cf/baai/bge-m3", {}, answer)

    assert watched(example, answer.pieces).verdict == verdict


# -- nonsense --------------------------------------------------------------------------------------------

OBJECTS = ("bytes", "candidates", "choices", "content_block", "delta", "message", "outputs", "response")
"""Members in which the forms of answers look for objects, or lists of them."""


def numbers_for_objects(value: Any) -> Iterator[Any]:
    """The value with a number in place of one object, or list of objects, at a time."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name in OBJECTS and (name == "bytes" or isinstance(member, (dict, list))):
                yield {**value, name: 7}
                yield from ({**value, name: changed} for changed in numbers_for_objects(member))
    elif isinstance(value, list) and value:
        yield [7, *value[1:]]
        yield from ([changed, *value[1:]] for changed in numbers_for_objects(value[0]))


def nonsense_for(example: Example, piece: bytes) -> Iterator[bytes]:
    """What a piece may never be."""
    framing = example.answer.framing
    if framing == "frames":
        yield piece[:-1] + bytes([piece[-1] ^ 1])
        yield bytes([piece[0] ^ 1]) + piece[1:]
        if not example.is_opaque:
            yield reframed(piece, "{no JSON}")
            yield reframed(piece, 7)
            yield from (reframed(piece, value) for value in numbers_for_objects(json.loads(payload_of(piece))))
    elif b"{" in piece:
        start, end = piece.index(b"{"), piece.rindex(b"}") + 1
        yield piece[:start] + b"{no JSON}" + piece[end:]
        if framing != "document":
            yield piece[:start] + b"7" + piece[end:]
        if framing != "document" or start == 0:
            for value in numbers_for_objects(json.loads(piece[start:end])):
                yield piece[:start] + json.dumps(value).encode() + piece[end:]


@pytest.mark.parametrize("example", [example for example in WHOLE if example.answer.framing != "other"], ids=str)
def test_nonsense_is_never_whole(example: Example) -> None:
    pieces = example.answer.pieces
    for at in range(example.pieces_to_whole):
        for piece in nonsense_for(example, pieces[at]):
            assert watched(example, [*pieces[:at], piece, *pieces[at + 1 :]]).verdict != "whole", piece


@given(st.lists(st.binary(max_size=40), max_size=8), st.sampled_from(EXAMPLES))
def test_no_bytes_fail_it(pieces: list[bytes], example: Example) -> None:
    assert watched(example, pieces).verdict == watched(example, [b"".join(pieces)]).verdict


NAMES = st.sampled_from(
    sorted({*OBJECTS, "delta", "error", "index", "n", "stop", "done", "status", "finish_reason"})
)
LEAF = st.sampled_from([None, True, 7, -1.5, "", "stop", [], {}])
INNER = LEAF | st.dictionaries(NAMES, LEAF, max_size=2)
JSON = LEAF | st.dictionaries(NAMES, INNER | st.lists(INNER, max_size=2), max_size=3)


@given(st.lists(JSON, max_size=5), st.sampled_from(EXAMPLES), st.sampled_from([events, lines, array]))
def test_no_json_fails_it(values: list[Any], example: Example, framed: Callable[..., Answer]) -> None:
    pieces = framed(*values).pieces

    assert watched(example, pieces).verdict == watched(example, [b"".join(pieces)]).verdict


@given(st.data(), st.sampled_from(EXAMPLES))
def test_where_it_was_cut_into_pieces_does_not_count(data: st.DataObject, example: Example) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(example.body))] * 2)))
    body = example.body[:start] + data.draw(st.binary(max_size=3)) + example.body[end:]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    pieces = [body[at:to] for at, to in pairwise([0, *cuts, len(body)])]

    assert watched(example, pieces).verdict == watched(example, [body]).verdict
    assert watched(example, pieces).is_over == watched(example, [body]).is_over


# -- live ------------------------------------------------------------------------------------------------

SYNC = Driver("httpx2", "sync")


async def told(driver: Driver, example: Example, sent: Sent, size: int | None = None, **options: Any) -> list[str]:
    """What became of two calls, by the status of their outcomes; `broken` where the caller got an error."""
    with sent.serve() as server:
        async with driver.client(inner_transport(driver, sent.framing), **options) as client:
            return [await _told(client, server.url, example, sent, size) for _ in range(2)]


async def _told(client: Client, url: str, example: Example, sent: Sent, size: int | None) -> str:
    stream = await ask(client, url, example)
    try:
        body = await read(stream, size)
    except client.driver.module.TransportError:
        return "broken"
    assert body == b"".join(sent.pieces)[: len(body)]
    assert len(body) == (sum(map(len, sent.pieces)) if size is None else size)
    return outcome_of(stream).status


async def replayed(driver: Driver, example: Example, sent: Sent, path: Path) -> bytes:
    """What a cassette replays of a call, once the server is gone."""
    with sent.serve() as server:
        async with driver.client(inner_transport(driver, sent.framing), store=path) as client:
            await read(await ask(client, server.url, example))
    async with driver.client(store=path, mode="replay") as client:
        return await read(await ask(client, server.url, example))


def marked(path: Path) -> str:
    """What a cassette says of its only answer."""
    (recording,) = json.loads(path.read_bytes())["recordings"]
    return str(recording.get("verdict", "whole"))


def answer_of(example: Example, pieces: Sequence[bytes] | None = None, **how: Any) -> Sent:
    return Sent(example.answer.pieces if pieces is None else pieces, example.answer.media_type, **how)


def each_cut(examples: Sequence[Example]) -> list[Any]:
    """Each clean end before an answer is whole: one an example, and the rest for the exhaustive run."""
    found = []
    for example in examples:
        *others, last = [example.answer.pieces[:count] for count in range(1, example.pieces_to_whole)] or [()]
        found.append(pytest.param(example, last, id=f"{example}, behind {len(last)}"))
        for pieces in (*others, *cuts_inside(example)):
            place = f"{example}, at {sum(map(len, pieces))}"
            found.append(pytest.param(example, pieces, id=place, marks=pytest.mark.exhaustive))
    return found


@pytest.mark.parametrize("example", [one for one in ONE_OF_EACH if one.answer.framing != "other"], ids=str)
def test_nonsense_reaches_the_caller_and_no_cache(example: Example) -> None:
    first, *others = example.answer.pieces

    async def body() -> None:
        for piece in nonsense_for(example, first):
            sent = answer_of(example, [piece, *others])
            assert await told(SYNC, example, sent, store=":memory:") == ["live", "live"], piece

    SYNC.run(body)


def every_way(examples: Sequence[Example]) -> list[Any]:
    """Every client and framing of HTTP; all for events and by one client for others, the rest is exhaustive."""
    return [
        pytest.param(
            driver,
            example,
            framing,
            id=f"{driver}-{example}-{framing}",
            marks=() if example.answer.framing == "events" or driver == SYNC else pytest.mark.exhaustive,
        )
        for driver in ALL
        for example in examples
        for framing in FRAMINGS
    ]


@pytest.mark.sampled(60)
@pytest.mark.parametrize("example", WHOLE, ids=str)
def test_what_is_whole_is_kept(example: Example, tmp_path: Path) -> None:
    async def body() -> None:
        assert await told(SYNC, example, answer_of(example), store=":memory:") == ["miss", "hit"]
        assert await replayed(SYNC, example, answer_of(example), tmp_path / "a.json") == example.body

    SYNC.run(body)
    assert marked(tmp_path / "a.json") == "whole"


@pytest.mark.sampled(25)
@pytest.mark.parametrize("example", FAILED, ids=str)
def test_a_failure_is_kept_by_a_cassette_alone_and_marked(example: Example, tmp_path: Path) -> None:
    async def body() -> None:
        assert await told(SYNC, example, answer_of(example), store=":memory:") == ["live", "live"]
        assert await replayed(SYNC, example, answer_of(example), tmp_path / "a.json") == example.body

    SYNC.run(body)
    assert marked(tmp_path / "a.json") == "failed"


@pytest.mark.sampled(25)
@pytest.mark.parametrize(("example", "pieces"), each_cut([one for one in STREAMS if not one.is_opaque]))
def test_what_is_cut_cleanly_is_kept_by_a_cassette_alone_and_marked(
    example: Example, pieces: Sequence[bytes], tmp_path: Path
) -> None:
    async def body() -> None:
        assert await told(SYNC, example, answer_of(example, pieces), store=":memory:") == ["live", "live"]
        assert await replayed(SYNC, example, answer_of(example, pieces), tmp_path / "a.json") == b"".join(pieces)

    SYNC.run(body)
    assert marked(tmp_path / "a.json") == "unfinished"


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("example", ONE_OF_EACH, ids=str)
def test_what_is_broken_off_is_kept_by_nobody(example: Example, framing: HttpFraming, tmp_path: Path) -> None:
    pieces = example.answer.pieces[: (example.pieces_to_terminal or len(example.answer.pieces) + 1) - 1]
    sent = answer_of(example, pieces, framing=framing, breaks=True)

    async def body() -> None:
        assert await told(SYNC, example, sent, store=":memory:") == ["broken", "broken"]
        assert await told(SYNC, example, sent, store=tmp_path / "a.json") == ["broken", "broken"]

    SYNC.run(body)
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize("example", [*ONE_OF_EACH, *[one for one in STREAMS if one.terminal is None]], ids=str)
def test_where_the_connection_ends_it_is_whole_if_it_says_so_itself(example: Example) -> None:
    says_so = example.tells_terminal or example.answer.framing in ("array", "document", "other")

    async def body() -> None:
        whole = answer_of(example, framing="close")
        assert await told(SYNC, example, whole, store=":memory:") == (
            ["miss", "hit"] if says_so else ["live", "live"]
        )
        if example.streams:
            cut = answer_of(example, example.answer.pieces[: example.pieces_to_whole - 1], framing="close")
            assert await told(SYNC, example, cut, store=":memory:") == ["live", "live"]

    SYNC.run(body)


@pytest.mark.parametrize("example", ONE_OF_EACH, ids=str)
def test_the_label_does_not_count(example: Example) -> None:
    async def body() -> None:
        for label in ("", "application/octet-stream", "text/plain"):
            sent = Sent(example.answer.pieces, label)
            assert await told(SYNC, example, sent, store=":memory:") == ["miss", "hit"], label

    SYNC.run(body)


@pytest.mark.parametrize(("driver", "example", "framing"), every_way(ONE_OF_EACH))
def test_every_client_over_every_framing(driver: Driver, example: Example, framing: HttpFraming) -> None:
    failure = next((one for one in FAILED if one.answer.framing == example.answer.framing), None)

    async def body() -> None:
        whole = answer_of(example, framing=framing)
        assert await told(driver, example, whole, store=":memory:") == ["miss", "hit"]
        if example.streams:
            cut = answer_of(example, example.answer.pieces[:2], framing=framing)
            assert await told(driver, example, cut, store=":memory:") == ["live", "live"]
        if failure is not None:
            failed = answer_of(failure, framing=framing)
            assert await told(driver, failure, failed, store=":memory:") == ["live", "live"]

    driver.run(body)


@LIBRARIES_OWN_GENERATORS
@pytest.mark.parametrize(
    ("driver", "example", "framing"), every_way([one for one in ONE_OF_EACH if one.tells_terminal])
)
def test_closed_at_its_terminal_event_it_is_whole(driver: Driver, example: Example, framing: HttpFraming) -> None:
    sent = answer_of(example, example.answer.pieces[: example.pieces_to_terminal], framing=framing, ends=False)
    size = sum(map(len, sent.pieces))

    async def body() -> None:
        assert await told(driver, example, sent, size, store=":memory:") == ["miss", "hit"]

    driver.run(body)


@pytest.mark.parametrize("example", TERMINATED, ids=str)
def test_each_is_whole_where_it_is_closed_at_its_terminal_event(example: Example) -> None:
    sent = answer_of(example, example.answer.pieces[: example.pieces_to_terminal], ends=False)
    size = sum(map(len, sent.pieces))

    async def body() -> None:
        assert await told(SYNC, example, sent, size, store=":memory:") == ["miss", "hit"]

    SYNC.run(body)
