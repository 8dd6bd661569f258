"""The canonical form of a request, in which two that mean the same are the same bytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from .._errors import ConfigurationError
from .._models import Request
from ..dialects.registry import ANSWER_HEADERS, endpoints, equivalents, no_ops
from ..dialects.request_body import MAX_DECODED
from ..redaction.redactor import Redactor, holds_documents, is_json
from ..redaction.seal import Seal
from ..redaction.used_paths import UsedPaths
from ..wire import canonical_json as _json
from ..wire import json_path as _json_path
from ..wire import multipart as _multipart
from ..wire import url as _url
from ..wire.content_encoding import UndecodableContent, decode_whole
from ..wire.patterns import lazy_pattern
from ..wire.unicode_text import is_unicode
from . import texts as _texts

if TYPE_CHECKING:
    from .scrubs import CompiledScrub

SCHEME = 1
"""The version of the canonical form. Keys of different schemes never meet."""

KEY_HEADERS = tuple(header.name for header in ANSWER_HEADERS)
"""Headers that change what is answered; `Match(headers=...)` adds more."""

_NOT_UNICODE = (
    "a request's method, URL or header has a lone surrogate in it, which none can hold; write the byte that it "
    "stands for percent-encoded"
)

_malformed = lazy_pattern(rb"%(?![0-9A-Fa-f]{2})")


class Applied(NamedTuple):
    """A rule that changed something on the way to the canonical form."""

    rule: str
    detail: str


class Rules(NamedTuple):
    """What `Match` was given, read.

    Attributes:
        ignore: paths into bodies.
        ignored_headers: in lower case, in order.
        scrub: in the order in which they are applied.
        normalize: receives the request first of all.
        hosts: other names for hosts.
        headers: that count, in lower case, in order.
        fold_defaults: whether documented no-ops are left out.
        scope: keeps keys apart that would be equal.
        used: which of the paths and headers to be ignored were met.
    """

    ignore: tuple[_json_path.Path, ...]
    ignored_headers: tuple[str, ...]
    scrub: "tuple[CompiledScrub, ...]"
    normalize: Callable[[Request], Request] | None
    hosts: Mapping[str, str]
    headers: tuple[str, ...]
    fold_defaults: bool
    scope: str
    used: UsedPaths


class Canonical:
    """One request on its way to the canonical form.

    Attributes:
        applied: the rules that changed something.
        members: those of a JSON body, as they came; None of another, or of none.
        keeps_body: whether that is stored as it came, for nothing in it is redacted.

    Args:
        redactor: takes out what may not be written.
        unknown: what nobody knows of the request that this one is compared with.
    """

    def __init__(self, rules: Rules, redactor: Redactor, sample: int, unknown: Sequence[str] = ()) -> None:
        self._rules = rules
        self._redactor = redactor
        self._sample = sample
        self._unknown = frozenset(unknown)
        self._is_known = False
        self.applied: list[Applied] = []
        self.members: dict[str, Any] | None = None
        self.keeps_body = False

    def of(self, request: Request) -> bytes:
        """The canonical form.

        Raises:
            ConfigurationError: `normalize` returns something else than a request, or one that cannot be sent.
        """
        rules = self._rules
        if rules.normalize is not None:
            normalized = rules.normalize(request)
            if not isinstance(normalized, Request):
                raise ConfigurationError(
                    f"Match(normalize=...) returns a Request, not {type(normalized).__name__}"
                )
            if normalized != request:
                self._note("normalize", "changed the request")
            request = normalized
        if self._unknown:
            request = replace(
                request, headers=tuple(item for item in request.headers if item[0] not in self._unknown)
            )
        if not is_unicode(request.url):
            raise ConfigurationError(_NOT_UNICODE)
        url = _url.parse(request.url)
        origin = _url.alias_origin(url, rules.hosts) if rules.hosts else url.origin
        if origin != url.origin:
            self._note("hosts", f"{url.origin} counts as {origin}")
        if any(len(part) == 1 for part in url.query):
            # what is replaced in it is in the URL as it is stored, and may be what cannot be decoded
            query = self._query(_url.parse(self._redactor.urls.redacted(request.url)))
        else:
            query = self._query(url)
        path = url.path
        self._is_known = bool(endpoints(request.method, path))
        # what the rules of an API are rests on where it is
        if "url" in self._unknown:
            origin, path, query = "", "", []
        elif "host" in self._unknown:
            origin = ""
        kind, body = self._body(request, origin, path)
        head = [
            SCHEME,
            request.method,
            origin,
            path,
            query,
            self._headers(request),
            self._sample,
            rules.scope,
            kind,
        ]
        try:
            return orjson.dumps(head) + b"\n" + body
        except TypeError as error:
            raise ConfigurationError(_NOT_UNICODE) from error

    def _note(self, rule: str, detail: str) -> None:
        self.applied.append(Applied(rule, detail))

    def _query(self, url: _url.Url) -> list[tuple[str | None, ...]]:
        kept: list[tuple[str | None, ...]] = []
        names = frozenset((name if rest else _url.decoded_name(name)).lower() for name, *rest in url.query)
        for name, *rest in url.query:
            decoded = name if rest else _url.decoded_name(name)
            if self._redactor.urls.is_dropped(decoded, names, url.host, url.path):
                self._note("credential", f"query parameter {decoded} does not count")
                continue
            values = [
                value if value is None else self._redactor.urls.counted_parameter(name, value) for value in rest
            ]
            if values != rest:
                self._note("redact", f"query parameter {decoded} counts by a hash")
            kept.append((name, *values))
        return sorted(kept, key=lambda pair: str(pair[0]))

    def _headers(self, request: Request) -> list[tuple[str, str | None]]:
        pairs: list[tuple[str, str | None]] = [(name, None) for name in sorted(self._unknown)]
        for name in self._rules.headers:
            value = request.header(name)
            if value is not None:
                if name == "content-type" and value.lower().startswith("multipart/form-data"):
                    value = "multipart/form-data"  # its boundary means nothing
                pairs.append((name, self._redactor.counted_header(name, value)))
        for name in self._rules.ignored_headers:
            self._rules.used.look()
            if request.header(name) is not None:
                self._rules.used.note(f"headers.{name}")
                self._note("ignore", f"header {name}")
        return pairs

    def _scrubbed(self, text: str) -> str:
        if Seal.is_one(text):
            return text  # what it stands for counts as a whole
        for name, pattern, placeholder in self._rules.scrub:
            text, count = pattern.subn(placeholder, text)
            if count:
                self._note("scrub", f"{name} matched {count} x")
        return text

    def _body(self, request: Request, origin: str, path: str) -> tuple[str | list[str], bytes]:
        body = request.body
        content_type = request.header("content-type") or ""
        media_type = content_type.partition(";")[0].strip().lower()
        encoding = request.header("content-encoding")
        if encoding is not None:
            try:
                body = decode_whole(encoding, body, MAX_DECODED)
            except UndecodableContent as error:
                self._note("raw", f"the body counts byte by byte: {error}")
                return ["raw", encoding, content_type], self._redactor.raw(body, media_type)
            if body != request.body:
                self._note("content-encoding", f"{encoding} undone")
        if not body:
            return "none", b""
        if media_type == "multipart/form-data":
            return "multipart", self._multipart(body, content_type, origin, path)
        # what makes it no JSON, or no form, may be what is taken out: then it is one as it is stored
        for taken in (body, None):
            if taken is None:
                taken = self._redactor.raw(body, media_type)
                if taken == body:
                    break
            before = len(self.applied)
            try:
                if is_json(media_type):
                    canonical = self._json(taken, origin, path)
                    if taken is not body:
                        self.members, self.keeps_body = None, False
                    return "json", canonical
                if media_type == "application/x-www-form-urlencoded":
                    return "form", self._form(taken)
            except (_json.NotCanonical, RecursionError) as error:
                del self.applied[before:]
                self._note("raw", f"the body counts byte by byte: {error}")
            else:
                break
        return ["raw", "", content_type], self._raw(self._redactor.raw(body, media_type), media_type)

    def _raw(self, body: bytes, media_type: str) -> bytes:
        if not self._rules.scrub:
            return body
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            return body
        # of JSON that is not taken apart nobody knows what is text in it
        if text.lstrip()[:1] in ("{", "[") if is_json(media_type) else _texts.begins_with_object(text):
            return body
        return _texts.changed_text(body.decode("utf-8"), self._scrubbed).encode()

    def _json(self, body: bytes, origin: str, path: str) -> bytes:
        rules = self._rules
        value = _json.loads(body)
        members = dict(value) if isinstance(value, dict) else None
        is_redacted = self._redactor.json(value)
        if is_redacted:
            self._note("credential", "fields of the body that carry one do not count, or by a hash")
        if rules.ignore:
            rules.used.look()
        for where in rules.ignore:
            if _json_path.remove(value, where):
                rules.used.note(where.text)
                self._note("ignore", where.text)
        if rules.scrub:
            value = _texts.changed(value, self._scrubbed, is_known=self._is_known)
        if rules.fold_defaults and isinstance(value, dict):
            defaults = no_ops(origin, path)
            for member in list(value) if defaults else ():
                for rule in defaults.get(member, ()):
                    if rule.fold(value):
                        self._note("default", rule.describe())
            for equivalent in equivalents(origin, path):
                if equivalent.rewrite(value):
                    self._note("equivalent", equivalent.describe())
        canonical = _json.dumps(value)
        self.members, self.keeps_body = members, not is_redacted
        return canonical

    def _multipart(self, body: bytes, content_type: str, origin: str, path: str) -> bytes:
        before = len(self.applied)
        try:
            return self._listed(body, content_type, origin, path)
        except _multipart.NotMultipart as error:
            del self.applied[before:]
            self._note("raw", f"the body counts byte by byte: {error}")
            return _multipart.unreadable(body)

    def _listed(self, body: bytes, content_type: str, origin: str, path: str) -> bytes:
        parts = [part for part in _multipart.parts_of(body, content_type) if not self._ignored(part.name)]
        if self._rules.fold_defaults:
            names = [part.name for part in parts]
            fields = {part.name: part.text for part in parts}
            for rule in chain.from_iterable(no_ops(origin, path).values()):
                if names.count(rule.parameter) == 1 and rule.holds_in_form(fields):
                    parts = [part for part in parts if part.name != rule.parameter]
                    self._note("default", rule.describe())
        listing = []
        for part in parts:
            text, filename = part.text, part.filename
            if text is not None:
                text = self._field(part.name, text)
            if filename is not None:
                filename = self._scrubbed(filename)
            size = part.size if text is None else len(text.encode())
            listing.append(part._replace(text=text, filename=filename, size=size))
        return _multipart.to_listing(sorted(listing, key=lambda part: part.name))

    def _form(self, body: bytes) -> bytes:
        if holds_documents(body):
            raise _json.NotCanonical("it is JSON")
        body = self._redactor.form(body)
        try:
            if _malformed().search(body):
                raise ValueError("malformed percent-encoding")
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
        except ValueError as error:
            raise _json.NotCanonical(str(error)) from error
        kept = [(name, self._field(name, value)) for name, value in pairs if not self._ignored(name)]
        return _json.dumps(sorted(kept, key=lambda pair: pair[0]))

    def _field(self, name: str, value: str) -> str:
        if self._redactor.is_secret_field(name):
            return self._redactor.field(name, value)
        return _texts.changed_field(name, value, self._scrubbed, is_known=self._is_known)

    def _ignored(self, name: str) -> bool:
        found = [path for path in self._rules.ignore if path.steps == (name,)]
        for path in found:
            self._rules.used.note(path.text)
            self._note("ignore", name)
        return bool(found)
