"""What every store does: the contract in the docstring of `replaycache.stores.Store`, point by point.

A further store is one more row of `STORES`: a function that makes a store of its own in a directory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replaycache import Body, Chunk, CorruptRecording, Recording
from replaycache.stores import DiskStore, LayeredStore, MemoryStore, Store, StoreBusy

from . import shared_servers
from .samples import LARGE, large, recording
from .strategies import recordings


class Waiting(LayeredStore):
    """Asks once more where it came to a store that waits, as every caller does."""

    def get(self, key: str) -> Recording | None:
        try:
            return super().get(key)
        except StoreBusy:
            assert self.slow
            return super().get(key)


STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda directory: MemoryStore(),
    "disk": lambda directory: DiskStore(directory / "cache"),
    "redis": lambda directory: shared_servers.fresh_store(shared_servers.server("redis").url),
    "valkey": lambda directory: shared_servers.fresh_store(shared_servers.server("valkey").url),
    "redis cluster": lambda directory: shared_servers.fresh_store(shared_servers.cluster("redis")[0].url),
    "valkey cluster": lambda directory: shared_servers.fresh_store(shared_servers.cluster("valkey")[0].url),
    "layers": lambda directory: LayeredStore([MemoryStore(), DiskStore(directory / "cache")]),
    "layers over a server": lambda directory: Waiting(
        [MemoryStore(), shared_servers.fresh_store(shared_servers.server("valkey").url)]
    ),
}

# those beside differ by a server or a cluster alone, and are the rest of the table
_REST = ("redis", "redis cluster", "layers over a server")
EVERY = [pytest.param(name, marks=pytest.mark.exhaustive) if name in _REST else name for name in STORES]

SAMPLES = {
    "small": lambda: recording(b'{"answer":1}'),
    "empty body": lambda: recording(Body.of([])),
    "one empty chunk": lambda: recording(Body.of([Chunk(b"", 0.5)])),
    "empty chunks between others": lambda: recording(
        Body.of([Chunk(b"", 0), Chunk(b"a", 0.1), Chunk(b"", 0.1), Chunk(b"b", 0.2), Chunk(b"", 3)])
    ),
    "every byte": lambda: recording(bytes(range(256)) * 4),
    "one byte a chunk": lambda: recording(Body.of([Chunk(b"x", at / 1000) for at in range(5000)])),
    "just under a file": lambda: recording(bytes((512 << 10) - 1000)),
    "just over a file": lambda: recording(bytes(512 << 10)),
    "large": lambda: large(),
    "large, one chunk": lambda: recording(Body.of([Chunk(bytes(LARGE), 0.5)])),
    "large request, small answer": lambda: recording(b"ok", asked="why " * 300_000),
    "an error": lambda: recording(b'{"error":{"message":"no"}}', status=529),
}

KEYS = ["k", "0123456789abcdef0123456789abcdef", "with space", "a/b", "../up", "ключ", "K", "%", "'", "\U0001f39e"]


@pytest.fixture(params=EVERY)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = STORES[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture(params=EVERY, scope="module")
def lasting_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for the many examples of a property: to open one takes longer than to use it."""
    made = STORES[request.param](tmp_path_factory.mktemp("store"))
    yield made
    made.close()


def everyone(count: int, work: Callable[[int], None]) -> None:
    """Runs `work(0)`, `work(1)`, … at once, each in a thread of its own; the first error is raised."""
    barrier = threading.Barrier(count)

    def start(number: int) -> None:
        barrier.wait()
        work(number)

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(start, number) for number in range(count)]:
            future.result()


def test_it_keeps_to_the_protocol(store: Store) -> None:
    assert isinstance(store, Store)
    assert isinstance(store.location, str)
    assert isinstance(store.identity, str)
    assert store.repeats in ("same", "sequence")
    assert isinstance(store.slow, bool)
    assert store.location.split()[0] in repr(store) or type(store).__name__ in repr(store)


@pytest.mark.parametrize("name", EVERY)
def test_identity_tells_two_places_apart(name: str, tmp_path: Path) -> None:
    first, second = STORES[name](tmp_path / "first"), STORES[name](tmp_path / "second")

    assert first.identity == first.identity
    assert first.identity != second.identity


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert store.get("k") is None
    assert store.delete("k") is False
    assert list(store.keys()) == []
    assert list(store.newest(10)) == []
    assert len(store) == 0


@pytest.mark.sampled(20)
@pytest.mark.parametrize("sample", SAMPLES)
def test_get_gives_what_put_stored(store: Store, sample: str) -> None:
    stored = SAMPLES[sample]()
    store.put("k", stored)

    found = store.get("k")

    assert found == stored
    assert found is not None
    assert found.request == stored.request
    assert list(found.body) == list(stored.body)
    assert found.body.read() == stored.body.read()
    assert found.body.size == stored.body.size
    assert store.get("other") is None


@pytest.mark.sampled(3)
@given(made=recordings)
def test_any_recording_round_trips(lasting_store: Store, made: object) -> None:
    lasting_store.put("k", made)  # type: ignore[arg-type]  # the strategy has no type

    assert lasting_store.get("k") == made
    assert list(lasting_store.keys()).count("k") == 1


@pytest.mark.sampled(15)
@pytest.mark.parametrize("key", KEYS)
def test_keys_are_told_apart(store: Store, key: str) -> None:
    for number, name in enumerate(KEYS):
        store.put(name, recording(b"%d" % number))

    assert store.get(key) == recording(b"%d" % KEYS.index(key))
    assert store.delete(key)
    assert store.get(key) is None
    assert sorted(store.keys()) == sorted(set(KEYS) - {key})


@pytest.mark.sampled(20)
@pytest.mark.parametrize("then", SAMPLES)
@pytest.mark.parametrize("before", ["small", "large"])
def test_put_replaces(store: Store, before: str, then: str) -> None:
    store.put("k", SAMPLES[before]())
    store.put("other", recording(b"untouched"))

    store.put("k", SAMPLES[then]())

    assert store.get("k") == SAMPLES[then]()
    assert store.get("other") == recording(b"untouched")
    assert len(store) == 2
    assert sorted(store.keys()) == ["k", "other"]


@pytest.mark.sampled(15)
@pytest.mark.parametrize("sample", SAMPLES)
def test_delete_removes_and_tells(store: Store, sample: str) -> None:
    store.put("k", SAMPLES[sample]())
    store.put("other", recording(b"untouched"))

    assert store.delete("k") is True
    assert store.delete("k") is False
    assert store.get("k") is None
    assert store.get("other") == recording(b"untouched")
    assert list(store.keys()) == ["other"]
    assert len(store) == 1


def test_what_was_deleted_can_be_stored_again(store: Store) -> None:
    store.put("k", large(1))
    store.delete("k")
    store.put("k", large(2))

    assert store.get("k") == large(2)


@pytest.mark.sampled(15)
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_body_is_read_any_number_of_times(store: Store, sample: str) -> None:
    made = SAMPLES[sample]()
    store.put("k", made)
    found = store.get("k")
    assert found is not None

    readings = [found.body.read(), b"".join(chunk.data for chunk in found.body), found.body.read()]
    abandoned = iter(found.body)
    next(abandoned, None)
    side_by_side = list(zip(found.body, found.body, strict=True))

    assert readings == [made.body.read()] * 3
    assert all(one == other for one, other in side_by_side)
    assert list(abandoned) == list(made.body)[1:]


@pytest.mark.sampled(15)
@pytest.mark.parametrize("sample", ["small", "large", "large request, small answer"])
@pytest.mark.parametrize("change", ["replaced", "deleted", "closed", "replaced thrice and deleted"])
def test_a_body_is_whole_whatever_happens_to_its_key(store: Store, sample: str, change: str) -> None:
    made = SAMPLES[sample]()
    store.put("k", made)
    found = store.get("k")
    assert found is not None
    begun = iter(found.body)
    first = next(begun)

    if change == "closed":
        store.close()
    for number in range({"replaced": 1, "replaced thrice and deleted": 3}.get(change, 0)):
        store.put("k", large(number + 10))
    if change.endswith("deleted"):
        assert store.delete("k")

    assert [first, *begun] == list(made.body)
    assert found.head == made.head
    if change == "closed" or sample != "large request, small answer":
        assert found == made
        return
    # a request has no part in an answer, and a store need not keep a large one for who may ask for it later
    with suppress(CorruptRecording):
        assert found.request == made.request


@pytest.mark.sampled(15)
@pytest.mark.parametrize("sample", SAMPLES)
def test_what_is_put_at_once_is_stored_or_left(store: Any, sample: str) -> None:
    """Where it would take long, nothing is stored, and `put` is there."""
    made = SAMPLES[sample]()
    store.put("other", recording())
    at_once = getattr(store, "put_at_once", store.put)
    try:
        at_once("k", made)
    except StoreBusy:
        assert store.get("k") is None
        store.put("k", made)

    assert store.get("k") == made


@pytest.mark.parametrize("sample", ["small", "large"])
def test_what_is_read_can_be_stored_again(store: Store, sample: str) -> None:
    store.put("k", SAMPLES[sample]())
    found = store.get("k")
    assert found is not None

    store.put("k", found)
    store.put("copy", found)

    assert store.get("k") == store.get("copy") == SAMPLES[sample]()


@pytest.mark.sampled(2)
def test_one_store_takes_what_another_gave(store: Store, tmp_path: Path) -> None:
    for number, make in enumerate(STORES.values()):
        try:
            other = make(tmp_path / str(number))
        except pytest.skip.Exception:
            continue
        other.put("k", large(number))
        found = other.get("k")
        assert found is not None
        store.put("k", found)
        other.delete("k")
        other.close()
        del found

        assert store.get("k") == large(number)


def test_newest_gives_the_last_stored_first(store: Store) -> None:
    for number in range(250):
        store.put(f"k{number}", recording(b"%d" % number, asked=str(number)))

    assert [key for key, _ in store.newest(3)] == ["k249", "k248", "k247"]
    assert all(made == recording(key[1:].encode(), asked=key[1:]) for key, made in store.newest(250))
    assert [key for key, _ in store.newest(1000)] == [f"k{number}" for number in reversed(range(250))]
    assert list(store.newest(0)) == []


def test_newest_skips_what_was_deleted_and_holds_what_was_replaced(store: Store) -> None:
    for name in ("a", "b", "c"):
        store.put(name, recording(name.encode()))
    store.delete("b")
    store.put("a", recording(b"again"))

    found = dict(store.newest(10))

    assert found == {"a": recording(b"again"), "c": recording(b"c")}


def test_newest_may_be_left_early_and_the_store_used_meanwhile(store: Store) -> None:
    for number in range(120):
        store.put(f"k{number}", recording(b"%d" % number))
    going = store.newest(120)
    assert next(going)[0] == "k119"

    store.put("new", recording(b"new"))
    store.delete("k0")
    going.close()  # type: ignore[attr-defined]  # what an abandoned loop does to a generator

    assert len(store) == 120


def test_keys_survive_changes_on_the_way(store: Store) -> None:
    names = {f"k{number}" for number in range(150)}
    for name in names:
        store.put(name, recording())
    seen = set()
    for name in store.keys():  # noqa: SIM118  # a store is no mapping
        seen.add(name)
        store.delete(name)

    assert seen == names
    assert len(store) == 0


def test_it_can_be_used_again_after_close(store: Store) -> None:
    store.close()
    store.put("k", recording(b"one"))
    store.close()
    store.close()
    assert store.get("k") == recording(b"one")
    store.close()
    assert list(store.keys()) == ["k"]
    store.close()
    assert list(store.newest(1)) == [("k", recording(b"one"))]
    store.close()
    assert len(store) == 1
    store.close()
    assert store.delete("k")


def test_any_thread_may_use_it(store: Store) -> None:
    """Made here, filled in one thread, read in another, closed in a third, used here again."""
    found = []
    for work in (
        lambda: store.put("k", large(1)),
        lambda: found.append(store.get("k")),
        store.close,
        lambda: store.put("l", recording(b"l")),
    ):
        everyone(1, lambda _, work=work: work())

    assert found == [large(1)]
    assert store.get("l") == recording(b"l")


def test_several_threads_at_once_lose_nothing(store: Store) -> None:
    def work(number: int) -> None:
        for round_ in range(10):
            key = f"{number}-{round_}"
            store.put(key, recording(key.encode()))
            assert store.get(key) == recording(key.encode())
            if round_ % 3 == 2:
                assert store.delete(key)
        store.put(f"{number}-large", large(number))

    everyone(8, work)

    expected = {f"{number}-{round_}" for number in range(8) for round_ in range(10) if round_ % 3 != 2}
    expected |= {f"{number}-large" for number in range(8)}
    assert set(store.keys()) == expected
    assert len(store) == len(expected)
    assert all(store.get(f"{number}-large") == large(number) for number in range(8))


@pytest.mark.sampled(2)
def test_readers_of_a_key_that_is_written_always_get_a_whole_recording(store: Store) -> None:
    """Small and large in turn, so that a disk store changes between its database and its files."""
    versions = [recording(b"small"), large(1), recording(b"small too"), large(2)]
    store.put("k", versions[0])
    done = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            try:
                for round_ in range(40):
                    store.put("k", versions[round_ % 4])
            finally:
                done.set()
        while not done.is_set():
            found = store.get("k")
            assert any(found == version for version in versions)

    everyone(4, work)


def test_many_threads_read_one_body_at_once(store: Store) -> None:
    store.put("k", large(1))
    found = store.get("k")
    assert found is not None
    whole = list(large(1).body)

    def work(number: int) -> None:
        for _ in range(5):
            assert list(found.body) == whole

    everyone(6, work)


@pytest.mark.sampled(2)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_it_behaves_as_a_dictionary_would(lasting_store: Store, data: st.DataObject) -> None:
    for key in list(lasting_store.keys()):
        lasting_store.delete(key)
    model: dict[str, bytes] = {}
    for _ in range(data.draw(st.integers(1, 12))):
        key = data.draw(st.sampled_from("abc"))
        match data.draw(st.sampled_from(["put", "delete", "get", "close"])):
            case "put":
                model[key] = data.draw(st.binary(max_size=5))
                lasting_store.put(key, recording(model[key]))
            case "delete":
                assert lasting_store.delete(key) is (model.pop(key, None) is not None)
            case "get":
                found = lasting_store.get(key)
                assert (found and found.body.read()) == model.get(key)
            case "close":
                lasting_store.close()

    assert {key: made.body.read() for key, made in lasting_store.newest(9)} == model
    assert set(lasting_store.keys()) == set(model)
    assert len(lasting_store) == len(model)
