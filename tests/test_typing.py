"""What type checkers say of options: mypy goes through this file in strict mode, and tells an unused ignore."""

from __future__ import annotations

from typing import Any

import pytest

from replaycache import ConfigurationError, Mode, install, uninstall, use_cassette
from replaycache.httpx import AsyncReplayTransport as HttpxAsync
from replaycache.httpx import ReplayTransport as Httpx
from replaycache.httpx2 import AsyncReplayTransport as Httpx2Async
from replaycache.httpx2 import ReplayTransport as Httpx2


def test_what_is_right_is_taken() -> None:
    for kind in (Httpx, HttpxAsync, Httpx2, Httpx2Async):
        kind(store=":memory:", mode="replay", on_abandon="drain", on_drift="raise", repeats="same")
        kind(store=":memory:", mode=Mode.REPLAY, budget="$2", ttl="7d", keep=lambda head, end: head.status == 200)
        kind(store=":memory:", mode=None, prices={"mine": {"input": 0.1, "output": 1}, "other": "openai/gpt-4o"})
    use_cassette("a.json", mode="once", ignore_hosts=["localhost"])
    install(store=":memory:", mode="auto", sample=1)
    uninstall()


def test_what_is_misspelt_is_refused_when_it_is_checked_and_when_it_is_run() -> None:
    refused: list[Any] = [
        lambda: Httpx(mode="relpay"),  # type: ignore[arg-type]
        lambda: HttpxAsync(mode="relpay"),  # type: ignore[arg-type]
        lambda: Httpx2(mode="relpay"),  # type: ignore[arg-type]
        lambda: Httpx2Async(mode="relpay"),  # type: ignore[arg-type]
        lambda: install(mode="relpay"),  # type: ignore[arg-type]
        lambda: use_cassette("a.json", mode="relpay"),  # type: ignore[arg-type]
        lambda: use_cassette("a.json", on_abandon="keep"),  # type: ignore[arg-type]
        lambda: Httpx2(on_drift="riase"),  # type: ignore[arg-type]
        lambda: Httpx2(repeats="some"),  # type: ignore[arg-type]
        lambda: Httpx2(prices={"mine": 3}),  # type: ignore[dict-item]
        lambda: Httpx2(modus="replay"),  # type: ignore[call-arg]
    ]
    for call in refused:
        with pytest.raises(ConfigurationError):
            call()
