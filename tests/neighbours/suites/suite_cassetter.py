import httpx
import pytest

pytest_plugins = ["upstream"]


@pytest.fixture(scope="module")
def vcr_config():
    return {"match_on": ["method"]}


@pytest.mark.vcr
def test_recorded(upstream, cassette, vcr):
    assert cassette is vcr
    first, second = (httpx.get(f"{upstream}/{name}").text for name in "ab")
    assert first != second


def test_unmarked(cassette, upstream):
    assert cassette is None
    assert httpx.get(upstream).text.startswith("answer")
