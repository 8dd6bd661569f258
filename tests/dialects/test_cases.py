"""Answers of many kinds, each with what a cache does with it, through a live server."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from tests.drivers import Driver, outcome_of

from .live_answers import Sent, ask, inner_transport, read

HERE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "streams.json"
CASES: list[dict[str, Any]] = json.loads(HERE.read_bytes()) if HERE.is_file() else []

DRIVERS = [
    Driver("httpx2", "sync"),
    *(
        pytest.param(Driver(*of), marks=pytest.mark.exhaustive)
        for of in (("httpx", "sync"), ("httpx2", "asyncio"))
    ),
]


class Case:
    """One of them, as a call and what is sent."""

    def __init__(self, given: dict[str, Any]) -> None:
        body = given["request_body"]
        self.path: str = given["path"]
        self.is_form = isinstance(body, str)
        self.asked: dict[str, Any] = _fields(body) if isinstance(body, str) else body
        self.pieces = [
            piece["text"].encode() if "text" in piece else b64decode(piece["base64"]) for piece in given["pieces"]
        ]
        self.is_closed = given["how"] == "closed at the terminal event"
        self.sent = Sent(
            self.pieces,
            given["response_headers"].get("content-type", ""),
            given["framing"],
            ends=not self.is_closed,
            breaks=given["how"] == "cut",
            status=given["status"],
        )


def _fields(form: str) -> dict[str, str]:
    """The fields of `multipart: name=value, …`; the file goes along with every form."""
    pairs = (field.partition("=") for field in form.removeprefix("multipart: ").split(", "))
    return {name: value for name, _, value in pairs if name != "file"}


@pytest.mark.skipif(not CASES, reason="the cases are not beside the checkout")
@pytest.mark.parametrize("driver", DRIVERS, ids=str)
@pytest.mark.parametrize(
    "given", CASES, ids=lambda given: f"{given['dialect']}: {given['expect']}, {given['why'][:40]}"
)
def test_a_case(driver: Driver, given: dict[str, Any]) -> None:
    case = Case(given)
    size = sum(map(len, case.pieces)) if case.is_closed else None

    async def body() -> None:
        with case.sent.serve() as server:
            async with driver.client(inner_transport(driver, case.sent.framing), store=":memory:") as client:
                statuses = []
                for _ in range(2):
                    stream = await ask(client, server.url, case)
                    try:
                        await read(stream, size)
                    except driver.module.TransportError:
                        assert case.sent.breaks
                    statuses.append(outcome_of(stream).status)

        assert statuses == (["miss", "hit"] if given["expect"] == "kept" else ["live", "live"])

    driver.run(body)
