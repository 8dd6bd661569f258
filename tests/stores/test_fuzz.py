"""Entries, cassettes and journals whose checksums are right and whose contents are not, by the thousand.

Each ends in our error, in a miss, or in the answer that stands in it for the very request that is asked.
"""

from __future__ import annotations

import copy
import json
import random
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from replaycache import Body, CacheMiss, Chunk, Match, Recording, ReplayCacheError, Request, ResponseHead
from replaycache._printable import printable
from replaycache.dialects.answers import answer_end
from replaycache.dialects.conversation import conversation
from replaycache.dialects.usage import usage_of
from replaycache.httpx import ReplayTransport
from replaycache.stores import CassetteStore, MemoryStore
from replaycache.stores.cassette.entry import Entry
from replaycache.stores.cassette.journal import digest_of, line_of
from replaycache.stores.cassette.text import dump, dump_recording, load
from replaycache.stores.format import decode, decode_file, encode
from tests.cli.recorded import stream
from tests.stores.test_format import entry, everything, segment
from tests.stores.test_stored_nonsense import places

Outcome = Literal["error", "miss", "right"]

URL = "https://api.openai.com/v1/chat/completions"
ASKED = b'{"model":"m","messages":[{"role":"user","content":"hello"}]}'
ANSWER = (
    b'{"id":"1","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"content":"hi"}}],"usage":{}}'
)
PIECES = [ANSWER[:20], b"", ANSWER[20:]]


def recorded(answer: bytes | Body = ANSWER, asked: bytes = ASKED, **changes: Any) -> Recording:
    return Recording(
        request=Request("POST", URL, (("content-type", "application/json"),), asked),
        head=ResponseHead(200, (("content-type", "application/json"), ("x-request-id", "r"))),
        body=answer if isinstance(answer, Body) else Body.of([Chunk(answer, 0.25)]),
        digest="",
        recorded_at=1_700_000_000.125,
        latency=0.5,
        **changes,
    )


WANTED = Match().identity(recorded().request)
HEAD: dict[str, Any] = {
    "status": 200,
    "headers": [["content-type", "application/json"], ["x-request-id", "r"]],
    "digest": WANTED.digest,
    "recorded_at": 1_700_000_000.125,
    "latency": 0.25,
    "complete": True,
    "verdict": "whole",
    "sample": 0,
    "left_out": "set-cookie x-more",
    "size": len(ANSWER),
    "duration": 0.5,
    "usage": ["openai", "m", 12, 34, 5, 6, 7, "flex", [["input_audio_tokens", 2], ["web_searches", 1.5]]],
}
REQUEST: dict[str, Any] = {
    "method": "POST",
    "url": URL,
    "headers": [["content-type", "application/json"]],
    "left_out": "authorization",
    "unknown": ["openai-beta"],
}
DOCUMENT: dict[str, Any] = json.loads(
    dump(
        [
            dump_recording(recorded()),
            dump_recording(recorded(b"a\xff" * 90, sample=3)),
            dump_recording(
                recorded(
                    stream({"choices": [{"delta": {"content": "hi"}}]}, {"choices": [{"finish_reason": "stop"}]}),
                    b"[1]",
                )
            ),
            dump_recording(
                recorded(Body.of([Chunk(b"ab", 0.25), Chunk(b"c\xff", 0.5)]), b'{"messages":[]}', complete=False)
            ),
        ]
    )
)

STRINGS = (
    "", "a", "\n", "\r\n", "\0", "\x1b[2J", "\x9b\u202e", "€", "é", "\ud7ff", "GET", "POST", URL, "http://[",
    "file:///etc/passwd", "../../etc/passwd", "gzip", "content-encoding", "chunked", "text/event-stream",
    "data: [DONE]\n\n", "=" * 7, "whole", "failed", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01", "1e999", "compact", "indent 2, newline", "spaced ascii, no space, crlf", "x" * 5000, "AAAA", "A",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 99, 100, 200, 204, 304, 500, 999, 1000, 1 << 31, 1 << 32, 1 << 53, 1 << 56, 1 << 63,
    (1 << 64) - 1, -(1 << 63), 0.0, -0.0, 0.5, -0.5, 1e-300, 1e9, 1e18, 1.7e308, 2.8e8, 253_402_300_799.5,
)  # fmt: skip
TOKENS = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "\"\\ud800\"", "\"\\udfff\\ud800\"", "nul", "",
    "\"\\u0000\"", "\"a", "'a'", "[" * 260 + "]" * 260, "[" * 5000 + "]" * 5000, '{"a":' * 300 + "1" + "}" * 300,
    '{"a":1,"a":2}', '{"b":{"a":1,"a":1}}', "[1,]", "//", "<<<<<<< HEAD", "\x1b[2J", "\ufeff",
)  # fmt: skip
"""What may stand in the place of a value, and is none, or none that is written."""
HERE = "%HERE%"


class Fuzzer:
    """Makes nonsense, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        kind = self.random.randrange(8 if depth < 2 else 6)
        match kind:
            case 0:
                return self.random.choice([None, True, False])
            case 1 | 2:
                return self.random.choice(NUMBERS)
            case 3 | 4:
                return self.random.choice(STRINGS)
            case 5:
                return self.random.choice([[], {}, "\U0001f600", " "])
            case 6:
                return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
            case _:
                return {str(self.random.choice(STRINGS)): self.value(depth + 1) for _ in range(2)}

    def changed(self, value: Any) -> Any:
        """The value with one to three of its places changed, removed, moved, doubled or added to."""
        value = copy.deepcopy(value)
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            found = list(places(value))
            if not found:
                break
            container, key = self.random.choice(found)
            match self.random.randrange(7):
                case 0 | 1 | 2:
                    container[key] = self.value()
                case 3:
                    del container[key]
                case 4 if isinstance(container, dict):
                    container[str(self.random.choice([*STRINGS, "sample", "unknown", "layout"]))] = self.value()
                case 5:
                    container[key] = copy.deepcopy(self.random.choice(found)[0])
                case _:
                    other, name = self.random.choice(found)
                    if name in (other if isinstance(other, dict) else range(len(other))):
                        container[key] = copy.deepcopy(other[name])
        return value

    def text(self, value: Any, **how: Any) -> bytes:
        """JSON of the changed value; now and then with a token that is none, or with a member given twice."""
        value = self.changed(value)
        chance = self.random.randrange(6)
        found = list(places(value))
        if chance == 0 and found:
            container, key = self.random.choice(found)
            container[key] = HERE
        text = json.dumps(value, **how)
        if chance == 0:
            text = text.replace(json.dumps(HERE), self.random.choice(TOKENS))
        elif chance == 1:
            at = self.random.choice([at for at, one in enumerate(text) if one == "{"] or [0])
            name = self.random.choice(["status", "headers", "url", "json", "a", "request", "format"])
            text = f"{text[: at + 1]}{json.dumps(name)}: {json.dumps(self.value())}, {text[at + 1 :]}"
        return text.encode("utf-8", "surrogatepass")

    def segments(self) -> bytes:
        numbers = [0, 1, 2, 3, 20, 1 << 16, 1 << 31, (1 << 32) - 1]
        lengths = [self.random.choice([len(piece), len(piece), *numbers]) for piece in PIECES]
        offsets = [self.random.choice([0, 1, 5, (1 << 48) - 1, 1 << 48, (1 << 64) - 1]) for _ in PIECES]
        count, size = (self.random.choice([right, right, right, *numbers]) for right in (3, len(ANSWER)))
        made = struct.pack("<II3I3Q", count, size, *lengths, *offsets) + ANSWER
        whole = segment(PIECES)
        cut = made[: self.random.randrange(len(made))]
        return self.random.choice([made, made, whole + made, made + whole, cut, whole + cut, whole + whole, b""])


def looked_at(made: Recording) -> None:
    """What commands and the next store make of a recording."""
    assert printable(repr(made)) == repr(made)
    assert made.size == len(made.body.read())
    assert made.duration >= 0
    assert decode(b"".join(encode(made))) == made
    (again,) = load(dump([dump_recording(made)]).encode(), "x.json")
    assert again.body.read() == made.body.read()
    assert again.request == made.request
    for read in (usage_of, conversation, answer_end):
        read(made)


def is_printable(error: BaseException) -> None:
    assert printable(str(error), lines=True) == str(error)


class Stored(MemoryStore):
    """A store in which one entry lies, whatever is asked."""

    data = b""

    def get(self, key: str) -> Recording | None:
        return decode(self.data)


def entry_of(fuzz: Fuzzer) -> bytes:
    head: Any = HEAD
    request: Any = REQUEST
    body, segments, lengths = ASKED, segment(PIECES), None
    match fuzz.random.randrange(8):
        case 0 | 1 | 2:
            head = fuzz.text(HEAD)
        case 3 | 4:
            request = fuzz.text(REQUEST) + fuzz.random.choice([b"\n", b"\n", b""])
            body = fuzz.random.choice([body, b"", body + b"x", body[:-1], b"\n"])
        case 5 | 6:
            segments = fuzz.segments()
        case _:
            lengths = [fuzz.random.choice([0, 1, 50, 200, 400, 1 << 31, (1 << 32) - 1]) for _ in range(2)]
    return entry(head, request, body, segments, lengths=lengths)


class Entries:
    """Entries of a cache, each asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path / "entry"
        self._store = Stored()
        inner = httpx.MockTransport(lambda request: httpx.Response(200, content=b"live"))
        self._transport = ReplayTransport(inner, store=self._store)

    def outcome(self, fuzz: Fuzzer) -> Outcome:
        data = self._store.data = entry_of(fuzz)
        made = None
        try:
            made = decode(data)
            everything(made)
        except ReplayCacheError:
            pass
        else:
            looked_at(made)
        if not fuzz.random.randrange(10):
            self._path.write_bytes(data)
            try:
                assert decode_file(str(self._path), check=bool(fuzz.random.randrange(2))).head == decode(data).head
            except ReplayCacheError:
                pass
        response = self._transport.handle_request(httpx.Request("POST", URL, content=ASKED))
        got = response.read()
        if response.extensions["replaycache"].status != "hit":
            assert got == b"live"
            return "error" if made is None else "miss"
        assert made is not None
        assert made.digest == WANTED.digest
        assert made.head.status == 200
        assert got == made.body.read()
        return "right"


class Cassettes:
    """Cassettes, each read, looked at and asked; some with a journal beside them."""

    def __init__(self, path: Path) -> None:
        self._directory = path
        self._number = 0

    def _written(self, fuzz: Fuzzer) -> Path:
        self._number += 1
        path = self._directory / f"{self._number}.json"
        if fuzz.random.randrange(4):
            how: dict[str, Any] = fuzz.random.choice([{"indent": 2}, {"indent": 2, "ensure_ascii": False}, {}])
            path.write_bytes(fuzz.text(DOCUMENT, **how) + b"\n")
            return path
        text = (json.dumps(DOCUMENT, indent=2) + "\n").encode()
        path.write_bytes(text)
        mark = Entry.of(load(text, "x.json")[0]).mark
        changes: list[Any] = [
            {"base": digest_of([text])},
            {"text": "    " + dump_recording(recorded(b"[2]")).strip(), "replaces": mark},
            {"text": json.dumps(DOCUMENT["recordings"][0]), "after": mark},
            {"text": "    {},\n    {}", "before": mark, "is_first": True},
            {"replaces": mark},
            {"played": mark},
        ]
        fuzz.random.shuffle(changes)
        lines = [
            fuzz.text(one) if fuzz.random.randrange(2) else line_of(json.dumps(one).encode())
            for one in changes[:3]
        ]
        (self._directory / f".{path.name}.journal").write_bytes(
            line_of(json.dumps({"base": digest_of([text])}).encode()) + b"\n".join(lines) + b"\n"
        )
        return path

    def outcome(self, fuzz: Fuzzer) -> Outcome:
        path = self._written(fuzz)
        try:
            return self._asked(path)
        finally:
            for left in self._directory.glob(f"*{path.name}*"):
                left.unlink()

    def _asked(self, path: Path) -> Outcome:
        cassette = CassetteStore(path)
        try:
            held = cassette.all()
        except ReplayCacheError as error:
            is_printable(error)
            held = []
        answers = []
        for one in held:
            try:
                everything(one)
            except ReplayCacheError:
                continue
            looked_at(one)
            if Match().identity(one.request, sample=one.sample).key == WANTED.key:
                answers.append(one.body.read())
        try:
            with ReplayTransport(store=CassetteStore(path), mode="replay") as transport:
                response = transport.handle_request(httpx.Request("POST", URL, content=ASKED))
                got = response.read()
        except CacheMiss as miss:
            is_printable(miss)
            return "miss"
        except ReplayCacheError:
            return "error"
        assert got in answers
        return "right"


def outcomes(path: Path, seed: int, count: int) -> Counter[str]:
    """What so many of them came to: every fourth is a cassette, for it takes ten times as long."""
    fuzz = Fuzzer(seed)
    kinds = {"entry": Entries(path), "cassette": Cassettes(path)}
    counts: Counter[str] = Counter()
    for kind in _kinds(count):
        state = fuzz.random.getstate()
        try:
            counts[f"{kind}: {kinds[kind].outcome(fuzz)}"] += 1
        except BaseException as error:
            fuzz.random.setstate(state)
            error.add_note(f"the {sum(counts.values()) + 1}th of the seed {seed}, a {kind}")
            raise
    return counts


def _kinds(count: int) -> Iterator[Literal["entry", "cassette"]]:
    for number in range(count):
        yield "cassette" if number % 4 == 3 else "entry"


ALL = {f"{kind}: {outcome}" for kind in ("entry", "cassette") for outcome in ("error", "miss", "right")}


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 400), *(pytest.param(seed, 10_000, marks=pytest.mark.exhaustive) for seed in range(2, 12))],
)
def test_whatever_is_stored_is_our_error_a_miss_or_the_right_answer(tmp_path: Path, seed: int, count: int) -> None:
    found = outcomes(tmp_path, seed, count)

    print(dict(sorted(found.items())))  # with -s, what they came to
    assert sum(found.values()) == count
    assert set(found) == ALL
