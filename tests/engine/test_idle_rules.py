"""A path in a rule that leads nowhere is told, once."""

from __future__ import annotations

import warnings
from typing import Any

import httpx
import pytest

from replaycache import Match, Redact, ReplayCacheWarning
from replaycache.engine import exchange as exchanges
from replaycache.httpx import ReplayTransport
from tests.engine.parts import ANSWER

CHAT = "https://api.openai.com/v1/chat/completions"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "metadata": {"run": "1"}}


@pytest.fixture(autouse=True)
def _nothing_told_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "_told_idle", set())


def _ask(*bodies: Any, **rules: Any) -> list[str]:
    """What is told when a session is over that asks these."""
    answer = httpx.MockTransport(lambda request: httpx.Response(200, content=ANSWER))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with httpx.Client(transport=ReplayTransport(answer, store=":memory:", mode="auto", **rules)) as client:
            for body in bodies:
                client.post(CHAT, json=body)
    return [str(one.message) for one in told if issubclass(one.category, ReplayCacheWarning)]


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"match": Match(ignore=["mesages[*].content"])}, "Match(ignore=['mesages[*].content'])"),
        ({"match": Match(ignore=["messages[7]"])}, "Match(ignore=['messages[7]'])"),
        ({"match": Match(ignore=["headers.x-foo"])}, "Match(ignore=['headers.x-foo'])"),
        ({"redact": Redact(body=["metadata.rnu"])}, "Redact(body=['metadata.rnu'])"),
    ],
    ids=str,
)
def test_a_path_that_leads_nowhere_is_told_once(rules: dict[str, Any], told: str) -> None:
    (message,) = _ask(ASKED, {**ASKED, "user": "a"}, **rules)

    assert message.startswith(f"{told} led nowhere in all that was asked")
    assert _ask(ASKED, **rules) == []


@pytest.mark.parametrize(
    "rules",
    [
        {"match": Match(ignore=["messages[*].content", "headers.openai-beta"])},
        {"redact": Redact(body=["Metadata.run"])},
    ],
    ids=str,
)
def test_a_path_that_leads_somewhere_once_is_none(rules: dict[str, Any]) -> None:
    found = _ask({"model": "m", "messages": []}, ASKED, **rules)

    assert [told for told in found if "openai-beta" not in told] == []


def test_where_nothing_was_asked_nothing_is_told() -> None:
    assert _ask(match=Match(ignore=["a"]), redact=Redact(body=["a"])) == []
