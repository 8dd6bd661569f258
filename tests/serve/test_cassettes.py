"""Cassettes that calls name by header."""

from __future__ import annotations

import itertools
import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from replaycache.stores import CassetteStore
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.serve.proxies import Proxy, chat, client, completion, serving

NUMBERS = itertools.count(1)
SECRET = "sk-proj-" + "Ab3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zA" * 2


def _handle(request: Received, wire: Wire) -> None:
    if request.target == "/v1/poll":
        wire.answer(json.dumps({"number": next(NUMBERS)}).encode())
    else:
        wire.answer(completion(f"Answer {next(NUMBERS)}"))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cassettes")


@pytest.fixture(scope="module")
def both(directory: Path) -> Iterator[tuple[Proxy, ScriptedServer]]:
    with serving(_handle, cassettes=directory) as found:
        yield found


@pytest.fixture
def proxy(both: tuple[Proxy, ScriptedServer]) -> Proxy:
    return both[0]


def _end(proxy: Proxy, name: str, **headers: str) -> tuple[int, dict[str, object]]:
    with client(proxy) as asking:
        answer = asking.delete(f"{proxy.url}/_replaycache/cassettes/{name}", headers=headers)
    return answer.status_code, answer.json()


def test_a_cassette_is_recorded_once_and_replayed_in_order(
    both: tuple[Proxy, ScriptedServer], directory: Path
) -> None:
    proxy, server = both
    with client(proxy, **{"x-replaycache-cassette": "deep/er/order.json"}) as asking:
        recorded = [asking.get("/poll").json() for _ in range(2)]
        assert _end(proxy, "deep/er/order.json") == (200, {"ended": 1, "not_kept": []})
        before = len(server.requests)
        replayed = [asking.get("/poll").json() for _ in range(2)]
        third = asking.get("/poll")
        _end(proxy, "deep/er/order.json")

    assert recorded == replayed
    assert recorded[0] != recorded[1]
    assert len(server.requests) == before
    assert (third.status_code, third.json()["error"]["code"]) == (424, "already_played")
    assert "DELETE /_replaycache/cassettes/" in third.json()["error"]["message"]
    assert len(CassetteStore(directory / "deep" / "er" / "order.json").all()) == 2


def test_each_session_starts_at_the_first_answer(proxy: Proxy) -> None:
    with client(proxy, **{"x-replaycache-cassette": "sessions.json"}) as asking:
        recorded = [asking.get("/poll", headers={"x-replaycache-session": "one"}).json() for _ in range(2)]
        assert _end(proxy, "sessions.json", **{"x-replaycache-session": "one"})[1]["ended"] == 1
        told = [
            asking.get("/poll", headers={"x-replaycache-session": name}).json()
            for name in ("two", "three", "two", "three")
        ]

    assert told == [recorded[0], recorded[0], recorded[1], recorded[1]]
    assert _end(proxy, "sessions.json")[1]["ended"] == 2


def test_a_call_may_name_its_mode(proxy: Proxy) -> None:
    named = {"x-replaycache-cassette": "missing.json", "x-replaycache-mode": "replay"}
    with client(proxy, **named) as asking:
        answer = asking.post("/chat/completions", json=chat("Not there."))

    assert (answer.status_code, answer.json()["error"]["code"]) == (424, "cassette_not_found")
    _end(proxy, "missing.json")


@pytest.mark.parametrize(
    "name",
    [
        "../out.json",
        "a/../../out.json",
        "/etc/out.json",
        "a//b.json",
        "./a.json",
        ".hidden.json",
        ".git/a.json",
        "a\\b.json",
        "C:/a.json",
        "a.yaml",
        "a",
        "",
        "a/ /b.json",
        "a\tb.json",
        "x" * 600 + ".json",
    ],
)
def test_names_that_lead_elsewhere(proxy: Proxy, directory: Path, name: str) -> None:
    before = set(directory.rglob("*"))
    with client(proxy) as asking:
        answer = asking.get("/poll", headers={"x-replaycache-cassette": name})

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "replaycache_wrong_option")
    assert set(directory.rglob("*")) == before


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_out_of_the_directory(proxy: Proxy, directory: Path, tmp_path: Path) -> None:
    (directory / "link").symlink_to(tmp_path)
    (directory / "file.json").symlink_to(tmp_path / "file.json")
    with client(proxy) as asking:
        answers = [
            asking.get("/poll", headers={"x-replaycache-cassette": name}) for name in ("link/a.json", "file.json")
        ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert not list(tmp_path.iterdir())


def test_a_session_without_a_cassette(proxy: Proxy) -> None:
    with client(proxy) as asking:
        answer = asking.get("/poll", headers={"x-replaycache-session": "one"})

    assert "name the cassette" in answer.json()["error"]["message"]


def test_without_a_directory_no_cassette_may_be_named() -> None:
    with serving(_handle) as (proxy, server):
        with client(proxy) as asking:
            answer = asking.get("/poll", headers={"x-replaycache-cassette": "a.json"})
        ended = _end(proxy, "a.json")

    assert (answer.status_code, ended[0]) == (400, 400)
    assert "--cassettes DIR" in answer.json()["error"]["message"]
    assert not server.requests


@pytest.mark.filterwarnings("ignore::replaycache.ReplayCacheWarning")
def test_a_credential_is_told_when_the_session_ends(proxy: Proxy, directory: Path) -> None:
    with client(proxy, **{"x-replaycache-cassette": "secret.json"}) as asking:
        answer = asking.post("/chat/completions", json=chat(f"My key is {SECRET}."))
    status, told = _end(proxy, "secret.json")

    assert answer.status_code == 200
    assert (status, told["error"]["type"]) == (424, "replaycache_secret_found")
    assert SECRET not in json.dumps(told)
    assert not (directory / "secret.json").exists()
    assert _end(proxy, "secret.json") == (200, {"ended": 0, "not_kept": []})


@pytest.mark.filterwarnings("ignore::replaycache.ReplayCacheWarning")
def test_a_credential_is_told_at_the_end(tmp_path: Path) -> None:
    with serving(_handle, cassettes=tmp_path) as (proxy, _):
        with client(proxy, **{"x-replaycache-cassette": "secret.json"}) as asking:
            asking.post("/chat/completions", json=chat(f"My key is {SECRET}."))
        proxy.stop()
        written = proxy.log.getvalue()

    assert "Error: secret.json: not written to" in written
    assert SECRET not in written


def test_a_file_that_is_no_cassette(proxy: Proxy, directory: Path) -> None:
    (directory / "broken.json").write_text("{")
    with client(proxy, **{"x-replaycache-cassette": "broken.json"}) as asking:
        answer = asking.get("/poll")

    assert (answer.status_code, answer.json()["error"]["type"]) == (424, "replaycache_cassette_unusable")
    assert (directory / "broken.json").read_text() == "{"


def test_many_cassettes_are_let_go_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replaycache.serve.transports.CASSETTES_OPEN", 2)
    with serving(_handle, cassettes=tmp_path) as (proxy, server):
        with client(proxy) as asking:
            names = [f"{number}.json" for number in range(5)]
            recorded = [asking.get("/poll", headers={"x-replaycache-cassette": name}).json() for name in names]
            count = len(server.requests)
            replayed = [asking.get("/poll", headers={"x-replaycache-cassette": name}).json() for name in names[:3]]

    assert replayed == recorded[:3]
    assert len(server.requests) == count


def test_sessions_share_what_they_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where others on the same cassette have ended meanwhile."""
    monkeypatch.setattr("replaycache.serve.transports.CASSETTES_OPEN", 10)
    named = {"x-replaycache-cassette": "large.json"}
    with serving(_handle, cassettes=tmp_path) as (proxy, _):
        with client(proxy, **named) as asking:
            asking.post("/chat/completions", json=chat("x" * (256 << 10)))
            _end(proxy, "large.json")
            tracemalloc.start()
            try:
                for number in range(40):
                    asking.get("/poll", headers={"x-replaycache-session": str(number)})
                held, _ = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

    assert held < 12 << 20  # one copy, read and parsed, takes some 2 MB


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_to_itself(proxy: Proxy, directory: Path) -> None:
    (directory / "loop.json").symlink_to(directory / "loop.json")
    with client(proxy) as asking:
        answer = asking.get("/poll", headers={"x-replaycache-cassette": "loop.json"})

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "replaycache_wrong_option")
