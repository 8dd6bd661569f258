"""A cassette file's text: recordings as JSON that people read and review.

    {
      "format": "replaycache/1",
      "recordings": [
        {
          "request": {"method", "url", "headers", a body},
          "sample": where it is not 0,
          "response": {"status", "headers", "latency", a body},
          "recorded_at": "2026-11-21T22:02:00.123Z",
          "complete": false, where not all of the body is there,
          "verdict": "unfinished" or "failed", where its API calls the answer so
        }
      ]
    }

A body stands in the most readable form from which its bytes can be made again exactly; that is checked when it
is written. `json` is a JSON value, in the spelling that `layout` names (compact where it is missing); `text` is
text; `base64` is anything else. A streamed body is `events`, one a line: `[offset in seconds, text]` begins a
chunk, `[text]` goes on with the chunk before, and `{"base64": …}` takes the place of a piece that is no text;
`assembled` beside it is the answer in one piece, for the reader only.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from .._errors import CassetteError
from .._models import Body, Chunk, Headers, Recording, Request, ResponseHead, Segment
from ..dialects.assembled import assembled
from .stored_fields import check_fields, check_request, check_seconds, header_lines

__all__ = ["FORMAT", "dump", "dump_recording", "load"]

FORMAT = "replaycache/1"
_NAME, _VERSION = "replaycache", 1
_OTHER_FILE = "Give the path of another file, or remove this one and record again."


def _spelling(**options: Any) -> Callable[[Any], bytes]:
    encoder = json.JSONEncoder(allow_nan=False, **options)
    return lambda value: encoder.encode(value).encode("utf-8")


_UNSURE = (b"0.0000", *(b"%de" % digit for digit in range(10)))
"""What may be a number that orjson spells in another way than Python, whose spelling the layouts are."""


def _compact(value: Any) -> bytes:
    try:
        quick = orjson.dumps(value)
    except TypeError:
        return _carefully_compact(value)
    for unsure in _UNSURE:
        if unsure in quick:
            return _carefully_compact(value)
    return quick


_carefully_compact = _spelling(separators=(",", ":"), ensure_ascii=False)
_LAYOUTS: dict[str, Callable[[Any], bytes]] = {
    "compact": _compact,
    "compact ascii": _spelling(separators=(",", ":")),
    "spaced": _spelling(ensure_ascii=False),
    "spaced ascii": _spelling(),
    "indent 2": _spelling(indent=2, ensure_ascii=False),
    "indent 2 ascii": _spelling(indent=2),
    "indent 4": _spelling(indent=4, ensure_ascii=False),
}


def _with_newline(spell: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    return lambda value: spell(value) + b"\n"


_LAYOUTS |= {f"{name}, newline": _with_newline(spell) for name, spell in _LAYOUTS.items()}

_STREAMS = re.compile(r"text/event-stream|ndjson|jsonl|json-lines|stream\+json")
_EVENT_END = re.compile(r"(?:\r\n|\n|\r)(?:\r\n|\n|\r)+|\n")


# -- writing ---------------------------------------------------------------------------------------------


def dump(recordings: Iterable[str]) -> str:
    """A whole file, from recordings as `dump_recording` writes them."""
    inside = ",\n".join(recordings)
    inside = f"\n{inside}\n  " if inside else ""
    return f'{{\n  "format": "{FORMAT}",\n  "recordings": [{inside}]\n}}\n'


def dump_recording(recording: Recording) -> str:
    """One recording, indented as it stands in the file, without a comma behind it."""
    request, head = recording.request, recording.head
    is_stream = _STREAMS.search(head.header("content-type") or "") is not None
    response: dict[str, Any] = {
        "status": head.status,
        "headers": _headers_out(head.headers),
        "latency": round(recording.latency, 6),
    }
    if is_stream:
        response["events"] = []
        text = assembled(recording.body.read())
        if text:
            response["assembled"] = text
    else:
        response |= _body_out(recording.body.read())
    entry: dict[str, Any] = {
        "request": {"method": request.method, "url": request.url, "headers": _headers_out(request.headers)}
        | _body_out(request.body)
    }
    if recording.sample:
        entry["sample"] = recording.sample
    entry["response"] = response
    if recording.recorded_at:
        when = datetime.fromtimestamp(recording.recorded_at, UTC)
        entry["recorded_at"] = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if not recording.complete:
        entry["complete"] = False
    if recording.verdict != "whole":
        entry["verdict"] = recording.verdict
    written = orjson.dumps(entry, option=orjson.OPT_INDENT_2).decode()
    written = "\n".join(f"    {line}" for line in written.split("\n"))
    if is_stream:
        lines = ",\n".join(f"          {line}" for line in _events_out(recording.body))
        if lines:
            # the last such text: before it stands only what came from the request
            before, _, after = written.rpartition('"events": []')
            written = f'{before}"events": [\n{lines}\n        ]{after}'
    return written


def _headers_out(headers: Headers) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    for name, value in headers:
        before = found.get(name)
        if before is None:
            found[name] = value
        else:
            found[name] = [*([before] if isinstance(before, str) else before), value]
    return found


def _body_out(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    if body[:1] in (b"{", b"["):
        try:
            value = orjson.loads(body)
            for layout, spell in _LAYOUTS.items():
                if spell(value) == body and not _is_deep(body, value):
                    return {"json": value} if layout == "compact" else {"layout": layout, "json": value}
        except (ValueError, RecursionError):
            pass
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


_DEEPEST = 250
"""Levels of a value that can be written and read inside the file's own."""


def _is_deep(body: bytes, value: Any) -> bool:
    if body.count(b"[") + body.count(b"{") <= _DEEPEST:
        return False
    try:
        orjson.dumps([[[[value]]]])
    except TypeError:
        return True
    return False


def _events_out(body: Body) -> Iterator[str]:
    for data, offset in body:
        first: list[Any] = [round(offset, 6)]
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            yield _line([*first, {"base64": base64.b64encode(data).decode()}])
            continue
        start = 0
        for end in _EVENT_END.finditer(text):
            if "data:" in text[start : end.end()] and end[0] == "\n":
                continue  # a line of an event, not its end
            yield _line([*first, text[start : end.end()]])
            first, start = [], end.end()
        if start < len(text) or first:
            yield _line([*first, text[start:]])


def _line(value: list[Any]) -> str:
    return orjson.dumps(value).decode()


# -- reading ---------------------------------------------------------------------------------------------


def load(text: bytes, path: str) -> list[Recording]:
    """The recordings of a file, in their order.

    Bodies are decoded when they are first gone through, which raises `CassetteError` where they cannot be.

    Args:
        text: the file's bytes.
        path: of the file, for the messages.

    Raises:
        CassetteError: it is cut short, is no cassette, was edited into nonsense, or is of a newer format.
    """
    if not text.strip():
        raise CassetteError(f"{path} is empty. Restore it, or remove it and record again.")
    try:
        document = orjson.loads(text)
    except ValueError as error:
        raise CassetteError(_unreadable(text, path, error)) from error
    if not isinstance(document, dict) or not isinstance(document.get("format"), str):
        raise CassetteError(f'{path} is no cassette: it has no "format". {_OTHER_FILE}')
    _check_format(document["format"], path)
    _check_once(text, document, path)
    entries = document.get("recordings")
    if not isinstance(entries, list):
        raise CassetteError(f'{path} has no list of "recordings". Restore it, or remove it and record again.')
    if not document.keys() <= _FILE:
        raise _unknown(document, _FILE, path, "the file")
    return [_recording(entry, f"{path}, recording {number}") for number, entry in enumerate(entries, 1)]


def _check_format(written: str, path: str) -> None:
    name, _, version = written.partition("/")
    if name != _NAME or not re.fullmatch(r"[1-9][0-9]*", version):
        raise CassetteError(f"{path} is no cassette of replaycache: its format is {written[:40]!r}. {_OTHER_FILE}")
    if version != str(_VERSION):
        raise CassetteError(
            f"{path} has the format {written[:40]}, and this version of replaycache reads up to {FORMAT}. "
            f"Upgrade replaycache."
        )


def _unreadable(text: bytes, path: str, error: ValueError) -> str:
    conflict = re.search(rb"^(<{7}|={7}|>{7})( |$)", text, re.MULTILINE)
    if conflict:
        line = text.count(b"\n", 0, conflict.start()) + 1
        return f"{path}, line {line}: the file has unresolved merge conflicts. Resolve them, keeping both sides."
    return f"{path} is no JSON: {error}. It was cut short or edited; restore it, or remove it and record again."


# -- members ---------------------------------------------------------------------------------------------

_BODIES = frozenset({"json", "text", "base64", "events"})
_BODY = frozenset({"json", "text", "base64", "layout"})
_FILE = frozenset({"format", "recordings"})
_RECORDING = frozenset({"request", "sample", "response", "recorded_at", "complete", "verdict"})
_REQUEST = frozenset({"method", "url", "headers"}) | _BODY
_RESPONSE = frozenset({"status", "headers", "latency", "events", "assembled"}) | _BODY


def _check_once(text: bytes, document: Any, path: str) -> None:
    """Checks that no member is given twice: of two, JSON's readers take the last without a word.

    Written anew, a document with such a member has fewer quotation marks than it had.
    """
    try:
        written = orjson.dumps(document)
    except TypeError as error:
        raise CassetteError(_too_deep(path)) from error
    if _marks(text) == _marks(written):
        return
    twice: list[tuple[dict[str, Any], str]] = []

    def member(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            twice.append((made, next(name for name in names if names.count(name) > 1)))
        return made

    try:
        whole = json.loads(text, object_pairs_hook=member)
    except RecursionError as error:
        raise CassetteError(_too_deep(path)) from error
    for made, name in twice:
        where = _where(whole, made)
        if where is not None:
            inside = re.match(r"\.recordings\[(\d+)\]\.?", where)
            number = f", recording {int(inside[1]) + 1}" if inside else ""
            place = where[inside.end() if inside else 1 :][:100] or "it"
            raise CassetteError(f"{path}{number}: {place} has the member {name[:40]!r} twice. Remove one of them.")


def _marks(text: bytes) -> int:
    return text.count(b'"') + text.count(b"\\u0022")


def _where(value: Any, wanted: dict[str, Any]) -> str | None:
    """The path to the very object in a document."""
    if value is wanted:
        return ""
    steps: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        steps = ((f".{name}", inner) for name, inner in value.items())
    elif isinstance(value, list):
        steps = ((f"[{index}]", inner) for index, inner in enumerate(value))
    for step, inner in steps:
        if isinstance(inner, (dict, list)):
            found = _where(inner, wanted)
            if found is not None:
                return step + found
    return None


def _too_deep(path: str) -> str:
    return f"{path} is nested too deeply to be read. Restore it, or remove it and record again."


def _members(value: Any, known: frozenset[str], where: str, what: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise TypeError(f"{what} is no object")
    if not value.keys() <= known:
        raise _unknown(value, known, where, what)
    return value


def _unknown(value: dict[str, Any], known: frozenset[str], where: str, what: str) -> CassetteError:
    from difflib import get_close_matches

    name = next(name for name in value if name not in known)
    near = get_close_matches(name[:40], known, 1)
    meant = f" Is {near[0]!r} meant?" if near else ""
    return CassetteError(f"{where}: {what} has an unknown member {name[:40]!r}.{meant} Correct it, or remove it.")


# -- recordings ------------------------------------------------------------------------------------------


def _recording(entry: Any, where: str) -> Recording:
    try:
        entry = _members(entry, _RECORDING, where, "it")
        request = _members(entry["request"], _REQUEST, where, "the request")
        response = _members(entry["response"], _RESPONSE, where, "the response")
        status, latency = response["status"], response.get("latency", 0.0)
        recorded_at = _moment(entry["recorded_at"]) if "recorded_at" in entry else 0.0
        complete, sample = entry.get("complete", True), entry.get("sample", 0)
        verdict = entry.get("verdict", "whole")
        check_fields(status, recorded_at, latency, complete, verdict, sample)
        check_request(request["method"], request["url"])
        return Recording(
            request=Request(
                request["method"], request["url"], _headers_in(request, answered=False), _body_in(request)
            ),
            head=ResponseHead(status, _headers_in(response, answered=True)),
            body=_response_body_in(response, where),
            digest="",
            recorded_at=recorded_at,
            latency=float(latency),
            complete=complete,
            verdict=verdict,
            sample=sample,
        )
    except KeyError as error:
        raise CassetteError(f"{where} has no {error}. Restore it, or remove it and record again.") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise _nonsense(where, error) from error


def _moment(text: Any) -> float:
    if type(text) is not str:
        raise TypeError("recorded_at is no text")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"recorded_at is {text[:40]!r}, which is no date") from error
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _headers_in(message: dict[str, Any], *, answered: bool) -> Headers:
    headers = message.get("headers")
    if headers is None and "headers" not in message:
        return ()
    if type(headers) is not dict:
        raise TypeError("headers is no object")
    found: list[tuple[str, str]] = []
    for name, value in headers.items():
        for line in value if type(value) is list else (value,):
            if type(line) is not str:
                raise TypeError(f"the header {name[:40]!r} is no text")
            found.append((name.lower(), line))
    return header_lines(found, answered=answered)


def _check_body(fields: dict[str, Any]) -> str | None:
    """The member that gives the body; None where there is none."""
    given = fields.keys() & _BODIES
    if len(given) > 1:
        one, other, *_ = sorted(given)
        raise ValueError(f"a body is given as {one} and as {other}")
    kind = given.pop() if given else None
    if "layout" in fields:
        name = fields["layout"]
        if kind != "json" or type(name) is not str or name not in _LAYOUTS:
            raise ValueError("a layout is given and no json" if kind != "json" else f"there is no layout {name!r}")
    if kind in ("text", "base64") and type(fields[kind]) is not str:
        raise TypeError(f"{kind} is no text")
    if kind == "events" and type(fields[kind]) is not list:
        raise TypeError("events is no list")
    if "assembled" in fields and (kind != "events" or type(fields["assembled"]) is not str):
        raise ValueError("assembled is no text beside events")
    return kind


def _body_in(fields: dict[str, Any]) -> bytes:
    return _decoded(fields, _check_body(fields))


def _decoded(fields: dict[str, Any], kind: str | None) -> bytes:
    match kind:
        case "json":
            return _LAYOUTS[fields.get("layout", "compact")](fields["json"])
        case "text":
            return bytes(fields["text"].encode("utf-8"))
        case "base64":
            return base64.b64decode(fields["base64"], validate=True)
        case _:
            return b""


class _Later:
    """The segments of a body, made when they are first gone through: most of a file is only looked through."""

    def __init__(self, where: str, make: Callable[[], list[Segment]]) -> None:
        self._where = where
        self._make = make
        self._made: list[Segment] | None = None

    def __iter__(self) -> Iterator[Segment]:
        if self._made is None:
            try:
                self._made = self._make()
            except (ValueError, TypeError, RecursionError) as error:
                raise _nonsense(self._where, error) from error
        return iter(self._made)


def _nonsense(where: str, error: Exception) -> CassetteError:
    return CassetteError(f"{where} cannot be read: {error}. Restore it, or remove it and record again.")


def _response_body_in(response: dict[str, Any], where: str) -> Body:
    kind = _check_body(response)
    if kind == "events":
        return Body(_Later(where, lambda: list(_events_in(response["events"]).segments)))

    def make() -> list[Segment]:
        data = _decoded(response, kind)
        return [Segment(data, 0, (len(data),), (0,))] if data else []

    return Body(_Later(where, make))


def _events_in(events: list[Any]) -> Body:
    pieces: list[list[bytes]] = []
    offsets: list[float] = []
    for number, event in enumerate(events, 1):
        if type(event) is not list or len(event) not in (1, 2) or (len(event) == 1 and not pieces):
            raise ValueError(
                f"events, line {number}, is no event; an event is [offset, text], or [text] behind another"
            )
        if len(event) == 2:
            check_seconds(f"the offset in events, line {number},", event[0])
            offsets.append(event[0])
            pieces.append([])
        pieces[-1].append(_piece(event[-1], number))
    return Body.of(Chunk(b"".join(piece), offset) for piece, offset in zip(pieces, offsets, strict=True))


def _piece(value: Any, number: int) -> bytes:
    if type(value) is str:
        return value.encode("utf-8")
    if type(value) is dict and value.keys() == {"base64"} and type(value["base64"]) is str:
        return base64.b64decode(value["base64"], validate=True)
    raise ValueError(f"events, line {number}, has neither text nor base64")
