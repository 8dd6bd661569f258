"""`replaycache export` and `replaycache import`."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replaycache import Body, CacheMiss, Chunk, Match, Recording, Request, ResponseHead, foreign, use_cassette
from replaycache.httpx import ReplayTransport
from replaycache.stores import CassetteStore, DiskStore

from .recorded import CHAT, answer_json, cassette, chat, disk, replaycache, stream

SECRET = "sk-proj-" + "Ab3dE5gH7jK9mN1pQ3sT5vX7zB2dF4hJ6lM8oR0tV2xZ4b6D8f" + "T3BlbkFJ" + "9kL1nP3rS5uW7yA9cE1gI3"


def _all(path: Path) -> dict[str, Recording]:
    store = DiskStore(path)
    found = {key: recording for key in store.keys() if (recording := store.get(key)) is not None}  # noqa: SIM118
    store.close()
    return found


def _answers(recordings: list[Recording]) -> list[tuple[bytes, int, bytes]]:
    return [(item.request.body, item.head.status, item.body.read()) for item in recordings]


# -- there and back ----------------------------------------------------------------------------------------


def test_a_cache_becomes_a_cassette_that_replays(tmp_path: Path) -> None:
    recording = chat(
        "Say hello.", stream({"choices": [{"delta": {"content": "Hi"}}]}), content_type="text/event-stream"
    )
    disk(tmp_path / "cache", recording, chat("other"))

    done = replaycache("export", str(tmp_path / "chat.json"), "--store", str(tmp_path / "cache"))

    assert done.exit_code == 0
    assert done.stdout == ""
    assert "2 recordings written" in done.stderr
    with use_cassette(tmp_path / "chat.json", mode="replay"), httpx.Client() as client:
        answer = client.post(CHAT, content=recording.request.body, headers={"content-type": "application/json"})
    assert answer.content == recording.body.read()


def test_a_cassette_becomes_a_cache_that_replays(tmp_path: Path) -> None:
    recording = chat()
    cassette(tmp_path / "chat.json", recording)

    assert replaycache("import", str(tmp_path / "chat.json"), "--store", str(tmp_path / "cache")).exit_code == 0

    transport = ReplayTransport(store=str(tmp_path / "cache"), mode="replay")
    with httpx.Client(transport=transport) as client:
        answer = client.post(CHAT, content=recording.request.body, headers={"content-type": "application/json"})
    assert answer.content == recording.body.read()
    (kept,) = _all(tmp_path / "cache").values()
    assert kept.usage is not None
    assert kept.usage.output_tokens == 34
    assert kept.measured


_SPEECH = "https://api.openai.com/v1/audio/speech"
_chunks = st.lists(
    st.builds(
        lambda data, offset: Chunk(b"\xff" + data, offset / 1e6), st.binary(max_size=40), st.integers(0, 10**7)
    ),
    min_size=1,
    max_size=5,
)
_texts = st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=4)


def _document(texts: list[str]) -> list[Chunk]:
    """In pieces, one a text."""
    body = json.dumps({"choices": [{"message": {"content": texts}, "finish_reason": "stop"}]}).encode()
    size = len(body) // len(texts)
    return [Chunk(body[at : at + size], at / 1e6) for at in range(0, len(body), size)]


def _stream(texts: list[str]) -> list[Chunk]:
    events = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    return [
        *(Chunk(f"data: {json.dumps(event)}\n\n".encode(), 0.5) for event in events),
        Chunk(b"data: [DONE]\n\n", 1.0),
    ]


_contents = st.one_of(
    st.builds(lambda texts: (CHAT, "application/json", _document(texts)), _texts),
    st.builds(lambda chunks: (_SPEECH, "application/octet-stream", chunks), _chunks),
    st.builds(lambda chunks: (_SPEECH, "audio/mpeg", chunks), _chunks),
    st.builds(lambda texts: (CHAT, "text/event-stream", _stream(texts)), _texts),
)
_cacheable = st.builds(
    lambda asked, content, latency, at: Recording(
        request=Request(
            "POST",
            content[0],
            (("content-type", "application/json"),),
            json.dumps({"model": "m", "messages": [], "input": asked, "voice": "v"}).encode(),
        ),
        head=ResponseHead(200, (("content-type", content[1]),)),
        body=Body.of(content[2]),
        digest="",
        recorded_at=1.7e9 + at,
        latency=latency,
    ),
    st.text(st.characters(codec="utf-8"), max_size=30),
    _contents,
    st.integers(0, 10**6).map(lambda number: number / 1e6),
    st.integers(0, 10**6).map(float),
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_cacheable, min_size=1, max_size=4, unique_by=lambda item: item.request.body))
def test_cache_cassette_cache_cassette_is_the_same_to_the_byte(
    tmp_path_factory: pytest.TempPathFactory, recordings: list[Recording]
) -> None:
    there = tmp_path_factory.mktemp("trip")
    for recording in recordings:
        recording.digest = Match().identity(recording.request).digest
    disk(there / "first", *recordings)

    for source, target in (("first", "a.json"), ("a.json", "second"), ("second", "c.json")):
        command = "import" if source.endswith(".json") else "export"
        names = (target, "--store", source) if command == "export" else (source, "--store", target)
        arguments = [name if name.startswith("--") else str(there / name) for name in names]
        assert replaycache(command, *arguments).exit_code == 0

    assert _all(there / "second").keys() == _all(there / "first").keys()
    back = CassetteStore(there / "c.json").all()
    # of an empty chunk nothing is left in a stored body, and of an empty body no chunk
    assert [item.body.read() for item in back] == [item.body.read() for item in recordings]
    assert [list(item.body) for item in back] == [
        list(item.body) for item in CassetteStore(there / "a.json").all()
    ]
    assert [item.request.body for item in back] == [item.request.body for item in recordings]
    assert [item.head for item in back] == [item.head for item in recordings]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_cacheable, min_size=1, max_size=3))
def test_a_cassette_of_vcrpy_has_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, recordings: list[Recording]
) -> None:
    there = tmp_path_factory.mktemp("vcr")
    cassette(there / "a.json", *recordings)

    done = replaycache("export", str(there / "b.yaml"), "--store", str(there / "a.json"))

    assert done.exit_code == 0
    assert _answers(foreign.read(there / "b.yaml")) == _answers(recordings)


def test_what_others_recorded_is_marked_as_its_api_tells_it(tmp_path: Path) -> None:
    """It came to a clean end and replays as it came; who reviews it sees that it is half an answer, or none."""
    cut = chat("cut", stream({"choices": [{"index": 0}]}, ends=False), content_type="text/event-stream")
    failed = chat("failed", b'{"error": {"message": "overloaded"}}')
    cassette(tmp_path / "a.json", chat("whole"), cut, failed)

    replaycache("export", str(tmp_path / "b.yaml"), "--store", str(tmp_path / "a.json"))
    replaycache("import", str(tmp_path / "b.yaml"), "--store", str(tmp_path / "c.json"))

    recordings = CassetteStore(tmp_path / "c.json").all()
    assert [recording.verdict for recording in recordings] == ["whole", "unfinished", "failed"]
    assert all(recording.complete for recording in recordings)


# -- which recordings --------------------------------------------------------------------------------------


def test_only_those_that_are_named(tmp_path: Path) -> None:
    first, _ = disk(tmp_path / "cache", chat("a"), chat("b"))

    replaycache("export", str(tmp_path / "c.json"), first[:8], "--store", str(tmp_path / "cache"))

    assert [item.request.body for item in CassetteStore(tmp_path / "c.json").all()] == [chat("a").request.body]


def test_only_those_of_a_model_and_a_time(tmp_path: Path) -> None:
    disk(
        tmp_path / "cache",
        chat("a", answer_json(model="o3"), model="o3"),
        chat("b"),
        chat("c", age=30 * 86400),
    )

    replaycache(
        "export", str(tmp_path / "c.json"), "--model", "gpt-*", "--since", "7d", "--store", str(tmp_path / "cache")
    )

    assert len(CassetteStore(tmp_path / "c.json")) == 1


def test_nothing_meant_writes_nothing(tmp_path: Path) -> None:
    disk(tmp_path / "cache", chat())

    for target in ("c.json", "c.yaml"):
        done = replaycache("export", str(tmp_path / target), "--model", "o3", "--store", str(tmp_path / "cache"))
        assert done.exit_code == 1
        assert not (tmp_path / target).exists()


def test_a_key_that_is_not_there_and_one_that_is_too_short(tmp_path: Path) -> None:
    disk(tmp_path / "cache", chat())

    for key, status in (("ffffffff", 1), ("f", 2), ("no key", 2)):
        done = replaycache("export", str(tmp_path / "c.json"), key, "--store", str(tmp_path / "cache"))
        assert done.exit_code == status
        assert not (tmp_path / "c.json").exists()


def test_an_ambiguous_key_lists_what_it_may_be(tmp_path: Path) -> None:
    recording = chat()
    store = DiskStore(tmp_path / "cache")
    for end in "01":
        store.put("abcd" + end * 28, recording)
    store.close()

    done = replaycache("export", str(tmp_path / "c.json"), "abcd", "--store", str(tmp_path / "cache"))

    assert done.exit_code == 2
    assert done.stderr.count("abcd") >= 3
    assert not (tmp_path / "c.json").exists()


# -- once more ---------------------------------------------------------------------------------------------


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    cassette(tmp_path / "a.json", chat("same", answer_json("1")), chat("same", answer_json("2")), chat("other"))

    first = replaycache("import", str(tmp_path / "a.json"), "--store", str(tmp_path / "cache"), "--json")
    again = replaycache("import", str(tmp_path / "a.json"), "--store", str(tmp_path / "cache"), "--json")

    assert json.loads(first.stdout) | {"target": ""} == {
        "target": "", "written": 2, "known": 0, "repeated": 1, "left_out": [], "secrets": [], "damaged": [],
    }  # fmt: skip
    assert again.exit_code == 0
    kept = _all(tmp_path / "cache")
    assert sorted(json.loads(item.body.read())["choices"][0]["message"]["content"] for item in kept.values()) == [
        "2",
        "Hello.",
    ]


def test_exporting_again_adds_only_what_is_new(tmp_path: Path) -> None:
    cassette(tmp_path / "a.json", chat("poll", answer_json("1")), chat("poll", answer_json("1")))
    target = tmp_path / "b.json"
    replaycache("export", str(target), "--store", str(tmp_path / "a.json"))
    assert len(CassetteStore(target)) == 2  # the same answer twice is two answers
    before = target.read_bytes()

    done = replaycache("export", str(target), "--store", str(tmp_path / "a.json"))

    assert done.exit_code == 0
    assert "2 there already" in done.stderr
    assert target.read_bytes() == before
    cassette(tmp_path / "c.json", chat("new"))
    replaycache("export", str(target), "--store", str(tmp_path / "c.json"))
    assert len(CassetteStore(target)) == 3


def test_a_file_that_exists_is_only_written_anew_by_force(tmp_path: Path) -> None:
    disk(tmp_path / "cache", chat("a"))
    for name in ("c.yaml", "c.yml"):
        (tmp_path / name).write_text("mine")
        refused = replaycache("export", str(tmp_path / name), "--store", str(tmp_path / "cache"))
        assert refused.exit_code == 3
        assert "--force" in refused.stderr
        assert (tmp_path / name).read_text() == "mine"
        assert (
            replaycache("export", str(tmp_path / name), "--force", "--store", str(tmp_path / "cache")).exit_code
            == 0
        )
        assert (tmp_path / name).read_text() != "mine"
    cassette(tmp_path / "c.json", chat("b"), chat("c"))
    replaycache("export", str(tmp_path / "c.json"), "--force", "--store", str(tmp_path / "cache"))
    assert [item.request.body for item in CassetteStore(tmp_path / "c.json").all()] == [chat("a").request.body]


def test_a_store_is_not_moved_into_itself(tmp_path: Path) -> None:
    disk(tmp_path / "cache", chat())
    cassette(tmp_path / "c.json", chat())

    for name in ("cache", "c.json"):
        path = str(tmp_path / name)
        assert replaycache("export", path, "--store", path).exit_code == 2
        assert replaycache("import", path, "--store", path).exit_code == 2


# -- what may not go there ---------------------------------------------------------------------------------


def test_what_a_cache_cannot_have_is_told(tmp_path: Path) -> None:
    cut = chat("cut", stream({"choices": []}, ends=False), content_type="text/event-stream")
    cassette(
        tmp_path / "a.json",
        chat("good"),
        chat("limited", status=429),
        chat("deleted", url="https://api.openai.com/v1/files"),
        chat("partial", complete=False),
        cut,
    )

    done = replaycache("import", str(tmp_path / "a.json"), "--store", str(tmp_path / "cache"))

    assert done.exit_code == 0
    assert len(_all(tmp_path / "cache")) == 1
    for number, why in (
        (2, "429"),
        (3, "calls that generate"),
        (4, "not all there"),
        (5, "ends before it is whole"),
    ):
        assert f"recording {number}: left out" in done.stderr
        assert why in done.stderr


def test_a_secret_does_not_get_into_a_file(tmp_path: Path) -> None:
    disk(tmp_path / "cache", chat(f"my key is {SECRET}"), chat("good"))

    for target in ("c.json", "c.yaml"):
        done = replaycache("export", str(tmp_path / target), "--store", str(tmp_path / "cache"))
        assert done.exit_code == 1
        assert "request.body.messages[0].content" in done.stderr
        assert SECRET not in done.stderr
        assert SECRET not in (tmp_path / target).read_text()
        assert "good" in (tmp_path / target).read_text()


def test_where_every_recording_holds_a_secret_no_file_is_made(tmp_path: Path) -> None:
    disk(tmp_path / "cache", chat(f"my key is {SECRET}"))

    for target in ("c.json", "c.yaml"):
        assert replaycache("export", str(tmp_path / target), "--store", str(tmp_path / "cache")).exit_code == 1
        assert not (tmp_path / target).exists()


def test_a_secret_is_replaced_on_request(tmp_path: Path) -> None:
    disk(tmp_path / "cache", chat(f"my key is {SECRET}"))

    done = replaycache(
        "export", str(tmp_path / "c.json"), "--secrets", "replace", "--store", str(tmp_path / "cache")
    )

    assert done.exit_code == 0
    assert "REDACTED-" in (tmp_path / "c.json").read_text()
    assert SECRET not in (tmp_path / "c.json").read_text()


def test_headers_are_kept_by_the_present_list(tmp_path: Path) -> None:
    recording = chat()
    recording.head = ResponseHead(
        200, (("content-type", "application/json"), ("set-cookie", "a=b"), ("x-mine", "1"))
    )
    cassette(tmp_path / "a.json", recording)

    replaycache("export", str(tmp_path / "b.json"), "--store", str(tmp_path / "a.json"))
    replaycache("export", str(tmp_path / "c.json"), "--store", str(tmp_path / "a.json"), "--keep-header", "x-mine")

    written = (tmp_path / "b.json").read_text() + (tmp_path / "c.json").read_text()
    assert '"set-cookie": ' not in written
    assert '"left_out": ["set-cookie"' in written
    assert '"x-mine": ' not in (tmp_path / "b.json").read_text()
    assert '"x-mine": ' in (tmp_path / "c.json").read_text()


def test_a_recording_under_rules_of_the_users_own_keeps_its_key_from_cache_to_cache(tmp_path: Path) -> None:
    recording = chat()
    identity = Match(scope="mine").identity(recording.request)
    recording.digest = identity.digest
    store = DiskStore(tmp_path / "a")
    store.put(identity.key, recording)
    store.close()

    replaycache("export", str(tmp_path / "b"), "--store", str(tmp_path / "a"))

    assert {key: item.digest for key, item in _all(tmp_path / "b").items()} == {identity.key: identity.digest}


def test_a_header_that_counts_by_rules_of_the_users_own_stays_with_its_recording(tmp_path: Path) -> None:
    """Without it, one tenant would be told what the other was."""
    match = Match(headers=["x-tenant"])

    def ask(store: str, mode: str, **headers: str) -> bytes:
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"choices": [], "tenant": request.headers["x-tenant"]})

        inner = httpx.MockTransport(answer)
        transport = ReplayTransport(inner, store=str(tmp_path / store), mode=mode, match=match)
        with httpx.Client(transport=transport) as client:
            body = {"model": "m", "messages": []}
            return client.post(CHAT, json=body, headers={"cookie": "secret", **headers}).content

    for tenant in ("a", "b"):
        ask("cache", "auto", **{"x-tenant": tenant})
    replaycache("export", str(tmp_path / "c.json"), "--store", str(tmp_path / "cache"))
    replaycache("export", str(tmp_path / "d.json"), "--store", str(tmp_path / "c.json"))

    for copy in ("c.json", "d.json"):
        assert json.loads(ask(copy, "replay", **{"x-tenant": "b"}))["tenant"] == "b"
        with pytest.raises(CacheMiss):
            ask(copy, "replay")
        assert "secret" not in (tmp_path / copy).read_text()


# -- bad input ---------------------------------------------------------------------------------------------


def test_a_damaged_file_among_several_is_known_before_anything_is_written(tmp_path: Path) -> None:
    cassette(tmp_path / "good.json", chat())
    (tmp_path / "bad.yaml").write_text("interactions:\n- request: {method: GET\n")

    for target in ("cache", "target.json"):
        done = replaycache(
            "import", str(tmp_path / "good.json"), str(tmp_path / "bad.yaml"), "--store", str(tmp_path / target)
        )
        assert done.exit_code == 3
        assert "bad.yaml" in done.stderr
        assert not (tmp_path / target).exists()


def test_paths_that_do_not_exist(tmp_path: Path) -> None:
    done = replaycache("import", str(tmp_path / "nowhere.json"), "--store", str(tmp_path / "cache"))
    assert done.exit_code == 3
    assert "does not exist" in done.stderr
    assert not (tmp_path / "cache").exists()
    assert replaycache("export", str(tmp_path / "c.json"), "--store", str(tmp_path / "nowhere")).exit_code == 3


def test_a_directory_of_something_else_is_not_made_a_cache(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    cassette(tmp_path / "a.json", chat())

    done = replaycache("import", str(tmp_path / "a.json"), "--store", str(tmp_path / "home"))

    assert done.exit_code == 3
    assert "something else" in done.stderr
    assert os.listdir(tmp_path / "home") == ["letter.txt"]


def test_a_cassette_of_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    newer = b'{"format": "replaycache/9", "recordings": []}\n'
    (tmp_path / "newer.json").write_bytes(newer)
    cassette(tmp_path / "a.json", chat())

    for arguments in (
        ("import", str(tmp_path / "newer.json"), "--store", str(tmp_path / "b.json")),
        ("import", str(tmp_path / "a.json"), "--store", str(tmp_path / "newer.json")),
        ("export", str(tmp_path / "newer.json"), "--force", "--store", str(tmp_path / "a.json")),
    ):
        done = replaycache(*arguments)
        assert done.exit_code == 3
        assert "Upgrade replaycache" in done.stderr
    assert (tmp_path / "newer.json").read_bytes() == newer


def test_a_damaged_entry_of_a_cache_is_told_and_the_others_are_moved(tmp_path: Path) -> None:
    damaged, _ = disk(tmp_path / "cache", chat("a"), chat("b"))
    with closing(sqlite3.connect(tmp_path / "cache" / "cache.db")) as database, database:
        database.execute("UPDATE Cache SET value = substr(value, 1, 60) WHERE key = ?", (damaged,))

    done = replaycache("export", str(tmp_path / "c.json"), "--store", str(tmp_path / "cache"))

    assert done.exit_code == 3
    assert damaged in done.stderr
    assert len(CassetteStore(tmp_path / "c.json")) == 1


INTERRUPTED = """
import itertools, os, signal, sys
from replaycache.maintenance import moving
from replaycache.cli import main

original, calls = moving.redacted, itertools.count()

def redacted(*arguments):
    if next(calls) == 2:
        os.kill(os.getpid(), signal.SIGINT)  # the user, at a moment that the test decides
    return original(*arguments)

moving.redacted = redacted
main(sys.argv[1:])
"""


@pytest.mark.skipif(os.name == "nt", reason="there are no signals to send on Windows")
@pytest.mark.parametrize("target", ["c.json", "c.yaml"])
def test_what_is_interrupted_leaves_the_file_as_it_was(tmp_path: Path, target: str) -> None:
    disk(tmp_path / "cache", *(chat(f"number {number}") for number in range(5)))
    cassette(tmp_path / "c.json", chat("before"))
    (tmp_path / "c.yaml").write_text("before")
    before = (tmp_path / target).read_bytes()

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            INTERRUPTED,
            "export",
            str(tmp_path / target),
            "--force",
            "--store",
            str(tmp_path / "cache"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 130, done.stderr
    assert done.stderr.strip() == ""
    assert (tmp_path / target).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.json", "c.yaml", "cache"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes among its files")
@pytest.mark.parametrize("name", ["pipe.json", "pipe.yaml"])
def test_a_pipe_is_neither_waited_for_nor_replaced(name: str, tmp_path: Path) -> None:
    disk(tmp_path / "cache", chat())
    cassette(tmp_path / "chat.json", chat())
    os.mkfifo(tmp_path / name)

    written = replaycache("export", str(tmp_path / name), "--force", "--store", str(tmp_path / "cache"))
    taken = replaycache("import", str(tmp_path / "chat.json"), "--store", str(tmp_path / name))

    assert (written.exit_code, taken.exit_code) == (3, 3)
    assert "is a pipe or a device" in written.stderr
    assert "is a pipe or a device" in taken.stderr
    assert (tmp_path / name).is_fifo()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="its file names are Unicode")
def test_a_name_that_is_no_utf_8_can_be_written_to(tmp_path: Path) -> None:
    disk(tmp_path / "cache", chat())
    target = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.json")

    done = replaycache("export", target, "--store", str(tmp_path / "cache"))

    assert done.exit_code == 0
    assert len(CassetteStore(target)) == 1


def test_the_names_of_headers_that_were_left_out_travel_through_every_store(tmp_path: Path) -> None:
    recording = chat()
    recording.head = dataclasses.replace(recording.head, left_out=("cf-ray", "set-cookie"))
    sent = dataclasses.replace(recording.request, left_out=("authorization", "user-agent"))
    cassette(tmp_path / "a.json", recording.with_parts(request=sent))

    for source, target in (("a.json", "cache"), ("cache", "c.json")):
        command, store = ("import", target) if source.endswith(".json") else ("export", source)
        name = source if command == "import" else target
        assert replaycache(command, str(tmp_path / name), "--store", str(tmp_path / store)).exit_code == 0

    (back,) = CassetteStore(tmp_path / "c.json").all()
    assert back.head.left_out == ("cf-ray", "set-cookie")
    assert back.request.left_out == ("authorization", "user-agent")


def test_what_is_larger_than_a_cassette_takes_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(tmp_path / "cache", chat("small"), chat("large", answer_json("x" * 5000)))
    monkeypatch.setattr(CassetteStore, "largest", 5000)

    done = replaycache("export", str(tmp_path / "a.json"), "--store", str(tmp_path / "cache"))

    assert done.exit_code == 0
    assert "and a cassette takes up to 5,000" in done.stderr
    assert len(CassetteStore(tmp_path / "a.json")) == 1
