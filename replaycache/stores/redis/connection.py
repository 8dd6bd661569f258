"""One server, or a cluster of them: what is asked of it, and what is said where it fails."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar

from ..._errors import ConfigurationError, CorruptRecording, ReplayCacheError, StoreError, StoreUnavailable
from ..._printable import printable
from ...system.calling_upstream import asking_store, calling_upstream
from ...system.forking import new_lock, postponed

T = TypeVar("T")

CONNECTS_WITHIN = 2.0
"""Seconds for a connection to be made."""

ANSWERS_WITHIN = 5.0
"""Seconds for an answer to come."""

RESTS = 5.0
"""Seconds for which a server that did not answer in time is not asked again: every call would wait for it."""


def _disconnect(client: Any) -> None:
    """Closes what nobody uses. What another thread reads from at this moment is closed when it has its answer and
    the client is gone: under its hands it would be any error."""
    nodes = client.get_nodes() if hasattr(client, "get_nodes") else ()
    clients = [node.redis_connection for node in nodes] if nodes else [client]
    for one in clients:
        if one is not None:
            one.connection_pool.disconnect(inuse_connections=False)


class Connection:
    """Asks a server, of which it is found out whether it is one of a cluster. May be used from any thread.

    Args:
        url: for the client library.
        place: for people; it has no credentials in it.
        namespace: what the names of all keys begin with.

    Raises:
        ConfigurationError: the client library is not installed.
    """

    def __init__(self, url: str, place: str, namespace: str) -> None:
        if find_spec("redis") is None:
            raise ConfigurationError(
                "a store in Redis or Valkey needs the package redis: pip install 'replaycache[redis]'"
            )
        self._url = url
        self._place = place
        self._namespace = namespace
        self._lock = new_lock()
        self._client: Any = None
        self._process = os.getpid()
        self._rests_until = 0.0
        self._why = ""

    def ask(self, doing: str, work: Callable[[Any], T]) -> T:
        """Gives what `work` makes of the client library's client.

        Args:
            work: may be called twice.

        Raises:
            StoreUnavailable: the server cannot be reached, refuses, or is none.
            StoreError: what is there is not ours.
            ConfigurationError: the client library is not installed, or the URL is none of its.
        """
        if time.monotonic() < self._rests_until:
            raise StoreUnavailable(self._why)
        client = self._connected()
        from redis.exceptions import MovedError, ReadOnlyError, RedisError, ResponseError

        with asking_store.begun(), calling_upstream.begun():  # in a session that replays, too
            try:
                try:
                    return work(client)
                except ReadOnlyError:
                    # it was the first of several until now, and by its name another may be by now
                    self.close()
                    return work(self._connected())
                except ResponseError as error:
                    # older clients of a single server have no class of it
                    if not isinstance(error, MovedError) and "MOVED " not in str(error):
                        raise
                    return work(self._in_cluster())
            except (RedisError, OSError) as error:
                raise self._failed(doing, error) from error
            except ReplayCacheError:
                raise
            except Exception as error:
                # the client library takes what it is told for what a server says
                raise StoreUnavailable(
                    f"{self._named(doing)} failed: what answers there is no server of Redis or Valkey "
                    f"({type(error).__name__}: {error})"
                ) from error

    def _connected(self) -> Any:
        client = self._client
        if client is None or self._process != os.getpid():
            with self._lock:
                if self._client is None or self._process != os.getpid():
                    # a child of a fork has its parent's sockets, and no use for them
                    self._client, self._process = self._made(), os.getpid()
                client = self._client
        return client

    def _made(self, *, of_cluster: bool = False) -> Any:
        with postponed():
            import redis
            from redis.backoff import ExponentialBackoff
            from redis.cluster import RedisCluster
            from redis.retry import Retry
        options: dict[str, Any] = {
            "socket_connect_timeout": CONNECTS_WITHIN,
            "socket_timeout": ANSWERS_WITHIN,
            # a server that was started anew has closed every connection; what it did not answer in time is not
            # asked once more
            "retry": Retry(ExponentialBackoff(cap=0.2, base=0.02), 2, supported_errors=(redis.ConnectionError,)),
        }
        try:
            if of_cluster:
                return RedisCluster.from_url(self._url, **options)
            return redis.Redis.from_url(self._url, **options)
        except (ValueError, TypeError) as error:
            # what it says may have the URL in it
            raise ConfigurationError(f"the address of the shared store {self._place} is none that works") from (
                None if "@" in self._url else error
            )

    def _in_cluster(self) -> Any:
        with self._lock:
            client = self._client
            if client is None or not hasattr(client, "get_primaries"):
                self._client = self._made(of_cluster=True)
                if client is not None:
                    _disconnect(client)
            return self._client

    def close(self) -> None:
        """Closes what is open; what is asked afterwards opens what it needs."""
        with self._lock:
            client, self._client = self._client, None
            if client is not None and self._process == os.getpid():
                _disconnect(client)

    # -- failures ----------------------------------------------------------------------------------------------

    def _failed(self, doing: str, error: Exception) -> StoreError:
        """What is raised where the client library raised."""
        from redis import exceptions

        said = str(error).rstrip(".")
        if isinstance(error, exceptions.ResponseError) and "WRONGTYPE" in said:
            return CorruptRecording(
                f"{self._named(doing)} failed: what is there replaycache did not write. Give it a namespace of "
                f"its own, with ?namespace=NAME behind the address."
            )
        failure = StoreUnavailable(
            f"{self._named(doing)} failed: {printable(said).rstrip('.')}. {self._advice(error, said)}"
        )
        if isinstance(error, (exceptions.TimeoutError, TimeoutError)):
            self._why = f"{failure} It did not answer in time, and is not asked for {RESTS:g} s."
            self._rests_until = time.monotonic() + RESTS
        return failure

    def _named(self, doing: str) -> str:
        return f"{doing} the shared store {self._place}"

    def _advice(self, error: Exception, said: str) -> str:
        from redis import exceptions

        if isinstance(error, exceptions.NoPermissionError) or "NOPERM" in said:
            return (
                f"Its user needs the keys ~{self._namespace}:* and the commands +@read +@write +@scripting "
                f"(with a cluster +cluster)."
            )
        if isinstance(error, exceptions.AuthenticationError) or said.startswith(("NOAUTH", "WRONGPASS")):
            return "Give its user and password in the URL: redis://USER:PASSWORD@HOST."
        if isinstance(error, exceptions.OutOfMemoryError) or "OOM" in said:
            return (
                "Its memory is full, and what is there is kept: give it more (maxmemory), recordings an end "
                "(max_age), or an eviction policy."
            )
        if isinstance(error, exceptions.ReadOnlyError) or "READONLY" in said:
            return "It is a replica, which takes no recordings: name the primary, or wait for the failover."
        if isinstance(error, exceptions.BusyLoadingError):
            return "It has just been started; it answers when it has read its data."
        if "ssl" in type(error).__name__.lower() or "certificate" in said.lower() or "SSL" in said:
            return (
                "Where a server has TLS its address begins with rediss://; ?ssl_ca_certs=FILE names its authority."
            )
        return "See whether it runs, and whether the address is right (rediss:// where it has TLS)."
