"""What is no cassette, or not all of one, is an error with the path, what is wrong, and the way out."""

from __future__ import annotations

import base64
import gzip
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from replaycache import CassetteError, foreign
from replaycache.foreign import documents, interactions, safe_yaml
from tests.tables import one_in

from . import examples
from .examples import EXAMPLES, har, har_entry, httprr


def _refused(tmp_path: Path, name: str, text: str | bytes) -> str:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CassetteError) as caught:
        foreign.read(path)
    message = str(caught.value)
    assert message.startswith(f"cannot read {path}: ")
    assert "What to do: " in message
    assert path.read_bytes() == (text if isinstance(text, bytes) else text.encode())
    return message.removeprefix(f"cannot read {path}: ")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", b"", "it is empty"),
        ("a.json", b"", "it is empty"),
        ("a.yaml.gz", gzip.compress(b"", mtime=0), "it is empty"),
        ("a.yaml", b" \n\n", "nothing but white space"),
        ("a.yaml", b"# only a remark\n", "it holds nothing"),
        ("a.yaml", b"\x89PNG\r\n\x1a\n\x00", "no text in UTF-8 (byte 0)"),
        ("a.yaml", "interactions: []\n".encode("utf-16"), "no text in UTF-8"),
        ("a.yaml", b"hello\n", "a single value"),
        ("a.yaml", b"{}", "an empty mapping"),
        ("a.yaml", b"[]", "an empty list"),
        ("a.yaml", b"openapi: 3\npaths: {}\n", "a mapping of 'openapi', 'paths'"),
        ("a.json", b"[1, 2]", "it holds a list"),
        ("a.json", b'{"interactions": ', "no whole JSON"),
        ("a.har", b'{"log": {"entries": [', "no whole JSON"),
        ("a.har", b'{"log": {}}', "log has no 'entries'"),
        ("a.har", b'{"log": 1}', "log is no mapping"),
        ("a.toml", b"version = 1\n[[interactions", "no whole TOML"),
        ("a.yaml", b"interactions:\n", "interactions is no list"),
        ("a.yaml", b"interactions: x\nversion: 1\n", "interactions is no list"),
        ("a.yaml", b"interactions: [x]\nversion: 1\n", "interactions[0] is no mapping"),
        ("a.yaml", b"interactions: [{}]\nversion: 1\n", "interactions[0] has no 'request'"),
        ("a.yaml", b"interactions: []\n", "no 'version'"),
        ("a.yaml", b"interactions: []\nversion: 9\n", "has the version '9'"),
        ("a.yaml", b"interactions: []\nversion: 1\nversion: 1\n", "line 3 gives 'version' a second time"),
        ("a.yaml", b"? [a]\n: b\n", "line 1 has a key that is no text"),
        ("a.yaml", b"a: 1\n--- \nb: 2\n", "line 2 begins a second document"),
        ("a.yaml", b"a: &x [*x]\n", "line 1 refers to *x"),
        ("a.yaml", b"a: *nobody\n", "line 1 refers to *nobody"),
        ("a.yaml", b"a: 'cut\n", "is no YAML that can be read, or cut short"),
        ("a.yaml", b"a: b: c\n", "from line 1 on it is no YAML"),
        ("a.yaml", b"a: \x00\n", "is no YAML"),
        ("a.yaml", b"a: !!binary 'x*'\n", "line 1 holds bytes that are no base64"),
        ("a.yaml", b"http_interactions: []\n", "no 'recorded_with'"),
        ("a.yaml", b"http_interactions: 3\nrecorded_with: VCR\n", "http_interactions is no list"),
        ("a.yaml", b"version: 3\ninteractions: [{request: {url: x}}]\n", "of go-vcr's, 1 and 2 are known"),
        ("a.yaml", b"version: 3\ninteractions: []\nws_interactions: []\n", "of cassetter's, 1 is known"),
        ("a.yaml", b"version: 1\ngrpc_interactions: [{}]\n", "over gRPC or WebSocket alone"),
        ("a.yaml", b"version: 1\ninteractions: []\nws_interactions: []", "its last line has no end"),
        ("a.yaml", b"version: 2\ninteractions: []", "its last line has no end"),
        ("a.yaml", b"requests: [{}]\nresponses: []\n", "has 1 requests and 0 responses"),
        ("a.yaml", b"- request: {}\n  response: {}\n", "VCR.py before 1.0"),
        ("a.json", b'{"format": "replaycache/1", "recordings": []}', "needs no import"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.yaml", b"- " * 100_000, f"line 1 is nested more than {safe_yaml.DEPTH_LIMIT} levels"),
        ("a.yaml", b"- " + b"[\n" * 100_000, f"line 200 is nested more than {safe_yaml.DEPTH_LIMIT} levels"),
        ("a.yaml.gz", gzip.compress(b"interactions: []\nversion: 1\n", mtime=0)[:-3], "damaged or cut short"),
        ("a.yaml.gz", b"\x1f\x8bnot gzip at all", "damaged or cut short"),
    ],
)
def test_what_is_no_cassette(tmp_path: Path, name: str, text: bytes, said: str) -> None:
    assert said in _refused(tmp_path, name, text)


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both of PyYAML's parsers, of which it is installed with one or two."""
    if request.param == "SafeLoader":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    name: str = request.param
    return name


@pytest.mark.sampled(2)
@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("start", ["[", "[[\n", "{a: ", "[{a: "])
def test_nesting_that_is_too_deep(tmp_path: Path, start: str) -> None:
    # libyaml looks ahead for keys, and new versions of it refuse what is nested too deeply there
    assert re.search(r"line \d+ .* nest", _refused(tmp_path, "a.yaml", "a: " + start * 100_000))


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param('a: 1\nb: "\\U99999999"\n', "from line 2 on it", id="character"),
        pytest.param(f"%YAML {'9' * 5000}.1\n--- a\n", "from line 1 on it", id="version"),
        pytest.param("a: 1\nb: \x00\n", "it", id="control"),
        pytest.param("a: 1\nb: c: d\n", "from line 2 on it", id="mapping"),
        pytest.param("a: 1\nb: 'c\n", "from line", id="quotes"),
    ],
)
def test_what_the_parsers_refuse(tmp_path: Path, text: str, place: str) -> None:
    said = _refused(tmp_path, "a.yaml", text)

    assert said.startswith(place)
    assert "is no YAML" in said


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError("too deep"), IndexError("a"), AttributeError("b")]
)
def test_what_pyyaml_raises_that_is_no_error_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    parse = yaml.parse

    def failing(text: str, Loader: object) -> Iterator[object]:  # noqa: N803
        for event in parse(text, Loader=Loader):
            yield event
            if isinstance(event, yaml.ScalarEvent) and event.value == "b":
                raise error

    monkeypatch.setattr(yaml, "parse", failing)

    said = _refused(tmp_path, "a.yaml", b"a: 1\nb: 2\n")

    assert said.startswith("from line 2 on it is no YAML")
    assert f": {type(error).__name__}" in said


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", one_in(4, EXAMPLES))
def test_a_file_that_is_cut_short_anywhere_never_reads_as_less(tmp_path: Path, name: str) -> None:
    text = EXAMPLES[name].encode()
    path = tmp_path / name
    path.write_bytes(text)
    whole = foreign.read(path)
    for length in range(len(text) - 1):
        path.write_bytes(text[:length])
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                found = foreign.read(path)
            except CassetteError:
                continue
        if told:
            # what lacks the version alone, as projects write it, may lack whole interactions too
            assert f"its {len(found)} interactions are whole" in str(told[0].message)
        elif name.startswith(("go", "cassetter")):
            # they write nothing at their end, so that nobody can tell where whole lines are missing
            assert text[:length].endswith(b"\n")
        else:
            assert b"\n" not in text[length:].rstrip(b"\n"), text[:length]
        for cut, item in zip(found, whole, strict=False):
            assert (cut.request, cut.head.status, cut.body) == (item.request, item.head.status, item.body)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", ">>>>>>> theirs", "|||||||"])
def test_conflict_markers(tmp_path: Path, name: str, marker: str) -> None:
    lines = EXAMPLES[name].splitlines()
    lines.insert(min(6, len(lines)), marker)

    said = _refused(tmp_path, name, "\n".join(lines))

    assert said.startswith(f"line {min(6, len(lines) - 1) + 1} is a conflict marker")
    assert "--ours" in said


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system",
        "!!python/object/new:_io.BytesIO",
        "!!python/unicode",
        "!!python/name:os.system",
        "!ruby/object:Gem::Installer",
        "!ruby/struct:VCR::Response",
        "!!set",
        "!include",
    ],
)
@pytest.mark.parametrize("value", ["x", "[x]", "{x: y}"])
def test_object_tags(tmp_path: Path, tag: str, value: str) -> None:
    name = tag.replace("!!", "tag:yaml.org,2002:")

    said = _refused(tmp_path, "a.yaml", f"interactions: []\nmore:\n- {tag} {value}\nversion: 1\n")

    assert said.startswith(
        f"line 3 has the tag {name}, which asks the reader to make an object; that is never done"
    )
    assert "record it again" in said


def test_alias_bombs(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    assert "aliases have come to stand for over 16 Mi" in _refused(tmp_path, "a.yaml", "\n".join(lines))


def test_one_long_text_with_many_aliases(tmp_path: Path) -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]\n"

    assert "line 2 is where its aliases" in _refused(tmp_path, "a.yaml", text)


def test_merged_mappings_count(tmp_path: Path) -> None:
    lines = ["a0: &a0 {k: " + "x" * 1000 + "}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)]

    assert "aliases" in _refused(tmp_path, "a.yaml", "\n".join(lines))


def test_files_that_are_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "FILE_LIMIT", 2 << 20)

    assert "larger than the 2 MiB" in _refused(tmp_path, "a.yaml", b"#" * (3 << 20))
    assert "larger than the 2 MiB" in _refused(tmp_path, "a.yaml.gz", gzip.compress(b"#" * (3 << 20), mtime=0))


def test_bodies_that_decode_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactions, "DECODED_LIMIT", 1 << 20)
    body = base64.b64encode(gzip.compress(b"x" * (600 << 10), mtime=0)).decode()
    entry = {
        "request": {"method": "GET", "uri": "https://a.example/", "body": None, "headers": {}},
        "response": {
            "status": {"code": 200},
            "headers": {"content-encoding": "gzip"},
            "body": {"base64_string": body},
        },
    }

    one = tmp_path / "one.json"
    one.write_text(json.dumps({"interactions": [entry], "version": 1}))

    assert foreign.read(one)[0].body.size == 600 << 10
    assert "hold more than 1 MiB" in _refused(
        tmp_path, "two.json", json.dumps({"interactions": [entry, entry], "version": 1})
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "vcrpy.yaml",
            "method: POST",
            "method: 'P T'",
            "interactions[0].request has the method 'P T', which is none",
        ),
        (
            "vcrpy.yaml",
            "uri: https://api.example.com/v1/models",
            "uri: ://",
            "request has a URL that cannot be read",
        ),
        (
            "vcrpy.yaml",
            "uri: https://api.example.com/v1/models",
            "uri: []",
            "interactions[1].request.uri is no text",
        ),
        ("vcrpy.yaml", "code: 404", "code: 20", "has the status 20, which is none"),
        ("vcrpy.yaml", "code: 404", "code: not", "interactions[1].response.status.code is no number"),
        ("vcrpy.yaml", "body: null", "body: [1]", "interactions[1].request.body is neither text nor bytes"),
        ("vcrpy.yaml", "headers: {}", "headers: [1]", "interactions[1].request.headers is no mapping"),
        ("vcrpy.yaml", "headers: {}", "headers: {a: {b: c}}", "interactions[1].request.headers.a is no text"),
        ("parsed_body.yaml", "model: m", "model: !!binary eA==", "request.parsed_body is no JSON"),
        ("ruby.yml", "w6k=", "w", "body.base64_string is no base64"),
        ("ruby.yml", "    status:\n", "    state:\n", "response has no 'status'"),
        ("go_1.yaml", "    code: 200\n", "", "interactions[0].response has no 'code'"),
        ("cassetter.yaml", "00fF10", "0x", "body.content is not in hexadecimal digits"),
        ("cassetter.yaml", "type: binary", "type: pigeon", "has the type 'pigeon', which is not known"),
        ("cassetter.yaml", "recorded_at", "recorded", "interactions[0] has no 'recorded_at'"),
        ("cassetter.toml", "[1,{", "[1,", "response.body_content is no JSON"),
    ],
)
def test_edited_into_nonsense(tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    assert old in EXAMPLES[name]

    assert said in _refused(tmp_path, name, EXAMPLES[name].replace(old, new, 1))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (har_entry(status=0), "has no answer to any of its 1 requests"),
        (
            har_entry(content={"_file": "a.bin", "size": 1}),
            "log.entries[0].response.content keeps the body in a file",
        ),
        (har_entry(content={"encoding": "base64", "text": "a"}), "content.text is no base64"),
        (har_entry(status="ok"), "response.status is no number"),
        ({}, "log.entries[0] has no 'request'"),
    ],
)
def test_har_that_cannot_be_read(tmp_path: Path, entry: dict[str, object], said: str) -> None:
    assert said in _refused(tmp_path, "a.har", har(entry))


def test_no_message_shows_a_credential(tmp_path: Path) -> None:
    text = examples.VCRPY.replace("https://api.example.com/v1/chat", ":///v1/chat", 1)

    assert examples.SECRET not in _refused(tmp_path, "a.yaml", text)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        foreign.read(tmp_path / "none.yaml")
    with pytest.raises(OSError):
        foreign.read(tmp_path)


_RECORD = (b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nok")
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (httprr(_RECORD)[:-1], "record 1 is cut short"),
        (httprr(_RECORD) + b"12\n", "record 2 does not begin with its two sizes"),
        (httprr(_RECORD) + b"9" * 40 + b" 1\n", "record 2 does not begin with its two sizes"),
        (b"httprr trace v2\n", "it holds a single value"),
        (httprr((b"", b"")), "record 1 has headers without an end"),
        (httprr((b"\r\n", _RECORD[1])), "record 1 has an empty message"),
        (httprr((b"GET / HTTP/1.1\r\nHost\r\n\r\n", _RECORD[1])), "record 1 has a header that is none"),
        (httprr(_RECORD[::-1]), "record 1 has no request line and status line"),
        (httprr((_RECORD[0], _CHUNKED + b"3\r\nok")), "record 1 has a chunked body that is cut short"),
        (httprr((_RECORD[0], _CHUNKED + b"2\r\nok\r\n")), "record 1 has a chunked body that is cut short"),
    ],
)
def test_traces_of_httprr_that_cannot_be_read(tmp_path: Path, text: bytes, said: str) -> None:
    assert _refused(tmp_path, "a.httprr", text).startswith(said)


def test_a_trace_that_is_cut_short_anywhere_reads_as_less_at_the_end_of_a_record_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.httprr"
    lengths: list[int] = []
    for length in range(len(b"httprr trace v1\n"), len(examples.HTTPRR) + 1):
        path.write_bytes(examples.HTTPRR[:length])
        try:
            lengths.append(len(foreign.read(path)))
        except CassetteError:
            continue

    assert lengths == [0, 1, 2, 3]


def _serialized(value: str) -> str:
    """A cassette of VCR.py whose request's body is a value, by a serializer of a project."""
    return (
        f"interactions:\n- request: {{body: {value}, headers: {{}}, method: GET, uri: 'https://a.example/'}}\n"
        "  response: {body: {string: a}, headers: {}, status: {code: 200, message: OK}}\nversion: 1\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "a.yaml",
            "x: &x [" + "[]," * 1000 + "]\n" + _serialized("{v: [" + "*x," * 15_000 + "]}"),
            "its aliases have come to stand for over 16 MiB",
        ),
        ("a.yaml", _serialized("{v: " + "1:" * 50_000 + "1}"), "has more than 4300 characters"),
        ("a.yaml", _serialized("{v: " + "1" * 50_000 + "}"), "has more than 4300 characters"),
        ("a.toml", ".".join(["a"] * 50_000) + " = 1", "nested more than 200 levels deep"),
        ("a.toml", "[" + " . ".join(['"a"'] * 50_000) + "]", "nested more than 200 levels deep"),
        ("a.yaml.gz", gzip.compress(b" " * (65 << 20), 1), "larger than the 64 MiB that are read"),
    ],
    ids=["aliases", "sixties", "digits", "dotted", "dotted quotes", "gzip"],
)
def test_a_small_file_that_is_made_to_fill_the_memory(
    tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    assert said in _refused(tmp_path, name, text)


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "Unicode-Escape", "raw_unicode_escape", "undefined", "rot13"]
)
def test_a_codec_that_is_no_character_set_encodes_no_body(tmp_path: Path, charset: str) -> None:
    """Some would take for ever."""
    text = "".join(chr(0x4E00 + number) for number in range(20_000)) * 5
    path = tmp_path / "a.har"
    content = {"size": 1, "mimeType": f"text/plain; charset={charset}", "text": text}
    path.write_text(har(har_entry(content=content)))

    (made,) = foreign.read(path)

    assert made.body.read() == text.encode()
