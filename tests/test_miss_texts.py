"""What a miss says: where its mode comes from, what records it, and what else there is to do."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replaycache import CacheMiss, use_cassette
from replaycache.stores import CassetteStore

from .cli.recorded import chat

URL = "https://api.openai.com/v1/chat/completions"


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.chdir(tmp_path)
    CassetteStore("a.json").append(chat("Say hello."))
    name: str = request.param
    return name


def post(library: str, transport: Any = None, url: str = URL, text: str = "Say hello.", **headers: str) -> Any:
    client = importlib.import_module(library).Client
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    with client(transport=transport, trust_env=False) as opened:
        return opened.post(
            url, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


def missed(asking: Callable[[], Any]) -> list[str]:
    with pytest.raises(CacheMiss) as raised:
        asking()
    lines = str(raised.value).splitlines()
    assert lines[0] == "no recording answers this request, and upstream was not called."
    return lines


def field(lines: list[str], name: str) -> list[str]:
    first = next(number for number, line in enumerate(lines) if line.startswith(f"  {name:<9}"))
    more = first + 1
    while more < len(lines) and lines[more].startswith(" " * 11):
        more += 1
    return [line[11:] for line in lines[first:more]]


def transport_of(library: str, **options: Any) -> Any:
    return importlib.import_module(f"replaycache.{library}").ReplayTransport(**options)


def test_what_records_it_is_said_as_the_mode_was(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_cassette(**headers: str) -> Any:
        with use_cassette("a.json"):
            return post(library, text="Say goodbye.", **headers)

    monkeypatch.setenv("REPLAYCACHE_MODE", "auto")
    in_once = missed(in_cassette)
    assert field(in_once, "mode") == ["once, which replays a cassette that has recordings"]
    assert field(in_once, "next") == [
        "record it with mode='auto'",
        "or, if the difference does not matter: Match(ignore=[...]) or Match(scrub=[...])",
    ]
    by_call = missed(lambda: in_cassette(x_replaycache_mode="replay"))
    assert (field(by_call, "mode"), field(by_call, "next")[0]) == (
        ["replay"],
        "record it with x-replaycache-mode: auto",
    )
    in_code = missed(lambda: post(library, transport_of(library, store="b.json", mode="replay")))
    assert field(in_code, "next") == ["record it with mode='once'"]
    monkeypatch.setenv("REPLAYCACHE_MODE", "replay")
    by_environment = missed(lambda: post(library, transport_of(library, store="b.json")))
    assert field(by_environment, "next") == ["record it with REPLAYCACHE_MODE=once"]


def test_another_name_of_the_host_is_told_as_such(library: str) -> None:
    transport = transport_of(library, store="a.json", mode="replay")

    lines = missed(lambda: post(library, transport, url="http://localhost:8080/v1/chat/completions"))

    assert field(lines, "next") == [
        "record it with mode='auto'",
        "or, where both are one API: Match(hosts={'localhost:8080': 'api.openai.com'})",
        "or leave the host alone: ignore_hosts=['localhost:8080']",
    ]


@pytest.mark.parametrize(
    ("url", "reason"), [("https://telemetry.example/track", "not_cacheable"), (URL, "no_recording")]
)
def test_where_nothing_comes_near_the_host_can_be_left_alone(library: str, url: str, reason: str) -> None:
    lines = missed(lambda: post(library, transport_of(library, store=":memory:", mode="replay"), url=url))

    assert field(lines, "why")[0].startswith(reason)
    assert f"or leave the host alone: ignore_hosts=['{url.split('/')[2]}']" in field(lines, "next")


def test_long_differences_take_several_lines(library: str) -> None:
    transport = transport_of(library, store="a.json", mode="replay")

    lines = missed(lambda: post(library, transport, text="Say hello, " * 40))

    assert field(lines, "asked")[0].endswith("(model gpt-4o-mini, 1 message)")
    assert lines[lines.index("             messages[0].content") + 1] == '               recorded "Say hello."'
    assert all(len(line) <= 100 for line in lines)
