"""Every file of the collection of real cassettes imports, and replays as what it was."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import brotli
import httpx2
import pytest
import yaml

from replaycache import Body, Chunk, Match, Recording, Redact, ResponseHead, foreign
from replaycache.httpx2 import ReplayTransport
from replaycache.maintenance.moving import (
    Moved,
    Taken,
    taken,
    to_cache,
    to_cassette,
    why_not_in_a_cache,
    writable,
)
from replaycache.redaction.redactor import Redactor
from replaycache.redaction.seal import Seal
from replaycache.stores import CassetteStore, DiskStore
from replaycache.stores.memory import MemoryStore
from tests.tables import one_in

HERE = Path(__file__).resolve().parents[3] / "shared" / "recordings"
FILES = sorted(str(path.relative_to(HERE)) for path in HERE.rglob("*") if re.search(r"\.ya?ml(\.gz)?$", path.name))

pytestmark = pytest.mark.skipif(
    not HERE.is_dir(), reason="the collection of real cassettes (../shared/recordings) is not here"
)


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]  # no types
    pass


_Loader.add_constructor("!binary", _Loader.construct_yaml_binary)


def _original(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The file's requests and responses, read without replaycache."""
    data = (HERE / name).read_bytes()
    file = yaml.load(gzip.decompress(data) if name.endswith(".gz") else data, Loader=_Loader)
    if "requests" in file:
        return list(zip(file["requests"], file["responses"], strict=True))
    interactions = file.get("interactions") or file["http_interactions"]
    return [(item["request"], item["response"]) for item in interactions]


def _headers(message: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for name, values in message["headers"].items():
        pairs += [(name.lower(), value) for value in (values if isinstance(values, list) else [values])]
    return pairs


def _body(message: dict[str, Any]) -> bytes:
    if "parsed_body" in message:
        return json.dumps(message["parsed_body"]).encode()
    body = message["body"]
    if isinstance(body, dict):
        body = body["string"]
    body = body.encode() if isinstance(body, str) else body or b""
    encoding = dict(_headers(message)).get("content-encoding")
    if encoding == "gzip" and body[:2] == b"\x1f\x8b":
        return zlib.decompress(body, 31)
    if encoding == "br":
        try:
            return bytes(brotli.decompress(body))
        except brotli.error:
            pass
    return bytes(body)


def _status(response: dict[str, Any]) -> int:
    return int(response["code"] if "code" in response else response["status"]["code"])


def _counts() -> dict[str, int]:
    """Path as in SOURCES.md -> number of interactions."""
    rows = re.findall(
        r"^\| .* \| (\S+\.ya?ml(?:\.gz)?) \| (\d+) \|", (HERE / "SOURCES.md").read_text("utf-8"), re.M
    )
    return {path: int(count) for path, count in rows}


def test_every_file_has_as_many_recordings_as_its_sources_say() -> None:
    counts = _counts()
    found = {name.partition("/")[2]: len(foreign.read(HERE / name)) for name in FILES}

    assert found == counts
    assert (len(found), sum(found.values())) == (40, 88)


@pytest.mark.parametrize("name", FILES)
def test_status_and_body_are_those_of_the_original(name: str) -> None:
    found = foreign.read(HERE / name)

    assert [(item.head.status, item.body.read()) for item in found] == [
        (_status(response), _body(response)) for _, response in _original(name)
    ]


@pytest.mark.parametrize("name", FILES)
def test_event_streams_are_split_at_their_events(name: str) -> None:
    for item in foreign.read(HERE / name):
        chunks = [chunk.data for chunk in item.body]
        assert all(chunk.offset == 0 for chunk in item.body)
        media_type = (item.head.header("content-type") or "").partition(";")[0]
        if media_type == "text/event-stream":
            assert all(re.search(rb"(\n\n|\r\n\r\n)\Z", chunk) for chunk in chunks)
            assert all(len(re.findall(rb"\n\n|\r\n\r\n", chunk)) == 1 for chunk in chunks)
        elif media_type == "application/x-ndjson":
            assert all(chunk.endswith(b"\n") and chunk.count(b"\n") == 1 for chunk in chunks)
        elif "/" in media_type:
            assert len(chunks) == 1


_CREDENTIALS = re.compile(r"authorization|cookie|api-key|organization|openai-project")
# what recorders put in a value's place
_PLACEHOLDERS = re.compile(r"Bearer <OPENAI_ACCESS_TOKEN>|X+|\*\*REDACTED\*\*|<.*>")


@pytest.mark.parametrize("name", FILES)
def test_no_credential_of_the_original_is_left(name: str) -> None:
    secrets = {
        value
        for exchanged in _original(name)
        for message in exchanged
        for header, value in _headers(message)
        if _CREDENTIALS.search(header) and not _PLACEHOLDERS.fullmatch(value)
    }

    for item in foreign.read(HERE / name):
        everything = repr((item.request, item.head, item.body.read()))
        assert not [secret for secret in secrets if secret in everything]


@pytest.mark.parametrize("name", FILES)
def test_each_replays_through_a_client_as_it_was(name: str) -> None:
    match = Match(cacheable=lambda request: True)
    found = foreign.read(HERE / name)
    identities = [match.identity(item.request) for item in found]
    times = Counter(identity.key for identity in identities)
    store = MemoryStore()
    for item, identity in zip(found, identities, strict=True):
        store.put(
            identity.key,
            Recording(
                request=item.request,
                head=item.head,
                body=item.body,
                digest=identity.digest,
                recorded_at=item.recorded_at,
            ),
        )
    with httpx2.Client(
        transport=ReplayTransport(store=store, mode="replay", match=match, keep=lambda head, end: True)
    ) as client:
        for item, identity, (_, original) in zip(found, identities, _original(name), strict=True):
            if times[identity.key] > 1:
                continue
            response = client.request(
                item.request.method,
                item.request.url,
                headers=list(item.request.headers),
                content=item.request.body or None,
            )
            assert response.status_code == _status(original)
            assert response.content == _body(original)
            kept = Redactor().head(ResponseHead(200, tuple(_headers(original)))).headers
            assert tuple(response.headers.multi_items()) == (*kept, ("x-replaycache", "hit"))


_OF_THE_WIRE = {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
# what the SDK of Anthropic sends and the collection's recorders left out
_SENT_BY_THE_SDK = {"anthropic-version": "2023-06-01", "anthropic-beta": "interleaved-thinking-2025-05-14"}


@pytest.mark.parametrize("name", FILES)
def test_each_answers_an_sdk_that_sends_what_the_recorder_left_out(tmp_path: Path, name: str) -> None:
    found = foreign.read(HERE / name)
    cassette = CassetteStore(tmp_path / "a.json")
    to_cassette((Taken(name, item) for item in found), cassette, Redact(secrets="replace"), Moved())
    transport = ReplayTransport(store=cassette, mode="replay", redact=Redact(secrets="replace"))
    with httpx2.Client(transport=transport) as client:
        for item, (original, _) in zip(found, _original(name), strict=True):
            headers = {
                header: value
                for header, value in _headers(original)
                if header not in _OF_THE_WIRE and not _PLACEHOLDERS.fullmatch(value)
            }
            url = original.get("uri") or original["url"]
            if url == "**REDACTED**":
                url = "https://api.openai.com/v1/responses"
            if "anthropic.com" in url:
                headers |= _SENT_BY_THE_SDK
            response = client.request(original["method"], url, headers=headers, content=_body(original) or None)
            assert response.content == item.body.read()


def _as_if_live(item: Recording) -> Recording:
    """With times; a recorder of whole bodies has none."""
    chunks = [Chunk(chunk.data, 0.25 + number / 8) for number, chunk in enumerate(item.body)]
    return Recording(
        request=item.request,
        head=item.head,
        body=Body.of(chunks),
        digest="",
        recorded_at=1_795_298_445.25,
        latency=0.5,
        complete=item.complete,
        verdict=item.verdict,
    )


def _kept(item: Recording) -> tuple[Any, ...]:
    """What is to come back."""
    request, head, body = item.request, item.head, item.body
    asked = (request.method, request.url, sorted(request.headers), request.unknown, request.body)
    return (
        asked,
        (head.status, head.headers, body.read(), list(body), item.complete, item.verdict),
        (round(item.recorded_at, 3), round(item.latency, 3)),
    )


@pytest.mark.parametrize("name", one_in(8, FILES))
def test_each_comes_back_through_cache_cassette_cache_and_cassette(tmp_path: Path, name: str) -> None:
    redact = Redact(secrets="replace")
    started = [
        item.recording for item in writable(_moving(name, _as_if_live), redact, Seal(counts_access=False), Moved())
    ]
    chunked = CassetteStore(tmp_path / "0.json")
    to_cassette(_all(started), chunked, redact, Moved())
    expected = [_kept(item) for item in chunked.all()]
    for item, (_, (_, _, data, chunks, *_), _) in zip(started, expected, strict=True):
        if chunks != [Chunk(data, 0.0)]:  # a JSON document, which comes back in one piece
            assert chunks == list(item.body)

    match = Match()
    ends: list[tuple[Any, ...]] = []
    for number, item in enumerate(started):
        moved, step = [item], tmp_path / str(number)
        in_a_cache = not why_not_in_a_cache(item, match)
        for place in (DiskStore(step / "1"), CassetteStore(step / "2.json"), DiskStore(step / "3")):
            if isinstance(place, CassetteStore):
                to_cassette(_all(moved), place, redact, Moved())
            elif in_a_cache:
                to_cache(_all(moved), place, redact, Moved())
            else:
                continue
            moved = [one.recording for one in taken(place, Moved())]
        last = CassetteStore(step / "4.json")
        to_cassette(_all(moved), last, redact, Moved())
        ends += [_kept(one) for one in last.all()]

    assert ends == expected


def _moving(name: str, change: Callable[[Recording], Recording]) -> Iterator[Taken]:
    for item in foreign.read(HERE / name):
        yield Taken(name, change(item))


def _all(items: list[Recording]) -> list[Taken]:
    return [Taken("one", item, is_ours=True) for item in items]
