"""`replaycache stats`, and the page it writes."""

from __future__ import annotations

import json
import re
import sys
import time
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from replaycache import Body, Chunk, Recording, Request, ResponseHead, Usage
from replaycache.accounts.ledger import PRICE_TIERS
from replaycache.accounts.list_prices import price_of
from replaycache.accounts.noted import Noted
from replaycache.accounts.savings import of_ledger, of_recordings
from replaycache.httpx2 import ReplayTransport
from replaycache.stores import DiskStore
from tests.cli.recorded import answer_json, cassette, chat, disk, replaycache, rerank
from tests.cli.terminal import run_in_terminal

GPT = Usage("openai", "gpt-4.1", 1000, 100)
GPT_PRICE = Decimal("0.0028")
"""Two dollars a million tokens in, eight a million out."""

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "</title></style><iframe src=//evil.test>",
    "&lt;b&gt; \u202egnp.exe \x1b[31m\x00",
    "{{7*7}} $title " + "long " * 60,
]


def found(*arguments: str) -> dict[str, Any]:
    done = replaycache("stats", "--json", *arguments)
    assert done.exit_code == 0
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def note(path: Path, *calls: Noted) -> None:
    """A cache with a recording, of which this was asked."""
    store = DiskStore(path)
    if not len(store):
        disk(path, chat())
    for call in calls:
        store.note(call)
    store.close()


def hit(usage: Usage | None = GPT, *, seconds: float = 2.0, took: float = 0.001, size: int = 500) -> Noted:
    return Noted("hit", "k", usage, seconds, took, size)


def live(status: Any = "miss", usage: Usage | None = GPT) -> Noted:
    return Noted(status, "k", usage, 2.0, 2.0, 500)


# -- what is added up --------------------------------------------------------------------------------------


def test_what_calls_through_a_client_came_to(tmp_path: Path) -> None:
    answer = json.loads(answer_json(model="gpt-4.1"))
    answer["usage"] = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    upstream = httpx2.MockTransport(lambda request: httpx2.Response(200, json=answer))
    with httpx2.Client(transport=ReplayTransport(upstream, store=str(tmp_path))) as http:
        client = openai.OpenAI(api_key="k", http_client=http)
        for _ in range(4):
            client.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "hello"}])

    told = found(str(tmp_path))

    assert (told["of"], told["recordings"], told["prices"]) == ("calls", 1, True)
    total = told["total"]
    assert (total["calls"], total["replayed"], total["recorded"], total["live"]) == (4, 3, 1, 0)
    assert total["saved"]["input_tokens"] == 3000
    assert total["saved"]["usd"] == float(3 * GPT_PRICE)
    assert total["upstream"]["usd"] == float(GPT_PRICE)
    assert (told["models"][0]["model"], told["providers"][0]["provider"]) == ("gpt-4.1", "openai")
    assert told["days"][0]["day"] == time.strftime("%Y-%m-%d", time.gmtime())
    assert told["runs"][0]["calls"] == 4


def test_every_table_adds_up_to_the_total(tmp_path: Path) -> None:
    calls = [
        hit(),
        hit(Usage("anthropic", "claude-sonnet-4-5", 500, 50, 100, 20, 0)),
        hit(Usage("", "llama", 7, 3)),
        hit(None),
        live(),
        live("live", Usage("openai", "gpt-5", 10, 20, 0, 0, 15)),
        live("refused", None),
    ]
    note(tmp_path, *calls)

    told = found(str(tmp_path))
    total = told["total"]

    for table in ("models", "providers", "days", "runs"):
        for path in (("calls",), ("replayed",), ("refused",), ("saved", "output_tokens"), ("upstream", "bytes")):
            assert sum(at(line, *path) for line in told[table]) == at(total, *path), (table, path)
        assert sum(line["saved"]["usd"] or 0 for line in told[table]) == pytest.approx(total["saved"]["usd"])
    assert total["calls"] == len(calls)
    assert total["saved"]["seconds"] == pytest.approx(4 * 1.999)
    assert total["upstream"]["reasoning_tokens"] == 15
    assert (total["saved"]["without_price"], total["saved"]["without_usage"]) == (1, 1)
    assert {line["model"]: line["saved"]["usd"] for line in told["models"]}["llama"] is None


def at(value: Any, *path: str) -> Any:
    for name in path:
        value = value[name]
    return value


def test_the_price_of_a_sum_is_the_sum_of_the_prices(tmp_path: Path) -> None:
    """Also where a model asks for more beyond some length of the input."""
    sizes = [10, 1000, 199_999, 200_001, 300_000, *PRICE_TIERS]
    usages = [Usage("google", "gemini-2.5-pro", size, 100 + size % 7, size // 2) for size in sizes]
    usages += [Usage("anthropic", "claude-sonnet-4-5", 1000, 10, units=(("web_searches", 3.0),)), GPT, GPT]
    prices = [price_of(usage, time.time()) for usage in usages]
    assert None not in prices
    note(tmp_path, *map(hit, usages))

    savings = of_ledger(DiskStore(tmp_path).ledger)
    recordings = (
        Recording(
            request=Request("POST", "https://api.test/v1/chat/completions"),
            head=ResponseHead(200),
            body=Body(),
            digest="",
            recorded_at=time.time(),
            usage=usage,
        )
        for usage in usages
    )

    expected = sum(price for price in prices if price is not None)
    assert float(savings.total.saved.cost) == pytest.approx(float(expected))
    assert float(of_recordings(recordings).total.recorded.cost) == pytest.approx(float(expected))


def test_of_cassettes_the_recordings_are_added_up(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    cassette(first, chat("a"), chat("b", age=9 * 86400))
    cassette(second, chat("c", answer_json(model="gpt-4.1"), model="gpt-4.1"))

    told = found(str(first))
    assert (told["of"], told["total"]["recorded"], told["total"]["replayed"]) == ("recordings", 2, 0)
    assert told["total"]["upstream"]["input_tokens"] == 24
    assert told["total"]["upstream"]["usd"] > 0
    assert told["total"]["upstream"]["seconds"] == pytest.approx(1.0)
    assert [line["recorded"] for line in told["days"]] == [1, 1]
    assert [line["store"] for line in told["stores"]] == [str(first)]

    both = found(str(first), str(second), "--by", "store")
    assert [(Path(line["store"]).name, line["recorded"]) for line in both["stores"]] == [
        ("first.json", 2),
        ("second.json", 1),
    ]
    assert both["recordings"] == both["total"]["recorded"] == 3
    assert "models" not in both


def test_what_is_stored_in_a_cache_can_be_added_up_instead_of_its_calls(tmp_path: Path) -> None:
    disk(tmp_path, chat("a"), chat("b"))
    note(tmp_path, *[hit()] * 5)

    assert found(str(tmp_path))["total"]["replayed"] == 5
    told = found(str(tmp_path), "--recordings")
    assert (told["of"], told["total"]["recorded"], told["total"]["replayed"]) == ("recordings", 2, 0)


def test_only_what_came_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(tmp_path, chat("old", age=40 * 86400), chat("new"))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 40 * 86400)
    note(tmp_path, hit(), hit())
    monkeypatch.undo()
    note(tmp_path, hit())

    assert found(str(tmp_path))["total"]["calls"] == 3
    assert found(str(tmp_path), "--since", "7d")["total"]["calls"] == 1
    assert found(str(tmp_path), "--since", "7d", "--recordings")["total"]["recorded"] == 1
    done = replaycache("stats", str(tmp_path), "--since", "2999-01-01")
    assert (done.exit_code, done.stderr) == (0, "Nothing since 2999-01-01.\n")
    assert replaycache("stats", str(tmp_path), "--since", "soon").exit_code == 2


def test_memory_does_not_grow_with_the_recordings() -> None:
    body = Body.of([Chunk(b"answer " * 100, 0.5)])

    def recordings(count: int) -> Iterator[Recording]:
        for number in range(count):
            yield Recording(
                request=Request("POST", "https://api.test/v1/chat/completions", (), b"x" * 500),
                head=ResponseHead(200),
                body=body,
                digest="",
                recorded_at=1.79e9 + number,
                usage=Usage("", f"model-{number % 5}", number, 1),
            )

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            assert of_recordings(recordings(count)).total.requests == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    assert peak(10_000) < 2 * peak(1_000)


# -- how it is told ----------------------------------------------------------------------------------------


def test_piped_a_line_has_every_field(tmp_path: Path) -> None:
    note(tmp_path, hit(), hit(), live(), live("refused", None))
    done = replaycache("stats", str(tmp_path))

    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert {len(line) for line in lines} == {17}
    assert [line[0] for line in lines] == ["total", "model", "model", "provider", "provider", "day", "run"]
    assert lines[0] == [
        "total", "", "4", "2", "1", "0", "1",
        "2000", "200", "3.998", "1000", "0.005600",
        "1000", "100", "2.000", "500", "0.002800",
    ]  # fmt: skip
    only = replaycache("stats", str(tmp_path), "--by", "model", "--limit", "1").stdout
    assert [line.split("\t")[:3] for line in only.splitlines()] == [["model", "gpt-4.1", "3"]]


def test_it_fits_a_terminal(tmp_path: Path) -> None:
    calls = [
        hit(Usage("openai", name, 10**9, 10**8, 10**8, 0, 10**7), seconds=1e5 + 61, size=10**9)
        for name in (*HOSTILE, *(f"a-model-with-quite-a-long-name-{number}" for number in range(20)))
    ]
    note(tmp_path, *calls, *[hit()] * 3, live())
    screen = run_in_terminal("stats", str(tmp_path))

    assert screen.status == 0
    assert max(map(len, screen.text.splitlines())) <= 80
    assert "by model, 10 of 26" in screen.text
    assert "29: 28 replayed (96%), 1 recorded" in screen.text
    assert "…" in screen.text
    assert "\x1b[31m\x00" not in screen.raw
    assert "\u202e" not in screen.raw
    assert "Money leaves out 25 calls whose price is not known." in screen.text
    assert run_in_terminal("stats", str(tmp_path), "--by", "model", "--limit", "30").text.count("\n") == 27


def test_a_cassette_in_a_terminal(tmp_path: Path) -> None:
    cassette(tmp_path / "one.json", chat("a"), chat("b"))
    text = run_in_terminal("stats", str(tmp_path / "one.json")).text

    assert re.search(r"stored +2 recordings, \d+\.\d kB on disk", text)
    assert re.search(r"recorded +24 tokens in, 68 out, 1 s, \d+ B, \$0\.0000\d+", text)
    assert re.search(r"gpt-4o-mini-2024-07-18 +2 +24 +68 ", text)
    assert "hits" not in text


def test_what_is_paid_by_other_units_says_them(tmp_path: Path) -> None:
    cassette(tmp_path / "one.json", rerank())

    text = run_in_terminal("stats", str(tmp_path / "one.json"), columns=140).text

    assert re.search(r"recorded +2 rerank searches, ", text)
    assert re.search(r"rerank-v3\.5 +1 .* 2 rerank searches", text)
    assert "tokens" not in text
    assert found(str(tmp_path / "one.json"))["total"]["upstream"]["units"] == {"rerank_searches": 2}


def test_without_the_package_that_knows_prices_tokens_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(tmp_path, hit(), live())
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    told = found(str(tmp_path))

    assert told["prices"] is False
    assert told["total"]["saved"]["usd"] is None
    assert told["total"]["saved"]["input_tokens"] == 1000


def test_nothing_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "none"))
    done = replaycache("stats")
    assert done.exit_code == 0
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["total"]
    assert "replaycache demo" in done.stderr
    assert not (tmp_path / "none").exists()

    disk(tmp_path / "unasked", chat())
    assert replaycache("stats", str(tmp_path / "unasked")).stderr == "No call was noted yet.\n"


def test_what_cannot_be_read_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    note(tmp_path, hit())
    (tmp_path / "usage.db").write_bytes(b"damaged" * 1000)
    done = replaycache("stats", str(tmp_path))

    assert (done.exit_code, done.stdout) == (3, "")
    assert "usage.db" in done.stderr
    assert "move it aside" in done.stderr
    assert found(str(tmp_path), "--recordings")["total"]["recorded"] == 1
    assert replaycache("stats", str(tmp_path / "missing")).exit_code == 3
