"""What commands do with a store that several hosts share."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import httpx
import pytest

from replaycache import Match
from replaycache.httpx import ReplayTransport
from replaycache.stores import CassetteStore, RedisStore, open_store
from tests.stores import shared_servers

from .recorded import CHAT, chat, replaycache
from .terminal import run_in_terminal

PASSWORD = "correct-horse-battery"


@pytest.fixture
def address() -> str:
    """Of a namespace that nobody else has, with a password in it that the server does not ask for."""
    server = shared_servers.server("valkey")
    store = shared_servers.fresh_store(server.url)
    namespace = store.location.partition("namespace=")[2]
    return f"redis://default:{PASSWORD}@{server.host}:{server.port}?namespace={namespace}"


KINDS = ("disk", "cassette", "shared")


def _name(kind: str, address: str, directory: Path) -> str:
    return {"disk": str(directory / "cache"), "cassette": str(directory / "kept.json"), "shared": address}[kind]


@pytest.mark.parametrize(("source", "target"), list(permutations(KINDS, 2)))
def test_recordings_go_from_every_store_to_every_other(
    source: str, target: str, address: str, tmp_path: Path
) -> None:
    first, _ = open_store(_name(source, address, tmp_path))
    made = chat("Which way?")
    identity = Match().identity(made.request)
    first.put(identity.key, made.with_parts(digest=identity.digest))
    first.close()
    into = _name(target, address, tmp_path)

    moved = replaycache("import", _name(source, address, tmp_path), "--store", into)
    again = replaycache("export", into, "--store", _name(source, address, tmp_path))

    assert (moved.exit_code, again.exit_code) == (0, 0), moved.stderr + again.stderr
    assert "1 recording written" in moved.stderr
    assert "already" in again.stderr
    assert PASSWORD not in moved.output + again.output
    with httpx.Client(transport=ReplayTransport(store=into, mode="replay")) as client:
        headers = {"content-type": "application/json"}
        answer = client.post(CHAT, content=made.request.body, headers=headers)
    assert answer.content == made.body.read()


def test_the_rules_under_which_it_was_recorded_travel(address: str, tmp_path: Path) -> None:
    """What was recorded under rules of its own answers nobody who asks without, wherever it is moved."""
    body = b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"temperature":0.5}'

    def ask(store: str, match: Match, mode: str = "auto", temperature: bytes = b"0.5") -> str:
        answer = b'{"choices":[{"message":{"content":"Yes"},"finish_reason":"stop"}]}'
        upstream = httpx.MockTransport(lambda _: httpx.Response(200, content=answer))
        with httpx.Client(transport=ReplayTransport(upstream, store=store, match=match, mode=mode)) as client:
            return str(
                client.post(CHAT, content=body.replace(b"0.5", temperature)).extensions["replaycache"].status
            )

    loose = Match(ignore=["temperature"])
    disk, other = str(tmp_path / "cache"), str(tmp_path / "other")
    assert ask(disk, loose) == "miss"
    assert replaycache("export", address, "--store", disk).exit_code == 0
    assert replaycache("export", other, "--store", address).exit_code == 0

    for store in (address, other):
        assert ask(store, loose, temperature=b"0.9") == "hit"
        assert ask(store, Match(), temperature=b"0.7") == "miss"


@pytest.mark.parametrize("command", ["ls", "stats", "show", "scrub", "explain"])
def test_commands_read_it(command: str, address: str) -> None:
    store = RedisStore(address)
    made = chat("A question for the team.")
    identity = Match().identity(made.request)
    store.put(identity.key, made.with_parts(digest=identity.digest))
    arguments = {"show": [f"{address}#{identity.key[:8]}"], "explain": [identity.key[:8], "--store", address]}

    done = replaycache(command, *arguments.get(command, [address]))

    assert done.exit_code == 0, done.stderr
    assert PASSWORD not in done.output
    if command != "scrub":
        assert "gpt-4o-mini" in done.stdout


def test_a_recording_is_removed_by_its_key_and_no_other(address: str) -> None:
    store = RedisStore(address)
    store.put("ab" * 16, chat("one"))
    store.put("cd" * 16, chat("two"))

    done = replaycache("prune", "abab", "--store", address, "--json")

    assert done.exit_code == 0, done.stderr
    assert list(store.keys()) == ["cd" * 16]
    assert "ab" * 16 in done.stdout


def test_rules_are_for_caches_on_a_disk(address: str) -> None:
    done = replaycache("prune", "--older-than", "1d", "--store", address)

    assert done.exit_code == 2
    assert "max_age" in done.stderr
    assert PASSWORD not in done.output


def test_what_is_no_server_is_told(tmp_path: Path) -> None:
    port = shared_servers.free_port()

    done = replaycache("ls", f"redis://someone:{PASSWORD}@127.0.0.1:{port}")

    assert done.exit_code == 3
    assert f"redis://127.0.0.1:{port}" in done.stderr
    assert PASSWORD not in done.output


def test_a_recording_is_not_copied_onto_itself(address: str) -> None:
    RedisStore(address).put("ab" * 16, chat("one"))

    for done in (
        replaycache("export", address, "--store", address),
        replaycache("import", address, "--store", address),
    ):
        assert done.exit_code == 2
        assert PASSWORD not in done.output


def test_what_looks_like_a_credential_stays_out_of_the_cassette(address: str, tmp_path: Path) -> None:
    secret = (
        "sk-proj-" + "Ab3dE5gH7jK9mN1pQ3sT5vX7zB2dF4hJ6lM8oR0tV2xZ4b6D8f" + "T3BlbkFJ" + "9kL1nP3rS5uW7yA9cE1gI3"
    )
    RedisStore(address).put("ab" * 16, chat(f"My key is {secret}."))

    done = replaycache("export", str(tmp_path / "kept.json"), "--store", address, "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout)["written"] == 0
    assert secret not in done.output
    assert not (tmp_path / "kept.json").exists() or not CassetteStore(tmp_path / "kept.json").all()


def test_a_shared_store_has_no_size_on_disk(address: str) -> None:
    store = RedisStore(address)
    store.put("ab" * 16, chat("one"))
    store.close()

    text = run_in_terminal("stats", address).text

    assert "stored      1 recording\n" in text
    assert "on disk" not in text
