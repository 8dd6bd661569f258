"""What counts as the same request.

`Match` turns a request into its canonical form, in which two requests that mean the same are the same
bytes, and hashes that to the key. The canonical form is one line of JSON (method, origin, path, query,
headers that matter, sample, scope, kind of body), a line feed, and the body in the form of its kind.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple
from urllib.parse import parse_qsl

import orjson
import xxhash

from .._errors import ConfigurationError
from .._models import Request
from ..dialects.dialect import Kind
from ..dialects.registry import ANSWER_HEADERS, canonical_value, equivalents, generates, kind_of, no_ops
from ..dialects.request_body import MAX_DECODED, members
from ..redaction.redact import PLACEHOLDER, Redact, is_credential_header, is_json
from ..wire import multipart as _multipart
from ..wire import url as _url
from ..wire.content_encoding import UndecodableContent, decode_whole
from . import json as _json

__all__ = ["KEY_HEADERS", "SCHEME", "Applied", "Explanation", "Identity", "Match"]

SCHEME = 1
"""The version of the canonical form. Keys of different schemes never meet."""

KEY_HEADERS = tuple(header.name for header in ANSWER_HEADERS)
"""Headers that change what is answered; `Match(headers=...)` adds more."""

_MALFORMED = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Identity(NamedTuple):
    """What a request is looked up by and what a hit is confirmed by.

    `key` is xxh3_128 of the canonical request, 32 hexadecimal digits; `digest` is BLAKE2b-256 of the same
    bytes, 64 hexadecimal digits.
    """

    key: str
    digest: str


class Applied(NamedTuple):
    """A rule that changed something on the way to the canonical form."""

    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a request came to its key: `print(match.explain(request))`."""

    key: str
    canonical: bytes
    applied: tuple[Applied, ...]

    def __str__(self) -> str:
        head, _, body = self.canonical.partition(b"\n")
        lines = [f"key        {self.key}", f"request    {head.decode()}", f"body       {_show(body)}"]
        for index, (rule, detail) in enumerate(self.applied):
            lines.append(f"{'rules' if index == 0 else '':<10} {rule}: {detail}")
        return "\n".join(lines)


def _show(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return f"{len(body)} bytes, BLAKE2b {hashlib.blake2b(body, digest_size=8).hexdigest()}"


Scrub = tuple[str | re.Pattern[str], str]


@dataclass(frozen=True, kw_only=True)
class Match:
    """The rules by which a request becomes its canonical form.

    Args:
        ignore: paths into a JSON body that do not count, such as `metadata.run_id` or `messages[*].name`;
            of a form, names of fields; a name with other characters is quoted: `["image[]"]`.
        scrub: pairs of a regular expression and what takes the place of its matches in every string of the
            body and in query values, for time stamps and ids inside prompts.
        normalize: receives the `Request` first of all and returns the one that counts. Must depend on
            nothing else, for its results are remembered.
        hosts: other names for hosts: `{"localhost:8080": "api.openai.com"}`. Left, `host`, `host:port` or
            `scheme://host:port`, with `*` for any text; right, a host (then over https) or an origin.
        headers: further request headers that count.
        fold_defaults: whether parameters that are no-ops by the provider's documentation are left out.
        cacheable: receives a `Request`; says whether it may be stored, and answered from a store. None: a cache
            takes the calls that generate, as their path and the shape of their body tell; a cassette every call.
        scope: keeps keys apart that would be equal.

    Raises:
        ConfigurationError: an argument has another form.
    """

    ignore: Sequence[str] = ()
    scrub: Sequence[Scrub] = ()
    normalize: Callable[[Request], Request] | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)
    headers: Sequence[str] = ()
    fold_defaults: bool = True
    cacheable: Callable[[Request], bool] | None = None
    scope: str = ""

    def __post_init__(self) -> None:
        for name in ("ignore", "headers"):
            value = getattr(self, name)
            is_list = isinstance(value, Iterable) and not isinstance(value, str)
            if not is_list or not all(isinstance(item, str) for item in value):
                raise ConfigurationError(f"Match({name}=...) takes a list of texts, not {value!r}")
        for name in ("normalize", "cacheable"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise ConfigurationError(f"Match({name}=...) takes a callable, not {value!r}")
        if not isinstance(self.hosts, Mapping) or not all(
            isinstance(v, str) for kv in self.hosts.items() for v in kv
        ):
            raise ConfigurationError(f"Match(hosts=...) takes a dict of texts, not {self.hosts!r}")
        for name, counts_as in self.hosts.items():
            _check_alias(name, counts_as)
        if not isinstance(self.scrub, Iterable) or isinstance(self.scrub, str):
            raise _no_scrub(self.scrub, "")
        if not isinstance(self.scope, str):
            raise ConfigurationError(f"Match(scope=...) takes a text, not {self.scope!r}")
        headers = tuple(sorted({*KEY_HEADERS, *(name.lower() for name in self.headers)}))
        for name in headers:
            if is_credential_header(name):
                raise ConfigurationError(f"the header {name!r} carries a credential and cannot count for a key")
        object.__setattr__(self, "key_headers", headers)
        object.__setattr__(self, "_ignore", tuple(_json.parse_path(path) for path in self.ignore))
        object.__setattr__(self, "_scrub", tuple(_compile(pair) for pair in self.scrub))

    key_headers: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _ignore: tuple[_json.Path, ...] = field(init=False, repr=False, compare=False)
    _scrub: tuple[tuple[re.Pattern[str], str], ...] = field(init=False, repr=False, compare=False)

    def key(self, request: Request, *, sample: int = 0, redact: Redact = Redact()) -> str:  # noqa: B008  # frozen
        """The key of a request: 32 hexadecimal digits."""
        return self.identity(request, sample=sample, redact=redact).key

    def identity(
        self,
        request: Request,
        *,
        sample: int = 0,
        redact: Redact = Redact(),  # noqa: B008  # frozen
        unknown: Sequence[str] = (),
    ) -> Identity:
        """The key of a request, and the digest that confirms a hit."""
        canonical = self.canonical(request, sample=sample, redact=redact, unknown=unknown)
        return Identity(
            xxhash.xxh3_128_hexdigest(canonical), hashlib.blake2b(canonical, digest_size=32).hexdigest()
        )

    def canonical(
        self,
        request: Request,
        *,
        sample: int = 0,
        redact: Redact = Redact(),  # noqa: B008  # frozen
        unknown: Sequence[str] = (),
    ) -> bytes:
        """The canonical form of a request.

        Args:
            request: as sent, or as stored: both give the same.
            sample: the option of that name.
            redact: what users added to the built-in rules about credentials.
            unknown: what nobody knows of the request that this one is compared with, as in `Request.unknown`. The
                form has in its place that it is unknown, and never meets one in which it is known, or absent.
        """
        return _Canonical(self, redact, sample, unknown).of(request)

    def explain(self, request: Request, *, sample: int = 0, redact: Redact = Redact()) -> Explanation:  # noqa: B008  # frozen
        """The canonical form of a request, its key, and each rule that changed something."""
        work = _Canonical(self, redact, sample)
        canonical = work.of(request)
        return Explanation(xxhash.xxh3_128_hexdigest(canonical), canonical, tuple(work.applied))

    def is_cacheable(self, request: Request) -> bool:
        """Whether a cache may answer the request; a cassette may answer every one, where `cacheable` is None."""
        if self.cacheable is not None:
            return bool(self.cacheable(request))
        return self.kind_of(request) == "generates"

    def kind_of(self, request: Request) -> Kind:
        """What a call is, by its path and the shape of its body: see `dialects/dialect.py`."""
        path = _url.parse(request.url).path
        media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
        if media_type == "application/x-www-form-urlencoded":
            return "other"  # no dialect takes such forms; other services behind like paths do
        return kind_of(request.method, path, members(request) if generates(request.method, path) else None)


def _check_alias(name: str, counts_as: str) -> None:
    """Looks at one pair of `Match(hosts=...)`.

    Raises:
        ConfigurationError: it names no host, or every one.
    """
    told = f"Match(hosts={{{name!r}: {counts_as!r}}})"
    host = name.rpartition("://")[2]
    if not re.search(r"[^*.:\s]", host) or "/" in host:
        raise ConfigurationError(
            f"{told} does not say which host is meant: left stands one such as localhost:8080 or "
            f"*.example.com, and no path"
        )
    host = counts_as.rpartition("://")[2].strip("/")
    if not host or re.search(r"[*\s]", host):
        raise ConfigurationError(
            f"{told} does not say what it counts as: right stands one host, such as api.openai.com"
        )


def _compile(pair: Scrub) -> tuple[re.Pattern[str], str]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise _no_scrub(pair, "")
    pattern, placeholder = pair
    if not isinstance(pattern, (str, re.Pattern)) or not isinstance(placeholder, str):
        raise _no_scrub(pair, "")
    try:
        return re.compile(pattern), placeholder
    except (TypeError, ValueError, re.error) as error:
        raise _no_scrub(pair, f": {error}") from error


def _no_scrub(pair: object, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"Match(scrub=...) takes pairs of a regular expression and what takes its place, such as "
        f"[(r'run-[0-9]+', 'run-N')], not {pair!r}{why}"
    )


class _Canonical:
    """One request on its way to the canonical form; `applied` gathers the rules that changed something."""

    def __init__(self, match: Match, redact: Redact, sample: int, unknown: Sequence[str] = ()) -> None:
        self._match = match
        self._redact = redact
        self._sample = sample
        self._unknown = frozenset(unknown)
        self.applied: list[Applied] = []

    def of(self, request: Request) -> bytes:
        match = self._match
        if match.normalize is not None:
            normalized = match.normalize(request)
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
        url = _url.parse(request.url)
        origin = _url.alias_origin(url, match.hosts) if match.hosts else url.origin
        if origin != url.origin:
            self._note("hosts", f"{url.origin} counts as {origin}")
        path, query = url.path, self._query(url.query)
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
            match.scope,
            kind,
        ]
        return orjson.dumps(head) + b"\n" + body

    def _note(self, rule: str, detail: str) -> None:
        self.applied.append(Applied(rule, detail))

    def _query(self, query: tuple[tuple[str, str | None] | tuple[str], ...]) -> list[tuple[str | None, ...]]:
        kept: list[tuple[str | None, ...]] = []
        for name, *rest in query:
            decoded = name if rest else _url.decoded_name(name)
            if self._redact.is_secret_parameter(decoded):
                self._note("credential", f"query parameter {decoded} does not count")
            else:
                kept.append((name, *(value if value is None else self._scrubbed(value) for value in rest)))
        return sorted(kept, key=lambda pair: str(pair[0]))

    def _headers(self, request: Request) -> list[tuple[str, str | None]]:
        pairs: list[tuple[str, str | None]] = [(name, None) for name in sorted(self._unknown)]
        for name in self._match.key_headers:
            value = request.header(name)
            if value is not None:
                pairs.append((name, canonical_value(name, value)))
        return pairs

    def _scrubbed(self, text: str) -> str:
        for pattern, placeholder in self._match._scrub:
            text, count = pattern.subn(placeholder, text)
            if count:
                self._note("scrub", f"{pattern.pattern} matched {count} x")
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
                return ["raw", encoding, content_type], self._redact.raw(body, media_type)
            if body != request.body:
                self._note("content-encoding", f"{encoding} undone")
        if not body:
            return "none", b""
        before = len(self.applied)
        try:
            if is_json(media_type):
                return "json", self._json(body, origin, path)
            if media_type == "multipart/form-data":
                return "multipart", self._multipart(body, content_type, origin, path)
            if media_type == "application/x-www-form-urlencoded":
                return "form", self._form(body)
        except (_json.NotCanonical, _multipart.NotMultipart, RecursionError) as error:
            del self.applied[before:]
            self._note("raw", f"the body counts byte by byte: {error}")
            if media_type == "multipart/form-data":
                return "multipart", _multipart.unreadable(body)
            body = self._redact.raw(body, media_type)
        return ["raw", "", content_type], self._raw(body)

    def _raw(self, body: bytes) -> bytes:
        if self._match._scrub:
            try:
                return self._scrubbed(body.decode("utf-8")).encode()
            except UnicodeDecodeError:
                pass
        return body

    def _json(self, body: bytes, origin: str, path: str) -> bytes:
        value = _json.loads(body)
        if self._redact.json(value):
            self._note("credential", "fields of the body that carry one do not count")
        for where in self._match._ignore:
            if _json.remove(value, where):
                self._note("ignore", where.text)
        if self._match._scrub:
            value = _json.map_strings(value, self._scrubbed)
        if self._match.fold_defaults and isinstance(value, dict):
            rules = no_ops(origin, path)
            for member in list(value) if rules else ():
                for rule in rules.get(member, ()):
                    if rule.fold(value):
                        self._note("default", rule.describe())
            for equivalent in equivalents(origin, path):
                if equivalent.rewrite(value):
                    self._note("equivalent", equivalent.describe())
        return _json.dumps(value)

    def _multipart(self, body: bytes, content_type: str, origin: str, path: str) -> bytes:
        boundary = _multipart.boundary_of(content_type)
        parts = _multipart.from_listing(body) if boundary is None else _multipart.parse(body, boundary)
        parts = [part for part in parts if not self._ignored(part.name)]
        if self._match.fold_defaults:
            names = [part.name for part in parts]
            fields = {part.name: part.text for part in parts}
            for rule in chain.from_iterable(no_ops(origin, path).values()):
                if names.count(rule.parameter) == 1 and rule.holds_in_form(fields):
                    parts = [part for part in parts if part.name != rule.parameter]
                    self._note("default", rule.describe())
        listing = []
        for part in parts:
            text = part.text
            if text is not None:
                text = PLACEHOLDER if self._redact.is_secret_field(part.name) else self._scrubbed(text)
            listing.append(replace(part, text=text, size=part.size if text is None else len(text.encode())))
        return _multipart.to_listing(sorted(listing, key=lambda part: part.name))

    def _form(self, body: bytes) -> bytes:
        try:
            if _MALFORMED.search(body):
                raise ValueError("malformed percent-encoding")
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
        except ValueError as error:
            raise _json.NotCanonical(str(error)) from error
        kept = [
            (name, PLACEHOLDER if self._redact.is_secret_field(name) else self._scrubbed(value))
            for name, value in pairs
            if not self._ignored(name)
        ]
        return _json.dumps(sorted(kept, key=lambda pair: pair[0]))

    def _ignored(self, name: str) -> bool:
        found = any(path.steps == (name,) for path in self._match._ignore)
        if found:
            self._note("ignore", name)
        return found
