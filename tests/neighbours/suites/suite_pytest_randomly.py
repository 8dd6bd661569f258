import random

import pytest

order = []


@pytest.mark.parametrize("number", range(5))
def test_each(number):
    order.append((number, random.random()))
    print("order", order)


def test_seed(pytestconfig):
    assert pytestconfig.getoption("randomly_seed") == 7
