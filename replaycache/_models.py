"""The values everything else is written in. They are frozen and know no client library."""

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from ._printable import printable

__all__ = [
    "OUTCOME_HEADER",
    "AnswerEnd",
    "Body",
    "Chunk",
    "Headers",
    "Outcome",
    "Recording",
    "Request",
    "ResponseHead",
    "Segment",
    "Usage",
    "Value",
    "Verdict",
    "value",
]

Verdict = Literal["whole", "unfinished", "failed"]
"""What an answer is, as its API tells it; what came to a clean end may be unfinished: half a stream, cut JSON."""

Headers = tuple[tuple[str, str], ...]
"""Header lines in their order; names in lower case, values decoded as Latin-1, so that no byte is lost."""


T = TypeVar("T")

OUTCOME_HEADER = "x-replaycache"
"""Says on a replayed response that it is one. It is ours wherever it comes from, and is never stored."""

_MADE = "_made"
_HIT = (OUTCOME_HEADER.encode(), b"hit")


def _find(headers: Headers, name: str) -> str | None:
    found = None
    for key, value in headers:
        if key == name:
            found = value if found is None else f"{found}, {value}"
    return found


class Value:
    """What is equal to others of its class by its fields, and does not change: a base of those that `value` makes.

    It does what `dataclass(frozen=True)` does, which compiles each of these methods anew for each class, and that
    takes 1 ms of CPU for each at every start of a process.
    """

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _compared(self) -> tuple[Any, ...]:
        return tuple([getattr(self, one.name) for one in fields(self) if one.compare])  # type: ignore[arg-type]  # of `value`

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Value) or type(other) is not type(self):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())

    def __repr__(self) -> str:
        shown = [f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr]  # type: ignore[arg-type]  # of `value`
        return f"{type(self).__qualname__}({', '.join(shown)})"


if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:

    def value(*, frozen: bool, kw_only: bool = False) -> Any:
        """Makes a dataclass of a class on `Value` that has an `__init__` of its own."""
        return dataclass(init=False, repr=False, eq=False, kw_only=kw_only)


@value(frozen=True)
class Request(Value):
    """An HTTP request.

    Args:
        method: in upper case.
        url: absolute, as sent.
        headers: names in lower case.
        body: the whole body; content-encoding is as `headers` say.
        left_out: of one that is stored, the names of the headers that are not.
        unknown: of one that another recorder made, the names of the headers that it filtered, and `url` where it
            filtered that: they may have been any. Where recordings stand in order, any that is asked matches.

    Raises:
        ValueError: a field is of another form.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    left_out: tuple[str, ...] = field(default=(), compare=False)
    unknown: tuple[str, ...] = field(default=(), compare=False)

    def __init__(
        self,
        method: str,
        url: str,
        headers: Headers = (),
        body: bytes = b"",
        left_out: tuple[str, ...] = (),
        unknown: tuple[str, ...] = (),
    ) -> None:
        if not method or method != method.upper():
            raise ValueError(f"a request's method is in upper case, not {method!r}")
        if "://" not in url:
            raise ValueError(f"a request's url is absolute, not {url!r}")
        if any(name != name.lower() for name, _ in headers):
            raise ValueError("a request's header names are in lower case")
        if not isinstance(body, bytes):
            raise ValueError(f"a request's body is bytes, not {type(body).__name__}")
        vars(self).update(method=method, url=url, headers=headers, body=body, left_out=left_out, unknown=unknown)

    def header(self, name: str) -> str | None:
        """The header's value, several lines joined by a comma; None where it is absent."""
        return _find(self.headers, name.lower())

    def json(self) -> Any:
        """The body decoded as JSON.

        Raises:
            ValueError: the body is no JSON.
        """
        return json.loads(self.body)

    def with_json(self, value: Any) -> "Request":
        """The same request with another JSON body: for `Match(normalize=...)`."""
        return replace(self, body=json.dumps(value, separators=(",", ":")).encode())


@value(frozen=True)
class ResponseHead(Value):
    """Status and headers of a response; `keep` receives one.

    Args:
        status: of three digits.
        headers: names in lower case.
        left_out: of one that is stored, the names of the headers that are not.
    """

    status: int
    headers: Headers = ()
    left_out: tuple[str, ...] = field(default=(), compare=False)

    def __init__(self, status: int, headers: Headers = (), left_out: tuple[str, ...] = ()) -> None:
        if not 100 <= status <= 999:
            raise ValueError(f"a response's status has three digits, unlike {status}")
        fields = vars(self)
        fields["status"], fields["headers"], fields["left_out"] = status, headers, left_out

    def header(self, name: str) -> str | None:
        """The header's value, several lines joined by a comma; None where it is absent."""
        return _find(self.headers, name.lower())

    def headers_as(self, make: Callable[[list[tuple[bytes, bytes]]], T]) -> T:
        """The headers of a replayed response, as a client library has them: the same object each time, which
        nobody may change.

        Args:
            make: makes them of the lines' bytes, once as long as it is the same that is given.
        """
        made: tuple[Any, T] | None = vars(self).get(_MADE)
        if made is None or made[0] is not make:
            lines = [
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in self.headers
                if name != OUTCOME_HEADER
            ]
            lines.append(_HIT)
            made = vars(self)[_MADE] = make, make(lines)
        return made[1]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != _MADE}


class AnswerEnd(NamedTuple):
    """How an answer ended; `keep` receives one.

    Attributes:
        verdict: what it is; `failed` also where the status says so.
        finish_reasons: why its parts finished, as the API calls it, in their order: `("stop",)`; `"refusal"` where
            a member of that name says it.
    """

    verdict: Verdict
    finish_reasons: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether an event, a finish reason, a status or an `error` in a body tells a failure."""
        return self.verdict == "failed"


class Chunk(NamedTuple):
    """One piece of a response body as the transport delivered it, content-encoding undone.

    `offset` is in seconds from the response head.
    """

    data: bytes
    offset: float


class Segment:
    """A run of chunks kept together: `for data in segment` gives their bytes.

    Args:
        buffer: holds the chunks, one behind the other.
        start: where in `buffer` the first of them begins.
        lengths: of each chunk, in bytes.
        offsets: of each chunk, in microseconds from the response head.
    """

    __slots__ = ("buffer", "lengths", "offsets", "start")

    def __init__(self, buffer: bytes, start: int, lengths: Sequence[int], offsets: Sequence[int]) -> None:
        self.buffer = buffer
        self.start = start
        self.lengths = lengths
        self.offsets = offsets

    def __iter__(self) -> Iterator[bytes]:
        buffer, start = self.buffer, self.start
        for length in self.lengths:
            end = start + length
            yield buffer[start:end]
            start = end

    @property
    def data(self) -> bytes:
        """The chunks' bytes, joined."""
        return self.buffer[self.start : self.start + sum(self.lengths)]


class Body:
    """A response body: segments that can be gone through again and again, in memory or in a file."""

    __slots__ = ("segments",)

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self.segments = segments

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> "Body":
        """A body in memory."""
        parts, lengths, offsets = [], array("I"), array("Q")
        for data, offset in chunks:
            parts.append(data)
            lengths.append(len(data))
            offsets.append(max(0, round(offset * 1e6)))
        return cls([Segment(b"".join(parts), 0, lengths, offsets)] if parts else [])

    def __iter__(self) -> Iterator[Chunk]:
        for segment in self.segments:
            for data, offset in zip(segment, segment.offsets, strict=True):
                yield Chunk(data, offset / 1e6)

    def timed(self) -> Iterator[tuple[bytes, int] | None]:
        """Every chunk with its offset in microseconds; None between two segments, where others may run."""
        between = False
        for segment in self.segments:
            if between:
                yield None
            between = True
            yield from zip(segment, segment.offsets, strict=True)

    def read(self) -> bytes:
        """All of it at once."""
        pieces = [segment.data for segment in self.segments]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return sum(sum(segment.lengths) for segment in self.segments)

    @property
    def duration(self) -> float:
        """Seconds from the response head to its last chunk."""
        last = 0
        for segment in self.segments:
            last = segment.offsets[-1] if len(segment.offsets) else last
        return last / 1e6

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        return None, {"segments": list(self.segments)}  # a copy does not rest on the file of the original

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Body) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compared by content, which may be a file's

    def __repr__(self) -> str:
        return f"<Body of {sum(len(segment.lengths) for segment in self.segments)} chunks, {self.size} bytes>"


class Usage(NamedTuple):
    """What one answer used.

    Attributes:
        provider: who was asked, by its name in genai-prices where it has one there ("openai", "anthropic",
            "google", "aws", ...); where the host is not known to belong to one, as of local servers, its scheme,
            name and port ("http://localhost:11434").
        model: as the answer names it, else the request; empty where neither does.
        input_tokens: all of the input, what came from the provider's prompt cache included.
        output_tokens: all of the output, reasoning included.
        cached_tokens: of the input, read from the provider's prompt cache.
        cache_write_tokens: of the input, written to it.
        reasoning_tokens: of the output, spent on reasoning.
        service_tier: as the answer names it ("flex", "priority", "fast", ...); empty where it names none.
        units: what else has a price of its own, by its name in genai-prices, sorted: parts of the tokens above
            (`input_audio_tokens`, `cache_write_1h_tokens`, ...) and what is no token (`web_searches`,
            `audio_seconds`, `rerank_searches`, ...).
    """

    provider: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    service_tier: str = ""
    units: tuple[tuple[str, float], ...] = ()

    @property
    def is_told(self) -> bool:
        """Whether the answer says what it used; where it does not, only provider and model are known."""
        return bool(self.input_tokens or self.output_tokens or self.units)


class Recording:
    """One request with its response.

    Args:
        request: as stored: credentials replaced, headers by the allow-list, content-encoding undone; or
            what makes it when it is first asked for, because a hit has no use for it.
        head: the response's status and headers, by the allow-list.
        body: the response's chunks, content-encoding undone.
        digest: a cryptographic hash of the canonical request, in hexadecimal digits; a hit is confirmed
            against it, where the same rules are in force.
        rules: the fingerprint of the rules under which that is the canonical form; empty for the built-in ones.
        recorded_at: when the response's head arrived, in seconds since 1970 (UTC); 0 where nobody knows.
        latency: seconds from the request to the response's head.
        complete: whether the whole body is there.
        verdict: what the answer in it is.
        sample: the option of that name with which it was asked for.
        usage: what it came to, where that was found out already.
        size: of the body, in bytes, where that is known already.
        duration: seconds from the request to the last chunk, where that is known already.

    Attributes:
        found_in: the store that has it, for people, where several are asked; else empty.
    """

    __slots__ = (
        "_duration",
        "_request",
        "_size",
        "body",
        "complete",
        "digest",
        "found_in",
        "head",
        "latency",
        "recorded_at",
        "rules",
        "sample",
        "usage",
        "verdict",
    )

    def __init__(
        self,
        *,
        request: Request | Callable[[], Request],
        head: ResponseHead,
        body: Body,
        digest: str,
        recorded_at: float,
        latency: float = 0.0,
        complete: bool = True,
        verdict: Verdict = "whole",
        sample: int = 0,
        rules: str = "",
        usage: Usage | None = None,
        size: int | None = None,
        duration: float | None = None,
    ) -> None:
        self._request = request
        self.head = head
        self.body = body
        self.digest = digest
        self.recorded_at = recorded_at
        self.latency = latency
        self.complete = complete
        self.verdict: Verdict = verdict
        self.sample = sample
        self.rules = rules
        self.usage = usage
        self.found_in = ""
        self._size = size
        self._duration = duration

    @property
    def measured(self) -> bool:
        """Whether size and duration are known, so that the body need not be gone through for them."""
        return self._size is not None and self._duration is not None

    def measure(self) -> None:
        """Goes through the body once, where that was not done yet, so that size and duration are known.

        Raises:
            CorruptRecording: the body lies in a stored entry that is damaged.
        """
        _ = self.size, self.duration

    @property
    def size(self) -> int:
        """Of the body, in bytes."""
        if self._size is None:
            self._size = self.body.size
        return self._size

    @property
    def duration(self) -> float:
        """Seconds from the request to the last chunk."""
        if self._duration is None:
            self._duration = self.latency + self.body.duration
        return self._duration

    @property
    def request(self) -> "Request":
        """The recorded request.

        Raises:
            CorruptRecording: its part of the stored entry is damaged; or the entry was removed or replaced since
                it was read, and the body of the request is large.
        """
        if not isinstance(self._request, Request):
            self._request = self._request()
        return self._request

    def with_parts(
        self,
        *,
        request: Request | None = None,
        head: ResponseHead | None = None,
        body: Body | None = None,
        digest: str | None = None,
        rules: str | None = None,
    ) -> "Recording":
        """The same recording with what is given in place of its own; of another body nothing is known yet."""
        is_same_body = body is None or body is self.body
        return Recording(
            request=self._request if request is None else request,
            head=self.head if head is None else head,
            body=self.body if body is None else body,
            digest=self.digest if digest is None else digest,
            recorded_at=self.recorded_at,
            latency=self.latency,
            complete=self.complete,
            verdict=self.verdict,
            sample=self.sample,
            rules=self.rules if rules is None else rules,
            usage=self.usage if is_same_body else None,
            size=self._size if is_same_body else None,
            duration=self._duration if is_same_body else None,
        )

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        state = {name: getattr(self, name) for name in self.__slots__}
        return None, {**state, "_request": self.request}  # what makes it when it is asked for does not travel

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recording):
            return NotImplemented
        names = ("request", "head", "body", "digest", "recorded_at", "latency", "complete", "verdict", "sample")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    __hash__ = None  # type: ignore[assignment]  # compared by content, which may be a file's

    def __repr__(self) -> str:
        asked = printable(f"{self.request.method} {self.request.url}")
        return f"<Recording {asked} {self.head.status} {self.body!r}>"


@dataclass(init=False, repr=False, eq=False)  # see `Value`
class Outcome:
    """What replaycache did with a request: `response.extensions["replaycache"]`.

    Of a live call it is final once the response's body has been read or closed: only then is it known
    whether the answer was stored.

    Attributes:
        status: `"hit"` (a recording was replayed), `"miss"` (went live and was recorded) or `"live"`
            (went live and was not stored).
        key: the key of the request; empty where none was made.
        store: where recordings are kept.
        recorded_at: of a hit, when it was recorded, in seconds since 1970 (UTC); None where nobody knows.
        age: of a hit, seconds since then; None where nobody knows.
        reason: of a live call, why nothing was stored; of a miss, why what was stored is not the whole answer.
        fault: of a hit, what was made to go wrong with it, as the option of that name says it; empty where nothing
            was.
    """

    status: Literal["hit", "miss", "live"]
    key: str
    store: str
    recorded_at: float | None
    age: float | None
    reason: str
    fault: str = ""

    def __init__(
        self,
        status: Literal["hit", "miss", "live"],
        key: str = "",
        store: str = "",
        recorded_at: float | None = None,
        age: float | None = None,
        reason: str = "",
    ) -> None:
        self.status = status
        self.key = key
        self.store = store
        self.recorded_at = recorded_at
        self.age = age
        self.reason = reason

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if isinstance(other, Outcome) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it changes while a body is read

    def __repr__(self) -> str:
        parts: list[str] = [self.status]
        if self.key:
            parts.append(self.key[:12])
        if self.recorded_at:
            parts.append(f"recorded {datetime.fromtimestamp(self.recorded_at, UTC):%Y-%m-%d %H:%M:%SZ}")
        if self.store:
            parts.append(f"in {self.store}")
        if self.reason:
            parts.append(f"({self.reason})")
        if self.fault:
            parts.append(f"with the fault {self.fault}")
        return printable(f"<Outcome {' '.join(parts)}>")
