"""Identical requests in flight at once make one upstream call, whatever hosts they come from."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers import ASYNC, SYNC, Driver
from tests.engine.test_flights import Gate
from tests.scripted_server import ScriptedServer
from tests.tables import first_of, one_in
from tests.test_transports import ASKED, EVENTS, STREAMED

from . import shared_servers
from .askers import LEASE, Askers, asking
from .hosts import Network, network
from .shared_servers import Server

DRIVERS = [*SYNC, *(driver for driver in ASYNC if driver.how == "asyncio")]
MANY = 8
WHOLE = " ".join(b"".join(EVENTS).decode().split())


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture(scope="module")
def reached(net: Network) -> Iterator[Server]:
    """A server that both hosts reach."""
    made = Server("valkey", host=net.address)
    yield made
    made.end()


def store_in(server: Server) -> str:
    """The URL of a store that nobody else has."""
    return f"{server.url}?namespace=test-{time.time_ns()}"


def leader_of(askers: Askers, followers: set[int]) -> int:
    (leader, _), *others = askers.said("miss", 1)
    assert leader not in followers
    assert not others
    return leader


@pytest.mark.sampled(1)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("driver", one_in(3, DRIVERS), ids=str)
def test_processes_on_two_hosts_make_one_call(
    driver: Driver, streamed: bool, net: Network, reached: Server
) -> None:
    gate = Gate(streamed=streamed)
    body = STREAMED if streamed else ASKED
    with (
        ScriptedServer(gate, net.address) as upstream,
        asking(driver, upstream.url, store_in(reached), body, count=MANY, hosts=net.hosts) as askers,
    ):
        assert gate.arrived.acquire(timeout=60)
        askers.said("waiting for another process", MANY - 1)
        gate.open()
        answers = [what for _, what in askers.said("answer", MANY)]

    text = WHOLE if streamed else '{"answer": 1}'
    assert sorted(answers) == [f"hit {text}"] * (MANY - 1) + [f"miss {text}"]
    assert gate.count == 1


@pytest.mark.sampled(1)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("driver", one_in(3, DRIVERS[::-1]), ids=str)
def test_a_leader_that_is_killed_costs_one_further_call(
    driver: Driver, streamed: bool, net: Network, reached: Server
) -> None:
    gate = Gate(streamed=streamed)
    body = STREAMED if streamed else ASKED
    with (
        ScriptedServer(gate, net.address) as upstream,
        asking(driver, upstream.url, store_in(reached), body, count=MANY, hosts=net.hosts) as askers,
    ):
        assert gate.arrived.acquire(timeout=60)
        followers = {who for who, _ in askers.said("waiting for another process", MANY - 1)}
        leader = leader_of(askers, followers)
        os.kill(leader, signal.SIGKILL)
        killed = time.monotonic()
        assert gate.arrived.acquire(timeout=60)
        waited = time.monotonic() - killed
        gate.open()
        answers = [what for _, what in askers.said("answer", MANY - 1)]

    text = WHOLE if streamed else '{"answer": 2}'
    assert sorted(answers) == [f"hit {text}"] * (MANY - 2) + [f"miss {text}"]
    assert gate.count == 2
    assert waited < LEASE + 20  # and not the time for which followers wait for one that lives


@pytest.mark.sampled(1)
@pytest.mark.parametrize("store", ["disk", *first_of(["redis", "valkey"])], ids=str)
def test_on_one_host_too(store: str, tmp_path: Path) -> None:
    gate, driver = Gate(), SYNC[1]
    where = str(tmp_path) if store == "disk" else store_in(shared_servers.server(store))  # type: ignore[arg-type]  # a parameter has no literal type
    with (
        ScriptedServer(gate) as upstream,
        asking(driver, upstream.url, where, ASKED, count=MANY) as askers,
    ):
        assert gate.arrived.acquire(timeout=60)
        followers = {who for who, _ in askers.said("waiting for another process", MANY - 1)}
        os.kill(leader_of(askers, followers), signal.SIGKILL)
        assert gate.arrived.acquire(timeout=60)
        gate.open()
        answers = [what for _, what in askers.said("answer", MANY - 1)]

    assert sorted(answers) == ['hit {"answer": 2}'] * (MANY - 2) + ['miss {"answer": 2}']
    assert gate.count == 2


@pytest.mark.exhaustive
def test_a_leader_that_is_stopped_loses_its_lease_and_does_no_harm_afterwards() -> None:
    gate = Gate()
    store = store_in(shared_servers.server("valkey"))
    with ScriptedServer(gate) as upstream, asking(SYNC[1], upstream.url, store, ASKED, count=3) as askers:
        assert gate.arrived.acquire(timeout=60)
        followers = {who for who, _ in askers.said("waiting for another process", 2)}
        leader = leader_of(askers, followers)
        os.kill(leader, signal.SIGSTOP)
        assert gate.arrived.acquire(timeout=60)
        ((second, _),) = askers.said("miss", 1)
        (third,) = followers - {second}
        os.kill(leader, signal.SIGCONT)  # it goes on before its successor has its answer
        gate.open()
        answers = dict(askers.said("answer", 3))

        assert answers[leader] == 'miss {"answer": 1}'
        assert answers[second] == 'miss {"answer": 2}'
        assert answers[third] in ('hit {"answer": 1}', 'hit {"answer": 2}')
    assert gate.count == 2
