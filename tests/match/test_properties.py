"""What holds for every request, whatever stands in it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from replaycache import Match, Request
from replaycache.engine.stored_form import stored_form
from replaycache.redaction.redactor import Redactor

URL = "https://llm.example/v1/chat/completions"
MATCH = Match()
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = st.one_of(st.sampled_from(["model", "messages", "a", "é", "n", ""]), texts)
numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.1, 0.7, -0.0, 1e22, 1e-7, 5e-324, 1.5, 2**53, 2**53 + 1, 2**64]),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
# a credential at the top level does not count, whatever it is
uncounted = Redactor().is_secret_field
bodies = st.dictionaries(names.filter(lambda name: not uncounted(name)), values, min_size=1, max_size=4)


def post(body: bytes, content_type: str = JSON, url: str = URL) -> Request:
    return Request("POST", url, (("content-type", content_type),), body)


def key(body: bytes, content_type: str = JSON) -> str:
    return MATCH.key(post(body, content_type))


def meaning(value: Any) -> Any:
    """A value in a form that `==` compares as JSON is meant: true is not 1, 1.0 is, -0 is not 0."""
    if isinstance(value, dict):
        return ("object", frozenset((name, meaning(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(meaning(item) for item in value))
    if isinstance(value, float):
        return ("number", int(value) if value.is_integer() and repr(value) != "-0.0" else repr(value))
    return (type(value).__name__.replace("int", "number"), value)


class Writer:
    """Writes JSON in one of the many ways in which the same value can be written."""

    def __init__(self, choose: random.Random) -> None:
        self._choose = choose

    def write(self, value: Any) -> str:
        text = self._write(value)
        return f"{self._space()}{text}{self._space()}"

    def _space(self) -> str:
        return self._choose.choice(["", "", " ", "\n", "\t", "\r\n  "])

    def _write(self, value: Any) -> str:
        if isinstance(value, dict):
            members = [
                f"{self._space()}{self._string(name)}{self._space()}:{self.write(item)}"
                for name, item in value.items()
            ]
            self._choose.shuffle(members)
            return f"{{{','.join(members) or self._space()}}}"
        if isinstance(value, list):
            return f"[{','.join(map(self.write, value)) or self._space()}]"
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, bool) or value is None:
            return json.dumps(value)
        return self._choose.choice(list(self._numbers(value)))

    def _numbers(self, value: float) -> Iterator[str]:
        if isinstance(value, float):
            yield from (repr(value), f"{value:.17e}", f"{value:.17E}")
            if repr(value) == "-0.0":
                yield from ("-0", "-0e0", "-0.000")
            elif value.is_integer() and len(str(int(value))) < 300:
                yield str(int(value))
            elif "e" not in repr(value):
                yield from (f"{value!r}0", f"{value!r}e0", f"{value!r}E+00")
        else:
            yield str(value)
            if abs(value) <= 2**53:
                yield from (f"{value}.0", f"{value}e0", f"{value}E+0", f"{value}.00e-0", f"{10 * value}e-1")

    def _string(self, text: str) -> str:
        return f'"{"".join(map(self._character, text))}"'

    def _character(self, character: str) -> str:
        if self._choose.random() < 0.4:
            units = character.encode("utf-16-be").hex(" ", 2).split()
            digits = self._choose.choice([str.upper, str.lower])
            return "".join(f"\\u{digits(unit)}" for unit in units)
        if character == "/":
            return self._choose.choice(["/", "\\/"])
        return json.dumps(character, ensure_ascii=False)[1:-1]


@given(bodies, st.randoms(use_true_random=False))
def test_json_written_in_another_way_has_the_same_key(value: dict[str, Any], choose: random.Random) -> None:
    """Order of names at every depth, white space, escapes, spellings of numbers."""
    writer = Writer(choose)
    a, b = writer.write(value), writer.write(value)
    assume(meaning(json.loads(a)) == meaning(value) == meaning(json.loads(b)))

    assert key(a.encode()) == key(b.encode()) == key(json.dumps(value).encode())


@given(bodies, st.randoms(use_true_random=False))
def test_canonical_json_is_json_of_the_same_meaning(value: dict[str, Any], choose: random.Random) -> None:
    """Nothing is lost on the way: the canonical form reads back as what was sent, and is its own form."""
    written = Writer(choose).write(value).encode()
    canonical = MATCH.canonical(post(written)).partition(b"\n")[2]

    assert meaning(json.loads(canonical)) == meaning(value)
    assert MATCH.canonical(post(canonical)).partition(b"\n")[2] == canonical


@given(bodies, bodies)
def test_json_of_the_same_key_has_the_same_meaning(a: dict[str, Any], b: dict[str, Any]) -> None:
    same = key(json.dumps(a).encode()) == key(json.dumps(b).encode())

    assert same == (meaning(a) == meaning(b))


def changes(value: Any) -> Iterator[Callable[[st.DataObject], Any]]:
    """Every place at which one thing can be changed, as functions that return the changed value."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield lambda data, name=name: {k: v for k, v in value.items() if k != name}
            for change in changes(item):
                yield lambda data, name=name, change=change: {**value, name: change(data)}
        yield lambda data: {**value, data.draw(names.filter(lambda name: name not in value)): data.draw(leaves)}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield lambda data, index=index: value[:index] + value[index + 1 :]
            for change in changes(item):
                yield lambda data, index=index, change=change: [*value[:index], change(data), *value[index + 1 :]]
            for other in range(index):
                if meaning(value[other]) != meaning(item):
                    yield lambda data, i=index, j=other: [
                        value[j if k == i else i if k == j else k] for k in range(len(value))
                    ]
        yield lambda data: [*value, data.draw(leaves)]
    else:
        yield lambda data: data.draw(values.filter(lambda new: meaning(new) != meaning(value)))
        if isinstance(value, str):
            yield lambda data: value + data.draw(texts.filter(bool))


@given(bodies, st.data())
def test_one_change_anywhere_changes_the_key(value: dict[str, Any], data: st.DataObject) -> None:
    """A leaf replaced, a member or item removed or added, two unequal items swapped."""
    changed = data.draw(st.sampled_from(list(changes(value))))(data)

    assert key(json.dumps(value).encode()) != key(json.dumps(changed).encode())


content_types = st.one_of(
    st.sampled_from(
        [
            "",
            JSON,
            "application/json; charset=utf-8",
            "application/vnd.x+json",
            FORM,
            "multipart/form-data",
            "multipart/form-data; boundary=b",
            'multipart/form-data; boundary="b c"',
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=b",
            "text/plain",
            "application/octet-stream",
        ]
    ),
    st.text(st.characters(max_codepoint=255), max_size=12),
)
encodings = st.one_of(
    st.none(),
    st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "identity", "rot13", ""]),
    st.text(st.characters(max_codepoint=255), max_size=8),
)
nearly = st.lists(
    st.sampled_from(
        [
            *(
                b'{"',
                b'":',
                b'"',
                b"{",
                b"}",
                b"[",
                b"]",
                b",",
                b"1e",
                b"-",
                b"0",
                b".",
                b"1",
                b"NaN",
                b"\\u",
                b"d800",
            ),
            *(
                b"--b",
                b"--",
                b"\r\n",
                b'Content-Disposition: form-data; name="a"',
                b"; filename=",
                b"=",
                b"&",
                b"%",
            ),
            *(
                b"\xff",
                b"\xc3\xa9",
                b"\x1f\x8b\x08",
                b"x",
                b"null",
                b"true",
                b'{"multipart":[{"name":"a","text":"x"}]}',
            ),
        ]
    ),
    max_size=12,
).map(b"".join)
anything = st.binary(max_size=60) | nearly


@given(anything, content_types, encodings, st.sampled_from(["", "?a=%", "?key", "?%ff=1&a=b&a", "?&&=", "#x"]))
@example(b"[" * 100_000, JSON, None, "")
@example(b'{"a":' * 100_000, JSON, None, "")
@example(b"1" * 100_000, JSON, None, "")
@example(b"1e" + b"9" * 100_000, JSON, None, "")
@example(b"--b" * 1000, "multipart/form-data; boundary=b", None, "")
def test_every_request_has_a_key_and_so_does_what_is_stored_of_it(
    body: bytes, content_type: str, encoding: str | None, query: str
) -> None:
    """Arbitrary bytes under arbitrary types: never an exception, and the same key twice."""
    headers = (("content-type", content_type),)
    headers += (("content-encoding", encoding),) if encoding is not None else ()
    request = Request("POST", URL + query, headers, body)
    strict = Match(scrub=[(r"\d+", "N")], ignore=["a[*].b"])

    assert MATCH.key(request) == MATCH.key(request)
    assert strict.key(request) == strict.key(request)
    assert re.fullmatch("[0-9a-f]{32}", MATCH.key(stored_form(request, Redactor())))


secrets = st.dictionaries(
    st.sampled_from(["api_key", "Password", "authorization", "access_token"]),
    st.text("abc", max_size=4),
    max_size=2,
)
mcp_tools = st.fixed_dictionaries(
    {"type": st.just("mcp"), "authorization": texts, "headers": st.dictionaries(texts, texts, max_size=2)}
)


def same_key_when_stored(request: Request) -> bool:
    stored = stored_form(request, Redactor())
    return MATCH.identity(stored) == MATCH.identity(request) and stored_form(stored, Redactor()) == stored


@given(bodies, secrets, st.lists(mcp_tools, max_size=2), st.randoms(use_true_random=False))
def test_json_keeps_its_key_when_stored(
    value: dict[str, Any], credentials: dict[str, str], tools: list[Any], choose: random.Random
) -> None:
    body = Writer(choose).write({**value, **credentials, "tools": tools}).encode()

    assert same_key_when_stored(post(body))


fields = st.lists(st.tuples(st.text("abnp", min_size=1, max_size=3), texts), max_size=5)


@given(fields, st.text("abc", max_size=3))
def test_a_form_keeps_its_key_when_stored(pairs: list[tuple[str, str]], secret: str) -> None:
    body = urlencode([*pairs, ("client_secret", secret)]).encode()

    assert same_key_when_stored(post(body, FORM))


parts = st.lists(
    st.tuples(
        st.sampled_from(["model", "file", "prompt", "password", "n"]),
        st.none() | st.sampled_from(["a.wav", "b.mp3", "ä.txt"]),
        st.sampled_from(["", "audio/wav", "text/plain"]),
        st.binary(max_size=20) | texts.map(str.encode),
    ),
    max_size=5,
)
boundaries = st.text("0123456789abcdefXYZ'+_.-", min_size=4, max_size=30).map(lambda text: f"x{text}")


def multipart(items: list[tuple[str, str | None, str, bytes]], boundary: str) -> Request:
    body = b""
    for name, filename, content_type, content in items:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
        head = f"Content-Disposition: {disposition}\r\n" + (
            f"Content-Type: {content_type}\r\n" if content_type else ""
        )
        body += b"--%s\r\n%s\r\n%s\r\n" % (boundary.encode(), head.encode(), content)
    body += b"--%s--\r\n" % boundary.encode()
    return post(body, f"multipart/form-data; boundary={boundary}")


@given(parts, boundaries, boundaries)
def test_multipart_has_the_same_key_under_every_boundary_and_when_stored(
    items: list[tuple[str, str | None, str, bytes]], boundary: str, other: str
) -> None:
    request = multipart(items, boundary)

    assert MATCH.key(request) == MATCH.key(multipart(items, other))
    assert same_key_when_stored(request)
    assert f"--{boundary}".encode() not in MATCH.canonical(request)


@given(parts, parts, boundaries)
def test_multipart_of_the_same_key_has_the_same_parts(a: Any, b: Any, boundary: str) -> None:
    """A credential's value aside, and the order of fields of different names aside."""

    def comparable(items: Any) -> Any:
        secret = [
            (name, filename, kind, b"" if name == "password" and filename is None and utf8(content) else content)
            for name, filename, kind, content in items
        ]
        return sorted(secret, key=lambda item: item[0])

    def utf8(content: bytes) -> bool:
        return content.decode("utf-8", "ignore").encode() == content

    same = MATCH.key(multipart(a, boundary)) == MATCH.key(multipart(b, boundary))

    assert same == (comparable(a) == comparable(b))


@given(anything, st.sampled_from(["text/plain", "application/octet-stream", "audio/wav"]))
@settings(max_examples=60)
def test_a_raw_body_keeps_its_key_and_its_bytes_when_stored(body: bytes, content_type: str) -> None:
    request = post(body, content_type)

    assert same_key_when_stored(request)
    assert stored_form(request, Redactor()).body == body


@given(
    st.dictionaries(st.text("abkey=&%+ ", max_size=4), st.text("ab=&%+ é", max_size=4), max_size=4),
    st.sampled_from(["key", "api_key", "sig"]),
    texts,
)
@settings(max_examples=60)
def test_a_url_keeps_its_key_when_stored(query: dict[str, str], name: str, secret: str) -> None:
    url = f"https://me:pw@llm.example/x?{urlencode(query)}&{urlencode({name: secret})}#f"

    assert same_key_when_stored(Request("GET", url))


KINDS = [JSON, FORM, "multipart/form-data; boundary=b", "text/plain", "audio/wav"]


@given(anything.filter(bool), st.sampled_from(KINDS), st.sampled_from(KINDS))
@example(b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n', KINDS[2], "text/plain")
@example(b'[["a","1"]]', JSON, FORM)
@example(b'{"multipart":[]}', JSON, KINDS[2])
@example(b"a=1", FORM, "text/plain")
def test_the_same_bytes_of_another_kind_have_another_key(body: bytes, a: str, b: str) -> None:
    assert (key(body, a) == key(body, b)) == (a == b)


@given(anything.filter(bool), st.sampled_from(KINDS), st.sampled_from(KINDS))
def test_no_body_can_pass_for_the_canonical_form_of_another(body: bytes, a: str, b: str) -> None:
    """What one kind comes to, sent as another kind, has another key."""
    assume(a != b)
    canonical = MATCH.canonical(post(body, a))

    assert MATCH.canonical(post(canonical.partition(b"\n")[2] or b"x", b)) != canonical
    assert MATCH.canonical(post(canonical, b)) != canonical


BROKEN_GZIP = Request("POST", URL, (("content-type", "text/plain"), ("content-encoding", "gzip")), b"zz")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param(BROKEN_GZIP, post(b"zz", "gzip"), id="encoding-and-type-of-one-name"),
        pytest.param(
            BROKEN_GZIP,
            Request("POST", URL, (("content-type", "audio/wav"), ("content-encoding", "gzip")), b"zz"),
            id="undecodable-of-two-types",
        ),
        pytest.param(
            post(b'{"multipart":[{"name":"a","text":"x"}]}', "text/plain"),
            multipart([("a", None, "", b"x")], "xb"),
            id="listing-as-text",
        ),
        pytest.param(Request("GET", f'{URL}?a=1"]]'), Request("GET", f"{URL}?a=1"), id="brackets-in-a-query"),
        pytest.param(Request("GET", f"{URL}?a=%0A"), Request("GET", f"{URL}?a="), id="line-end-in-a-query"),
        pytest.param(Request("GET", f"{URL}?a=%ff"), Request("GET", f"{URL}?a=%25ff"), id="undecodable-query"),
        pytest.param(Request("GET", f"{URL}?a=b&c"), Request("GET", f"{URL}?a=b%26c"), id="ampersand"),
    ],
)
def test_different_requests_have_different_canonical_forms(a: Request, b: Request) -> None:
    assert MATCH.canonical(a) != MATCH.canonical(b)


def test_parts_of_a_request_do_not_run_into_each_other() -> None:
    """Every combination of method, URL, header, scope, sample and body has a canonical form of its own."""
    forms = [
        Match(scope=scope).canonical(
            Request(method, f"https://h.example{tail}", headers + types, body), sample=sample
        )
        for method in ("GET", "POST")
        for tail in ("/", "/a", "/?a", "/?a=", "/?a=1", "/a?1", "/%3Fa=1", '/?a="', "/?a=1&a=1", "/?a=1&b=1")
        for headers in ((), (("openai-beta", ""),), (("openai-beta", "a"),), (("anthropic-beta", "a"),))
        for scope in ("", "a", '"],[')
        for sample in (0, 1)
        for types in ((("content-type", JSON),), (("content-type", "text/plain"),))
        for body in (b"{}", b"[]", b'""', b"\n", b"{}\n{}")
    ]

    assert len(set(forms)) == len(forms)
