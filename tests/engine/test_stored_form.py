"""The form in which a request is written: nothing secret in it, and the same key as what was sent."""

from __future__ import annotations

import gzip
import json
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Match, Redact, Request
from replaycache.engine.stored_form import stored_form
from replaycache.redaction.redactor import Redactor

URL = "https://llm.example/v1/chat/completions"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
SECRET = b"hunter2"


def post(body: bytes, content_type: str = JSON, url: str = URL, **headers: str) -> Request:
    lines = (("content-type", content_type),) if content_type else ()
    lines += tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request("POST", url, lines, body)


def part(disposition: str, content: bytes, content_type: str = "") -> bytes:
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    return f"--b\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n".encode() + content + b"\r\n"


FIELD = part('name="a"', b"1") + b"--b--\r\n"
UPLOAD = (
    part('name="file"; filename="a.wav"', b"RIFF\x00\xff", "audio/wav")
    + part('name="password"', SECRET)
    + part('name="prompt"', b"say \xc3\xa9")
    + b"--b--\r\n"
)

SENT = [
    pytest.param(Request("GET", "https://llm.example/v1/models"), Redact(), id="get"),
    pytest.param(Request("GET", "https://me:hunter2@llm.example/x?api_key=hunter2&a=1#f"), Redact(), id="url"),
    pytest.param(Request("GET", "https://llm.example/x?api_key=%ff&%zz&a=%fe"), Redact(), id="url-malformed"),
    pytest.param(
        Request("GET", "https://llm.example/x?api%5fkey=hunter2%ff"), Redact(), id="url-malformed-escaped-name"
    ),
    pytest.param(
        Request("GET", "https://llm.example/x?ticket=hunter2"), Redact(query=["ticket"]), id="url-of-the-user"
    ),
    pytest.param(
        Request("GET", "https://llm.example/x?ticket=hunter2%ff&a=%fe"),
        Redact(query=["ticket"]),
        id="url-malformed-of-the-user",
    ),
    pytest.param(post(b'{"a":1}'), Redact(), id="json"),
    pytest.param(post(b'{"a":1}', ""), Redact(), id="json-without-type"),
    pytest.param(post(b'{"a":1}', "application/vnd.x+json"), Redact(), id="json-suffix"),
    pytest.param(post(b'{"a":-0,"b":1e22,"api_key":"hunter2"}'), Redact(), id="json-credential"),
    pytest.param(post(b'{"api_key":"hunter2"}', ""), Redact(), id="json-credential-without-type"),
    pytest.param(post(b'{"pin":"hunter2"}'), Redact(body=["pin"]), id="json-credential-of-the-user"),
    pytest.param(
        post(b'{"tools":[{"type":"mcp","authorization":"hunter2","headers":{"a":"hunter2"}}]}'),
        Redact(),
        id="mcp-tool",
    ),
    pytest.param(post(b'{"mcp_servers":[{"authorization_token":"hunter2"}]}'), Redact(), id="mcp-server"),
    pytest.param(post(b'{"a":1,"a":2}'), Redact(), id="duplicate-names"),
    pytest.param(post(b'{"api_key":"hunter2","a":1,"a":2}'), Redact(), id="duplicate-names-credential"),
    pytest.param(post(b'{"api_key":"hunter2","a":NaN}'), Redact(), id="nan-credential"),
    pytest.param(post(b'{"api_key":"hunter2","a":"\\ud83d"}'), Redact(), id="lone-surrogate-credential"),
    pytest.param(
        post(b'{"api_key":"hunter2","a":' + b"[" * 300 + b"]" * 300 + b"}"), Redact(), id="deep-credential"
    ),
    pytest.param(
        post(b'{"mcp_servers":[{"authorization_token":"hunter2"}],"a":"\\ud83d"}'),
        Redact(),
        id="lone-surrogate-mcp-server",
    ),
    pytest.param(
        post(b'{"tools":[{"type":"mcp","headers":{"X-Key":"hunter2"}}],"a":"\\ud83d"}'),
        Redact(),
        id="lone-surrogate-mcp-tool",
    ),
    pytest.param(post(b'{"filter":{"password":"data"},"a":NaN}'), Redact(), id="nan-data-of-a-credentials-name"),
    pytest.param(post(b"no json"), Redact(), id="no-json"),
    pytest.param(post(b"\xff\xfe"), Redact(), id="no-utf8"),
    pytest.param(post(b"", JSON), Redact(), id="no-body"),
    pytest.param(post(b"a=1&b=2", FORM), Redact(), id="form"),
    pytest.param(post(b"client_secret=hunter2&a=1", FORM), Redact(), id="form-credential"),
    pytest.param(post(b"password=hunter2&a=%zz", FORM), Redact(), id="form-malformed-credential"),
    pytest.param(post(b"password=hunter2&flag", FORM), Redact(), id="form-without-equals-credential"),
    pytest.param(post("password=hunter2&a=é".encode(), FORM), Redact(), id="form-no-ascii-credential"),
    pytest.param(post(b"pin=hunter2%zz&a=1", FORM), Redact(body=["pin"]), id="form-malformed-redacted"),
    pytest.param(post(b'{"pin":"hunter2\\ud83d"}'), Redact(body=["pin"]), id="lone-surrogate-redacted"),
    pytest.param(post(b'{"pin":{"a":1e999,"b":"hunter2"}}'), Redact(body=["pin"]), id="nonsense-that-is-redacted"),
    pytest.param(post(b'{"pin":{"a":"hunter2","a":1}}'), Redact(body=["pin"]), id="doubled-names-redacted"),
    pytest.param(post(b'{"pin":{"b":1.0,"a":"hunter2"},"c":[1]}'), Redact(body=["PIN", "c[0]"]), id="objects"),
    pytest.param(
        post(b'{"a":[{"b":{"pin":"hunter2"}},{"b":{"pin":"hunter2"}}]}'),
        Redact(body=["a[*].b.pin", "a[0]", "a[*].b"]),
        id="paths-inside-paths",
    ),
    pytest.param(
        post(b'{"tools":[{"type":"mcp","server_url":"https://u:hunter2@m.example/x?access_token=hunter2&a=1"}]}'),
        Redact(),
        id="url-of-a-mcp-server",
    ),
    pytest.param(
        post(b'{"\\u0074ools":[{"type":"mcp","authorization":"hunter2"}],"p\\u0069n":"hunter2"}'),
        Redact(body=["pin"]),
        id="names-with-escapes",
    ),
    *(
        pytest.param(post(body, content_type), Redact(body=["pin"]), id=f"json-as-{content_type}-{number}")
        for content_type in ("text/plain", "application/x-ndjson", FORM)
        for number, body in enumerate(
            [
                b'{"api_key":"hunter2","pin":"hunter2","a":"b=c"}',
                b'{\n"api_key":"hunter2",\n"pin":["hunter2"]}',
                b'{"pin":"hunter2"}\n{"api_key":"hunter2"}\n{\n',
            ]
        )
    ),
    pytest.param(post(b'{"pin":"hunter2"} x'), Redact(body=["pin"]), id="broken-of-the-user"),
    pytest.param(post(b'{"pin":["\\ud83d","hunter2"]}'), Redact(body=["pin"]), id="lone-surrogate-inside"),
    pytest.param(
        Request("GET", "https://llm.example/x?ticket=hunter2%ff&%zz&a=1"),
        Redact(query=["ticket"]),
        id="url-malformed-of-the-user",
    ),
    pytest.param(post(UPLOAD, MULTIPART), Redact(body=["prompt"]), id="multipart-of-the-user"),
    pytest.param(post(FIELD, MULTIPART), Redact(), id="multipart"),
    pytest.param(post(UPLOAD, MULTIPART), Redact(), id="multipart-upload"),
    pytest.param(post(FIELD[:-4], MULTIPART), Redact(), id="multipart-cut-short"),
    pytest.param(post(FIELD.replace(b'"a"', b'"\xff"'), MULTIPART), Redact(), id="multipart-name-no-utf8"),
    pytest.param(post(b"hello", "text/plain; charset=utf-8"), Redact(), id="text"),
    pytest.param(post(bytes(range(256)), "application/octet-stream"), Redact(), id="bytes"),
    pytest.param(post(gzip.compress(b'{"a":1}'), content_encoding="gzip"), Redact(), id="gzip"),
    pytest.param(post(gzip.compress(UPLOAD), MULTIPART, content_encoding="gzip"), Redact(), id="gzip-multipart"),
    pytest.param(
        post(brotli.compress(zlib.compress(b'{"api_key":"hunter2"}')), content_encoding="deflate, br"),
        Redact(),
        id="two-encodings-credential",
    ),
    pytest.param(post(gzip.compress(b'{"a":1}')[:-2], content_encoding="gzip"), Redact(), id="gzip-cut-short"),
    pytest.param(post(b'{"a":1}', content_encoding="identity"), Redact(), id="identity"),
    pytest.param(post(b'{"a":1}', content_encoding="utf-8"), Redact(), id="unknown-encoding"),
    pytest.param(
        post(b'{"api_key":"hunter2"}', content_encoding="utf-8"), Redact(), id="unknown-encoding-credential"
    ),
    pytest.param(post(b"password=hunter2", FORM, content_encoding="utf-8"), Redact(), id="unknown-encoding-form"),
    pytest.param(post(FIELD, MULTIPART, content_encoding="utf-8"), Redact(), id="unknown-encoding-multipart"),
    pytest.param(
        post(gzip.compress(b'{"a":1}'), content_encoding="gzip"),
        Redact(request_headers=["content-encoding"]),
        id="users-store-the-encoding",
    ),
    pytest.param(
        post(
            b"{}",
            anthropic_version="1",
            anthropic_beta="a",
            openai_beta="b",
            authorization="hunter2",
            cookie="hunter2",
        ),
        Redact(),
        id="headers",
    ),
]


@pytest.mark.parametrize(("sent", "redact"), SENT)
def test_what_is_stored_has_the_key_of_what_was_sent(sent: Request, redact: Redact) -> None:
    """Keys of a cassette follow from the requests that stand in it."""
    match, redactor = Match(), Redactor(redact)

    assert match.identity(stored_form(sent, redactor), redactor=redactor) == match.identity(
        sent, redactor=redactor
    )


@pytest.mark.parametrize(("sent", "redact"), SENT)
def test_no_credential_is_stored(sent: Request, redact: Redact) -> None:
    stored = stored_form(sent, Redactor(redact))

    assert SECRET not in stored.body
    assert SECRET.decode() not in stored.url
    assert SECRET.decode() not in str(stored.headers)


@pytest.mark.parametrize(("sent", "redact"), SENT)
def test_what_is_stored_is_stored_as_it_is(sent: Request, redact: Redact) -> None:
    """A cassette that is written again does not change."""
    stored = stored_form(sent, Redactor(redact))

    assert stored_form(stored, Redactor(redact)) == stored


@pytest.mark.parametrize(
    "body",
    [b' {\n "b": 1.0, "a": "\\u00e9" }\n', b'{"a":1,"a":2}', b"no json", b"\xff", b"[1, 2]", b'{"api_key": null}'],
)
def test_a_body_in_which_nothing_is_replaced_keeps_its_bytes(body: bytes) -> None:
    for content_type in (JSON, "", "text/plain", "application/octet-stream"):
        assert stored_form(post(body, content_type), Redactor()).body == body


def test_data_that_has_a_credentials_name_is_kept_in_json_that_cannot_be_read_whole() -> None:
    body = b'{"filter":{"password":"data"},"a":"\\ud83d"}'

    assert stored_form(post(body), Redactor()).body == body


def test_a_multipart_body_becomes_a_listing_of_its_parts() -> None:
    """Files by size and hash: their content is not written."""
    stored = stored_form(post(UPLOAD, MULTIPART, accept="*/*"), Redactor())

    assert stored.headers == (("accept", "*/*"), ("content-type", "multipart/form-data"))
    assert json.loads(stored.body) == {
        "multipart": [
            {
                "name": "file",
                "filename": "a.wav",
                "content_type": "audio/wav",
                "size": 6,
                "blake2b": "0cd8ee9e90af057ac86139a7e0e48046f461e52569c0fc9cb59dc291ca6ad8b3",
            },
            {"name": "password", "text": "REDACTED"},
            {"name": "prompt", "text": "say é"},
        ]
    }


def test_the_order_of_the_parts_is_kept() -> None:
    body = part('name="b"', b"1") + part('name="a"', b"2") + b"--b--\r\n"

    names = [row["name"] for row in json.loads(stored_form(post(body, MULTIPART), Redactor()).body)["multipart"]]
    assert names == ["b", "a"]


def test_a_content_encoding_is_undone() -> None:
    stored = stored_form(post(gzip.compress(b'{ "a":1 }'), content_encoding="gzip"), Redactor())

    assert stored.body == b'{ "a":1 }'
    assert stored.headers == (("content-type", JSON),)


def test_a_body_that_cannot_be_decoded_keeps_the_name_of_its_encoding() -> None:
    body = gzip.compress(b"{}")[:-1]
    stored = stored_form(post(body, content_encoding="gzip"), Redactor())

    assert stored.body == body
    assert stored.headers == (("content-type", JSON), ("content-encoding", "gzip"))


# -- what was found out while the request was identified ---------------------------------------------------


def identified(request: Request, redact: Redact) -> tuple[bool, Redactor]:
    match = Match()
    redactor = Redactor(redact, counting=match.key_headers)
    return match.identified(request, sample=0, redactor=redactor).keeps_body, redactor


@pytest.mark.parametrize(("request_", "redact"), SENT)
def test_a_body_is_said_to_be_kept_only_where_it_is(request_: Request, redact: Redact) -> None:
    keeps_body, redactor = identified(request_, redact)

    if keeps_body:
        assert stored_form(request_, redactor, keeps_body=True) == stored_form(request_, redactor)


NAMES = st.sampled_from(["api_key", "apikey", "password", "tools", "type", "headers", "authorization", "A", "pin"])
VALUES = st.recursive(
    st.sampled_from([None, True, 7, -0.5, "", "mcp", "hunter2", "https://u:p@h/?api_key=x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.booleans(), st.sampled_from([(), ("pin",), ("*.pin",)]))
def test_whatever_body_is_said_to_be_kept_is(
    body: dict[str, object], is_escaped: bool, paths: tuple[str, ...]
) -> None:
    text = json.dumps(body)
    if is_escaped:
        text = text.replace("p", "\\u0070")
    request = post(text.encode())
    keeps_body, redactor = identified(request, Redact(body=paths))
    stored = stored_form(request, redactor)

    assert keeps_body == (stored.body == request.body)


def test_what_is_a_credential_only_as_it_is_stored_is_not_kept() -> None:
    """JSON that is none until what is wrong in it was taken out."""
    request = post(b'{"api_key":"\\ud800hunter2","a":1}')
    keeps_body, redactor = identified(request, Redact())

    assert not keeps_body
    assert SECRET not in stored_form(request, redactor).body
