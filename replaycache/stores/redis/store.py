"""A store in Redis or Valkey.

    NAMESPACE:{KEY}                 an entry, as `stores.format` has it; where that is large, a list of its pieces
    NAMESPACE:{KEY}:GENERATION:N    a piece
    NAMESPACE:{KEY}:claim           who calls upstream for it, see `claims`
    NAMESPACE:{index}:stored        the keys by when they were stored, in seconds since 1970
    NAMESPACE:{index}:ends          those that are kept for a time, by when that ends
    NAMESPACE:{index}:salt          with which what is redacted and counts is sealed

What stands in braces tells a cluster where a key belongs, so that an entry and its pieces are replaced in one
step. A key stands in the index before its entry is there: what is stored is found in it, and what is found in it
may not be there any more.
"""

from __future__ import annotations

import os
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from ..._errors import CorruptRecording, StoreError, StoreUnavailable
from ..._models import Recording
from ...redaction.seal import SALT_BYTES, salt_of_text, salt_text
from ..format import AT_ONCE, OpenFile, decode, decode_open, encode
from .address import NAMESPACE, check_max_age, check_namespace, parse_address
from .claims import SharedClaims
from .connection import RESTS, Connection
from .scripts import FORGET, FORGET_ENDED, REPLACE

PIECE = 512 << 10
"""Bytes: what is larger is kept in pieces of so many."""

UNFINISHED = 3600
"""Seconds after which a piece goes whose entry was never written."""

_PIECES = struct.Struct("<8s16sIQ")
_MAGIC = b"\x89rpp\r\n\x1a"
_VERSION = 1
_IN_PIECES = _MAGIC + bytes([_VERSION])
_MOST_PIECES = 100_000
"""More than any recording has."""
_TRIES = 5
_PAGE = 500
_PAGE_OF_VALUES = 16


def _entry(namespace: str, key: str) -> bytes:
    """The name of a key's entry."""
    return f"{namespace}:{{{quote(key, safe='')}}}".encode()


def _claim(namespace: str, key: str) -> bytes:
    """The name of the claim on a key."""
    return _entry(namespace, key) + b":claim"


def _piece(entry: bytes, generation: bytes, number: int) -> bytes:
    """The name of a piece."""
    return b"%s:%s:%d" % (entry, generation.hex().encode(), number)


class _Pieces(NamedTuple):
    """An entry that is kept in pieces.

    Attributes:
        generation: of them: what is stored anew has another.
        number: how many there are.
        size: of all together, in bytes.
    """

    generation: bytes
    number: int
    size: int

    @classmethod
    def parse(cls, value: bytes) -> _Pieces:
        if len(value) <= len(_MAGIC):
            raise CorruptRecording("the list of an entry's pieces is cut short")
        version = value[len(_MAGIC)]
        if version > _VERSION:
            raise StoreError(
                f"the entry has a list of pieces of format {version} and this version of replaycache reads up to "
                f"{_VERSION}; upgrade it"
            )
        if not version:
            raise CorruptRecording("the list of an entry's pieces is damaged")
        if len(value) != _PIECES.size:
            raise CorruptRecording("the list of an entry's pieces is cut short")
        _, generation, count, size = _PIECES.unpack(value)
        if count != -(-size // PIECE) or count > _MOST_PIECES:
            raise CorruptRecording("the list of an entry's pieces is damaged")
        return cls(generation, count, size)

    def __bytes__(self) -> bytes:
        return _PIECES.pack(_IN_PIECES, self.generation, self.number, self.size)

    def names(self, entry: bytes) -> Iterator[bytes]:
        """Of the keys, given the entry's."""
        return (_piece(entry, self.generation, number) for number in range(self.number))


class RedisStore:
    """Keeps recordings in a server of Redis or Valkey, or in a cluster of them, for all who use it.

    A recording is kept until it is `max_age` old or the server removes it. Calls that are the same make one call
    upstream, whatever hosts they come from. While the server cannot be reached calls go live in mode `auto`, and
    are an error in `replay`. Whoever may read the server's keys reads prompts and answers.

    Args:
        url: `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `rediss://` where it has TLS, `unix:///PATH` for a socket;
            `valkey://` and `valkeys://` are the same. `?namespace=` and `?max_age=` may stand in it, and what the
            package redis takes there.
        namespace: what the names of all keys begin with, so that several have a server to themselves each.
        max_age: seconds after which a recording is removed. None: never.

    Raises:
        ConfigurationError: an argument has a wrong value.

    Attributes:
        claims: which process calls upstream for a key.
    """

    repeats: Literal["same"] = "same"
    slow = True

    def __init__(self, url: str, *, namespace: str | None = None, max_age: float | None = None) -> None:
        address = parse_address(url)
        if namespace is not None:
            check_namespace(namespace)
        self._namespace = namespace or address.namespace or NAMESPACE
        self._max_age = address.max_age if max_age is None else check_max_age(max_age)
        self.location = address.place
        if self._namespace != NAMESPACE:
            self.location += f"{'&' if '?' in address.place else '?'}namespace={self._namespace}"
        self.identity = f"redis:{self.location}"
        self._connection = Connection(address.url, self.location, self._namespace)
        self._ask: Callable[[str, Any], Any] = self._connection.ask
        self._salt: bytes | None = None
        self._own_salt = os.urandom(SALT_BYTES)
        self._salt_rests_until = 0.0
        self._stored, self._ends, self._salted = (
            f"{self._namespace}:{{index}}:{part}" for part in ("stored", "ends", "salt")
        )
        # not by a method: what is claimed is kept by a thread, which must not keep the store
        self._entry = partial(_entry, self._namespace)
        self.claims = SharedClaims(self._connection, partial(_claim, self._namespace))

    # -- the protocol of stores ------------------------------------------------------------------------------

    def get(self, key: str) -> Recording | None:
        """The recording under `key`; None where there is none. A large one is fetched as a whole, into a file."""
        entry = self._entry(key)
        try:
            missing: _Pieces | None = None
            while (value := self._ask("reading", lambda client: client.get(entry))) is not None:
                if not value.startswith(_MAGIC) or len(value) == len(_MAGIC):
                    return decode(value)
                pieces = _Pieces.parse(value)
                if pieces == missing:
                    raise CorruptRecording("one of its pieces is gone")
                missing = pieces
                recording = self._joined(entry, pieces)
                if recording is not None:
                    return recording  # else it was stored anew meanwhile, or removed
            return None
        except StoreUnavailable:
            raise
        except StoreError as error:
            raise type(error)(f"{error} (key {key} in {self.location})") from error

    def _joined(self, entry: bytes, pieces: _Pieces) -> Recording | None:
        """What was kept in pieces; None where one is gone."""
        names = pieces.names(entry)
        found = (self._ask("reading", lambda client, name=name: client.get(name)) for name in names)
        if pieces.size <= AT_ONCE:
            parts = list(found)
            whole = b"".join(part for part in parts if part is not None)
            if None in parts:
                return None
            self._check_size(len(whole), pieces)
            return decode(whole)
        try:
            with tempfile.TemporaryFile(prefix="replaycache-") as unnamed:
                file = OpenFile(os.dup(unnamed.fileno()))
            for part in found:
                if part is None:
                    return None
                file.append(part)
            self._check_size(file.size, pieces)
            return decode_open(file)
        except OSError as error:
            raise StoreError(f"a large recording finds no room in {tempfile.gettempdir()}: {error}") from error

    @staticmethod
    def _check_size(size: int, pieces: _Pieces) -> None:
        if size != pieces.size:
            raise CorruptRecording("its pieces do not add up")

    def put(self, key: str, recording: Recording) -> None:
        """Stores `recording` under `key`, in place of what was there."""
        recording.measure()
        entry = self._entry(key)
        self._ask("writing", lambda client: self._index(client, key))
        value, names = self._sent(entry, recording)
        ends = 0 if self._max_age is None else int(self._max_age * 1000)
        self._replace(entry, value, names, ends)

    def _index(self, client: Any, key: str) -> None:
        now = time.time()
        # in this order: what is kept for a time that is over is taken out of both at any moment
        with client.pipeline(transaction=False) as pipeline:
            if self._max_age is None:
                pipeline.zrem(self._ends, key)
            else:
                pipeline.zadd(self._ends, {key: now + self._max_age})
            pipeline.zadd(self._stored, {key: now})
            pipeline.execute()

    def _sent(self, entry: bytes, recording: Recording) -> tuple[bytes, list[bytes]]:
        """The entry, and the names of its pieces, which are there until it is clear whether it is stored."""
        generation = os.urandom(16)
        names: list[bytes] = []
        size = 0
        waiting = bytearray()

        def send(data: bytes) -> None:
            nonlocal size
            name = _piece(entry, generation, len(names))
            self._ask("writing", lambda client: client.set(name, data, ex=UNFINISHED))
            names.append(name)
            size += len(data)

        for part in encode(recording):
            waiting += part
            while len(waiting) > PIECE:
                send(bytes(waiting[:PIECE]))
                del waiting[:PIECE]
        if not names:
            return bytes(waiting), []
        send(bytes(waiting))
        return bytes(_Pieces(generation, len(names), size)), names

    def _replace(self, entry: bytes, value: bytes, names: list[bytes], ends: int) -> bool:
        """Puts an entry in the place of what is there, with its pieces, in one step; empty: removes what is there.

        Returns:
            whether there was something.
        """
        before, old = b"", list[bytes]()
        for _ in range(_TRIES):
            keys = [entry, *names, *old]
            arguments = (value, ends, len(names), _IN_PIECES, before)
            done = self._ask("writing", lambda client, k=keys, a=arguments: client.eval(REPLACE, len(k), *k, *a))
            if isinstance(done, int):
                return bool(done)
            # what is there is in other pieces than was thought
            before = done
            try:
                old = list(_Pieces.parse(before).names(entry)) if before else []
            except StoreError:
                old = []
        raise StoreUnavailable(f"writing the shared store {self.location} failed: others replace the same entry")

    def delete(self, key: str) -> bool:
        """Removes the recording under `key`; tells whether there was one."""
        was_there = self._replace(self._entry(key), b"", [], 0)
        self._ask("writing", lambda client: (client.zrem(self._stored, key), client.zrem(self._ends, key)))
        return was_there

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        """Up to `limit` recordings with their keys, the last stored first; see `Store.newest`."""
        found = 0
        for key in self._keys(newest_first=True, at_once=_PAGE_OF_VALUES):
            if found >= limit:
                return
            try:
                recording = self.get(key)
            except StoreUnavailable:
                raise
            except StoreError:
                continue
            if recording is not None:
                found += 1
                yield key, recording

    def keys(self) -> Iterator[str]:
        """The keys, the first stored first."""
        page: list[str] = []
        for key in self._keys():
            page.append(key)
            if len(page) == _PAGE:
                yield from self._there(page)
                page = []
        yield from self._there(page)

    def _there(self, keys: list[str]) -> Iterator[str]:
        """Those that have an entry."""

        def look(client: Any) -> list[int]:
            with client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.exists(self._entry(key))
                return list(pipeline.execute())

        if not keys:
            return
        is_there = self._ask("reading", look)
        yield from (key for key, there in zip(keys, is_there, strict=True) if there)
        gone = [key for key, there in zip(keys, is_there, strict=True) if not there]
        if gone:
            # the server removed them, or who was to store them was killed; others may be about to
            index, arguments = (self._stored, self._ends), (time.time() - UNFINISHED, *gone)
            with suppress(StoreError):  # of a replica
                self._ask("writing", lambda client: client.eval(FORGET, 2, *index, *arguments))

    def _keys(self, *, newest_first: bool = False, at_once: int = _PAGE) -> Iterator[str]:
        """What the index has, a page at a time; those that were stored at one moment may come in any order."""
        with suppress(StoreUnavailable):  # a replica forgets by itself, and what cannot be asked fails below
            self._ask("writing", self._forget_ended)
        at = float("inf") if newest_first else float("-inf")
        told: set[bytes] = set()
        while True:
            # those of the last moment come once more, and behind them what is new
            page = self._page(at, len(told) + at_once, newest_first)
            new = [(key, moment) for key, moment in page if key not in told]
            if not new:
                return
            for key, _ in new:
                yield key.decode("utf-8", "replace")
            last = new[-1][1]
            told = {key for key, moment in page if moment == last} | (told if last == at else set())
            at = last

    def _page(self, at: float, count: int, newest_first: bool) -> list[tuple[bytes, float]]:
        def look(client: Any) -> Any:
            if newest_first:
                return client.zrevrangebyscore(self._stored, at, "-inf", 0, count, withscores=True)
            return client.zrangebyscore(self._stored, at, "+inf", 0, count, withscores=True)

        return [(key, float(moment)) for key, moment in self._ask("reading", look)]

    def _forget_ended(self, client: Any) -> None:
        """Takes out of the index what was kept for a time that is over."""
        index = (self._stored, self._ends)
        while client.eval(FORGET_ENDED, 2, *index, time.time(), _PAGE) == _PAGE:
            pass

    def __len__(self) -> int:
        return sum(1 for _ in self.keys())

    def close(self) -> None:
        """Closes the connections, and lets go of claims; the store may be used again."""
        self.claims.close()
        self._connection.close()

    # -- the salt ----------------------------------------------------------------------------------------------

    def salt(self) -> bytes:
        """With which what is redacted and counts is sealed. While the server cannot be asked it is one of this
        process alone: what was sealed before is not found then, and nothing wrong is."""
        return self._keep_salt(self._own_salt)

    @property
    def is_salted(self) -> bool:
        """Whether `salt` is known here, and gives it without asking the server."""
        return self._salt is not None

    def adopt_salt(self, salt: bytes) -> bool:
        """Takes over the salt of another store, from which recordings come; False where it has another already."""
        return self._keep_salt(salt) == salt

    def _keep_salt(self, salt: bytes) -> bytes:
        if self._salt is not None:
            return self._salt
        if time.monotonic() < self._salt_rests_until:
            return self._own_salt

        def keep(client: Any) -> Any:
            kept = client.get(self._salted)
            if kept is None:  # who may only read finds it all the same
                client.set(self._salted, salt_text(salt), nx=True)
                kept = client.get(self._salted)
            return kept

        try:
            self._salt = salt_of_text(self._ask("reading", keep).decode("ascii"))
        except (StoreError, ValueError, AttributeError):
            self._salt_rests_until = time.monotonic() + RESTS
            return self._own_salt
        return self._salt

    def __repr__(self) -> str:
        return f"<RedisStore {self.location}>"
