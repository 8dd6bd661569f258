import pytest


@pytest.mark.parametrize("number", [1, 2])
def test_one(number, replay_metadata):
    replay_metadata.metadata["number"] = number


def test_two():
    assert True


def test_fails():
    raise AssertionError("on purpose")
