"""What users are told of calls: hooks and the log."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx2
import pytest

from replaycache import (
    CacheMiss,
    ConfigurationError,
    Outcome,
    Recording,
    ReplayCacheWarning,
    Request,
    install,
    uninstall,
)
from replaycache.httpx2 import ReplayTransport
from replaycache.redaction.credentials import placeholder
from replaycache.stores import MemoryStore
from tests.drivers import ASYNC, SYNC, Driver, outcome_of
from tests.scripted_server import ScriptedServer, counting_answers
from tests.test_transports import ASKED, CHAT, LIBRARIES_OWN_GENERATORS, STREAMED, acknowledged, read_acknowledging

SECRET = "sk-proj-nobody-may-read-this-0123456789"
GITHUB_TOKEN = "ghp_" + "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX"


NOTHING_YET = {"cache": "no_recording", "cassette.json": "cassette_not_found"}
"""Why the first call into a store is a miss."""


class Heard:
    """What the hooks were told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any, Any]] = []

    @property
    def hooks(self) -> dict[str, Any]:
        return {
            f"on_{name}": lambda first, second, name=name: self.told.append((name, first, second))
            for name in ("hit", "miss", "store")
        }

    def names(self) -> list[str]:
        names = [name for name, _, _ in self.told]
        self.told = []
        return names


# -- hooks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["cache", "cassette.json"])
def test_hooks_are_told_what_is_documented(driver: Driver, tmp_path: Path, store: str) -> None:
    async def body() -> None:
        heard = Heard()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=str(tmp_path / store), mode="auto", **heard.hooks) as client:
                missed = await client.post(f"{server.url}{CHAT}?api_key={SECRET}", json=ASKED)
            (_, request, reason), (_, stored, settled) = heard.told
            assert heard.names() == ["miss", "store"]
            assert isinstance(request, Request)
            assert (request.method, reason) == ("POST", NOTHING_YET[store])
            assert request.json() == ASKED
            assert SECRET not in request.url
            assert isinstance(stored, Recording)
            assert stored.body.read() == missed.content
            assert settled is outcome_of(missed)
            assert settled.status == "miss"

            async with driver.client(store=str(tmp_path / store), mode="auto", **heard.hooks) as client:
                hit = await client.post(f"{server.url}{CHAT}?api_key=another", json=ASKED)
            ((_, recording, outcome),) = heard.told
            assert heard.names() == ["hit"]
            assert isinstance(recording, Recording)
            assert isinstance(outcome, Outcome)
            assert (outcome.status, outcome.key) == ("hit", settled.key)
            assert outcome is outcome_of(hit)
            assert recording.body.read() == hit.content

    driver.run(body)


@pytest.mark.parametrize(
    ("mode", "known", "unknown"),
    [
        ("auto", ["hit"], ["miss", "store"]),
        ("replay", ["hit"], ["miss"]),
        ("record", ["store"], ["store"]),
        ("verify", [], []),
        ("off", [], []),
        ("once", ["hit"], ["miss", "store"]),
    ],
)
def test_hooks_in_every_mode(driver: Driver, mode: str, known: list[str], unknown: list[str]) -> None:
    async def body() -> None:
        store, heard = MemoryStore(), Heard()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:
                await client.post(server.url + CHAT, json=ASKED)
            async with driver.client(store=store, mode=mode, match=None, on_drift=None, **heard.hooks) as client:
                for body, told in ((ASKED, known), ({"model": "new", "messages": []}, unknown)):
                    refuses = mode == "replay" and "miss" in told
                    with pytest.raises(CacheMiss) if refuses else nullcontext() as caught:
                        await client.post(server.url + CHAT, json=body)
                    if caught is not None:
                        assert heard.told[0][1:] == (caught.value.request, "no_recording")
                    assert heard.names() == told
                await client.request("GET", server.url + "/v1/models") if mode != "replay" else None
                assert heard.names() == []

    if mode == "verify":
        with pytest.warns(ReplayCacheWarning):
            driver.run(body)
    else:
        driver.run(body)


def test_an_expired_recording_is_a_miss_that_says_so(driver: Driver) -> None:
    async def body() -> None:
        heard = Heard()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:", ttl=0, **heard.hooks) as client:
                for _ in range(2):
                    await client.post(server.url + CHAT, json=ASKED)
        assert [(name, second) for name, _, second in heard.told if name == "miss"] == [
            ("miss", "no_recording"),
            ("miss", "expired"),
        ]

    driver.run(body)


@LIBRARIES_OWN_GENERATORS
def test_a_stream_is_stored_when_it_was_read(driver: Driver) -> None:
    received = threading.Event()

    async def body() -> None:
        heard = Heard()
        with ScriptedServer(acknowledged(received)) as server:
            async with driver.client(store=":memory:", **heard.hooks) as client:
                async with client.stream(server.url + CHAT, json=STREAMED) as stream:
                    await stream.next_chunk()
                    assert heard.names() == ["miss"]
                    received.set()
                    await read_acknowledging(stream, received)
                assert heard.names() == ["store"]
                async with client.stream(server.url + CHAT, json=STREAMED | {"seed": 1}) as stream:
                    await stream.next_chunk()
                received.set()
                assert heard.names() == ["miss"]  # given up, and not stored

    driver.run(body)


def test_a_hook_that_fails_disturbs_no_call(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*arguments: Any) -> None:
        raise ValueError("of the user's")

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            options = dict.fromkeys(("on_hit", "on_miss", "on_store"), fail)
            async with driver.client(store=":memory:", **options) as client:
                with pytest.warns(ReplayCacheWarning, match="a hook of yours failed.*of the user's") as caught:
                    answers = [await client.post(server.url + CHAT, json=ASKED) for _ in range(3)]
        assert [outcome_of(answer).status for answer in answers] == ["miss", "hit", "hit"]
        assert len(caught) == 1
        assert sum("a hook of yours failed" in record.message for record in caplog.records) == 3

    with caplog.at_level(logging.WARNING, "replaycache"):
        driver.run(body)


async def coroutine_function(*arguments: Any) -> None:
    raise AssertionError


@pytest.mark.parametrize("name", ["on_hit", "on_miss", "on_store"])
@pytest.mark.parametrize("hook", [3, "print", coroutine_function])
def test_what_cannot_be_called_is_no_hook(name: str, hook: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}=.*it takes a callable that takes two arguments"):
        ReplayTransport(store=":memory:", **{name: hook})


@pytest.mark.parametrize("driver", [SYNC[0], ASYNC[-1]], ids=str)
def test_a_store_that_cannot_note_a_call_disturbs_none(driver: Driver) -> None:
    class Forgetful(MemoryStore):
        def note(self, call: Any) -> None:
            raise OSError("the disk is full")

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=Forgetful()) as client:
                with pytest.warns(ReplayCacheWarning, match="could not note a call.*the disk is full") as caught:
                    answers = [await client.post(server.url + CHAT, json=ASKED) for _ in range(2)]
        assert [outcome_of(answer).status for answer in answers] == ["miss", "hit"]
        assert len(caught) == 1

    driver.run(body)


def test_a_disk_cache_that_cannot_be_used_is_told_once_in_the_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By a warning and in the log, though it can neither be read, nor written, nor note what was asked of it."""
    (tmp_path / "file").write_text("")

    answers: list[int] = []

    def ask(driver: Driver, url: str, **options: Any) -> None:
        async def asked() -> None:
            async with driver.client(**options) if options else driver.plain_client() as client:
                answers.append((await client.post(url, json=ASKED)).json()["answer"])

        driver.run(asked)

    def ask_all(url: str) -> None:
        install(store=tmp_path / "file" / "cache", mode="auto")
        for driver in (*SYNC, *ASYNC, *SYNC):
            ask(driver, url)
        uninstall()
        for driver in (*SYNC, *ASYNC):
            ask(driver, url, store=tmp_path / "file" / "cache", mode="auto")

    with ScriptedServer(counting_answers()) as server, caplog.at_level(logging.DEBUG, "replaycache"):
        try:
            with pytest.warns(ReplayCacheWarning) as warned:
                ask_all(server.url + CHAT)
        finally:
            uninstall()

    assert answers == list(range(1, len(answers) + 1))
    assert len(warned) == 1
    assert warned[0].filename.startswith(str(Path(__file__).parent.parent))
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert logged == [str(warned[0].message)]
    assert str(tmp_path / "file") in logged[0]


# -- the log -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["cache", "cassette.json"])
def test_the_log_tells_hits_misses_and_why(
    driver: Driver, tmp_path: Path, store: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            url = f"{server.url}{CHAT}?api_key={SECRET}"
            headers = {"authorization": f"Bearer {SECRET}"}
            keys = []
            for mode in ("auto", "auto", "replay"):
                body = ASKED | {"seed": 2} if mode == "replay" else ASKED
                async with driver.client(store=str(tmp_path / store), mode=mode) as client:
                    try:
                        answer = await client.post(url, json=body, headers=headers)
                        keys.append(outcome_of(answer).key)
                    except CacheMiss as miss:
                        keys.append(miss.key)
        shown = f"POST {server.url}{CHAT}?api_key=REDACTED"
        told = [record.message for record in caplog.records if record.levelno == logging.INFO]
        assert [line.partition(",")[0] for line in told] == [
            f"miss ({NOTHING_YET[store]}) {shown}",
            f"stored {shown}",
            f"hit {shown}",
            f"miss (no_recording) {shown}",
        ]
        where = str(tmp_path / store)
        assert [line.partition(", key ")[2] for line in told] == [
            f"{keys[0]} in {where}: calling upstream",
            f"{keys[0]} in {where}",
            f"{keys[0]} in {where}",
            f"{keys[2]} in {where}: refused",
        ]

    with caplog.at_level(logging.DEBUG, "replaycache"):
        driver.run(body)
    everything = [record.getMessage() for record in caplog.records if record.name == "replaycache"]
    assert everything
    assert not [line for line in everything if SECRET in line]


class Searched(MemoryStore):
    """A store of somebody's own that counts how often it is searched."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.searches, self._fails = 0, fails

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        self.searches += 1
        if self._fails:
            raise KeyError(limit)
        return super().newest(limit)


def test_the_log_tells_why_a_call_goes_live_though_one_like_it_is_stored(
    driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            url = f"{server.url}{CHAT}"
            async with driver.client(store=MemoryStore()) as client:
                for content in ("hello\n", "hello", f"by {GITHUB_TOKEN}"):
                    asked = {**ASKED, "messages": [{"role": "user", "content": content}]}
                    await client.post(url, json=asked)
                await client.post(url, json=ASKED, headers={"x-replaycache-sample": "1"})
                await client.post(url, json={f"field {n}": n for n in range(8)} | ASKED)
                await client.post(f"{server.url}/v1/embeddings", json={"input": "hello"})

    with caplog.at_level(logging.INFO, "replaycache"):
        driver.run(body)
    misses = [line.partition(": calling upstream")[2] for line in caplog.messages if line.startswith("miss")]
    told = [re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "THEN", line) for line in misses]
    shown = placeholder("github-token", GITHUB_TOKEN)
    assert told == [
        "",
        r'; nearest recorded THEN, which differs in messages[0].content: recorded "hello\n" / asked "hello"',
        f'; nearest recorded THEN, which differs in messages[0].content: recorded "hello" / asked "by {shown}"',
        "; nearest recorded THEN, which differs in sample: recorded 0 / asked 1",
        "; nearest recorded THEN, which differs in "
        + "; ".join(f"field {n}: recorded nothing / asked {n}" for n in range(3))
        + " and 5 more places",
        "",
    ]


def test_an_expired_recording_is_told_by_its_date(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=MemoryStore(), ttl=0) as client:
                for _ in range(2):
                    await client.post(server.url + CHAT, json=ASKED)

    with caplog.at_level(logging.INFO, "replaycache"):
        driver.run(body)
    (expired,) = [line for line in caplog.messages if line.startswith("miss (expired)")]
    assert re.search(r": calling upstream; nearest recorded [-\d]+ [:\d]+Z$", expired)


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_a_store_is_searched_for_the_log_only_where_somebody_reads_it(
    driver: Driver, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        for store in (Searched(), Searched(fails=True)):
            with ScriptedServer(counting_answers()) as server:
                async with driver.client(store=store) as client:
                    answer = await client.post(server.url + CHAT, json=ASKED)
            assert outcome_of(answer).status == "miss"
            assert store.searches == (level == logging.INFO)

    with caplog.at_level(level, "replaycache"):
        driver.run(body)


def test_calls_that_are_not_stored_are_told_at_debug(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:") as client:
                await client.request("GET", f"{server.url}/v1/models?api_key={SECRET}")

    with caplog.at_level(logging.DEBUG, "replaycache"):
        driver.run(body)
    told = [(record.levelno, record.message) for record in caplog.records if record.name == "replaycache"]
    assert told == [(logging.DEBUG, "live, key : a cache keeps only calls that generate, and this is none")]


def test_a_program_without_a_log_hears_nothing_of_it() -> None:
    code = """
        import warnings, httpx2
        from replaycache.httpx2 import ReplayTransport
        warnings.simplefilter("ignore")

        def fail(*arguments):
            raise ValueError

        upstream = httpx2.MockTransport(lambda request: httpx2.Response(200, json={}))
        with httpx2.Client(transport=ReplayTransport(upstream, store=":memory:", on_miss=fail)) as client:
            for number in range(3):
                client.post("https://api.test/v1/embeddings", json={"input": str(number)})
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_key_in_a_path_is_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key = GITHUB_TOKEN
    with ScriptedServer(counting_answers()) as server, caplog.at_level(logging.DEBUG, "replaycache"):
        with httpx2.Client(transport=ReplayTransport(store=str(tmp_path))) as client:
            for _ in range(2):
                client.post(f"{server.url}/{key}{CHAT}", json=ASKED)
            with pytest.raises(CacheMiss):
                client.post(
                    f"{server.url}/{key}{CHAT}",
                    json=ASKED | {"n": 2},
                    headers={"x-replaycache-mode": "replay"},
                )
    told = [record.getMessage() for record in caplog.records if record.name == "replaycache"]

    assert [line.split()[0] for line in told if "/REDACTED-github-token-" in line] == [
        "miss",
        "stored",
        "hit",
        "miss",
    ]
    assert not [line for line in told if key in line]
