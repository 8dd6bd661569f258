"""Small files of each format."""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from replaycache import CassetteError, Recording, Redact, ReplayCacheWarning, foreign

from . import examples
from .examples import EXAMPLES, SECRET, STREAM, har, har_entry


def _read(tmp_path: Path, name: str, text: str | bytes, redact: Redact | None = None) -> list[Recording]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return foreign.read(path) if redact is None else foreign.read(path, redact)


def _one(tmp_path: Path, name: str, text: str | bytes) -> Recording:
    (found,) = _read(tmp_path, name, text)
    return found


def _chunks(recording: Recording) -> list[bytes]:
    return [chunk.data for chunk in recording.body]


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_secret_is_read(tmp_path: Path, name: str) -> None:
    found = _read(tmp_path, name, EXAMPLES[name])

    assert found
    for item in found:
        assert SECRET not in repr((item.request, item.head, item.body.read()))
        assert (item.digest, item.complete) == ("", True)
        values = (
            item.request.url,
            item.request.method,
            *(value for pair in item.request.headers for value in pair),
        )
        assert {type(value) for value in values} == {str}


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_reads_the_same_compressed(tmp_path: Path, name: str) -> None:
    plain = _read(tmp_path, name, EXAMPLES[name])

    assert _read(tmp_path, f"{name}.gz", gzip.compress(EXAMPLES[name].encode(), mtime=0)) == plain


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_byte_order_mark_and_the_line_ends_of_windows_change_nothing(tmp_path: Path, name: str) -> None:
    plain = _read(tmp_path, name, EXAMPLES[name])
    windows = "\ufeff" + EXAMPLES[name].replace("\n", "\r\n")

    assert _read(tmp_path, f"windows-{name}", windows) == plain


def test_vcrpy(tmp_path: Path) -> None:
    stream, answer = _read(tmp_path, "a.yaml", examples.VCRPY)

    assert stream.request.method == "POST"
    assert stream.request.url == "https://api.example.com/v1/chat/completions?api_key=REDACTED&x=1"
    assert stream.request.headers == (("content-type", "application/json"),)
    assert stream.request.body == b'{"model": "m", "stream": true}'
    assert stream.head.headers == (
        ("content-type", "text/event-stream; charset=utf-8"),
        ("date", "Tue, 14 Nov 2023 21:49:24 GMT"),
    )
    assert _chunks(stream) == [b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n"]
    assert stream.recorded_at == 1699998564.0
    assert (answer.request.method, answer.request.body) == ("GET", b"")
    assert (answer.head.status, answer.head.headers) == (404, (("content-type", "application/json"),))
    assert _chunks(answer) == [b'{"data": []}']
    assert answer.recorded_at == 0.0


def test_vcrpy_as_json_keeps_every_character(tmp_path: Path) -> None:
    found = _one(tmp_path, "a.json", examples.VCRPY_JSON)

    assert found.request.body == '{"input": "é"}'.encode()
    assert found.body.read() == '{"é": "\U0001f600"}'.encode()


def test_vcrpy_without_an_interaction_is_an_empty_cassette(tmp_path: Path) -> None:
    assert _read(tmp_path, "a.yaml", "interactions: []\nversion: 1\n") == []


def test_the_old_form_for_httpx_has_its_body_decoded_already(tmp_path: Path) -> None:
    found = _one(tmp_path, "a.yaml", examples.VCRPY_OLD_HTTPX)

    assert found.head.status == 201
    assert found.head.headers == (("content-type", "application/json"),)
    assert found.body.read() == '{"ok": "é"}'.encode()


def test_bodies_kept_as_values_become_the_json_that_was_replayed(tmp_path: Path) -> None:
    found = _one(tmp_path, "a.yaml", examples.PARSED_BODY)

    assert found.request.json() == {"at": "2024-01-02", "model": "m", "n": 1}
    assert found.body.read() == (
        b'{"id": "1e3", "text": "30\\u00b0C", "flags": [true, null, 1.5, Infinity], "quoted": "yes"}'
    )


def test_a_request_body_may_be_a_value_itself(tmp_path: Path) -> None:
    """Serializers that projects write themselves leave it so; VCR.py does not look at it."""
    text = examples.PARSED_BODY.replace("    parsed_body:\n      at:", "    body:\n      at:", 1)
    assert text != examples.PARSED_BODY

    assert _one(tmp_path, "a.yaml", text).request.body == b'{"at": "2024-01-02", "model": "m", "n": 1}'


def test_without_its_version_a_file_is_read_where_it_is_whole_and_that_is_told(tmp_path: Path) -> None:
    whole = EXAMPLES["vcrpy.yaml"].removesuffix("version: 1\n")
    assert whole.endswith("      message: Not Found\n")
    path = tmp_path / "a.yaml"
    path.write_text(whole, "utf-8")

    with pytest.warns(ReplayCacheWarning, match="has no 'version', .* its 2 interactions are whole"):
        assert len(foreign.read(path)) == 2
    assert len(foreign.read(path, to_play=True)) == 2
    for cut in ("\n", "    status:\n      code: 404\n      message: Not Found\n"):
        path.write_text(whole.removesuffix(cut), "utf-8")
        for to_play in (False, True):
            with pytest.raises(CassetteError, match="has no '"):
                foreign.read(path, to_play=to_play)


def test_to_be_played_it_has_all_headers_but_credentials_and_those_of_the_wire(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        """
interactions:
- request:
    body: null
    headers: {X-Client: [c], Authorization: [Bearer x], Connection: [keep-alive]}
    method: GET
    uri: https://api.example.com/
  response:
    body: {string: ''}
    headers: {X-Trace: [t], Set-Cookie: [a=b], Content-Length: ['7']}
    status: {code: 200, message: OK}
version: 1
""",
        "utf-8",
    )

    (imported,) = foreign.read(path)
    (played,) = foreign.read(path, to_play=True)

    assert (imported.request.headers, imported.head.headers) == ((), ())
    assert played.request.headers == (("x-client", "c"),)
    assert played.head.headers == (("x-trace", "t"),)


def test_ruby(tmp_path: Path) -> None:
    speech, latin, utf8 = _read(tmp_path, "a.yml", examples.RUBY)

    assert speech.request.method == "POST"
    assert speech.request.headers == (("content-type", "application/json"),)
    assert speech.request.body == b'{"input":"hi"}'
    assert speech.body.read() == b"\xff\x00\xfe\xfd"
    assert speech.recorded_at == 1699998506.0
    assert latin.body.read() == b"\xe9"
    assert utf8.body.read() == b"\xc3\xa9"


def test_ruby_leaves_out_a_body_that_is_not_there(tmp_path: Path) -> None:
    (found,) = _read(tmp_path, "a.json", examples.RUBY_WITHOUT_BODIES)

    assert (found.request.method, found.request.body, found.head.status) == ("DELETE", b"", 204)
    assert _chunks(found) == []


def test_betamax(tmp_path: Path) -> None:
    found = _one(tmp_path, "a.json", examples.BETAMAX)

    assert found.body.read() == b"\x00\xff"
    assert found.recorded_at == 1699998506.0


def test_go_1(tmp_path: Path) -> None:
    found = _one(tmp_path, "a.yaml", examples.GO_1)

    assert (found.request.url, found.request.body) == ("http://api.example.com/form", b"a=b")
    assert (found.body.read(), found.latency) == (b"\xff\x00", 0.0)


def test_go_2(tmp_path: Path) -> None:
    found = _one(tmp_path, "a.yaml", examples.GO_2)

    assert found.request.url == "https://api.example.com/v1/chat/completions"
    assert found.body.read() == b"data: 12:30:45\n"
    assert found.head.header("x-request-id") == "0x1F"
    assert (found.recorded_at, found.latency) == (1660852270.0, 61.5)


def test_cassetter(tmp_path: Path) -> None:
    chat, octets, stream = _read(tmp_path, "a.yaml", examples.CASSETTER)

    assert chat.request.url == "https://api.example.com/v1/chat/completions?api_key=REDACTED"
    assert chat.request.json() == {"at": "12:30:45", "n": 1}
    assert chat.body.read() == (
        b'{"t": "12:30:45", "day": "2024-01-01", "eq": "=", "m": "<<", "y": "yes", "n": null, "f": 1.0, '
        b'"e": 1000.0, "h": 31, "b": true, "inf": Infinity, "neg": -Infinity}'
    )
    assert chat.recorded_at == 1771583401.25
    assert octets.body.read() == b"\x00\xff\x10"
    assert _chunks(stream) == [b"data: 1\n\n", b"data: 2\n\n"]


def test_cassetter_as_toml(tmp_path: Path) -> None:
    found = _one(tmp_path, "a.toml", examples.CASSETTER_TOML)

    assert found.request.json() == {"a": "12:30:45"}
    assert found.body.read() == b'[1, {"b": null}]'
    assert found.recorded_at == 1771583401.25


def test_cassetter_leaves_out_what_is_not_http_and_says_so(tmp_path: Path) -> None:
    text = f"{examples.CASSETTER}grpc_interactions:\n- request: {{}}\nws_interactions: []\n"

    with pytest.warns(ReplayCacheWarning, match="1 interactions over gRPC or WebSocket are left out"):
        assert len(_read(tmp_path, "a.yaml", text)) == 3


def test_har(tmp_path: Path) -> None:
    found = _one(tmp_path, "a.har", examples.HAR)

    assert found.request.headers == (("content-type", "application/json"),)
    assert found.request.body == b'{"stream": true}'
    assert found.head.headers == (("content-type", "text/event-stream"),)
    assert _chunks(found) == [b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n"]
    assert found.recorded_at == pytest.approx(1771583401.25)
    assert found.latency == pytest.approx(0.24)


def test_har_query_beside_the_url(tmp_path: Path) -> None:
    query = [{"name": "q", "value": "a b"}, {"name": "api_key", "value": SECRET}]
    apart = har_entry(query=query)
    inside = har_entry(url="https://api.example.com/v1/models?q=a+b&api_key=z", query=query)

    found = _read(tmp_path, "a.har", har(apart, inside))

    assert {item.request.url for item in found} == {"https://api.example.com/v1/models?q=a+b&api_key=REDACTED"}


def test_har_forms(tmp_path: Path) -> None:
    params = [{"name": "a", "value": "b c"}, {"name": "password", "value": SECRET}]
    found = _one(
        tmp_path,
        "a.har",
        har(har_entry(method="POST", post={"mimeType": "application/x-www-form-urlencoded", "params": params})),
    )

    assert found.request.body == b"a=b+c&password=REDACTED"
    assert found.request.headers == (("content-type", "application/x-www-form-urlencoded"),)


@pytest.mark.parametrize("mime_type", ["multipart/form-data", "multipart/form-data; boundary=xyz"])
def test_har_multipart(tmp_path: Path, mime_type: str) -> None:
    params = [
        {"name": "model", "value": "whisper-1"},
        {"name": "file", "fileName": 'a".mp3', "contentType": "audio/mpeg", "value": "sound"},
    ]
    found = _one(tmp_path, "a.har", har(har_entry(method="POST", post={"mimeType": mime_type, "params": params})))

    assert found.request.header("content-type") == "multipart/form-data"
    model, file = found.request.json()["multipart"]
    assert (model["name"], model["text"]) == ("model", "whisper-1")
    assert (file["name"], file["filename"], file["size"]) == ("file", "a%22.mp3", 5)


def test_har_bodies_in_base64(tmp_path: Path) -> None:
    octets = bytes(range(256))
    content = {"size": 256, "encoding": "base64", "text": base64.b64encode(octets).decode()}

    assert _one(tmp_path, "a.har", har(har_entry(content=content))).body.read() == octets


@pytest.mark.parametrize(("size", "body"), [(1, b"\xe9"), (2, b"\xc3\xa9"), (-1, b"\xe9")])
def test_har_text_gets_back_its_character_set(tmp_path: Path, size: int, body: bytes) -> None:
    content = {"size": size, "mimeType": "text/plain; charset=iso-8859-1", "text": "é"}

    assert _one(tmp_path, "a.har", har(har_entry(content=content))).body.read() == body


@pytest.mark.parametrize(
    ("content", "status", "complete"),
    [
        ({"size": 9, "mimeType": "text/event-stream"}, 200, False),
        ({"size": 9, "mimeType": "text/plain", "text": "cut"}, 200, False),
        ({"size": 0, "mimeType": "x-unknown"}, 200, True),
        ({"size": 9, "mimeType": "x-unknown"}, 304, True),
        ({}, 200, True),
    ],
)
def test_har_a_body_that_is_not_all_there_is_incomplete(
    tmp_path: Path, content: dict[str, object], status: int, complete: bool
) -> None:
    assert _one(tmp_path, "a.har", har(har_entry(content=content, status=status))).complete is complete


def test_har_entries_without_an_answer_are_left_out_and_counted(tmp_path: Path) -> None:
    text = har(har_entry(status=0), har_entry(), har_entry(status=101), har_entry(url="data:text/plain,x"))

    with pytest.warns(ReplayCacheWarning, match="3 entries without an answer over HTTP are left out"):
        assert len(_read(tmp_path, "a.har", text)) == 1


def _vcrpy(answer: bytes, answer_headers: dict[str, str], **request: object) -> str:
    return "\n".join(
        (
            "interactions:",
            "- request: "
            + json.dumps(
                {"method": "GET", "uri": "https://api.example.com/", "body": None, "headers": {}} | request,
            ),
            "  response:",
            f"    body: {{string: !!binary '{base64.b64encode(answer).decode()}'}}",
            f"    headers: {json.dumps(answer_headers)}",
            "    status: {code: 200, message: OK}",
            "version: 1",
            "",
        )
    )


LONG = json.dumps({"answer": "é" * 300}, ensure_ascii=False).encode()
BINARY = bytes(range(256)) * 3


@pytest.mark.parametrize(
    ("encoding", "stored", "body"),
    [
        ("gzip", gzip.compress(LONG, mtime=0), LONG),
        ("GZIP", gzip.compress(LONG, mtime=0), LONG),
        ("deflate", zlib.compress(LONG), LONG),
        ("zstd", zstandard.ZstdCompressor().compress(LONG), LONG),
        ("gzip, zstd", zstandard.ZstdCompressor().compress(gzip.compress(LONG, mtime=0)), LONG),
        ("gzip", LONG, LONG),
        ("br", LONG, LONG),
        ("br", b";", b";"),
        ("**REDACTED**", LONG, LONG),
        ("gzip", BINARY, BINARY),
        ("zstd", BINARY, BINARY),
        ("identity", BINARY, BINARY),
        ("gzip", b"", b""),
    ],
)
def test_an_encoding_is_undone_or_was_undone_already(
    tmp_path: Path, encoding: str, stored: bytes, body: bytes
) -> None:
    found = _one(tmp_path, "a.yaml", _vcrpy(stored, {"Content-Encoding": encoding}))

    assert found.body.read() == body
    assert found.head.headers == ()


@pytest.mark.parametrize(
    ("encoding", "stored"), [("gzip", gzip.compress(LONG, mtime=0)[:-9]), ("x-new", b"\xff\x00\x01")]
)
def test_what_cannot_be_decoded_stays_encoded(tmp_path: Path, encoding: str, stored: bytes) -> None:
    headers = {"Content-Encoding": encoding, "Content-Type": "text/event-stream", "Content-Length": "1"}

    found = _one(tmp_path, "a.yaml", _vcrpy(stored, headers))

    assert _chunks(found) == [stored]
    assert found.head.headers == (("content-type", "text/event-stream"), ("content-encoding", encoding))


@pytest.mark.parametrize(
    ("content_type", "body", "chunks"),
    [
        ("text/event-stream", b"a\r\n\r\nb\r\rc\n\n\nd", [b"a\r\n\r\n", b"b\r\r", b"c\n\n\n", b"d"]),
        ("text/event-stream", b"a\r\nb\r\n\r\n", [b"a\r\nb\r\n\r\n"]),
        ("Text/Event-Stream;charset=utf-8", STREAM, STREAM.splitlines(keepends=True)),
        ("**REDACTED**", b"data: 1\n\ndata: 2\n\n", [b"data: 1\n\n", b"data: 2\n\n"]),
        ("**REDACTED**", b"{}\n\n{}", [b"{}\n\n{}"]),
        ("application/x-ndjson", b'{"a":"\r"}\n{}\r\n{}', [b'{"a":"\r"}\n', b"{}\r\n", b"{}"]),
        ("application/json", b"1\n\n2", [b"1\n\n2"]),
        ("application/json", b"", []),
    ],
)
def test_streams_are_split_at_their_events(
    tmp_path: Path, content_type: str, body: bytes, chunks: list[bytes]
) -> None:
    if body == STREAM:
        chunks = [first + second for first, second in zip(chunks[::2], chunks[1::2], strict=True)]

    assert _chunks(_one(tmp_path, "a.yaml", _vcrpy(body, {"Content-Type": content_type}))) == chunks


def test_header_values_keep_their_bytes(tmp_path: Path) -> None:
    found = _one(
        tmp_path, "a.yaml", _vcrpy(b"", {"X-Request-Id": "é", "Warning": "199 - ✓", "Location": "a\r\n b"})
    )

    assert found.head.headers == (
        ("x-request-id", "é"),
        ("warning", "199 - ✓".encode().decode("latin-1")),
        ("location", "a b"),
    )


@pytest.mark.parametrize(
    ("uri", "headers", "url"),
    [
        ("/v1/x?a=1", {"Host": "localhost:8080"}, "http://localhost:8080/v1/x?a=1"),
        ("/v1/x", {"Host": "api.example.com"}, "https://api.example.com/v1/x"),
        ("/v1/x", {"Host": "**REDACTED**"}, "https://unknown.invalid/v1/x"),
        ("**REDACTED**", {}, "https://unknown.invalid/**REDACTED**"),
        ("https://a.example/é b", {}, "https://a.example/%C3%A9%20b"),
        (f"https://user:{SECRET}@a.example/", {}, "https://a.example/"),
    ],
)
def test_urls_are_absolute(tmp_path: Path, uri: str, headers: dict[str, str], url: str) -> None:
    assert _one(tmp_path, "a.yaml", _vcrpy(b"", {}, uri=uri, headers=headers)).request.url == url


def test_a_request_that_is_decoded_already_counts_as_plain(tmp_path: Path) -> None:
    text = _vcrpy(
        b"", {}, body='{"a": 1}', headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
    )

    assert _one(tmp_path, "a.yaml", text).request.headers == (("content-type", "application/json"),)


def test_what_the_user_redacts_counts(tmp_path: Path) -> None:
    text = _vcrpy(b"", {"X-Mine": "1"}, uri="https://a.example/?mine=2", headers={"X-Sent": "3"})
    redact = Redact(request_headers=["x-sent"], response_headers=["x-mine"], query=["mine"])

    (found,) = _read(tmp_path, "a.yaml", text, redact)

    assert re.fullmatch(r"https://a.example/\?mine=REDACTED-[0-9a-f]{16}", found.request.url)
    assert found.request.headers == (("x-sent", "3"),)
    assert found.head.headers == (("x-mine", "1"),)


def test_anchors_and_merged_mappings_are_read(tmp_path: Path) -> None:
    text = examples.VCRPY.replace("    headers: {}\n", "    headers:\n      <<: *h\n      Accept: b\n").replace(
        "    headers:\n      Authorization:", "    headers: &h\n      Accept: a\n      Authorization:"
    )

    stream, answer = _read(tmp_path, "a.yaml", text)

    assert dict(stream.request.headers)["accept"] == "a"
    assert dict(answer.request.headers) == {"accept": "b", "content-type": "application/json"}


def test_surrogates_that_json_escaped_apart_are_one_character(tmp_path: Path) -> None:
    text = examples.VCRPY_JSON.replace("\\u00e9", "\\ud800")

    assert _one(tmp_path, "a.json", text).body.read() == b'{"\xed\xa0\x80": "\xf0\x9f\x98\x80"}'


def test_only_yaml_needs_pyyaml(tmp_path: Path) -> None:
    for name, text in EXAMPLES.items():
        (tmp_path / name).write_text(text, "utf-8")
    code = (
        "import sys; sys.modules['yaml'] = None; folder = sys.argv[1]\n"
        "from replaycache import CassetteError, foreign\n"
        "for name in ('vcrpy.json', 'betamax.json', 'cassetter.toml', 'session.har'):\n"
        "    assert foreign.read(folder + name)\n"
        "try: foreign.read(folder + 'vcrpy.yaml')\n"
        "except CassetteError as error: print(error)\n"
    )

    done = subprocess.run([sys.executable, "-c", code, f"{tmp_path}/"], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == (
        f"cannot read {tmp_path / 'vcrpy.yaml'}: PyYAML is not installed, which reads it. "
        'What to do: pip install "replaycache[vcr]".'
    )


def test_httprr(tmp_path: Path) -> None:
    chat, stream, local = _read(tmp_path, "a.httprr", examples.HTTPRR)

    assert (chat.request.method, chat.request.url) == ("POST", "https://api.example.com/v1/chat/completions")
    assert chat.request.headers == (("content-type", "application/json"),)
    assert chat.request.body == b'{"model": "m"}'
    assert chat.head.headers == (("content-type", "application/json"), ("x-request-id", "req_1"))
    assert _chunks(chat) == [b'{"id": 1, "text": "\xc3\xa9\xff"}']
    assert stream.request.body == b"{}"
    assert _chunks(stream) == [b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n"]
    assert (local.request.url, local.head.status, _chunks(local)) == ("http://localhost:11434/api/tags", 404, [])
    assert SECRET not in repr([(item.request, item.head) for item in (chat, stream, local)])


def test_httprr_may_be_compressed(tmp_path: Path) -> None:
    found = _read(tmp_path, "a.httprr", examples.HTTPRR)

    assert _read(tmp_path, "a.httprr.gz", gzip.compress(examples.HTTPRR, mtime=0)) == found


ANSWER = b'{"text": "' + b"as it came, " * 20 + b'"}'
GZIPPED = gzip.compress(ANSWER, mtime=0)


def _polly(content: dict[str, object], content_type: str = "application/json") -> str:
    headers = {"content-type": content_type, "content-encoding": "gzip"}
    return har(har_entry(content=content, response_headers=headers), creator="Polly.JS")


def _in_pieces(body: bytes, text: Callable[[bytes], str]) -> str:
    return json.dumps([text(body[start : start + 50]) for start in range(0, len(body), 50)])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "content",
    [
        {"text": _in_pieces(GZIPPED, _base64), "encoding": "base64"},
        {"text": _in_pieces(GZIPPED, bytes.hex)},
        {"text": _in_pieces(GZIPPED, bytes.hex), "_isBinary": True},
        {"text": GZIPPED.hex(), "_isBinary": True},
        {"text": _base64(GZIPPED), "encoding": "base64"},
        {"text": ANSWER.decode()},
    ],
)
def test_polly_keeps_the_pieces_of_an_encoded_body(tmp_path: Path, content: dict[str, object]) -> None:
    found = _one(tmp_path, "recording.har", _polly({"size": len(GZIPPED), **content}))

    assert (_chunks(found), found.complete) == ([ANSWER], True)


def test_polly_streams_are_split_at_their_events(tmp_path: Path) -> None:
    content = {"text": _in_pieces(gzip.compress(STREAM), _base64), "encoding": "base64"}

    found = _one(tmp_path, "recording.har", _polly(content, content_type="text/event-stream"))

    assert b"".join(_chunks(found)) == STREAM
    assert len(_chunks(found)) == 3


@pytest.mark.parametrize("text", ['["a list", "of texts"]', '["ab", "cd"]', "[]"])
def test_polly_a_list_of_texts_may_be_the_body_itself(tmp_path: Path, text: str) -> None:
    assert _chunks(_one(tmp_path, "recording.har", _polly({"text": text}))) == [text.encode()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"text": '["H4sIAAAA", "?"]', "encoding": "base64"}, "content.text is no base64"),
        ({"text": '["H4sIAAAA"]', "encoding": "hex"}, "content.text is not in hexadecimal digits"),
        ({"text": "H4sIAAAA", "_isBinary": True}, "content.text is not in hexadecimal digits"),
        ({"text": "H4sIAAAA", "encoding": "base85"}, "content has the encoding 'base85', which is not known"),
    ],
)
def test_polly_what_cannot_be_read_is_refused(tmp_path: Path, content: dict[str, object], said: str) -> None:
    with pytest.raises(CassetteError, match=re.escape(said)):
        _one(tmp_path, "recording.har", _polly(content))


def test_polly_a_request_may_have_its_json_as_a_value(tmp_path: Path) -> None:
    post: dict[str, object] = {"mimeType": "application/json", "params": [], "textJSON": {"n": [1, 2]}}

    found = _one(tmp_path, "recording.har", har(har_entry(method="POST", post=post), creator="Polly.JS"))

    assert found.request.json() == {"n": [1, 2]}
