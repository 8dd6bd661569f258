import pytest

pytest_plugins = ["upstream"]


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(4))
def test_each(number, worker_id, testrun_uid):
    assert worker_id.startswith("gw")


def test_fails():
    raise AssertionError("on purpose")
