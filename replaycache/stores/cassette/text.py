"""A cassette file's text: recordings as JSON that people read and review. docs/cassettes.md explains it.

    {
      "format": "replaycache/1",
      "salt": where what was redacted in the recordings counts, see `salt`,
      "recordings": [
        {
          "request": {"method", "url", "headers", "left_out", "unknown", a body},
          "sample": where it is not 0,
          "response": {"status", "headers", "left_out", "latency", a body},
          "recorded_at": "2026-11-21T22:02:00.123Z",
          "complete": false, where not all of the body is there,
          "verdict": "unfinished" or "failed", where its API calls the answer so
        }
      ]
    }

A body stands in the most readable form from which its bytes can be made again exactly; that is checked when it
is written. `json` is a JSON value, in the spelling that `layout` names (compact where it is missing); `text` is
text; `base64` is anything else. A response that came in pieces is `events`, where it is divided into them, or
`chunks`, one a line, see `streamed`; `assembled` beside them is the answer in one piece, for the reader: it may
not disagree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from ..._errors import CassetteError
from ..._models import Body, Headers, Recording, Request, ResponseHead, Segment
from ..stored_fields import WrongField, check_fields, check_request, header_lines, unknown_names
from . import salt as _salt
from .layouts import COMPACT, LAYOUTS, fitting
from .nonsense import Nonsense
from .places import line_of, path_of
from .streamed import EVENT_LAYOUTS, base64_text, body_of, bytes_of_base64, framing_of, lines_of

FORMAT = "replaycache/1"
_NAME, _VERSION = "replaycache", 1
_OPENING = f'{{\n  "format": "{FORMAT}",\n'
_LIST = '  "recordings": ['
_SALTED = re.compile(rb'  "salt": ("[^"\\\n]*"),\n')
_TAIL = "\n  ]\n}\n"
_BETWEEN = ",\n"
_INDENT = "    "
_OTHER_FILE = "Give the path of another file, or remove this one and record again."
_WAY_OUT = "Correct it, or restore the file."


# -- writing ---------------------------------------------------------------------------------------------


def dump(recordings: Iterable[str], salt: bytes | None = None) -> str:
    """A whole file, from recordings as `dump_recording` writes them."""
    inside = _BETWEEN.join(recordings)
    head = _OPENING + ("" if salt is None else f'  "salt": {_json(_salt.written(salt))},\n') + _LIST
    return f"{head}\n{inside}{_TAIL}" if inside else f"{head}]\n}}\n"


def dump_recording(recording: Recording) -> str:
    """One recording, indented as it stands in the file, without a comma behind it."""
    members = [("request", _request_out(recording.request))]
    if recording.sample:
        members.append(("sample", str(recording.sample)))
    members.append(("response", _response_out(recording)))
    if recording.recorded_at:
        when = datetime.fromtimestamp(recording.recorded_at, UTC)
        members.append(("recorded_at", _json(when.isoformat(timespec="milliseconds").replace("+00:00", "Z"))))
    if not recording.complete:
        members.append(("complete", "false"))
    if recording.verdict != "whole":
        members.append(("verdict", _json(recording.verdict)))
    return _INDENT + _object(members).replace("\n", f"\n{_INDENT}")


def _request_out(request: Request) -> str:
    members = [("method", _json(request.method)), ("url", _json(request.url))]
    members += _headers_out(request.headers, request.left_out)
    if request.unknown:
        members.append(("unknown", _names(request.unknown)))
    return _object([*members, *_piece_out(request.body)])


def _response_out(recording: Recording) -> str:
    head = recording.head
    members = [("status", str(head.status)), *_headers_out(head.headers, head.left_out)]
    members.append(("latency", _json(round(recording.latency, 6))))
    framing = framing_of(recording)
    if framing is None:
        return _object([*members, *_piece_out(recording.body.read())])
    lines, layout = lines_of(recording.body, framing)
    if layout != COMPACT:
        members.append(("layout", _json(layout)))
    listed = ",\n".join(lines).replace("\n", "\n  ")
    members.append(("chunks" if framing == "other" else "events", f"[\n  {listed}\n]"))
    text = _assembled(recording.body)
    if text:
        members.append(("assembled", _json(text)))
    return _object(members)


def _assembled(body: Body) -> str:
    from ...dialects.assembled import assembled  # who only replays what does not stream has no use for it

    return assembled(body.read())


def _object(members: Iterable[tuple[str, str]]) -> str:
    inside = ",\n".join(f'"{name}": {text}' for name, text in members).replace("\n", "\n  ")
    return f"{{\n  {inside}\n}}"


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _names(names: Iterable[str]) -> str:
    return f"[{', '.join(_json(name) for name in names)}]"


def _headers_out(headers: Headers, left_out: tuple[str, ...]) -> list[tuple[str, str]]:
    found: dict[str, str | list[str]] = {}
    for name, value in headers:
        before = found.get(name)
        if before is None:
            found[name] = value
        else:
            found[name] = [*([before] if isinstance(before, str) else before), value]
    return [("headers", _json(found)), *([("left_out", _names(left_out))] if left_out else [])]


def _piece_out(body: bytes) -> list[tuple[str, str]]:
    """A body in one piece."""
    if not body:
        return []
    found = _document(body)
    if found is not None:
        value, layout = found
        return [*([] if layout == COMPACT else [("layout", _json(layout))]), ("json", _json(value))]
    try:
        return [("text", _json(body.decode("utf-8")))]
    except UnicodeDecodeError:
        return [("base64", base64_text(body))]


def _document(body: bytes) -> tuple[Any, str] | None:
    """The JSON value that a body is, and its layout; None where it is in none of them."""
    if body[:1] not in (b"{", b"["):
        return None
    try:
        value = orjson.loads(body)
        for ending, more in (("", b""), (", newline", b"\n")):
            if body.endswith(more) and (layout := fitting(value, body.removesuffix(more) if more else body)):
                return value, layout + ending
    except (ValueError, RecursionError):
        pass
    return None


_LAYOUTS: dict[str, Callable[[Any], bytes]] = dict(LAYOUTS)


def _with_newline(spell: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    return lambda value: spell(value) + b"\n"


_LAYOUTS |= {f"{name}, newline": _with_newline(spell) for name, spell in LAYOUTS.items()}


# -- reading ---------------------------------------------------------------------------------------------


class Written:
    """A recording as it stands in a file.

    Attributes:
        recording: it; its body is decoded when it is first gone through, which raises `CassetteError` where that
            cannot be done.
        text: as it stands there, without a comma behind it; of one that was laid out otherwise, as it will.
    """

    __slots__ = ("_end", "_file", "_start", "recording")

    def __init__(self, recording: Recording, file: bytes, start: int, end: int) -> None:
        self.recording = recording
        self._file = file
        self._start = start
        self._end = end

    @property
    def text(self) -> bytes:
        return self._file[self._start : self._end]


class _Where:
    """A recording's place in a file, for messages.

    Args:
        number: of the recording, from 0.
        start: where the recording begins in it; None where that is not known.
        end: where it ends.
    """

    __slots__ = ("end", "file", "number", "path", "start")

    def __init__(
        self, path: str, number: int, file: bytes, start: int | None = None, end: int | None = None
    ) -> None:
        self.path = path
        self.number = number
        self.file = file
        self.start = start
        self.end = end

    @property
    def text(self) -> bytes:
        """The recording's, where it is known where that stands."""
        return self.file[self.start : self.end]

    def error(self, wrong: Nonsense) -> CassetteError:
        """What is told of a member that cannot be what it is."""
        steps = ("recordings", self.number)
        if self.start is None:
            line = _line(self.file, (*steps, *wrong.steps))
        else:
            line = self.file.count(b"\n", 0, self.start) + _line(self.file[self.start :], wrong.steps)
        return _wrong(self.path, line, (*steps, *wrong.steps), wrong.what)


def _line(text: bytes, steps: tuple[str | int, ...]) -> int:
    return line_of(text.decode("utf-8", "replace"), steps)


def _wrong(path: str, line: int, steps: tuple[str | int, ...], what: str) -> CassetteError:
    return CassetteError(f"{path}, line {line}: {path_of(steps)} {what}. {_WAY_OUT}")


def load(text: bytes, path: str) -> list[Recording]:
    """The recordings of a file, in their order; as `load_written`, where their text is of no interest.

    Raises:
        CassetteError: as there.
    """
    return [written.recording for written in load_written(text, path)]


def load_written(text: bytes, path: str) -> list[Written]:
    """The recordings of a file, in their order.

    Raises:
        CassetteError: it is cut short, is no cassette, was edited into nonsense, or is of a newer format.
    """
    found = _load_as_written(text, path)
    return _load_whole(text, path) if found is None else found


def _load_as_written(text: bytes, path: str) -> list[Written] | None:
    """The recordings of a file that is laid out as we write it; None where it is not."""
    spans = slices(text)
    if spans is None:
        return None
    written: list[Written] = []
    for number, (start, end) in enumerate(spans):
        try:
            entry = orjson.loads(memoryview(text)[start:end])
        except ValueError:
            return None
        if type(entry) is not dict:
            return None
        written.append(Written(_recording(entry, _Where(path, number, text, start, end)), text, start, end))
    return written


def slices(text: bytes) -> list[tuple[int, int]] | None:
    """Where each recording stands in a file that is laid out as we write it; None where it is not."""
    start, tail = _begin_of_list(text), _TAIL.encode()
    if start is None:
        return None
    if text[start:] == b"]\n}\n":
        return []
    if not text.startswith(b"\n", start) or not text.endswith(tail):
        return None
    spans = []
    start, last = start + 1, len(text) - len(tail)
    while (comma := text.find(_NEXT, start, last)) >= 0:
        spans.append((start, comma))
        start = comma + len(_BETWEEN)
    spans.append((start, last))
    return spans


_FIRST = f"{_INDENT}{{\n".encode()
_NEXT = _BETWEEN.encode() + _FIRST


def is_one(text: bytes) -> bool:
    """Whether a text is one recording as it stands in a file, as far as its layout tells: nothing around it would
    be read as a part of it, nor a part of it as something else."""
    try:
        return type(orjson.loads(text)) is dict and text.startswith(_FIRST) and _NEXT not in text
    except ValueError:
        return False


def _begin_of_list(text: bytes) -> int | None:
    """Where the recordings begin in a file that begins as we write it; None where it does not."""
    first, opening = _OPENING.encode(), _LIST.encode()
    if not text.startswith(first):
        return None
    salted = _SALTED.match(text, len(first))
    at = len(first) if salted is None else salted.end()
    return at + len(opening) if text.startswith(opening, at) else None


def salt_in(text: bytes, path: str) -> bytes | None:
    """The salt in a file that `load_written` has read; None where it has none.

    Raises:
        CassetteError: it is none, or was edited.
    """
    try:
        if _begin_of_list(text) is not None:
            found = _SALTED.match(text, len(_OPENING))
            return None if found is None else _salt.read(orjson.loads(found[1]))
        document = orjson.loads(text)
        return _salt.read(document["salt"]) if "salt" in document else None
    except Nonsense as wrong:
        raise _wrong(path, _line(text, wrong.steps), wrong.steps, wrong.what) from wrong


def _load_whole(text: bytes, path: str) -> list[Written]:
    """The recordings of a file that somebody laid out otherwise, or that is none."""
    if not text.strip():
        raise CassetteError(f"{path} is empty. Restore it, or remove it and record again.")
    try:
        document = orjson.loads(text)
    except ValueError as error:
        raise CassetteError(_unreadable(text, path, error)) from error
    if not isinstance(document, dict) or not isinstance(document.get("format"), str):
        raise CassetteError(f'{path} is no cassette: it has no "format". {_OTHER_FILE}')
    _check_format(document["format"], path)
    entries = document.get("recordings")
    if not isinstance(entries, list):
        raise CassetteError(f'{path} has no list of "recordings". Restore it, or remove it and record again.')
    try:
        _check_members(document, _FILE)
    except Nonsense as wrong:
        line = _line(text, wrong.steps)
        raise CassetteError(f"{path}, line {line}: the file {wrong.what}. {_WAY_OUT}") from wrong
    try:
        _check_once(text, document)
    except Nonsense as wrong:
        if not wrong.steps:
            raise CassetteError(f"{path} {wrong.what}. {_WAY_OUT}") from wrong
        raise _wrong(path, _line(text, wrong.steps), wrong.steps, wrong.what) from wrong
    return [_laid_out_anew(entry, _Where(path, number, text)) for number, entry in enumerate(entries)]


def _laid_out_anew(entry: Any, where: _Where) -> Written:
    recording = _recording(entry, where)
    text = dump_recording(recording).encode("utf-8")
    return Written(recording, text, 0, len(text))


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
    conflict = re.search(rb"^(<{7}|={7}|>{7})( |\r?$)", text, re.MULTILINE)
    if conflict:
        line = text.count(b"\n", 0, conflict.start()) + 1
        return (
            f"{path}, line {line}: the file has unresolved merge conflicts. Resolve them, keeping both sides: git "
            f"checkout --conflict=diff3 on the file shows their recordings whole."
        )
    return f"{path} is no JSON: {error}. It was cut short or edited; restore it, or remove it and record again."


# -- members ---------------------------------------------------------------------------------------------

_PIECES = frozenset({"json", "text", "base64"})
_DIVIDED = frozenset({"events", "chunks"})
_FILE = frozenset({"format", "recordings", "salt"})
_RECORDING = frozenset({"request", "sample", "response", "recorded_at", "complete", "verdict"})
_REQUEST = frozenset({"method", "url", "headers", "left_out", "unknown", "layout"}) | _PIECES
_RESPONSE = frozenset({"status", "headers", "left_out", "latency", "assembled", "layout"}) | _PIECES | _DIVIDED


def _check_members(value: Any, known: frozenset[str], *steps: str) -> dict[str, Any]:
    """An object that has no members but those."""
    if type(value) is not dict:
        raise Nonsense("is no object", *steps)
    if not value.keys() <= known:
        from difflib import get_close_matches

        name = next(name for name in value if name not in known)
        near = get_close_matches(name[:40], known, 1)
        meant = f" (is {near[0]!r} meant?)" if near else ""
        raise Nonsense(f"has an unknown member {name[:40]!r}{meant}", *steps)
    return value


def _member(value: dict[str, Any], name: str, *steps: str) -> Any:
    try:
        return value[name]
    except KeyError as error:
        raise Nonsense(f"has no {name!r}", *steps) from error


def _check_once(text: bytes, value: Any) -> None:
    """Checks that no member is given twice: of two, JSON's readers take the last without a word.

    Written anew, a document with such a member has fewer quotation marks than it had.
    """
    try:
        steps = _twice(text, value)
    except RecursionError as error:
        raise Nonsense("is nested too deeply to be read") from error
    if steps is not None:
        raise Nonsense("is given twice: remove one of them", *steps)


def _twice(text: bytes, value: Any) -> tuple[str | int, ...] | None:
    """The way to a member that is given twice; None where there is none."""
    try:
        if _marks(text) == _marks(orjson.dumps(value)):
            return None
    except TypeError as error:
        raise RecursionError(str(error)) from error
    twice: list[tuple[dict[str, Any], str]] = []

    def member(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            twice.append((made, _first_twice(name for name, _ in pairs)))
        return made

    whole = json.loads(text, object_pairs_hook=member)
    return next(((*steps, name) for made, name in twice if (steps := _way_to(whole, made)) is not None), None)


def _first_twice(names: Iterable[str]) -> str:
    seen: set[str] = set()
    return next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # it is None


def _marks(text: bytes) -> int:
    """The quotation marks in a JSON text, however they are spelled. Behind a backslash that is itself escaped,
    `\\u0022` spells none: who counted it could be made to miss one that is lost."""
    marks = text.count(b'"')
    if b"\\u0022" in text:
        marks += text.replace(b"\\\\", b"").count(b"\\u0022")
    return marks


def _way_to(value: Any, wanted: dict[str, Any]) -> tuple[str | int, ...] | None:
    """The steps to the very object in a document."""
    if value is wanted:
        return ()
    steps: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    for step, inner in steps:
        if isinstance(inner, (dict, list)):
            found = _way_to(inner, wanted)
            if found is not None:
                return (step, *found)
    return None


# -- recordings ------------------------------------------------------------------------------------------

_STEPS: dict[str, tuple[str, ...]] = {
    "status": ("response", "status"),
    "latency": ("response", "latency"),
    "method": ("request", "method"),
    "url": ("request", "url"),
}
"""Where the fields stand that `stored_fields` checks; the others stand in the recording itself."""


def _recording(entry: Any, where: _Where) -> Recording:
    """A recording from its members; where its text is known, its answer is not kept decoded."""
    try:
        if where.start is not None:
            _check_once(where.text, entry)
        entry = _check_members(entry, _RECORDING)
        request = _check_members(_member(entry, "request"), _REQUEST, "request")
        response = _check_members(_member(entry, "response"), _RESPONSE, "response")
        status, latency = _member(response, "status", "response"), response.get("latency", 0.0)
        recorded_at = _moment(entry["recorded_at"]) if "recorded_at" in entry else 0.0
        complete, sample = entry.get("complete", True), entry.get("sample", 0)
        verdict = entry.get("verdict", "whole")
        method, url = _member(request, "method", "request"), _member(request, "url", "request")
        try:
            check_fields(status, recorded_at, latency, complete, verdict, sample)
            check_request(method, url)
        except WrongField as error:
            raise Nonsense(error.what, *_STEPS.get(error.field, (error.field,))) from error
        return Recording(
            request=Request(
                method,
                url,
                _headers_in(request, "request"),
                _decoded(request, _kind_of_body(request, "request"), "request"),
                _left_out_in(request, "request"),
                _unknown_in(request),
            ),
            head=ResponseHead(status, _headers_in(response, "response"), _left_out_in(response, "response")),
            body=_body_in(response, where),
            digest="",
            recorded_at=recorded_at,
            latency=float(latency),
            complete=complete,
            verdict=verdict,
            sample=sample,
        )
    except Nonsense as wrong:
        raise where.error(wrong) from wrong


def _moment(text: Any) -> float:
    if type(text) is not str:
        raise Nonsense("is no text", "recorded_at")
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise Nonsense(f"is {text[:40]!r}, which is no date", "recorded_at") from error


def _headers_in(message: dict[str, Any], part: str) -> Headers:
    if "headers" not in message:
        return ()
    headers = message["headers"]
    if type(headers) is not dict:
        raise Nonsense("is no object", part, "headers")
    found: list[tuple[str, str]] = []
    for name, value in headers.items():
        for line in value if type(value) is list else (value,):
            if type(line) is not str:
                raise Nonsense("is no text", part, "headers", name)
            found.append((name.lower(), line))
    try:
        return header_lines(found, answered=part == "response")
    except ValueError as error:
        raise Nonsense(f"cannot be headers: {error}", part, "headers") from error


def _left_out_in(message: dict[str, Any], part: str) -> tuple[str, ...]:
    names = message.get("left_out", [])
    if type(names) is not list or not all(type(one) is str for one in names):
        raise Nonsense("is no list of names", part, "left_out")
    return tuple(names)


def _unknown_in(request: dict[str, Any]) -> tuple[str, ...]:
    try:
        return unknown_names(request.get("unknown", []), _headers_in(request, "request"))
    except WrongField as error:
        raise Nonsense(error.what, "request", error.field) from error


def _kind_of_body(fields: dict[str, Any], part: str) -> str | None:
    """The member that gives the body; None where there is none."""
    given = sorted(fields.keys() & (_PIECES | _DIVIDED))
    if len(given) > 1:
        raise Nonsense(f"has a body as {given[0]!r} and as {given[1]!r}", part)
    kind = given[0] if given else None
    if "layout" in fields:
        name = fields["layout"]
        known = EVENT_LAYOUTS if kind in _DIVIDED else _LAYOUTS if kind == "json" else ()
        if type(name) is not str or name not in known:
            raise Nonsense("names no layout of a json or of events", part, "layout")
    if kind == "text" and type(fields[kind]) is not str:
        raise Nonsense("is no text", part, kind)
    if kind == "base64" and type(fields[kind]) not in (str, list):
        raise Nonsense("is neither text nor a list of texts", part, kind)
    if kind in _DIVIDED and type(fields[kind]) is not list:
        raise Nonsense("is no list", part, kind)
    if "assembled" in fields and (kind not in _DIVIDED or type(fields["assembled"]) is not str):
        raise Nonsense("is no text beside events", part, "assembled")
    return kind


def _decoded(fields: dict[str, Any], kind: str | None, part: str) -> bytes:
    """A body in one piece."""
    try:
        match kind:
            case "json":
                return _LAYOUTS[fields.get("layout", COMPACT)](fields["json"])
            case "text":
                return bytes(fields["text"].encode("utf-8"))
            case "base64":
                return bytes_of_base64(fields["base64"])
            case _:
                return b""
    except (ValueError, TypeError, RecursionError) as error:
        what = error.what if isinstance(error, Nonsense) else f"cannot be spelled: {error}"
        raise Nonsense(what, part, str(kind)) from error


class _Later:
    """The segments of a body, made when they are first gone through: most of a file is only looked through."""

    def __init__(self, where: _Where, make: Callable[[], list[Segment]]) -> None:
        self._where = where
        self._make = make
        self._made: list[Segment] | None = None

    def __iter__(self) -> Iterator[Segment]:
        if self._made is None:
            try:
                self._made = self._make()
            except Nonsense as wrong:
                raise self._where.error(wrong) from wrong
        return iter(self._made)


def _body_in(response: dict[str, Any], where: _Where) -> Body:
    kind = _kind_of_body(response, "response")
    kept = response if where.start is None else None

    def make() -> list[Segment]:
        fields = orjson.loads(where.text)["response"] if kept is None else kept
        if kind in _DIVIDED:
            return _divided_in(fields, kind)
        data = _decoded(fields, kind, "response")
        return [Segment(data, 0, (len(data),), (0,))] if data else []

    return Body(_Later(where, make))


def _divided_in(response: dict[str, Any], kind: str) -> list[Segment]:
    try:
        body = body_of(response[kind], response.get("layout", COMPACT))
    except Nonsense as wrong:
        raise wrong.within("response", kind) from wrong
    if "assembled" in response:
        said = _assembled(body)
        if said != response["assembled"]:
            raise Nonsense(
                f"does not say what the {kind} beside it say ({said[:60]!r}); it may be removed",
                "response",
                "assembled",
            )
    return list(body.segments)
