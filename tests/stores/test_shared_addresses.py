"""Nothing that is said of a shared store has its password in it, however its address was written."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import replaycache
from replaycache import ConfigurationError, ReplayCacheError
from replaycache.stores import LayeredStore, MemoryStore, RedisStore, check_names_store, open_store
from replaycache.stores.redis import connection
from tests.drivers import SYNC

from . import shared_servers

FIRST, LAST = "s3cr", "w0rd"
"""What every password begins and ends with."""

passwords = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12).map(
    lambda text: FIRST + text + LAST
)
odd = st.text(st.sampled_from(list("/?#@:[]%&=\\ \t'\"{}é\u2028")), max_size=6).map(
    lambda text: FIRST + text + LAST
)
schemes = st.sampled_from(["redis", "rediss", "valkey", "unix", "REDIS", "redis+tls", "redi", " redis", "http"])


def said_of(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """All that people may see of a store at this address."""
    said: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record))

    def note(work: Callable[[], Any]) -> Any:
        try:
            made = work()
        except ReplayCacheError as error:
            said.extend(traceback.format_exception(error))
            said.append(repr(error))
            return None
        said.append(f"{made!r} {made}")
        return made

    handler = Keeping()
    logger = logging.getLogger("replaycache")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            store = note(lambda: RedisStore(url))
            if store is not None:
                said.extend([store.location, store.identity, repr(LayeredStore([MemoryStore(), store]))])
                note(lambda: store.get("k"))
                note(lambda: list(store.keys()))
                store.claims.claim("k")
                store.close()
            note(lambda: check_names_store(url))
            with suppress(ReplayCacheError):
                check_names_store(url, "--store")
            for way in (
                lambda: SYNC[1].transport(store=url),
                lambda: SYNC[1].transport(store=[":memory:", url]),
                lambda: replaycache.use_cassette(url).__enter__(),
            ):
                made = note(way)
                if made is not None:
                    made.close()
            monkeypatch.setenv("REPLAYCACHE_DIR", url)
            note(lambda: open_store(None)[0])
            monkeypatch.delenv("REPLAYCACHE_DIR")
        said.extend(str(one.message) for one in told)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return "\n".join(said)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECTS_WITHIN", 0.2)


def no_part_of(password: str, said: str) -> None:
    for part in (FIRST, LAST, password, quote(password, safe="")):
        assert part not in said, said


@given(password=passwords, scheme=schemes, by_user=st.booleans())
@settings(max_examples=6)
@example(password=FIRST + "/?#@:%[]" + LAST, scheme="redis", by_user=True)
@pytest.mark.usefixtures("quick")
def test_a_password_in_its_place(password: str, scheme: str, by_user: bool) -> None:
    user = "user" if by_user else ""
    with pytest.MonkeyPatch.context() as patch:
        no_part_of(password, said_of(f"{scheme}://{user}:{quote(password, safe='')}@127.0.0.1:1/0", patch))


@pytest.mark.exhaustive
@given(
    password=odd | passwords, scheme=schemes, rest=st.sampled_from(["@127.0.0.1:1/0", "@127.0.0.1:1?db=x", "@h"])
)
@settings(max_examples=12)
@example(password=FIRST + "/" + LAST, scheme="redis", rest="@127.0.0.1:1/0")
@example(password=FIRST + "#" + LAST, scheme="redis", rest="@127.0.0.1:1/0")
@example(password=FIRST + "?" + LAST, scheme="redis", rest="@127.0.0.1:1/0")
@example(password=FIRST + "[" + LAST, scheme="redis", rest="@127.0.0.1:1/0")
@example(password=FIRST + "@" + LAST, scheme="redis", rest="@127.0.0.1:1/0")
@pytest.mark.usefixtures("quick")
def test_a_password_that_was_not_written_as_a_url_has_it(password: str, scheme: str, rest: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        no_part_of(password, said_of(f"{scheme}://user:{password}{rest}", patch))


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:1234/" + FIRST + LAST + "@127.0.0.1:1",
        "redis://user:1234?a=" + FIRST + LAST + "@127.0.0.1:1",
        "redis://user:1234#" + FIRST + LAST + "@127.0.0.1:1",
        "redis://user:12/34@127.0.0.1:1/" + FIRST + LAST,
        "redis://127.0.0.1:1?password=" + FIRST + LAST,
        "redis://127.0.0.1:1?password=" + FIRST + LAST + "&socket_timeout=x",
        "redis://127.0.0.1:1?password=" + FIRST + LAST + "&namespace=-",
        "unix://user:" + FIRST + "/" + LAST + "@/run/redis.sock",
        "unix://user:" + FIRST + LAST + "@/nowhere/redis.sock",
    ],
)
@pytest.mark.usefixtures("quick")
def test_other_addresses_with_a_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = said_of(url, monkeypatch)

    no_part_of(FIRST + LAST, said)
    assert "redis://user:1" not in said


def test_a_password_with_every_odd_character_is_used() -> None:
    password = "a/?#@:[]%&= é'\"{}"
    with shared_servers.own_server("redis") as server:
        server.ask("ACL", "SETUSER", "one", "on", "nopass", "allkeys", "allcommands")
        import redis

        with redis.Redis.from_url(server.url) as client:
            client.execute_command("ACL", "SETUSER", "one", "resetpass", f">{password}")
            client.execute_command("ACL", "SETUSER", "default", "off")
        store = RedisStore(f"redis://one:{quote(password, safe='')}@127.0.0.1:{server.port}")
        assert store.get("k") is None
        store.close()


@pytest.mark.parametrize("scheme", ["redis", "valkey", "unix"])
def test_what_is_wrong_is_said(scheme: str) -> None:
    for rest in ("", "/", "?x=y"):
        with pytest.raises(ConfigurationError, match=f"{scheme}://"):
            RedisStore(f"{scheme}://{rest}" if scheme != "unix" else f"unix://{rest.strip('/')}")
