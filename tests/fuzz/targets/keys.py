"""What makes the key: bodies, forms, multipart, URLs, and the rules of users."""

from __future__ import annotations

import json
import re
from typing import Any

from replaycache import ConfigurationError, Match, Redact, Request
from replaycache.engine.stored_form import stored_form
from replaycache.redaction.redactor import Redactor
from replaycache.wire import json_path
from replaycache.wire import multipart as wire_multipart
from replaycache.wire import url as wire_url
from tests.fuzz.given import Given
from tests.match.reference import NoJson, Reference, TooDeep, read_json

__all__ = ["canonical", "form", "multipart", "pair", "paths", "rules", "url"]

WHERE = (
    "https://api.openai.com/v1/chat/completions",
    "https://api.openai.com/v1/responses",
    "https://api.anthropic.com/v1/messages",
    "https://api.mistral.ai/v1/chat/completions",
    "https://api.openai.com/v1/audio/transcriptions",
    "https://llm.example/ask",
)
TYPES = (
    "application/json",
    "",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "multipart/form-data",
    "text/plain",
    "application/octet-stream",
)
MATCHES = (
    Match(),
    Match(fold_defaults=False),
    Match(ignore=["metadata.run_id", "messages[*].name", "tools[-1]", "a"]),
    Match(scrub=[(r"run-[0-9]+", "run-N"), "uuid"]),
)
PLAIN = Redactor()


def _keeps_its_key(match: Match, request: Request) -> Request:
    """What is stored of a request has the same identity as the request, and is stored as it is."""
    identity = match.identity(request)
    stored = stored_form(request, PLAIN)
    assert match.identity(stored) == identity
    assert stored_form(stored, PLAIN) == stored
    assert match.identified(request, sample=0, redactor=PLAIN).identity == match.identity(request, redactor=PLAIN)
    return stored


def canonical(data: bytes) -> None:
    """Any body has a canonical form; that of JSON is its own, and means the same."""
    given = Given(data)
    match, where, content_type = given.choice(MATCHES), given.choice(WHERE), given.choice(TYPES)
    headers = (("content-type", content_type),) if content_type else ()
    request = Request("POST", where, headers, given.rest())
    _keeps_its_key(match, request)
    head, _, body = match.canonical(request).partition(b"\n")
    if json.loads(head)[-1] == "json":
        again = match.canonical(Request("POST", where, headers, body))
        assert again.partition(b"\n")[2] == body
        json.loads(body)
    match.explain(request)
    match.is_cacheable(request)


def _holds_credentials(value: Any) -> bool:
    return PLAIN.json(value) if not isinstance(value, dict) else PLAIN.json(dict(value))


def pair(data: bytes) -> None:
    """Two bodies of JSON are one exactly where the reference says so."""
    given = Given(data)
    number, where = given.number(3), given.choice(WHERE)
    ignore = ["metadata.run_id", "messages[*].name", "a[0]", "*.b"]
    chosen: dict[str, Any] = ({}, {"fold_defaults": False}, {"ignore": ignore})[number]
    a, _, b = given.rest().partition(b"\n\n")
    if any(
        name in one.lower() for one in (a, b) for name in (b"mcp", b"headers", b"auth", b"\\u00", b"url", b"conn")
    ):
        return  # where credentials may stand that count by a seal, of which the reference knows nothing
    first, second = (Request("POST", where, (("content-type", "application/json"),), one) for one in (a, b))
    reference, match = Reference(**chosen), Match(**chosen)
    try:
        same = reference.form(first) == reference.form(second)
        for one in (a, b):
            if one:
                value = read_json(one)
                if isinstance(value, dict) and any(PLAIN.is_secret_field(name) for name in value):
                    return
    except TooDeep:
        return
    except NoJson:
        pass
    assert (match.key(first) == match.key(second)) == same, (a, b)


def multipart(data: bytes) -> None:
    """A body is taken apart or counts as raw; a listing of its parts reads back, whatever the boundary."""
    given = Given(data)
    match = given.choice(MATCHES)
    boundary = given.line().decode("latin-1")
    content_type = f"multipart/form-data; boundary={boundary}" if boundary else "multipart/form-data"
    body = given.rest()
    _keeps_its_key(match, Request("POST", WHERE[4], (("content-type", content_type),), body))
    told = wire_multipart.boundary_of(content_type)
    try:
        parts = wire_multipart.from_listing(body) if told is None else wire_multipart.parse(body, told)
        listing = wire_multipart.to_listing(parts)
    except wire_multipart.NotMultipart:
        return
    assert wire_multipart.to_listing(wire_multipart.from_listing(listing)) == listing
    if told is not None:
        other = b"another" + told
        renamed = (b"\r\n" + body).replace(b"\r\n--" + told, b"\r\n--" + other)[2:]
        if renamed.count(other) == body.count(told):
            assert wire_multipart.parse(renamed, other) == parts


def form(data: bytes) -> None:
    """A form has a key, which what is stored of it has, too."""
    given = Given(data)
    match = given.choice(MATCHES)
    kind = (("content-type", "application/x-www-form-urlencoded"),)
    _keeps_its_key(match, Request("POST", WHERE[5], kind, given.rest()))


def url(data: bytes) -> None:
    """A URL is taken apart or refused; what is stored of it has the same key, and no password."""
    given = Given(data)
    authority = given.line().decode("utf-8", "replace")
    text = given.rest().decode("utf-8", "replace")
    if wire_url.fault(text):
        return
    parsed = wire_url.parse(text)
    wire_url.parse(wire_url.at_authority(text, authority))
    user, at, place = _authority(text).rpartition("@")
    if not re.fullmatch(r"(?:[^:@\[\]]*|\[[^\]@]*\])(?::[0-9]*)?", place):
        return  # no client sends to such a place
    if not at:
        assert wire_url.parse(f"{parsed.origin}{parsed.path}").origin == parsed.origin
    request = Request("GET", text)
    match = Match(hosts={"*.example:80": "llm.example", "http://a.example": "https://b.example:1"})
    stored = _keeps_its_key(match, request)
    assert not wire_url.fault(stored.url), stored.url
    if at and len(user) > 8:
        assert user not in _authority(stored.url)


def _authority(text: str) -> str:
    return re.split("[/?#]", text.partition("://")[2], maxsplit=1)[0]


def paths(data: bytes) -> None:
    """A path leads to the same places in a value and in its text; what is removed there is gone."""
    given = Given(data)
    any_case = bool(given.number(2))
    text = given.line().decode("utf-8", "replace")
    body = given.rest()
    try:
        path = json_path.parse(text, any_case=any_case)
    except ValueError:
        return
    try:
        written = body.decode("utf-8")
        value = json.loads(written)
        if read_json(body) is None:
            return
    except (ValueError, RecursionError, NoJson, TooDeep):
        return
    by_value = [container[key] for container, key in json_path.places(value, path)]
    by_text = [json_path.value_at(written, start)[0] for start, _ in json_path.spans(written, path)]
    key = lambda one: json.dumps(one, sort_keys=True)  # noqa: E731
    assert sorted(map(key, by_value)) == sorted(map(key, by_text))
    assert json_path.remove(value, path) == bool(by_value)
    left = [container[name] for container, name in json_path.places(value, path)]
    assert all(item is None for item in left)


def rules(data: bytes) -> None:
    """Rules of users are taken or refused with our error, and what is redacted is not stored."""
    given = Given(data)
    kind = given.number(4)
    text = given.line().decode("utf-8", "replace")
    body = given.rest()
    request = Request("POST", WHERE[5], (("content-type", "application/json"),), body)
    try:
        if kind == 0:
            _keeps_its_key(Match(ignore=[text]), request)
        elif kind == 1:
            placeholder = text[-3:]
            pattern = text[:24]
            # what repeats may take long on a text that is long, and says so: short ones are tried
            if len(re.findall(r"[*+{]", pattern)) <= 2:
                _keeps_its_key(Match(scrub=[(pattern, placeholder)]), request)
        elif kind == 2:
            _keeps_its_key(Match(hosts={text: "llm.example", "llm.example": text or "x"}, headers=[text]), request)
        else:
            redact = Redact(body=[text])
            redactor = Redactor(redact)
            stored = stored_form(request, redactor)
            assert stored_form(stored, redactor) == stored
            assert Match().identity(stored, redactor=redactor) == Match().identity(request, redactor=redactor)
    except ConfigurationError:
        return
