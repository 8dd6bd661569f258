"""Takes out of requests and answers what may not be written, by the built-in rules and those of the user.

Three kinds of values are replaced: credentials that authenticate the caller, which never count for a key; those
that choose whose data is read, which count in a cache; and what the user named, which counts everywhere. For what
counts stands its seal, for the others `PLACEHOLDER`; what was replaced before is left as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import field, replace
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .. import _models
from .._models import OUTCOME_HEADER, Headers, ResponseHead
from ..dialects.registry import canonical_value
from ..wire import json_path as _json_path
from ..wire.canonical_json import NotCanonical, dumps, loads
from ..wire.content_encoding import is_known
from ..wire.patterns import lazy_pattern
from .documented import (
    FIELD_WORDS,
    FIELDS,
    WORD,
    Place,
    documented_among,
    documented_in,
    field_place,
    is_object_of_a_row,
    place_of,
    whose_field,
)
from .headers import REQUEST_HEADERS, URL_HEADERS, is_kept_of_response, is_sealed_header, left_out
from .redact import Redact
from .seal import PLACEHOLDER, Seal
from .urls import UrlRedactor

_escaped_in_word = lazy_pattern(rb"\\u00(?:2d|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])")
"""An escape, in lower case, of a character of which names are made; other escapes are everywhere."""

_url_in_header = lazy_pattern(r"(?<=<)[^<>]+(?=>)|https?://[^\s<>\",;]+")


@_models.value(frozen=True)
class Redactor(_models.Value):
    """Takes out what may not be written.

    Args:
        counting: names of request headers that count, and are stored for that.
        uncounted: paths into bodies at which nothing counts: what the user's rules replace there is not sealed, so
            that nobody who has the salt can guess it.

    Attributes:
        urls: does the same to URLs.
    """

    redact: Redact
    seal: Seal
    counting: tuple[str, ...]
    uncounted: tuple[_json_path.Path, ...]
    urls: UrlRedactor = field(init=False, repr=False, compare=False)
    _named: tuple[Place, ...] = field(init=False, repr=False, compare=False)
    _fields: dict[Any, str] = field(init=False, repr=False, compare=False)

    def __init__(
        self,
        redact: Redact | None = None,
        seal: Seal | None = None,
        counting: tuple[str, ...] = (),
        uncounted: tuple[_json_path.Path, ...] = (),
    ) -> None:
        redact, seal = redact or Redact(), seal or Seal()
        vars(self).update(
            redact=redact,
            seal=seal,
            counting=counting,
            uncounted=uncounted,
            urls=UrlRedactor(tuple(redact.query), seal),
            _fields={path.steps[0]: path.text for path in redact.paths if len(path.steps) == 1},
        )
        vars(self)["_named"] = tuple(place for path in redact.paths for place in self._places_of(path))

    def _places_of(self, path: _json_path.Path) -> Iterator[Place]:
        """Where something is that the user named: where it does not count, it is replaced as the caller's are."""
        for outer in self.uncounted:
            steps = tuple(step.lower() if isinstance(step, str) else step for step in outer.steps)
            if steps == path.steps[: len(steps)]:
                # in another case it counts, for there it is not left out
                exact = (*outer.steps, *path.steps[len(steps) :])
                yield place_of(_json_path.Path(path.text, exact, any_case=True, exact=len(steps)), "caller")
        yield place_of(path, "user")

    # -- headers -------------------------------------------------------------------------------------------------

    def headers_of_request(self, headers: Headers) -> Headers:
        """The request headers that may be stored; of those that carry a credential and count, their seal."""
        kept: list[tuple[str, str]] = []
        sealed: dict[str, list[str]] = {}
        for name, value in headers:
            if name in self.counting and is_sealed_header(name):
                if name not in sealed:
                    kept.append((name, ""))
                sealed.setdefault(name, []).append(value)
            elif name in REQUEST_HEADERS or name in self.redact.request_headers or name in self.counting:
                kept.append((name, value))
        # as it counts: all its lines as one
        joined = {name: self.seal.of(canonical_value(name, ", ".join(values))) for name, values in sealed.items()}
        return tuple((name, joined.get(name, value)) for name, value in kept)

    def counted_header(self, name: str, value: str) -> str:
        """The value of a request header that counts, as it does."""
        value = canonical_value(name, value)
        return self.seal.of(value) if is_sealed_header(name) else value

    def head(self, head: ResponseHead) -> ResponseHead:
        """A response head with only the headers that may be stored."""
        told = [one for one in head.headers if not one[0].startswith(OUTCOME_HEADER)]
        headers = tuple(
            (name, self._header_value(name, value)) for name, value in told if self._is_kept(name, value)
        )
        return replace(head, headers=headers, left_out=left_out(told, headers, head.left_out))

    def _is_kept(self, name: str, value: str) -> bool:
        """Whether a header of a response may be stored."""
        if name == "content-encoding":
            # a body is stored with its encoding undone, and a client would undo it once more
            return not is_known(value)
        return is_kept_of_response(name) or name in self.redact.response_headers

    def _header_value(self, name: str, value: str) -> str:
        """A header's value, with the credentials in its URLs replaced."""
        if name in URL_HEADERS:
            return self.urls.redacted(value)
        return (
            _url_in_header().sub(lambda url: self.urls.redacted(url[0]), value)
            if "?" in value or "@" in value
            else value
        )

    # -- bodies --------------------------------------------------------------------------------------------------

    def is_secret_field(self, name: str) -> bool:
        """Whether a field of a form is replaced: a login may be asked for by a form as well as by JSON."""
        return name.lower() in FIELDS or name.lower() in self._fields or whose_field(name) is not None

    def field(self, name: str, value: str | bytes) -> str:
        """What stands for the value of such a field of a form."""
        lowered = name.lower()
        self.redact.used.note(self._fields.get(lowered, ""))
        if lowered in FIELDS:
            return self.seal.stand_in(value, "caller")
        if lowered in self._fields:
            counts = all(path.steps != (name,) for path in self.uncounted)
            return self.seal.stand_in(value, "user" if counts else "caller")
        return self.seal.stand_in(value, whose_field(name) or "caller")

    def _replaced(self, value: Any, place: Place) -> Any:
        """What stands at a place instead; the very value where it is left."""
        if value is None or isinstance(value, bool):
            return value
        if place.is_url:
            return self.urls.redacted(value, whose=place.whose) if isinstance(value, str) else value
        return self.seal.stand_in(value, place.whose)

    def json(self, value: Any) -> bool:
        """Replaces the credentials in a decoded JSON body, in place; tells whether there were any.

        Raises:
            NotCanonical: one that is to be sealed has no canonical form.
        """
        found = False
        self.redact.used.look()
        for place in self._places_in(value):
            for container, key in _json_path.places(value, place.path):
                self.redact.used.note(place.path.text)
                new = self._replaced(container[key], place)
                if new != container[key]:
                    container[key] = new
                    found = True
        return found

    def _places_in(self, value: Any) -> Iterator[Place]:
        """The places that may be in a decoded body, in the order in which they are replaced."""
        if not isinstance(value, dict):
            yield from (place for place in self._named if not isinstance(place.path.steps[0], str))
            return
        yield from self._named
        for name, member in value.items():
            yield from documented_in(name)
            if name.lower() in FIELDS and not is_object_of_a_row(name, member):
                yield field_place(name)

    def may_hold_credentials(self, body: bytes) -> bool:
        """Whether a JSON body may have something in the documented places, without taking it apart."""
        lowered = body.lower()
        if _escaped_in_word().search(lowered):
            return True
        present = frozenset(WORD.findall(lowered))
        places = documented_among(present)
        return not FIELD_WORDS.isdisjoint(present) or any(place.words <= present for place in places)

    def credentials_in(self, value: Any) -> Iterator[str]:
        """The texts in a decoded JSON body that stand where APIs have credentials."""
        for place in self._places_in(value):
            if place.whose != "user" and not place.is_url:
                for container, key in _json_path.places(value, place.path):
                    if isinstance(container[key], str):
                        yield container[key]

    def hides_access(self, body: bytes) -> bool:
        """Whether of a stored JSON body something that chooses whose data is read, and would count, is gone."""
        if not self.seal.counts_access or PLACEHOLDER.encode() not in body:
            return False
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return False
        return any(
            container[key] == PLACEHOLDER
            for place in self._places_in(value)
            if place.whose == "data"
            for container, key in _json_path.places(value, place.path)
        )

    def answer_text(self, body: bytes, *, documented: bool = False) -> bytes | None:
        """The JSON document of an answer with what the user named replaced and every other byte as it was.

        None where something of it may be in it, and it is no document.

        Args:
            body: of the answer, or of an event.
            documented: whether what stands where APIs have credentials is replaced, too.
        """
        try:
            return self._in_document(body, of_answer=True, documented=documented)
        except (ValueError, RecursionError):
            return None

    def json_text(self, body: bytes) -> bytes:
        """A JSON body with its credentials replaced and every other byte as it was.

        It need not be JSON that can be decoded without loss. In what is no JSON at all, every field of such
        a name is replaced, at whatever depth it seems to stand.
        """
        try:
            return self._in_document(body)
        except (ValueError, RecursionError):
            return self._broken(body)

    def _in_document(self, body: bytes, *, of_answer: bool = False, documented: bool = True) -> bytes:
        lowered = body.lower()
        # a name may be written with escapes
        is_escaped = _escaped_in_word().search(lowered) is not None
        # one look for all places: there are many, and bodies are large
        present = frozenset(WORD.findall(lowered))
        places = [place for place in self._named if is_escaped or place.words <= present]
        has_fields = False
        if documented:
            among = documented_among(None if is_escaped else present)
            places += [place for place in among if is_escaped or place.words <= present]
            has_fields = is_escaped or not FIELD_WORDS.isdisjoint(present)
        if not places and not has_fields:
            return body
        text = body.decode("utf-8")
        value = json.loads(text, strict=False)
        begin = _json_path.skip_space(text, 0)
        inside: _json_path.Inside = {begin: list(_json_path.children(text, begin))}
        names = {name for name, *_ in inside[begin]}
        tops = {*names, *map(str.lower, names)}
        for place in places:
            if not isinstance(place.path.steps[0], str) or place.path.steps[0] in tops:
                text = self._text_replaced(text, place, inside, of_answer)
        for name in names if has_fields and isinstance(value, dict) else ():
            if name.lower() in FIELDS and not is_object_of_a_row(name, value.get(name)):
                text = self._text_replaced(text, field_place(name), inside, of_answer)
        return text.encode("utf-8")

    def _text_replaced(self, text: str, place: Place, inside: _json_path.Inside, of_answer: bool) -> str:
        for start, end in sorted(set(_json_path.spans(text, place.path, inside)), reverse=True):
            self.redact.used.note(place.path.text)
            written = text[start:end]
            value, _ = _json_path.value_at(text, start)
            if of_answer and isinstance(value, str) and value.startswith(PLACEHOLDER):
                continue  # a client sends it on, and it is found again
            if not isinstance(value, (str, bool, type(None))):
                value = _canonical_value(written)
            new = self._replaced(value, place)
            if new != value:
                text = f"{text[:start]}{json.dumps(new)}{text[end:]}"
                inside.clear()  # it was of the text as it was before
        return text

    def _broken(self, body: bytes) -> bytes:
        """What is no JSON, with every field of such a name replaced."""
        fields = sorted({*FIELDS, *(name for name in self._fields if isinstance(name, str))})
        names = "|".join(map(re.escape, fields))
        pattern = rf'"({names})"(\s*:\s*)"((?:[^"\\]|\\.)*+)"'

        def put(match: re.Match[bytes]) -> bytes:
            name = match[1].decode("utf-8", "replace")
            return b'"%s"%s"%s"' % (match[1], match[2], self.field(name, match[3]).encode())

        return re.sub(pattern.encode(), put, body, flags=re.IGNORECASE)

    def raw(self, body: bytes, media_type: str) -> bytes:
        """A body that counts byte by byte, with the credentials replaced that can be found in it.

        Servers read JSON whatever it is sent as: as text, as a form (curl's `-d`), one document a line.
        """
        if media_type == "multipart/form-data":
            return body  # that is taken apart, or kept as a hash
        if is_json(media_type) or _is_document(body):
            return self.json_text(body)
        if holds_documents(body):
            lines = body.split(b"\n")
            return b"\n".join(self.json_text(line) if _is_document(line) else line for line in lines)
        return self.form(body) if media_type == "application/x-www-form-urlencoded" else body

    def form(self, body: bytes) -> bytes:
        """A form body with the values of its credentials replaced."""
        return b"&".join(self._form_field(part) for part in body.split(b"&"))

    def _form_field(self, part: bytes) -> bytes:
        name, equals, value = part.partition(b"=")
        decoded = unquote_to_bytes(name.replace(b"+", b" ")).decode("utf-8", "replace")
        if not equals or not self.is_secret_field(decoded):
            return part
        plain = unquote_to_bytes(value.replace(b"+", b" "))
        try:
            stand_in = self.field(decoded, plain.decode("utf-8"))
        except UnicodeDecodeError:
            stand_in = self.field(decoded, plain)
        return b"%s=%s" % (name, quote_from_bytes(stand_in.encode()).encode())


def _canonical_value(written: str) -> Any:
    """The value as its canonical form has it; as it is written where it has none."""
    try:
        value = loads(written.encode("utf-8"))
        dumps(value)
        return value
    except NotCanonical:
        return written.encode("utf-8")


def is_json(media_type: str) -> bool:
    """Whether a body of this media type is JSON; a body without one is taken for it if it can be."""
    return media_type in ("", "application/json", "text/json") or media_type.endswith("+json")


def holds_documents(body: bytes) -> bool:
    """Whether a body is an object of JSON, or several, one a line."""
    return _is_document(body) or _is_document(body.partition(b"\n")[0])


def _is_document(body: bytes) -> bool:
    if body[:64].lstrip()[:1] != b"{":
        return False
    try:
        return isinstance(json.loads(body, strict=False), dict)
    except (ValueError, RecursionError):
        return False
