import httpx
import pytest
import requests

pytest_plugins = ["upstream"]
URL = "http://recorded.example/x"


@pytest.fixture(scope="module")
def vcr_config():
    return {"filter_headers": ["authorization"], "match_on": ["method", "path"]}


@pytest.mark.vcr
@pytest.mark.parametrize("library", [requests, httpx])
def test_recorded(library, upstream, record_mode, vcr):
    address = URL if record_mode == "none" else f"{upstream}/x"
    assert library.get(address).text.startswith("answer")
    assert vcr.play_count == (record_mode == "none")


@pytest.mark.vcr
@pytest.mark.block_network
def test_a_mark_blocks_what_is_not_recorded(record_mode):
    if record_mode != "none":
        pytest.skip("nothing is blocked while it records")
    with pytest.raises(Exception, match="Can't play back this request"):
        requests.get(URL + "/never")


def test_unmarked(upstream, pytestconfig):
    if pytestconfig.getoption("--block-network"):
        with pytest.raises(RuntimeError, match="Network is disabled"):
            requests.get(upstream)
    else:
        assert requests.get(upstream).text.startswith("answer")
