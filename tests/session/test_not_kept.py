"""What a session was answered live, and is not in its cassette, is told with its reason."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from replaycache import Match, ReplayCacheWarning, use_cassette
from replaycache.stores import CassetteStore
from tests.drivers import Driver
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.test_transports import ASKED, CHAT, STREAMED, stream_events

ROOT = Path(__file__).resolve().parent.parent.parent
BROKEN_OFF = "answered live, and not in .*c.json:\n  POST .*/v1/chat/completions: the response broke off"


def broken_off(request: Received, wire: Wire) -> None:
    wire.start_chunks()
    wire.chunk(b'data: {"choices":[]}\n\n')
    wire.cut()


def test_an_answer_that_broke_off(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        with ScriptedServer(broken_off) as server, warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ReplayCacheWarning)
            with use_cassette(tmp_path / "c.json"):
                async with driver.plain_client() as client:
                    with pytest.raises(driver.module.TransportError):
                        await client.post(server.url + CHAT, json=STREAMED)
        assert len(told) == 1
        assert re.search(BROKEN_OFF, str(told[0].message))

    driver.run(body)
    assert not (tmp_path / "c.json").exists()


@pytest.mark.sampled(2)
def test_a_response_that_outlives_its_cassette(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        with ScriptedServer(stream_events) as server:
            async with driver.plain_client() as client:
                with pytest.warns(ReplayCacheWarning, match="still open when its cassette was closed"):
                    with use_cassette(tmp_path / "c.json"):
                        stream = await client.open(server.url + CHAT, json=STREAMED)
                with warnings.catch_warnings():
                    warnings.simplefilter("error")  # it was told
                    await stream.chunks()
                    await stream.close()

    driver.run(body)
    assert not (tmp_path / "c.json").exists()


def test_what_the_user_leaves_out_is_not_told(driver: Driver, tmp_path: Path) -> None:
    match = Match(cacheable=lambda request: False)

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server, warnings.catch_warnings():
            warnings.simplefilter("error")
            with use_cassette(tmp_path / "c.json", match=match):
                async with driver.plain_client() as client:
                    await client.post(server.url + CHAT, json=ASKED)
            with use_cassette(tmp_path / "c.json", keep=lambda head, end: False):
                async with driver.plain_client() as client:
                    await client.post(server.url + CHAT, json=ASKED)

    driver.run(body)
    assert not CassetteStore(tmp_path / "c.json").all()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("how", [[], ["-m", "replaycache", "run", "--store", "c.json"]], ids=["install", "run"])
def test_it_is_told_where_the_process_ends(tmp_path: Path, how: list[str]) -> None:
    made = "" if how else "import replaycache; replaycache.install(store='c.json', mode='auto')\n"
    (tmp_path / "asks.py").write_text(
        f"import sys, httpx2\n{made}"
        "try:\n    httpx2.post(sys.argv[1], json={'model': 'm', 'messages': [], 'stream': True})\n"
        "except httpx2.HTTPError:\n    pass\n"
    )
    with ScriptedServer(broken_off) as server:
        done = subprocess.run(
            [sys.executable, *how, "asks.py", server.url + CHAT],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )

    assert "answered live, and not in" in " ".join(done.stderr.split())
    assert "the response broke off" in " ".join(done.stderr.split())
