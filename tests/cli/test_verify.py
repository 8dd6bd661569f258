"""`replaycache verify` against a real server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from replaycache import Recording, Request
from replaycache.maintenance.verifying import CREDENTIALS, Upstream
from replaycache.stores import DiskStore
from tests.scripted_server import Received, ScriptedServer, Wire

from .recorded import CHAT, answer_json, cassette, chat, disk, replaycache, stream
from .terminal import run_in_terminal


class Server:
    """An upstream whose answer the test chooses, and which notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Received] = []
        self.answer: Callable[[Wire], None] = lambda wire: wire.answer(answer_json())
        self.url = ""

    def handle(self, request: Received, wire: Wire) -> None:
        self.asked.append(request)
        self.answer(wire)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for row in CREDENTIALS.values():
        for variable in row.variables:
            monkeypatch.delenv(variable, raising=False)
    noting = Server()
    with ScriptedServer(noting.handle) as scripted:
        noting.url = scripted.url
        yield noting


def _verify(server: Server, path: Path, *arguments: str) -> Any:
    return replaycache("verify", str(path), "--base-url", server.url, *arguments)


def test_the_same_answer(tmp_path: Path, server: Server) -> None:
    recording = chat("Say hello.")
    cassette(tmp_path / "c.json", recording)
    before = (tmp_path / "c.json").read_bytes()

    done = _verify(server, tmp_path / "c.json")

    assert done.exit_code == 0
    assert done.stdout == f'{tmp_path / "c.json"}\t1\tsame\t"Say hello." (gpt-4o-mini, POST {CHAT})\t\n'
    assert server.asked[0].body == recording.request.body
    assert server.asked[0].headers["content-type"] == "application/json"
    assert (tmp_path / "c.json").read_bytes() == before


def test_other_values_are_told_and_are_no_failure(tmp_path: Path, server: Server) -> None:
    cassette(tmp_path / "c.json", chat())
    server.answer = lambda wire: wire.answer(answer_json("Good day.", id="chatcmpl-9"))

    done = _verify(server, tmp_path / "c.json", "--json")

    assert done.exit_code == 0
    (told,) = map(json.loads, done.stdout.splitlines())
    assert told["result"] == "values"
    assert told["values"] == ["choices[0].message.content"]
    assert told["volatile"] == ["id"]


def test_another_shape_is_a_finding(tmp_path: Path, server: Server) -> None:
    cassette(tmp_path / "c.json", chat("a"), chat("b"))
    answers = iter([answer_json(), answer_json(fingerprints=[1])])
    server.answer = lambda wire: wire.answer(next(answers))

    done = _verify(server, tmp_path / "c.json")

    assert done.exit_code == 1
    assert "shape: fingerprints is new" in done.stdout.splitlines()[1]
    assert "1 as recorded, 1 of another shape" in done.stderr


def test_a_stream(tmp_path: Path, server: Server) -> None:
    body = stream({"choices": [{"delta": {"content": "Hi"}}]})
    cassette(tmp_path / "c.json", chat("a", body, content_type="text/event-stream"))

    def answer(wire: Wire) -> None:
        wire.start_chunks()
        for data, _ in body:
            wire.chunk(data)
        wire.end_chunks()

    server.answer = answer

    assert _verify(server, tmp_path / "c.json").exit_code == 0


def test_a_stream_that_ended_for_another_reason_and_one_in_other_pieces(tmp_path: Path, server: Server) -> None:
    def body(*texts: str, reason: str) -> Any:
        deltas = [({"content": text}, None) for text in texts] + [({}, reason)]
        return stream(*({"choices": [{"index": 0, "delta": d, "finish_reason": why}]} for d, why in deltas))

    recorded = body("Hel", "lo", reason="stop")
    cassette(
        tmp_path / "c.json", *(chat(text, recorded, content_type="text/event-stream") for text in ("a", "b", "c"))
    )
    answers = iter(
        (body("Hello", reason="stop"), body("Hel", "lo", reason="length"), body("Hel", "lo", reason="stop"))
    )

    def answer(wire: Wire) -> None:
        wire.start_chunks()
        for data, _ in next(answers):
            wire.chunk(data)
        wire.end_chunks()

    server.answer = answer

    done = _verify(server, tmp_path / "c.json", "--json")

    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["result"], line["values"]) for line in told] == [
        ("same", []),
        ("values", ["choices[0].finish_reason"]),
        ("same", []),
    ]


def test_an_answer_that_is_broken_off_is_not_compared(tmp_path: Path, server: Server) -> None:
    cassette(tmp_path / "c.json", chat())

    def answer(wire: Wire) -> None:
        wire.head(200, content_length="1000")
        wire.send(b"{")
        wire.cut()

    server.answer = answer

    done = _verify(server, tmp_path / "c.json")

    assert done.exit_code == 3
    assert "no answer came" in done.stdout


@pytest.mark.parametrize("status", [401, 429, 503])
def test_a_refusal_is_no_drift(tmp_path: Path, server: Server, status: int) -> None:
    cassette(tmp_path / "c.json", chat())
    server.answer = lambda wire: wire.answer(b"{}", status)

    done = _verify(server, tmp_path / "c.json")

    assert done.exit_code == 3
    assert f"upstream answered {status}" in done.stdout


def test_an_error_that_was_recorded_is_expected(tmp_path: Path, server: Server) -> None:
    cassette(tmp_path / "c.json", chat("a", b'{"error":1}', status=400))
    server.answer = lambda wire: wire.answer(b'{"error":1}', 400)

    assert _verify(server, tmp_path / "c.json").exit_code == 0


def test_calls_that_might_change_something_are_not_made(tmp_path: Path, server: Server) -> None:
    listing = Recording(
        request=Request("GET", "https://api.openai.com/v1/models", (), b""),
        head=chat().head,
        body=chat().body,
        digest="",
        recorded_at=1.7e9,
    )
    cassette(
        tmp_path / "c.json",
        chat("create", url="https://api.openai.com/v1/files"),
        listing,
        chat("partial", complete=False),
        chat("a", body={"model": "m", "tools": [{"type": "mcp", "authorization": "REDACTED"}]}),
    )

    done = _verify(server, tmp_path / "c.json")

    assert [line.split("\t")[2] for line in done.stdout.splitlines()] == ["skipped", "same", "skipped", "skipped"]
    assert [(asked.method, asked.target) for asked in server.asked] == [("GET", "/v1/models")]


# -- directories -------------------------------------------------------------------------------------------


def test_a_directory_stands_for_the_cassettes_in_it(tmp_path: Path, server: Server) -> None:
    cassettes = tmp_path / "cassettes"
    for place in ("test_b/one.json", "test_a/two.json", "test_a/deep/three.JSON"):
        (cassettes / place).parent.mkdir(parents=True, exist_ok=True)
        cassette(cassettes / place.lower(), chat(place))
    (cassettes / "test_a/deep/three.json").rename(cassettes / "test_a/deep/three.JSON")
    cassette(cassettes / "three.txt.json", chat("four"))
    for name, text in (
        ("data.json", '{"a": 1}'),
        ("list.json", "[]"),
        ("empty.json", ""),
        ("har.json", '{"log": {"entries": []}}'),
        ("notes.md", '{"format": "replaycache/1"'),
    ):
        (cassettes / name).write_text(text)
    (cassettes / "directory.json").mkdir()
    server.answer = lambda wire: wire.answer(
        answer_json(fingerprints=[1]) if b"test_b/one.json" in server.asked[-1].body else answer_json()
    )

    done = _verify(server, cassettes)

    assert done.exit_code == 1
    assert [(line.split("\t")[0], line.split("\t")[2]) for line in done.stdout.splitlines()] == [
        (str(cassettes / "three.txt.json"), "same"),
        (str(cassettes / "test_a/two.json"), "same"),
        (str(cassettes / "test_a/deep/three.JSON"), "same"),
        (str(cassettes / "test_b/one.json"), "shape"),
    ]
    assert done.stderr.splitlines() == [
        f"{cassettes / 'three.txt.json'}: 1 as recorded.",
        f"{cassettes / 'test_a/two.json'}: 1 as recorded.",
        f"{cassettes / 'test_a/deep/three.JSON'}: 1 as recorded.",
        f"{cassettes / 'test_b/one.json'}: 1 of another shape.",
        "4 files: 3 as recorded, 1 of another shape.",
    ]


def test_what_is_named_twice_is_asked_once(tmp_path: Path, server: Server) -> None:
    cassette(tmp_path / "c.json", chat())

    done = _verify(server, tmp_path / "c.json", str(tmp_path), str(tmp_path / "c.json"))

    assert done.stderr == "1 as recorded.\n"
    assert len(server.asked) == 1


def test_caches_in_a_directory_are_named_themselves(tmp_path: Path, server: Server) -> None:
    disk(tmp_path / "cache", chat("a"))
    cassette(tmp_path / "c.json", chat("b"))

    assert _verify(server, tmp_path).stdout.count("\n") == 1
    assert _verify(server, tmp_path / "cache").stdout.count("\n") == 1


def test_a_broken_cassette_in_a_directory_is_told_before_any_call(tmp_path: Path, server: Server) -> None:
    cassette(tmp_path / "a.json", chat())
    (tmp_path / "b.json").write_text('{"format": "replaycache/1", "recordings": [')

    done = _verify(server, tmp_path)

    assert done.exit_code == 3
    assert str(tmp_path / "b.json") in done.stderr
    assert not server.asked


def test_a_directory_without_a_cassette(tmp_path: Path, server: Server) -> None:
    (tmp_path / "data.json").write_text("{}")

    done = _verify(server, tmp_path)

    assert done.exit_code == 3
    assert f"there is no cassette in {tmp_path}" in done.stderr


# -- credentials -------------------------------------------------------------------------------------------


def _request(upstream: Upstream, url: str) -> Request | str:
    return upstream.request(chat(url=url))


@pytest.mark.parametrize(
    ("url", "variable", "header", "value"),
    [
        (CHAT, "OPENAI_API_KEY", "authorization", "Bearer k"),
        ("https://api.anthropic.com/v1/messages", "ANTHROPIC_API_KEY", "x-api-key", "k"),
        (
            "https://generativelanguage.googleapis.com/v1/m:generateContent",
            "GOOGLE_API_KEY",
            "x-goog-api-key",
            "k",
        ),
        ("https://me.openai.azure.com/openai/x", "AZURE_OPENAI_API_KEY", "api-key", "k"),
    ],
)
def test_a_key_comes_from_the_variable_of_its_provider(
    monkeypatch: pytest.MonkeyPatch, server: Server, url: str, variable: str, header: str, value: str
) -> None:
    missing = _request(Upstream(), url)
    assert isinstance(missing, str)
    assert variable in missing
    monkeypatch.setenv(variable, "k")

    request = _request(Upstream(), url)

    assert isinstance(request, Request)
    assert request.header(header) == value


def test_a_key_goes_to_no_other_host_than_its_providers(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k-of-openai")
    cassette(tmp_path / "c.json", chat())

    _verify(server, tmp_path / "c.json")
    replaycache("verify", str(tmp_path / "c.json"), "--host", f"api.openai.com={server.url}")

    assert len(server.asked) == 2
    assert not [asked for asked in server.asked if "k-of-openai" in str(asked.headers)]


def test_a_header_from_the_environment_goes_along(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "k-of-mine")
    cassette(tmp_path / "c.json", chat())

    done = _verify(server, tmp_path / "c.json", "--header", "Authorization=MY_KEY", "--header", "x-team=MY_KEY")

    assert done.exit_code == 0
    assert server.asked[0].headers["authorization"] == "Bearer k-of-mine"
    assert server.asked[0].headers["x-team"] == "k-of-mine"
    assert "k-of-mine" not in done.output


def test_without_its_key_a_call_is_not_made(tmp_path: Path, server: Server) -> None:
    cassette(tmp_path / "c.json", chat())

    done = replaycache("verify", str(tmp_path / "c.json"))

    assert done.exit_code == 3
    assert "OPENAI_API_KEY is not set" in done.stdout


def test_where_a_request_goes() -> None:
    recorded = "https://generativelanguage.googleapis.com/v1/models/m:generateContent?key=REDACTED&alt=sse"

    assert Upstream().url(recorded) == recorded.replace("key=REDACTED&", "")
    assert Upstream("http://localhost:1/").url(CHAT) == "http://localhost:1/v1/chat/completions"
    assert Upstream("http://localhost:1/v1").url(CHAT) == "http://localhost:1/v1/chat/completions"
    assert Upstream("http://localhost:1/openai").url(CHAT) == "http://localhost:1/openai/v1/chat/completions"
    hosts = Upstream(hosts={"api.openai.com": "http://localhost:1"})
    assert hosts.url(CHAT) == "http://localhost:1/v1/chat/completions"
    assert hosts.url("https://other.example/v1/x?a=1") == "https://other.example/v1/x?a=1"
    assert Upstream().url("https://h.example?key=REDACTED") == "https://h.example/"


# -- how much ----------------------------------------------------------------------------------------------


def test_many_calls_are_made_only_with_consent(tmp_path: Path, server: Server) -> None:
    cassette(tmp_path / "c.json", *(chat(f"number {number}") for number in range(12)))

    refused = _verify(server, tmp_path / "c.json")
    assert refused.exit_code == 3
    assert "12 calls" in refused.stderr
    assert "--yes" in refused.stderr
    assert not server.asked

    assert _verify(server, tmp_path / "c.json", "--yes").exit_code == 0
    assert len(server.asked) == 12
    assert _verify(server, tmp_path / "c.json", "--limit", "3").exit_code == 0
    assert len(server.asked) == 15


def test_of_a_cache_no_more_is_read_than_is_asked_for(tmp_path: Path, server: Server) -> None:
    keys = disk(tmp_path / "cache", *(chat(f"number {number}") for number in range(40)))
    store = DiskStore(tmp_path / "cache")
    recording = store.get(keys[0])
    assert recording is not None
    # why it is not asked for would be told, if it were read
    store.put(keys[0], recording.with_parts(request=Request("POST", "https://api.openai.com/v1/files", (), b"")))
    store.close()

    done = _verify(server, tmp_path / "cache", "--limit", "3")

    assert done.exit_code == 0
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == keys[:-4:-1]
    assert len(server.asked) == 3
    assert "skipped" in _verify(server, tmp_path / "cache", "--yes").stdout


def test_a_budget_ends_it(tmp_path: Path, server: Server) -> None:
    disk(tmp_path / "cache", chat("a"), chat("b"))

    done = _verify(server, tmp_path / "cache", "--budget", "0")

    assert done.exit_code == 3
    assert "budget" in done.stderr
    assert not server.asked


def test_wrong_use(tmp_path: Path, server: Server) -> None:
    cassette(tmp_path / "c.json", chat())
    path = str(tmp_path / "c.json")

    for arguments, status, told in (
        (["--header", "authorization"], 2, "NAME=VARIABLE"),
        (["--header", "authorization=NOT_SET_AT_ALL"], 2, "NOT_SET_AT_ALL"),
        (["--host", "api.openai.com"], 2, "OLD=NEW"),
        (["--base-url", "localhost"], 2, "no URL"),
        (["--budget", "much"], 2, "--budget="),
    ):
        done = replaycache("verify", path, *arguments)
        assert done.exit_code == status
        assert told in done.stderr
    assert replaycache("verify", str(tmp_path / "nowhere.json")).exit_code == 3
    (tmp_path / "empty.json").write_text('{"format": "replaycache/1", "recordings": []}')
    assert replaycache("verify", str(tmp_path / "empty.json")).exit_code == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com/v1/chat/completions",
        "ftp://api.openai.com/v1/chat/completions",
        "https://elsewhere.test\\.openai.azure.com/openai/deployments/x/chat/completions",
        "https://elsewhere.test%2f.openai.azure.com/openai/deployments/x/chat/completions",
        "https://elsewhere.test:80.openai.azure.com/openai/deployments/x/chat/completions",
        "https://elsewhere.test\t.openai.azure.com/openai/deployments/x/chat/completions",
    ],
)
def test_a_credential_goes_nowhere_where_others_may_read_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-openai")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "key-of-azure")

    told = Upstream().request(chat(url=url))

    assert isinstance(told, str)
    assert "a credential is not sent to" in told


def test_a_credential_goes_to_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-openai")

    asked = Upstream().request(chat(url="https://API.openai.com/v1/chat/completions?a=1"))

    assert not isinstance(asked, str)
    assert dict(asked.headers)["authorization"] == "Bearer key-of-openai"


def test_a_header_for_one_host_is_not_sent_to_others_unasked(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "k-of-mine")
    cassette(tmp_path / "c.json", chat("a", url=f"{server.url}/v1/chat/completions"), chat("b", url=CHAT))

    done = replaycache("verify", str(tmp_path / "c.json"), "--header", "authorization=MY_KEY")

    assert done.exit_code == 3
    assert f"authorization would be sent to 2 hosts: {server.url}, https://api.openai.com" in done.stderr
    assert "k-of-mine" not in done.stderr
    assert server.asked == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
def test_the_names_of_cassettes_are_whole_on_a_narrow_terminal(tmp_path: Path) -> None:
    names = ["test_weather.json", "test_weather_tomorrow_in_rome.json"]
    for name in names:
        cassette(tmp_path / name, chat(complete=False))

    screen = run_in_terminal("verify", *names, columns=80, cwd=tmp_path)

    rows = [line for line in screen.text.splitlines() if "  skipped  " in line]
    assert [name for name, row in zip(names, rows, strict=True) if name in row] == names
    assert max(map(len, rows)) <= 80
