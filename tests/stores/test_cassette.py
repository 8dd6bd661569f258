"""The cassette: one file that people read, review and commit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import (
    Body,
    CacheMiss,
    CassetteError,
    Chunk,
    ConfigurationError,
    Match,
    Recording,
    Request,
    ResponseHead,
    use_cassette,
)
from replaycache.stores import CassetteStore, MemoryStore
from replaycache.stores.cassette.text import dump, dump_recording, load
from tests.drivers import Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.test_transports import ASKED, CHAT, EVENTS, STREAMED, stream_events

URL = "https://api.openai.com/v1/chat/completions"


def recorded(asked: str = "hello", answer: bytes = b'{"answer":1}', **changes: Any) -> Recording:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": asked}]}, separators=(",", ":"))
    return Recording(
        request=Request("POST", URL, (("content-type", "application/json"),), body.encode()),
        head=ResponseHead(200, (("content-type", changes.pop("content_type", "application/json")),)),
        body=changes.pop("body", Body.of([Chunk(answer, 0.0)])),
        digest="",
        recorded_at=1_795_298_445.25,
        latency=0.5,
        **changes,
    )


def identity_of(recording: Recording) -> Any:
    return Match().identity(recording.request, sample=recording.sample)


def fill(path: Path, *recordings: Recording) -> None:
    store = CassetteStore(path)
    store.append(*recordings)
    store.close()


# -- the text --------------------------------------------------------------------------------------------

BODIES = [
    b"",
    b"{}",
    b'{"a":1,"b":[1.5,null,true,"\xc3\xa9"]}',
    b'{"a": 1, "b": "\\u00e9"}',
    b'{\n  "a": [\n    1\n  ]\n}',
    b'{\n  "a": 1\n}\n',
    b'{"a":1.0,"a":2}',
    b'{"n":123456789012345678901234567890}',
    b'{"f":1e5}',
    b'{"s":"\\ud83d"}',
    b'{"x":NaN}',
    b'{"cut":',
    b"plain text\r\nwith lines",
    b"\xff\xfe binary \x00",
    b'"a text"',
    b"[1, 2]",
    b'{"events": []}',
]


@pytest.mark.parametrize("body", BODIES)
def test_every_body_comes_back_to_the_byte(body: bytes) -> None:
    made = recorded(answer=body)
    sent = Request("POST", URL, (("content-type", "application/json"),), body)
    made = Recording(
        request=sent, head=made.head, body=made.body if body else Body(), digest="", recorded_at=1.5, sample=3
    )

    (back,) = load(dump([dump_recording(made)]).encode(), "x.json")

    assert back.request == sent
    assert back.body.read() == body
    assert (back.sample, back.recorded_at, back.head) == (3, 1.5, made.head)


pieces = st.lists(
    st.one_of(
        st.sampled_from([*EVENTS, b"data: a\n\n", b"event: x\ndata: y\n\ndata: z\n\n", b"\r\n", b"\n", b"\xc3"]),
        st.binary(min_size=1, max_size=12),
    ),
    max_size=8,
)


@given(pieces)
def test_every_stream_comes_back_chunk_for_chunk(data: list[bytes]) -> None:
    chunks = [Chunk(piece, number / 8) for number, piece in enumerate(data)]
    made = recorded(content_type="text/event-stream", body=Body.of(chunks))

    (back,) = load(dump([dump_recording(made)]).encode(), "x.json")

    assert list(back.body) == chunks


def test_a_stream_is_one_event_a_line_with_its_offset_and_the_answer_beside_it() -> None:
    body = Body.of([Chunk(EVENTS[0] + EVENTS[1] + EVENTS[2], 0.25), Chunk(b"ta" + EVENTS[3][2:] + EVENTS[4], 1.5)])

    text = dump_recording(recorded(content_type="text/event-stream", body=body))

    lines = [line.strip() for line in text.splitlines()]
    assert '[0.25,{"data":{"choices":[{"index":0,"delta":{"content":"hé"}}]}}],' in lines
    assert r'["data: [DONE]\n\n"]' in lines
    assert '"assembled": "hé world"' in lines


def test_a_reviewer_reads_prompt_and_answer() -> None:
    text = dump_recording(recorded("What is the weather?", b'{"choices":[{"message":{"content":"Sunny."}}]}'))

    assert '"content": "What is the weather?"' in text
    assert '"content": "Sunny."' in text
    assert "\\" not in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b'{"format": "replaycache/1", "recordings": [', "cut short or edited"),
        (b"<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n", "line 1.*merge conflicts"),
        (b"[]", 'has no "format"'),
        (b'{"format": "vcr/1", "recordings": []}', "format is 'vcr/1'"),
        (b'{"format": "replaycache/2", "recordings": []}', "replaycache/2.*Upgrade"),
        (b'{"format": "replaycache/1"}', 'no list of "recordings"'),
        (b'{"format": "replaycache/1", "recordings": [{}]}', "recordings.0. has no 'request'"),
        (b'{"format": "replaycache/1", "recordings": [5]}', "recordings.0. is no object"),
    ],
)
@pytest.mark.parametrize("mode", ["auto", "replay", "record", "once"])
def test_a_file_that_cannot_be_read_says_so_in_every_mode_and_stays(
    driver: Driver, tmp_path: Path, text: bytes, says: str, mode: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(text)

    async def body() -> None:
        async with driver.client(store=str(path), mode=mode) as client:
            with pytest.raises(CassetteError, match=f"broken.json.*{says}"):
                await client.post("http://127.0.0.1:9" + CHAT, json=ASKED)

    driver.run(body)
    with pytest.raises(CassetteError, match=says):
        fill(path, recorded())
    assert path.read_bytes() == text
    assert [item.name for item in tmp_path.iterdir()] == ["broken.json"]


# -- sessions --------------------------------------------------------------------------------------------


def test_answers_come_in_the_order_in_which_they_were_recorded(driver: Driver, tmp_path: Path) -> None:
    path = str(tmp_path / "c.json")

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            url = server.url
            async with driver.client(store=path, mode="auto") as client:
                live = [(await client.post(url + CHAT, json=ASKED)).json() for _ in range(3)]
                poll = [(await client.request("GET", url + "/v1/batches/b")).json() for _ in range(2)]
        for _ in range(2):
            async with driver.client(store=path, mode="replay") as client:
                assert [(await client.request("GET", url + "/v1/batches/b")).json() for _ in range(2)] == poll
                assert [(await client.post(url + CHAT, json=ASKED)).json() for _ in range(3)] == live
                with pytest.raises(CacheMiss) as caught:
                    await client.post(url + CHAT, json=ASKED)
                assert caught.value.reason == "already_played"

        assert live == [{"answer": 1}, {"answer": 2}, {"answer": 3}]

    driver.run(body)


def test_every_status_is_recorded_and_a_retry_replays_what_came_next(driver: Driver, tmp_path: Path) -> None:
    path = str(tmp_path / "c.json")
    statuses = iter([429, 200])

    def handle(request: Received, wire: Wire) -> None:
        wire.answer(b'{"x": 1}', status=next(statuses))

    async def body() -> None:
        with ScriptedServer(handle) as server:
            url = server.url
            async with driver.client(store=path) as client:
                for _ in range(2):
                    await client.post(url + CHAT, json=ASKED)
        async with driver.client(store=path, mode="replay") as client:
            assert [(await client.post(url + CHAT, json=ASKED)).status_code for _ in range(2)] == [429, 200]

    driver.run(body)


def test_repeats_same_gives_the_last_answer_again(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    fill(path, recorded(answer=b"1"), recorded(answer=b"2"))

    async def body() -> None:
        async with driver.client(store=str(path), mode="replay", repeats="same") as client:
            asked = recorded().request.json()
            assert [(await client.post(URL, json=asked)).content for _ in range(3)] == [b"2"] * 3

    driver.run(body)


def test_what_is_verified_again_after_a_failure_is_compared_with_the_same_recording(
    driver: Driver, tmp_path: Path
) -> None:
    """Each answer has a shape of its own: the next one's would be told as drift."""
    answers = iter([b'{"a":1}', b'{"b":1}', b"", b'{"a":1}', b'{"b":1}'])

    def handle(request: Received, wire: Wire) -> None:
        answer = next(answers)
        wire.answer(answer) if answer else wire.cut()

    async def body() -> None:
        path = str(tmp_path / "c.json")
        with ScriptedServer(handle) as server:
            url = server.url + CHAT
            async with driver.client(store=path, mode="auto") as client:
                for _ in range(2):
                    await client.post(url, json=ASKED)
            async with driver.client(store=path, mode="verify", on_drift="raise") as client:
                with pytest.raises(driver.module.TransportError):
                    await client.post(url, json=ASKED)
                for _ in range(2):
                    await client.post(url, json=ASKED)

    driver.run(body)


def test_recording_anew_replaces_and_what_came_back_unchanged_keeps_its_lines(
    driver: Driver, tmp_path: Path
) -> None:
    path = tmp_path / "c.json"
    answers = iter([b"1", b"2", b"3", b"1", b"changed"])

    def handle(request: Received, wire: Wire) -> None:
        wire.answer(next(answers), content_type="text/plain")

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=str(path)) as client:
                for _ in range(3):
                    await client.post(server.url + CHAT, json=ASKED)
            before = path.read_text().splitlines()
            async with driver.client(store=str(path), mode="record") as client:
                for _ in range(2):
                    await client.post(server.url + CHAT, json=ASKED)
        after = path.read_text().splitlines()

        assert [item.body.read() for item in CassetteStore(path).all()] == [b"1", b"changed"]
        first = next(index for index, line in enumerate(before) if line == "    },")
        assert after[: first + 1] == before[: first + 1]

    driver.run(body)


def test_recording_again_what_has_not_changed_changes_no_byte(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "c.json"

    async def body() -> None:
        with ScriptedServer(stream_events) as server:
            for mode in ("auto", "record"):
                async with driver.client(store=str(path), mode=mode) as client:
                    for seed in range(3):
                        await client.post(server.url + CHAT, json={**STREAMED, "seed": seed})
                texts.append(path.read_bytes())

    texts: list[bytes] = []
    driver.run(body)
    assert texts[0] == texts[1]


def test_adding_a_call_adds_lines_in_one_place(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    fill(path, recorded("a"), recorded("b"))
    before = path.read_text().splitlines()
    fill(path, recorded("c"))
    after = path.read_text().splitlines()

    end = before.index("  ]")
    assert after[: end - 1] == before[: end - 1]
    assert after[-2:] == before[-2:]


def test_an_edited_request_takes_effect(driver: Driver, tmp_path: Path) -> None:
    """No key is trusted from the file."""
    path = tmp_path / "c.json"
    fill(path, recorded("helo"))
    path.write_text(path.read_text().replace("helo", "hello"))

    async def body() -> None:
        async with driver.client(store=str(path), mode="replay") as client:
            answer = await client.post(URL, json=recorded("hello").request.json())
            assert outcome_of(answer).status == "hit"

    driver.run(body)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"json": {\n          "answer": 1\n        }', '"base64": "!"'),
        ('"json": {\n          "answer": 1\n        }', '"layout": "odd", "json": 1'),
        ('"json": {\n          "answer": 1\n        }', '"events": [5]'),
        ('"json": {\n          "answer": 1\n        }', '"events": [["text"]]'),
        ('"json": {\n          "answer": 1\n        }', '"text": 5'),
        ('"json": {\n          "answer": 1\n        }', '"text": "a", "json": 1'),
        ('"status": 200', '"status": "ok"'),
    ],
)
def test_an_answer_edited_into_nonsense_is_an_error_and_no_miss(
    driver: Driver, tmp_path: Path, old: str, new: str
) -> None:
    path = tmp_path / "c.json"
    fill(path, recorded("hello"))
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))

    async def body() -> None:
        for mode in ("auto", "replay"):
            async with driver.client(store=str(path), mode=mode) as client:
                with pytest.raises(CassetteError, match=r"c.json, line \d+: recordings\[0\].response"):
                    await client.post(URL, json=recorded("hello").request.json())

    driver.run(body)


def test_samples_are_kept_apart(driver: Driver, tmp_path: Path) -> None:
    path = str(tmp_path / "c.json")

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            url = server.url
            async with driver.client(store=path) as client:
                for sample in ("1", "0"):
                    await client.post(url + CHAT, json=ASKED, headers={"x-replaycache-sample": sample})
        async with driver.client(store=path, mode="replay") as client:
            for sample, number in (("0", 2), ("1", 1)):
                answer = await client.post(url + CHAT, json=ASKED, headers={"x-replaycache-sample": sample})
                assert answer.json() == {"answer": number}

    driver.run(body)


def test_a_stream_closed_early_is_drained_and_replays(driver: Driver, tmp_path: Path) -> None:
    path = str(tmp_path / "c.json")

    async def body() -> None:
        with ScriptedServer(stream_events) as server:
            url = server.url
            async with driver.client(store=path) as client:
                stream = await client.open(url + CHAT, json=STREAMED)
                await stream.close()
        async with driver.client(store=path, mode="replay") as client:
            stream = await client.open(url + CHAT, json=STREAMED)
            assert b"".join(await stream.chunks()) == b"".join(EVENTS)
            await stream.close()

    driver.run(body)


def test_what_could_not_be_drained_never_looks_like_the_end(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    fill(path, recorded(content_type="text/event-stream", body=Body.of([Chunk(EVENTS[0], 0.0)]), complete=False))
    asked = recorded().request.json()

    async def body() -> None:
        async with driver.client(store=str(path), mode="replay") as client:
            stream = await client.open(URL, json=asked)
            assert await stream.next_chunk() == EVENTS[0]
            with pytest.raises(CassetteError, match="the answer did not"):
                await stream.next_chunk()
            await stream.close()
        async with driver.client(store=str(path), mode="replay") as client:
            with pytest.raises(CassetteError, match="the answer did not"):
                await client.post(URL, json=asked)

    driver.run(body)
    assert '"complete": false' in path.read_text()


def test_deferred_writes_once_and_not_at_all_where_the_block_fails(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    store = CassetteStore(path)
    with store.deferred():
        store.append(recorded("a"))
        assert not path.exists()
    kept = path.read_bytes()

    def fail() -> None:
        with store.deferred():
            store.append(recorded("b"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert path.read_bytes() == kept
    assert len(store) == 1


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    code = """
import sys
from tests.stores.test_cassette import CassetteStore, recorded
store = CassetteStore(sys.argv[1])
for number in range(15):
    made = recorded(f"{sys.argv[2]} {number}")
    store.append(made)
"""
    root = Path(__file__).resolve().parent.parent.parent
    workers = [subprocess.Popen([sys.executable, "-c", code, str(path), name], cwd=root) for name in "abc"]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]

    asked = [item.request.json()["messages"][0]["content"] for item in CassetteStore(path).all()]
    assert sorted(asked) == sorted(f"{name} {number}" for name in "abc" for number in range(15))
    for name in "abc":
        assert [text for text in asked if text[0] == name] == [f"{name} {number}" for number in range(15)]
    assert [item.name for item in tmp_path.iterdir()] == ["c.json"]


def test_a_cassette_keeps_its_permissions_and_a_link_stays_one(tmp_path: Path) -> None:
    kept = tmp_path / "elsewhere" / "kept.json"
    fill(kept, recorded("one"))
    kept.chmod(0o640)
    link = tmp_path / "c.json"
    link.symlink_to(kept)

    fill(link, recorded("two"))

    assert link.is_symlink()
    assert len(CassetteStore(kept)) == 2
    assert kept.stat().st_mode & 0o777 == 0o640


def test_a_path_that_is_none_of_a_cassette_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ends in .json"):
        CassetteStore("cassette.yaml")


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CassetteError, match="cannot be (written|read)"):
        fill(tmp_path / "file" / "c.json", recorded())


@pytest.mark.exhaustive
def test_10_000_recordings_are_found_by_key(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(dump(dump_recording(recorded(f"question {number}")) for number in range(10_000)))
    store = CassetteStore(path)

    for number in (0, 5_000, 9_999):
        asked = recorded(f"question {number}")
        found = store.get(identity_of(asked).key)
        assert found is not None
        assert found.request == asked.request
    assert len(store) == 10_000


# -- use_cassette ----------------------------------------------------------------------------------------


def test_once_records_and_from_then_on_replays(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c.json"

    async def ask(url: str) -> Any:
        if driver.is_async:
            async with driver.module.AsyncClient() as client:
                return (await client.post(url + CHAT, json=ASKED)).json()
        with driver.module.Client() as client:
            return client.post(url + CHAT, json=ASKED).json()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            url = server.url
            with use_cassette(path):
                assert [await ask(url), await ask(url)] == [{"answer": 1}, {"answer": 2}]
        async with use_cassette(path) as cassette:
            assert [await ask(url), await ask(url)] == [{"answer": 1}, {"answer": 2}]
            assert cassette.tally.replayed == 2
            with pytest.raises(CacheMiss, match="already_played"):
                await ask(url)

    driver.run(body)


def test_a_header_that_counts_is_stored_so_that_it_counts_in_replay_too(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "tenants.json"
    tenants: list[dict[str, str]] = [{"X-Tenant": "a"}, {"x-tenant": "b"}, {}]

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            url = server.url + CHAT
            async with driver.client(store=str(path), match=Match(headers=["X-Tenant"])) as client:
                recorded = [(await client.post(url, json=ASKED, headers=tenant)).json() for tenant in tenants]
            options = {"store": str(path), "mode": "replay", "match": Match(headers=["x-tenant"])}
            async with driver.client(**options) as client:
                for tenant, answer in reversed(list(zip(tenants, recorded, strict=True))):
                    assert (await client.post(url, json=ASKED, headers=tenant)).json() == answer
                with pytest.raises(CacheMiss):
                    await client.post(url, json=ASKED, headers={"x-tenant": "c"})

    driver.run(body)


def test_a_memory_store_may_take_the_place_of_a_cassette(driver: Driver) -> None:
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server, use_cassette(store):
            if driver.is_async:
                async with driver.module.AsyncClient() as client:
                    for _ in range(2):
                        answer = await client.post(server.url + CHAT, json=ASKED)
            else:
                with driver.module.Client() as client:
                    for _ in range(2):
                        answer = client.post(server.url + CHAT, json=ASKED)
        assert answer.json() == {"answer": 1}

    driver.run(body)
