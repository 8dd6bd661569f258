"""A cassette file's text: recordings as JSON that people read and review.

    {
      "format": "replaycache/1",
      "recordings": [
        {
          "request": {"method", "url", "headers", a body},
          "sample": where it is not 0,
          "response": {"status", "headers", "latency", a body},
          "recorded_at": "2026-11-21T22:02:00.123Z",
          "complete": false, where the whole answer is not there
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

from ._errors import CassetteError
from ._models import Body, Chunk, Headers, Recording, Request, ResponseHead, Segment
from .assembled import assembled

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
    when = datetime.fromtimestamp(recording.recorded_at, UTC)
    entry["recorded_at"] = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if not recording.complete:
        entry["complete"] = False
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
                if spell(value) == body:
                    return {"json": value} if layout == "compact" else {"layout": layout, "json": value}
        except (ValueError, RecursionError):
            pass
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


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
    name, _, version = document["format"].partition("/")
    if name != _NAME or not version.isdigit():
        raise CassetteError(
            f"{path} is no cassette of replaycache: its format is {document['format']!r}. {_OTHER_FILE}"
        )
    if int(version) > _VERSION:
        raise CassetteError(
            f"{path} has the format {document['format']}, and this version of replaycache reads up to {FORMAT}. "
            f"Upgrade replaycache."
        )
    entries = document.get("recordings")
    if not isinstance(entries, list):
        raise CassetteError(f'{path} has no list of "recordings". Restore it, or remove it and record again.')
    return [_recording(entry, f"{path}, recording {number}") for number, entry in enumerate(entries, 1)]


def _unreadable(text: bytes, path: str, error: ValueError) -> str:
    conflict = re.search(rb"^(<{7}|={7}|>{7})( |$)", text, re.MULTILINE)
    if conflict:
        line = text.count(b"\n", 0, conflict.start()) + 1
        return f"{path}, line {line}: the file has unresolved merge conflicts. Resolve them, keeping both sides."
    return f"{path} is no JSON: {error}. It was cut short or edited; restore it, or remove it and record again."


def _recording(entry: Any, where: str) -> Recording:
    try:
        request, response = entry["request"], entry["response"]
        recorded_at = datetime.fromisoformat(entry["recorded_at"]).timestamp() if "recorded_at" in entry else 0.0
        return Recording(
            request=Request(
                request["method"], request["url"], _headers_in(request.get("headers", {})), _body_in(request)
            ),
            head=ResponseHead(response["status"], _headers_in(response.get("headers", {}))),
            body=_response_body_in(response, where),
            digest="",
            recorded_at=recorded_at,
            latency=float(response.get("latency", 0.0)),
            complete=entry.get("complete", True) is True,
            sample=int(entry.get("sample", 0)),
        )
    except KeyError as error:
        raise CassetteError(f"{where} has no {error}. Restore it, or remove it and record again.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise _nonsense(where, error) from error


def _headers_in(headers: dict[str, str | list[str]]) -> Headers:
    found: list[tuple[str, str]] = []
    for name, value in headers.items():
        for line in [value] if isinstance(value, str) else value:
            if not isinstance(line, str):
                raise TypeError(f"the header {name!r} is no text")
            found.append((name.lower(), line))
    return tuple(found)


def _body_in(fields: dict[str, Any]) -> bytes:
    given = [name for name in ("json", "text", "base64") if name in fields]
    if len(given) > 1:
        raise ValueError(f"a body is given as {given[0]} and as {given[1]}")
    if "json" in fields:
        return _layout(fields)(fields["json"])
    if "text" in fields:
        return bytes(fields["text"].encode("utf-8"))
    if "base64" in fields:
        return base64.b64decode(fields["base64"], validate=True)
    return b""


def _layout(fields: dict[str, Any]) -> Callable[[Any], bytes]:
    name = fields.get("layout", "compact")
    if name not in _LAYOUTS:
        raise ValueError(f"there is no layout {name!r}")
    return _LAYOUTS[name]


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
            except (ValueError, TypeError, AttributeError, IndexError) as error:
                raise _nonsense(self._where, error) from error
        return iter(self._made)


def _nonsense(where: str, error: Exception) -> CassetteError:
    return CassetteError(f"{where} cannot be read: {error}. Restore it, or remove it and record again.")


def _response_body_in(response: dict[str, Any], where: str) -> Body:
    if "events" in response:
        if not isinstance(response["events"], list):
            raise TypeError("events is no list")
        return Body(_Later(where, lambda: list(_events_in(response["events"]).segments)))

    def make() -> list[Segment]:
        data = _body_in(response)
        return [Segment(data, 0, (len(data),), (0,))] if data else []

    return Body(_Later(where, make))


def _events_in(events: list[Any]) -> Body:
    chunks: list[Chunk] = []
    for event in events:
        piece = event[-1]
        data = base64.b64decode(piece["base64"], validate=True) if isinstance(piece, dict) else piece.encode()
        if len(event) == 2:
            chunks.append(Chunk(data, float(event[0])))
        elif len(event) == 1 and chunks:
            chunks[-1] = Chunk(chunks[-1].data + data, chunks[-1].offset)
        else:
            raise ValueError(f"{event!r} is no event; an event is [offset, text], or [text] behind another")
    return Body.of(chunks)
