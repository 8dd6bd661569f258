"""Which modes calls may name by a header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from replaycache import ConfigurationError
from replaycache.serve.settings import read_settings
from tests.scripted_server import Received, Wire
from tests.serve.proxies import chat, client, completion, serving


def _handle(request: Received, wire: Wire) -> None:
    wire.answer(completion("Live."))


def _asked(*modes: str, **settings: Any) -> tuple[list[int], list[str], int]:
    """Statuses and messages for calls that name these modes, and how many went live."""
    with serving(_handle, **settings) as (proxy, server), client(proxy) as asking:
        answers = [
            asking.post(
                "/chat/completions", json=chat("Modes."), headers={"x-replaycache-mode": mode} if mode else {}
            )
            for mode in modes
        ]
        told = [answer.json().get("error", {}).get("message", "") for answer in answers]
        return [answer.status_code for answer in answers], told, len(server.requests)


def test_a_proxy_that_replays_calls_nobody_whatever_a_call_says() -> None:
    statuses, told, calls = _asked(
        "", "replay", "off", "auto", "record", "verify", "once", options={"mode": "replay"}
    )

    assert (statuses, calls) == ([424, 424, 400, 400, 400, 400, 400], 0)
    assert "the header x-replaycache-mode" not in told[0]
    assert "record it with --mode auto" in told[0]
    assert "--allowed-mode off" in told[2]


def test_the_environment_says_it_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPLAYCACHE_MODE", "replay")

    assert _asked("off")[2] == 0
    with serving(_handle, cassettes=tmp_path) as (proxy, server):
        with client(proxy, **{"x-replaycache-cassette": "missing.json"}) as asking:
            answer = asking.post("/chat/completions", json=chat("Not there."))
    assert (answer.status_code, server.requests) == (424, [])


def test_whoever_starts_it_lets_calls_name_others() -> None:
    statuses, told, calls = _asked(
        "", "off", "record", options={"mode": "replay"}, allowed_modes=("replay", "off")
    )

    assert (statuses, calls) == ([424, 200, 400], 1)
    assert "but replay, off" in told[2]


def test_a_team_may_have_one_mode_for_all() -> None:
    statuses, _, calls = _asked("", "record", "auto", allowed_modes=("auto", "replay"))

    assert (statuses, calls) == ([200, 400, 200], 1)


def test_what_is_not_kept_is_told_how_it_goes_live() -> None:
    with serving(_handle, options={"mode": "replay"}) as (proxy, _), client(proxy) as asking:
        told = asking.get("/models").json()["error"]["message"]

    assert "let it go live: start the proxy with --allowed-mode off" in told


def test_a_mode_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="--allowed-mode='relpay' is no mode; the modes"):
        read_settings({"allowed_mode": ("relpay",)})
    assert read_settings({"allowed_mode": ("auto", "replay")}).allowed_modes == ("auto", "replay")
