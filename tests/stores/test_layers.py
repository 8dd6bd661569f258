"""Several caches, one before the other."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import replaycache
from replaycache import ConfigurationError, Recording, ReplayCacheWarning, StoreError, StoreUnavailable
from replaycache.stores import (
    CassetteStore,
    DiskStore,
    LayeredStore,
    LayerUnavailable,
    MemoryStore,
    RedisStore,
    Store,
    open_store,
)
from tests.drivers import ALL, ASYNC, SYNC, Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.test_transports import ASKED, CHAT

from . import shared_servers
from .samples import large, recording
from .shared_servers import own_server


@pytest.fixture
def shared() -> Iterator[RedisStore]:
    made = shared_servers.fresh_store(shared_servers.server("valkey").url)
    yield made
    made.close()


def echo(request: Received, wire: Wire) -> None:
    wire.answer(request.body)


def body_of(number: int) -> dict[str, Any]:
    return {**ASKED, "messages": [{"role": "user", "content": f"number {number}"}]}


# -- what goes where -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [recording(), large()], ids=["small", "large"])
def test_what_is_stored_goes_to_all(sample: Recording, shared: RedisStore, tmp_path: Path) -> None:
    layers = [MemoryStore(), DiskStore(tmp_path), shared]
    store = LayeredStore(layers)
    store.put("k", sample)

    assert [layer.get("k") for layer in layers] == [sample] * 3
    assert store.delete("k")
    assert [layer.get("k") for layer in layers] == [None] * 3
    assert not store.delete("k")
    store.close()


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("sample", [recording(), large()], ids=["small", "large"])
def test_what_a_later_one_has_is_kept_before_it(
    at: int, sample: Recording, shared: RedisStore, tmp_path: Path
) -> None:
    layers = [MemoryStore(), DiskStore(tmp_path), shared]
    layers[at].put("k", sample)
    store = LayeredStore(layers)

    found = store.get("k")

    assert found == sample
    assert found.found_in == layers[at].location
    assert [layer.get("k") for layer in layers] == [sample if number <= at else None for number in range(3)]
    again = store.get("k")
    assert again is not None
    assert again.found_in == "memory"
    store.close()


@pytest.mark.parametrize("driver", ALL, ids=str)
def test_the_outcome_names_the_layer_that_answered(driver: Driver, shared: RedisStore, tmp_path: Path) -> None:
    async def ask(*layers: Store) -> Any:
        async with driver.client(store=LayeredStore(layers)) as client:
            response = await client.post(upstream.url + CHAT, json=ASKED)
            return outcome_of(response).status, outcome_of(response).store, response.json()

    async def check() -> None:
        disk, memory = DiskStore(tmp_path), MemoryStore()
        whole = f"memory, {disk.location}, {shared.location}"
        assert await ask(MemoryStore(), disk, shared) == ("miss", whole, {"answer": 1})
        assert await ask(memory, disk, shared) == ("hit", disk.location, {"answer": 1})
        assert await ask(memory, disk, shared) == ("hit", "memory", {"answer": 1})
        assert await ask(MemoryStore(), shared) == ("hit", shared.location, {"answer": 1})
        assert await ask(disk) == ("hit", disk.location, {"answer": 1})
        disk.close()

    with ScriptedServer(counting_answers()) as upstream:
        driver.run(check)


@pytest.mark.parametrize("way", ["transport", "install"])
def test_a_list_of_places_is_an_option(way: str, tmp_path: Path) -> None:
    url = f"{shared_servers.server('valkey').url}?namespace=test-{time.time_ns()}"
    places = [":memory:", str(tmp_path / "cache"), url]
    driver = SYNC[1]
    with ScriptedServer(counting_answers()) as upstream:
        if way == "transport":
            client = driver.module.Client(transport=driver.transport(store=places))
        else:
            replaycache.install(store=places)
            client = driver.module.Client()
        try:
            with client:
                found = [outcome_of(client.post(upstream.url + CHAT, json=ASKED)) for _ in range(2)]
        finally:
            replaycache.uninstall()
    assert [(one.status, one.store) for one in found] == [
        ("miss", f"memory, {tmp_path / 'cache'}, {url}"),
        ("hit", "memory"),
    ]
    alone = RedisStore(url)
    assert len(alone) == 1
    alone.close()


def test_what_is_no_cache_is_no_layer(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no store"):
        open_store([])
    with pytest.raises(ConfigurationError, match="one cache at least"):
        LayeredStore([])
    with pytest.raises(ConfigurationError, match="layers of a store are caches"):
        open_store([":memory:", tmp_path / "a.json"])
    with pytest.raises(ConfigurationError, match="layers of a store are caches"):
        LayeredStore([CassetteStore(tmp_path / "a.json")])


def test_memory_before_others_has_a_bound() -> None:
    memory = MemoryStore(size_limit=3000)
    store = LayeredStore([memory, MemoryStore()])
    for number in range(50):
        store.put(str(number), recording(bytes(200), asked=str(number)))
    store.put("large", recording(bytes(4000)))

    assert 5 < len(memory) < 15
    assert memory.get("large") is None
    assert len(store) == 51
    found = store.get("0")
    assert found is not None
    assert list(memory.keys())[-1] == "0"
    for wrong in (0, -1, True, 1.5, "1"):
        with pytest.raises(ConfigurationError, match="size_limit"):
            MemoryStore(size_limit=wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_the_salt_is_that_of_the_last(shared: RedisStore, tmp_path: Path) -> None:
    disk = DiskStore(tmp_path)
    store = LayeredStore([MemoryStore(), disk, shared])

    assert store.salt() == shared.salt() != disk.salt()
    assert store.adopt_salt(shared.salt())
    assert not store.adopt_salt(bytes(16))
    store.close()


# -- where one fails -------------------------------------------------------------------------------------------


def test_a_layer_that_fails_is_passed_over_with_one_warning(tmp_path: Path) -> None:
    driver = SYNC[1]
    with (
        own_server("valkey") as server,
        ScriptedServer(counting_answers()) as upstream,
        warnings.catch_warnings(record=True) as told,
    ):
        warnings.simplefilter("always")
        store = LayeredStore([MemoryStore(), DiskStore(tmp_path), RedisStore(server.url)])
        with driver.module.Client(transport=driver.transport(store=store)) as client:

            def ask(number: int) -> tuple[str, Any]:
                response = client.post(upstream.url + CHAT, json=body_of(number))
                return outcome_of(response).status, response.json()["answer"]

            assert ask(1) == ("miss", 1)
            server.stop()
            assert ask(1) == ("hit", 1)
            assert ask(2) == ("miss", 2)
            assert ask(2) == ("hit", 2)
            assert ask(3) == ("miss", 3)
            server.start()
            assert ask(4) == ("miss", 4)
            assert ask(3) == ("hit", 3)
        store.close()
        alone = RedisStore(server.url)
        assert len(alone) == 1
        alone.close()
    assert len(told) == 1
    assert server.url in str(told[0].message)
    assert told[0].category is ReplayCacheWarning


def test_in_replay_the_layer_that_fails_is_named_where_none_answers(tmp_path: Path) -> None:
    driver = SYNC[1]
    with own_server("valkey") as server, ScriptedServer(echo) as upstream:
        store = LayeredStore([MemoryStore(), RedisStore(server.url)])
        with driver.module.Client(transport=driver.transport(store=store)) as client:
            client.post(upstream.url + CHAT, json=body_of(1))
        server.stop()
        with driver.module.Client(transport=driver.transport(store=store, mode="replay")) as client:
            assert outcome_of(client.post(upstream.url + CHAT, json=body_of(1))).status == "hit"
            with pytest.raises(StoreUnavailable, match=server.url):
                client.post(upstream.url + CHAT, json=body_of(2))
        store.close()
    assert len(upstream.requests) == 1


class Failing(MemoryStore):
    """A store of a user's that fails."""

    location = "nowhere"

    def get(self, key: str) -> Recording | None:
        raise StoreError("it cannot be read")

    def put(self, key: str, recording: Recording) -> None:
        raise StoreError("it cannot be written")

    def delete(self, key: str) -> bool:
        raise StoreError("it cannot be changed")


def test_whichever_fails_the_others_do_their_work() -> None:
    for at in range(3):
        layers: list[Store] = [MemoryStore() for _ in range(3)]
        layers[at] = Failing()
        store = LayeredStore(layers)
        with pytest.warns(ReplayCacheWarning, match="it cannot be written"):
            store.put("k", recording())
        assert store.get("k") == recording()
        with pytest.raises(LayerUnavailable, match="it cannot be read"):
            store.get("other")
        with pytest.raises(StoreError, match="it cannot be changed"):
            store.delete("k")
        assert sum(map(len, layers)) == 0
    store = LayeredStore([Failing(), Failing()])
    for work in (lambda: store.put("k", recording()), lambda: store.get("k")):
        with pytest.raises(StoreError) as raised:
            work()
        assert not isinstance(raised.value, LayerUnavailable)


# -- event loops -----------------------------------------------------------------------------------------------


class Watched(LayeredStore):
    """Counts what is asked, and in which threads."""

    def __init__(self, layers: list[Store]) -> None:
        super().__init__(layers)
        self.readings: list[int] = []

    def get(self, key: str) -> Recording | None:
        self.readings.append(threading.get_ident())
        return super().get(key)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("driver", ASYNC, ids=str)
def test_many_tasks_at_once_each_ask_a_few_times(driver: Driver, shared: RedisStore) -> None:
    many = 200
    store = Watched([MemoryStore(), shared])

    async def check() -> None:
        async with driver.client(store=store) as client:
            for round_ in range(2):
                statuses: list[str] = []

                async def one(number: int, statuses: list[str] = statuses) -> None:
                    response = await client.post(upstream.url + CHAT, json=body_of(number % 50))
                    assert response.json() == body_of(number % 50)
                    statuses.append(outcome_of(response).status)

                with anyio.fail_after(60):
                    async with anyio.create_task_group() as tasks:
                        for number in range(many):
                            tasks.start_soon(one, number)
                assert statuses.count("miss") == (0 if round_ else 50)
                assert statuses.count("hit") == (many if round_ else many - 50)
                if not round_:
                    assert len(store.readings) < 8 * many  # nobody asks again and again
                    store.readings.clear()
        assert set(store.readings) == {threading.get_ident()}  # what memory has needs no thread
        assert len(store.readings) == many

    with ScriptedServer(echo) as upstream:
        driver.run(check)
    assert len(upstream.requests) == 50


@pytest.mark.parametrize("driver", ASYNC, ids=str)
def test_nothing_of_a_layer_that_waits_is_done_in_the_loop(
    driver: Driver, shared: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where memory has what has expired, so that a claim is next, nor where it has nothing."""
    asked_in: list[int] = []
    ask = shared._connection.ask

    def watched(doing: str, work: Callable[[Any], Any]) -> Any:
        asked_in.append(threading.get_ident())
        return ask(doing, work)

    monkeypatch.setattr(shared._connection, "ask", watched)

    async def check() -> None:
        async with driver.client(store=LayeredStore([MemoryStore(), shared]), ttl=0.001) as client:
            for _ in range(3):
                response = await client.post(upstream.url + CHAT, json=ASKED)
                assert outcome_of(response).status == "miss"
                await anyio.sleep(0.002)  # it is to be older than this
        assert asked_in
        assert threading.get_ident() not in asked_in

    with ScriptedServer(counting_answers()) as upstream:
        driver.run(check)


# -- against a dictionary --------------------------------------------------------------------------------------


class Dictionary(RuleBasedStateMachine):
    """Whatever is done in whatever order, a store has what a dictionary would have."""

    make: Callable[[], Store]
    store: Store
    model: dict[str, Recording]

    keys = st.sampled_from(["a", "b", "ключ"])
    samples = st.one_of(
        st.binary(max_size=20).map(recording),
        st.integers(0, 3).map(large),
        st.integers(0, 3).map(lambda seed: large(seed, 520 << 10)),
    )

    @initialize()
    def open(self) -> None:
        self.store = type(self).make()
        self.model = {}

    @rule(key=keys, made=samples)
    def put(self, key: str, made: Recording) -> None:
        self.store.put(key, made)
        self.model[key] = made

    @rule(key=keys)
    def get(self, key: str) -> None:
        assert self.store.get(key) == self.model.get(key)

    @rule(key=keys)
    def delete(self, key: str) -> None:
        assert self.store.delete(key) is (self.model.pop(key, None) is not None)

    @rule(key=keys)
    def lose_from_the_first(self, key: str) -> None:
        if isinstance(self.store, LayeredStore):
            self.store.layers[0].delete(key)

    @rule(key=keys, other=keys)
    def copy(self, key: str, other: str) -> None:
        found = self.store.get(key)
        if found is not None:
            self.store.put(other, found)
            self.model[other] = found

    @rule()
    def close(self) -> None:
        self.store.close()

    @rule(limit=st.integers(0, 3))
    def newest(self, limit: int) -> None:
        found = dict(self.store.newest(limit))
        assert len(found) == min(limit, len(self.model))
        assert all(self.model[key] == made for key, made in found.items())

    @invariant()
    def same_keys(self) -> None:
        assert sorted(self.store.keys()) == sorted(self.model)
        assert len(self.store) == len(self.model)

    def teardown(self) -> None:
        self.store.close()


def fresh() -> RedisStore:
    return shared_servers.fresh_store(shared_servers.server("valkey").url)


class RedisMachine(Dictionary):
    make = staticmethod(fresh)


class LayeredMachine(Dictionary):
    make = staticmethod(lambda: LayeredStore([MemoryStore(size_limit=1 << 20), fresh()]))


for machine in (RedisMachine, LayeredMachine):
    machine.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
TestRedis, TestLayered = RedisMachine.TestCase, LayeredMachine.TestCase
