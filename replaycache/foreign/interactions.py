"""What every format's reader has in common: finding its way in the file's values, and making recordings."""

from __future__ import annotations

import binascii
import codecs
import json
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from .._errors import CassetteError, ReplayCacheWarning
from .._models import Body, Chunk, Headers, Recording, Request, ResponseHead
from .._printable import printable
from ..engine.stored_form import stored_form
from ..redaction.headers import is_credential_header
from ..redaction.redact import Redact
from ..redaction.redactor import Redactor
from ..redaction.seal import Seal
from ..stores.stored_fields import check_fields, check_request, header_lines
from ..wire import url as _url
from ..wire.content_encoding import UndecodableContent, make_decoder
from .filtered import COUNTING, Sent, left_out, without_placeholders

RECORD_AGAIN = "record it again"
UPGRADE = "look for a newer replaycache"
RESTORE = "restore the file from version control, or record it again"

DECODED_LIMIT = 512 << 20
"""Bytes that all compressed bodies of a file may decode to, together."""


class Source:
    """The file that is read.

    Args:
        path: as messages name it.
        redact: what users added to the built-in rules about credentials.
        seal: seals what the user redacts.
        to_play: whether it is read to be played as it stands, and nothing of it written.

    Attributes:
        ends_its_last_line: whether a line end is the last thing in it, once it was read.
        sees_all: whether its recorder stands where the client library has added its own headers.
    """

    def __init__(self, path: str, redact: Redact, seal: Seal, *, to_play: bool = False) -> None:
        self.path = path
        self.redact = redact
        self.seal = seal
        self.to_play = to_play
        self.ends_its_last_line = True
        self.sees_all = True
        self._sent: list[tuple[Sent, frozenset[str]]] = []
        self._decoded = 0

    def sent(self, method: str, url: str, headers: Headers) -> Headers:
        """Of the next request, the headers whose values are known."""
        if self.to_play:
            return headers
        known, hidden = without_placeholders(headers)
        self._sent.append((Sent(method, url, frozenset(name for name, _ in headers)), hidden))
        return known

    def with_unknown(self, recordings: list[Recording]) -> list[Recording]:
        """The recordings of the file, in its order, with what is unknown of each."""
        if self.to_play:
            return recordings
        away = left_out([sent for sent, _ in self._sent], sees_all=self.sees_all)
        counting = COUNTING.union(self.redact.request_headers)
        found = []
        for recording, (_, hidden), gone in zip(recordings, self._sent, away, strict=True):
            request = recording.request
            unknown = (gone | (hidden & counting)).union(request.unknown)
            if unknown:
                request = replace(request, unknown=tuple(sorted(unknown)))
                recording = recording.with_parts(request=request)
            found.append(recording)
        return found

    def error(self, what: str, way_out: str) -> CassetteError:
        """The error that says what is wrong with the file and what to do."""
        return CassetteError(f"cannot read {printable(self.path)}: {what}. What to do: {way_out}.")

    def check_last_line(self) -> None:
        """For formats that write nothing at the end by which a file that was cut short could be known.

        Raises:
            CassetteError: the last line has no end, which every recorder writes.
        """
        if not self.ends_its_last_line:
            raise self.error(
                "its last line has no end: it was cut short",
                "restore the file from version control or record it again; if nothing is missing, add a line end",
            )

    def redactor(self, sent: Headers, answered: Headers) -> Redactor:
        """Takes out what is kept out of a recording that has these headers of its request and its response."""
        redact = self.redact
        if self.to_play:
            redact = replace(
                redact,
                request_headers=(*redact.request_headers, *_playable(sent)),
                response_headers=(*redact.response_headers, *_playable(answered)),
            )
        return Redactor(redact, self.seal)

    def warn(self, what: str) -> None:
        """Says what is in the file and was not read."""
        warnings.warn(printable(f"{self.path}: {what}"), ReplayCacheWarning, stacklevel=2)

    def decode(self, encoding: str | None, body: bytes) -> tuple[bytes, bool]:
        """A body with its content-encoding undone, and whether it still has that encoding.

        Recorders decode a body and leave the header that says otherwise, so what is no such encoding is
        taken as decoded already. What is one, but is cut short or has no decoder here, stays as it is.

        Raises:
            CassetteError: the bodies of this file decode to more than `DECODED_LIMIT` bytes.
        """
        if encoding is None or not body or _is_text(body):
            return body, False
        pieces: list[bytes] = []
        try:
            decoder = make_decoder(encoding)
            if decoder is None:
                return body, False
            for piece in decoder.feed(body):
                self._decoded += len(piece)
                if self._decoded > DECODED_LIMIT:
                    raise self.error(
                        f"its compressed bodies hold more than {DECODED_LIMIT >> 20} MiB",
                        "split it, or record less into one file",
                    )
                pieces.append(piece)
            decoder.end()
        except UndecodableContent:
            magic = _MAGIC.get(encoding.rpartition(",")[2].strip().lower())
            return body, magic is None or body.startswith(magic)
        return b"".join(pieces), False


_OF_THE_WIRE = frozenset({"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"})
"""Headers that say how a body was sent; what is played is the body itself."""


def _playable(headers: Headers) -> set[str]:
    return {name for name, _ in headers if name not in _OF_THE_WIRE and not is_credential_header(name)}


_MAGIC = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


def _is_text(body: bytes) -> bool:
    """Whether it is UTF-8 without control characters, which nothing compressed is."""
    try:
        return _CONTROL.search(body.decode("utf-8")) is None
    except UnicodeDecodeError:
        return False


@dataclass(frozen=True, slots=True)
class Node:
    """A value in the file, and where it is: its methods say in which place something else stands.

    Every method raises `CassetteError` where the value is of another kind.
    """

    source: Source
    where: str
    value: Any

    def error(self, what: str, way_out: str = RESTORE) -> CassetteError:
        """The error that says what is wrong in this place."""
        return self.source.error(f"{self.where or 'the file'} {what}", way_out)

    def _mapping(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.error("is no mapping: the file was cut short or edited into something else")
        return self.value

    def __contains__(self, name: str) -> bool:
        return name in self._mapping()

    def get(self, name: str) -> Node:
        """The member of that name."""
        if name not in self._mapping():
            raise self.error(f"has no {name!r}: the file was cut short or edited into something else")
        return self.maybe(name)

    def find(self, name: str) -> Node | None:
        """The member of that name; None where there is none, or it is null."""
        found = self.maybe(name)
        return None if found.value is None else found

    def maybe(self, name: str) -> Node:
        """The member of that name, with the value None where there is none."""
        return Node(self.source, f"{self.where}.{name}" if self.where else name, self._mapping().get(name))

    def items(self) -> list[Node]:
        """The items of a list."""
        if not isinstance(self.value, list):
            raise self.error("is no list: the file was cut short or edited into something else")
        return [Node(self.source, f"{self.where}[{index}]", item) for index, item in enumerate(self.value)]

    def text(self) -> str:
        """A text; a number or a truth value in its place is written out, for people edit these files."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if not isinstance(self.value, str | int | float):
            raise self.error("is no text")
        return str(self.value)

    def number(self) -> int:
        """A whole number that is not negative and has at most nine digits."""
        text = self.text()
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise self.error("is no number")
        return int(text)

    def content(self) -> bytes:
        """A body, of text in UTF-8 or bytes; None is an empty one."""
        if self.value is None:
            return b""
        if isinstance(self.value, bytes):
            return self.value
        if not isinstance(self.value, str):
            raise self.error("is neither text nor bytes")
        return encoded(self.value)

    def from_base64(self, text: str | None = None) -> bytes:
        """A body that stands in base64, or a text of it, which then holds nothing else."""
        try:
            return binascii.a2b_base64(self.content() if text is None else text, strict_mode=text is not None)
        except ValueError as error:
            raise self.error(f"is no base64: {error}") from None

    def from_hexadecimal(self, text: str) -> bytes:
        """A text of it that is in hexadecimal digits."""
        try:
            return bytes.fromhex(text)
        except ValueError as error:
            raise self.error(f"is not in hexadecimal digits: {error}") from None

    def headers(self) -> Headers:
        """Header lines of a mapping from names to a value or a list of values."""
        if self.value is None:
            return ()
        pairs: list[tuple[str, str]] = []
        for name in self._mapping():
            node = self.get(name)
            for item in node.items() if isinstance(node.value, list) else [node]:
                pairs.append((name, item.header_value()))
        return _header_lines(pairs)

    def named_values(self) -> Headers:
        """Header lines of a list of mappings with `name` and `value`; of nothing, none."""
        if self.value is None:
            return ()
        pairs = [(item.get("name").text(), item.find("value")) for item in self.items()]
        return _header_lines((name, "" if value is None else value.header_value()) for name, value in pairs)

    def check_version(self, recorder: str, *known: str) -> None:
        """Looks at the member `version`, which says in which format a recorder wrote the file."""
        version = self.get("version").text()
        if version not in known:
            told = f"{' and '.join(known)} {'are' if len(known) > 1 else 'is'} known"
            raise self.error(f"has the version {version[:20]!r}; of {recorder}'s, {told}", UPGRADE)

    def header_value(self) -> str:
        """A header's value, its bytes decoded as Latin-1."""
        if self.value is None:
            return ""
        if isinstance(self.value, bytes):
            text = self.value.decode("latin-1")
        else:
            text = self.text()
            try:
                text.encode("latin-1")
            except UnicodeEncodeError:
                text = encoded(text).decode("latin-1")
        return re.sub(r"[\r\n]+[ \t]*", " ", text)

    def recording(
        self,
        *,
        method: str,
        url: str,
        host: str | None = None,
        headers: Headers,
        body: bytes,
        answer: Answer,
    ) -> Recording:
        """The recording of the interaction in this place.

        Args:
            method: in any case.
            url: as the recorder wrote it.
            host: with its port, where the recorder wrote it beside the URL.
            headers: of the request, all of them.
            body: of the request, with its content-encoding.
            answer: the response.
        """
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", method):
            raise self.error(f"has the method {method[:40]!r}, which is none")
        if not 100 <= answer.status <= 999:
            raise self.error(f"has the status {answer.status}, which is none")
        url, unknown = absolute_url(url, host or _find(headers, "host"))
        if _url.fault(url):
            raise self.error("has a URL that cannot be read")
        if not body:
            # nothing else would tell which request it was
            unknown = tuple(name for name in unknown if name != "url")
        recorded_at = answer.recorded_at or seconds_since_1970(_find(answer.headers, "date"))
        try:
            check_request(method.upper(), url)
            check_fields(answer.status, recorded_at, answer.latency, answer.complete, "whole", 0)
            # of a response too: what this body's encoding is, is found out below
            for lines in (headers, answer.headers):
                header_lines(lines, answered=False)
        except ValueError as error:
            raise self.error(f"cannot be read: {error}") from None
        encoding = _find(headers, "content-encoding")
        body, is_encoded = self.source.decode(encoding, body)
        if not is_encoded:
            headers = tuple(item for item in headers if item[0] != "content-encoding")
        headers = self.source.sent(method.upper(), "" if "url" in unknown else url, headers)
        redactor = self.source.redactor(headers, answer.headers)
        request = Request(method.upper(), url, headers, body, unknown=unknown)
        plain = tuple(item for item in answer.headers if item[0] != "content-encoding")
        head = redactor.head(ResponseHead(answer.status, plain))
        encoding = _find(answer.headers, "content-encoding")
        content, is_encoded = (answer.body, False) if answer.decoded else self.source.decode(encoding, answer.body)
        if is_encoded and encoding is not None:
            head = replace(head, headers=(*head.headers, ("content-encoding", encoding)))
            pieces = [content]
        else:
            pieces = list(_pieces(content, _find(answer.headers, "content-type") or ""))
        return Recording(
            request=stored_form(request, redactor),
            head=head,
            body=Body.of(Chunk(piece, 0.0) for piece in pieces),
            digest="",
            recorded_at=recorded_at,
            latency=answer.latency,
            complete=answer.complete,
        )


def absolute_url(url: str, host: str | None = None) -> tuple[str, tuple[str, ...]]:
    """A URL as a recorder, or its filters, left it, made absolute; and what is unknown of it.

    Args:
        url: of any form.
        host: with its port, where it stands beside the URL.
    """
    unknown: tuple[str, ...] = ()
    if "://" not in url:
        if (
            url.startswith("/")
            and host is not None
            and re.fullmatch(r"[\w.-]+(:\d+)?|\[[\da-fA-F:]+\](:\d+)?", host)
        ):
            is_local = re.match(r"localhost\b|127\.|\[::1\]", host) is not None
            url = f"{'http' if is_local else 'https'}://{host}{url}"
        else:
            # RFC 2606: nothing is ever reached there, and what stood for the URL can still be read
            unknown = ("host",) if url.startswith("/") else ("url",)
            url = f"https://unknown.invalid/{url.lstrip('/')}"
    # not on the wire in this form: URLs are ASCII there
    return re.sub(r"[^\x21-\x7e]+", lambda match: quote(encoded(match[0])), url), unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The response of an interaction.

    Attributes:
        status: as a number.
        headers: all of them.
        body: as the recorder wrote it.
        decoded: whether the format says that the content-encoding is undone in it.
        recorded_at: when its head arrived, in seconds since 1970; 0 where the file says it only by the
            header `date`, or not at all.
        latency: seconds from the request to the head; 0 where the file does not say.
        complete: whether the whole body is in the file.
    """

    status: int
    headers: Headers
    body: bytes
    decoded: bool = False
    recorded_at: float = 0.0
    latency: float = 0.0
    complete: bool = True


def _header_lines(pairs: Iterable[tuple[str, str]]) -> Headers:
    return tuple((name.lower(), value) for name, value in pairs if name.isascii())


def _find(headers: Headers, name: str) -> str | None:
    values = [value for key, value in headers if key == name]
    return ", ".join(values) if values else None


_LINES = frozenset(f"application/{name}" for name in ("x-ndjson", "ndjson", "jsonl", "stream+json", "json-lines"))
# atomic groups: CR LF is one line end and never a CR and an empty line
_EVENT_END = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)+")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_EVENT_FIELD = re.compile(rb"(?:\xef\xbb\xbf)?(?:data|event|id|retry)?:")


def _pieces(body: bytes, content_type: str) -> Iterator[bytes]:
    media_type = content_type.partition(";")[0].strip().lower()
    # where a recorder replaced the header's value, the body still shows what it is
    if media_type == "text/event-stream" or ("/" not in media_type and _EVENT_FIELD.match(body)):
        start = 0
        for end in _EVENT_END.finditer(body):
            yield body[start : end.end()]
            start = end.end()
        if start < len(body):
            yield body[start:]
    elif media_type in _LINES:
        yield from _LINE.findall(body)
    elif body:
        yield body


def encoded(text: str) -> bytes:
    """A text in UTF-8; the surrogates of a pair that JSON escaped apart are one character."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return joined.encode("utf-8", "surrogatepass")


_NO_CHARSETS = frozenset(
    {"idna", "mbcs", "oem", "palmos", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
)
"""What https://docs.python.org/3/library/codecs.html#python-specific-encodings lists: no body is sent in them, and
some take a time that grows with the square of a text's length."""


def in_charset(text: str, name: str) -> bytes:
    """A text in the encoding that a message names.

    Raises:
        LookupError: there is none of that name.
        ValueError: it does not have all of the text's characters.
    """
    found = codecs.lookup(name).name.replace("_", "-")
    if found in _NO_CHARSETS:
        raise LookupError(f"{found} is no character set")
    return text.encode(found)


def json_bytes(value: Any) -> bytes:
    """A value as the JSON that recorders replay which keep bodies as values: Python's own default form.

    Raises:
        ValueError: it is not of JSON's types.
    """
    try:
        return json.dumps(value).encode("ascii")
    except TypeError as error:
        raise ValueError(str(error)) from None


def seconds_since_1970(text: str | None) -> float:
    """The moment that a text in the form of ISO 8601 or of HTTP's dates names; 0 where it names none."""
    if not text:
        return 0.0
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
    try:
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
