import httpx
import pytest

from replaycache import Match

pytest_plugins = ["upstream"]


@pytest.mark.replay(match=Match(hosts={"127.0.0.1:*": "upstream.example"}))
def test_recorded(replay_cassette, upstream):
    assert replay_cassette.mode in ("auto", "replay")
    assert httpx.get(f"{upstream}/x").text.startswith("answer")


def test_unmarked(replay_cassette, upstream):
    assert replay_cassette is None
    assert httpx.get(upstream).text.startswith("answer")


@pytest.mark.replay(mode="replay")
def test_misses():
    httpx.get("https://api.invalid/never")
