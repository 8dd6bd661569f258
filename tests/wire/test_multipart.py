"""multipart/form-data: it parses, or it raises `NotMultipart`; nothing else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Match, Request
from replaycache.engine.stored_form import stored_form
from replaycache.redaction.redactor import Redactor
from replaycache.wire.multipart import (
    TEXT_LIMIT,
    NotMultipart,
    Part,
    boundary_of,
    from_listing,
    parse,
    to_listing,
)


def digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=32).hexdigest()


def field(name: str, text: str, content_type: str = "") -> Part:
    return Part(name, None, content_type, text, len(text.encode()), "")


def file(name: str, filename: str, content_type: str, content: bytes) -> Part:
    return Part(name, filename, content_type, None, len(content), digest(content))


def body(*items: bytes, boundary: bytes = b"b") -> bytes:
    return b"".join(b"--%s\r\n%s\r\n" % (boundary, item) for item in items) + b"--%s--\r\n" % boundary


NAMED_A = b'Content-Disposition: form-data; name="a"'
WHOLE = body(
    b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n'
    b"\r\nRIFF\x00\xff",
    b'Content-Disposition: form-data; name="prompt"\r\n\r\nline\r\n\r\n--bee\r\n-- b',
    boundary=b"bound",
)
PARTS = [file("file", "a.wav", "audio/wav", b"RIFF\x00\xff"), field("prompt", "line\r\n\r\n--bee\r\n-- b")]

PARSES = [
    pytest.param(body(), [], id="no-parts"),
    pytest.param(body(NAMED_A + b"\r\n\r\nx"), [field("a", "x")], id="field"),
    pytest.param(body(NAMED_A + b"\r\n\r\n"), [field("a", "")], id="empty-field"),
    pytest.param(body(NAMED_A + b"\r\n\r\n\r\n"), [field("a", "\r\n")], id="line-end-as-content"),
    pytest.param(body(NAMED_A + b"\r\n\r\n--"), [field("a", "--")], id="dashes"),
    pytest.param(body(NAMED_A + b"\r\n\r\nx--b\r\n"), [field("a", "x--b\r\n")], id="boundary-inside-a-line"),
    pytest.param(body(NAMED_A + b"\r\n\r\n\xc3\xa9"), [field("a", "é")], id="utf8"),
    pytest.param(body(NAMED_A + b"\r\n\r\n\xff"), [Part("a", None, "", None, 1, digest(b"\xff"))], id="no-utf8"),
    pytest.param(
        body(NAMED_A + b"\r\nContent-Type: application/json\r\n\r\n{}"),
        [field("a", "{}", "application/json")],
        id="typed-field",
    ),
    pytest.param(body(NAMED_A + b"\r\nContent-Length: 1\r\n\r\nx"), [field("a", "x")], id="length"),
    pytest.param(
        body(b'content-disposition:FORM-DATA; Name="a"\r\ncontent-type:  text/plain \r\n\r\nx'),
        [field("a", "x", "text/plain")],
        id="case-and-spaces",
    ),
    pytest.param(
        body(b'Content-Disposition: form-data; filename="f"; name="a"\r\n\r\nx'),
        [file("a", "f", "", b"x")],
        id="file-name-first",
    ),
    pytest.param(
        body(b'Content-Disposition: form-data; name="a"; filename=""\r\n\r\n'),
        [file("a", "", "", b"")],
        id="empty-file-name",
    ),
    pytest.param(
        body(b'Content-Disposition: form-data; name="a;b=c"\r\n\r\nx'),
        [field("a;b=c", "x")],
        id="semicolon-in-name",
    ),
    pytest.param(
        body('Content-Disposition: form-data; name="ä"'.encode() + b"\r\n\r\nx"), [field("ä", "x")], id="utf8-name"
    ),
    pytest.param(
        body(b'Content-Disposition: form-data; filename="f; name=b"; name="a"\r\n\r\nx'),
        [file("a", "f; name=b", "", b"x")],
        id="parameter-inside-quotes",
    ),
    pytest.param(
        body(b'Content-Disposition: form-data; name="; filename=f"\r\n\r\nx'),
        [field("; filename=f", "x")],
        id="file-name-inside-a-name",
    ),
    pytest.param(body(NAMED_A + b"\r\n\r\nx").removesuffix(b"\r\n"), [field("a", "x")], id="no-final-line-end"),
    pytest.param(
        body(NAMED_A + b"\r\n\r\n" + b"x" * TEXT_LIMIT), [field("a", "x" * TEXT_LIMIT)], id="longest-text"
    ),
    pytest.param(
        body(NAMED_A + b"\r\n\r\n" + b"x" * (TEXT_LIMIT + 1)),
        [Part("a", None, "", None, TEXT_LIMIT + 1, digest(b"x" * (TEXT_LIMIT + 1)))],
        id="too-long-for-text",
    ),
]


@pytest.mark.parametrize(("data", "expected"), PARSES)
def test_whole(data: bytes, expected: list[Part]) -> None:
    assert parse(data, b"b") == expected


def test_a_body_of_two_parts() -> None:
    assert parse(WHOLE, b"bound") == PARTS


@pytest.mark.parametrize("length", range(len(WHOLE) - 2))
def test_cut_short_at_every_byte(length: int) -> None:
    """Only the last line end may be missing."""
    with pytest.raises(NotMultipart):
        parse(WHOLE[:length], b"bound")


@pytest.mark.parametrize("extra", [b"x", b"\r\n", b"--bound--\r\n", b"\x00", WHOLE, b"\r\n" + WHOLE])
def test_data_after_the_end(extra: bytes) -> None:
    with pytest.raises(NotMultipart):
        parse(WHOLE + extra, b"bound")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"--b", id="boundary-only"),
        pytest.param(b"\r\n" + body(NAMED_A + b"\r\n\r\nx"), id="preamble"),
        pytest.param(body(NAMED_A + b"\r\n\r\nx", boundary=b"other"), id="other-boundary"),
        pytest.param(body(NAMED_A + b"\r\n\r\nx").replace(b"\r\n", b"\n"), id="bare-line-feeds"),
        pytest.param(body(NAMED_A + b"\r\n\r\nx\r\n--b2\r\ny"), id="content-with-a-longer-boundary"),
        pytest.param(body(NAMED_A + b"\r\nx"), id="no-empty-line"),
        pytest.param(body(b"\r\nx"), id="no-headers"),
        pytest.param(body(b"Content-Type: text/plain\r\n\r\nx"), id="no-disposition"),
        pytest.param(body(b"Content-Disposition: form-data\r\n\r\nx"), id="no-name"),
        pytest.param(body(b'Content-Disposition: attachment; name="a"\r\n\r\nx'), id="other-disposition"),
        pytest.param(body(NAMED_A + b"\r\n" + NAMED_A + b"\r\n\r\nx"), id="header-twice"),
        pytest.param(body(NAMED_A + b"\r\nno colon\r\n\r\nx"), id="no-colon"),
        pytest.param(body(NAMED_A + b"; filename*=UTF-8''a\r\n\r\nx"), id="extended-file-name"),
        pytest.param(b"--b junk\r\n" + NAMED_A + b"\r\n\r\nx\r\n--b--\r\n", id="text-after-the-boundary"),
    ],
)
def test_what_is_no_multipart(data: bytes) -> None:
    with pytest.raises(NotMultipart):
        parse(data, b"b")


@given(
    st.lists(
        st.sampled_from(
            [b"--b", b"--b--", b"\r\n", NAMED_A, b"\r\n\r\n", b'; filename="', b":", b"\xff", b"x", b"--"]
        ),
        max_size=14,
    ).map(b"".join)
)
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    try:
        parts = parse(b"--b" + data, b"b")
    except NotMultipart:
        return

    assert all(part.size >= 0 and (part.text is None) is bool(part.digest) for part in parts)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ("multipart/form-data;boundary=abc", b"abc"),
        ("multipart/form-data; BOUNDARY=abc; charset=utf-8", b"abc"),
        ("multipart/form-data; charset=utf-8; boundary=abc", b"abc"),
        ('multipart/form-data; boundary="a b;c"', b"a b;c"),
        ("multipart/form-data; boundary=abc;x=1", b"abc"),
        ("multipart/form-data", None),
        ("multipart/form-data; xboundary=abc", None),
        ("multipart/form-data; boundary=", None),
    ],
)
def test_boundary_of(content_type: str, expected: bytes | None) -> None:
    assert boundary_of(content_type) == expected


def test_a_listing_reads_back() -> None:
    parts = [*PARTS, field("a", ""), Part("b", None, "", None, 1, digest(b"\xff"))]

    assert from_listing(to_listing(parts)) == parts


def test_a_name_that_is_no_utf8_cannot_be_listed() -> None:
    with pytest.raises(NotMultipart):
        to_listing(parse(body(b'Content-Disposition: form-data; name="\xff"\r\n\r\nx'), b"b"))


NO_LISTINGS = [
    b"",
    b"x",
    b"null",
    b"1",
    b"[]",
    b"{}",
    b'{"multipart":1}',
    b'{"multipart":{"a":1}}',
    b'{"multipart":[1]}',
    b'{"multipart":[null]}',
    b'{"multipart":["a"]}',
    b'{"multipart":[[]]}',
    b'{"multipart":[{}]}',
    b'{"multipart":[{"name":"a"}]}',
    b'{"multipart":[{"name":"a","text":1}]}',
    b'{"multipart":[{"name":"a","text":null}]}',
    b'{"multipart":[{"name":null,"text":"x"}]}',
    b'{"multipart":[{"name":1,"text":"x"}]}',
    b'{"multipart":[{"name":1,"size":1},{"name":"b","size":1}]}',
    b'{"multipart":[{"name":["a"],"text":"x"}]}',
    b"\xff",
]


@pytest.mark.parametrize("data", NO_LISTINGS)
def test_what_is_no_listing(data: bytes) -> None:
    with pytest.raises(NotMultipart):
        from_listing(data)


@pytest.mark.parametrize("data", NO_LISTINGS)
def test_a_request_without_a_boundary_has_a_key_whatever_its_body(data: bytes) -> None:
    """A multipart type without a boundary marks a stored listing; a program may send one, too."""
    request = Request("POST", "https://llm.example/x", (("content-type", "multipart/form-data"),), data)

    assert Match().key(request) == Match().key(stored_form(request, Redactor()))
