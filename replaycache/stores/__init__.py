"""Where recordings are kept by key. Importing this module imports none of the stores."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from .._errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from .._models import Recording
    from .cassette import CassetteStore
    from .disk import DiskStore
    from .layered import LayeredStore
    from .memory import MemoryStore
    from .redis import RedisStore

__all__ = [
    "DIRECTORY_VARIABLE",
    "CassetteStore",
    "DiskStore",
    "LayerUnavailable",
    "LayeredStore",
    "MemoryStore",
    "RedisStore",
    "Store",
    "StoreBusy",
    "check_is_cassette",
    "check_names_store",
    "default_directory",
    "is_shared",
    "open_store",
]


class StoreBusy(StoreUnavailable):
    """What is asked for would have to wait, which is not done where an event loop waits, too. After a `get` `slow`
    is true: it may be called again, and waits then. After a `put_at_once` there is `put`."""


class LayerUnavailable(StoreUnavailable):
    """One of several caches failed, and none of the others has what is asked for: it may be stored in them."""


@runtime_checkable
class Store(Protocol):
    """The contract of a store. `tests/stores` holds the conformance suite that every store passes.

    - `get` gives what the last `put` of that key stored, or None. A recording that it returns is whole: its
      body can be read to its end, any number of times, also after another `put` or `delete` of its key.
    - A damaged entry raises `CorruptRecording`; it is never returned in part.
    - `put` returns when the recording would survive the end of the process (a memory store excepted), or
      raises; where it raises, what was stored before is still there.
    - Whatever else goes wrong is a `StoreError`, `StoreUnavailable` where the store as a whole is the cause.
    - A `get` of a store that is not `slow` waits for nobody: it raises `StoreBusy`, and the store is `slow` until
      one has answered.
    - All methods may be called from any thread, and from several at once.
    - After `close` the store may be used again; it opens what it needs.
    - Nothing a store reads is executed: it keeps bytes, and no pickle.
    - A store may have `salt()`, which gives 16 bytes, always the same: what is redacted and counts is sealed with
      them. What was sealed in a store without is found by the process alone that did it. It fails nobody. And
      `adopt_salt(salt)`, which takes over that of another store, where recordings come from there and it has none.
      Where `salt()` may wait, `is_salted` says whether it has to.
    - A class of stores may have `connects = False`: they use no network.
    - A store may have `put_at_once(key, recording)`, which does what `put` does, or raises `StoreBusy` where that
      would keep an event loop for long. `put` of one that has none is called in a thread in asynchronous code.

    Attributes:
        location: where the recordings are, for people.
        identity: equal for two stores that keep their recordings in the same place.
        repeats: `"same"` where a repeated request gets the same answer again (a cache), `"sequence"` where
            it gets the recorded answers in order (a cassette).
        slow: whether a call may take long enough to be worth a thread in asynchronous code.
    """

    @property
    def location(self) -> str: ...

    @property
    def identity(self) -> str: ...

    @property
    def repeats(self) -> Literal["same", "sequence"]: ...

    @property
    def slow(self) -> bool: ...

    def get(self, key: str) -> Recording | None:
        """The recording under `key`; None where there is none."""

    def put(self, key: str, recording: Recording) -> None:
        """Stores `recording` under `key`, in place of what was there."""

    def delete(self, key: str) -> bool:
        """Removes the recording under `key`; tells whether there was one."""

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        """Up to `limit` recordings with their keys, the last stored first; damaged ones are passed over.

        For looking, not for replaying: a body that is read may turn out damaged. A key that was stored
        again may keep its place.
        """

    def keys(self) -> Iterator[str]:
        """The keys, in no particular order."""

    def __len__(self) -> int:
        """The number of recordings."""

    def close(self) -> None:
        """Lets go of files and connections."""


_NAMED = "A cassette's name ends in .json"
_OTHER_RECORDERS = frozenset({".yaml", ".yml", ".har", ".gz"})
_FILES = _OTHER_RECORDERS | frozenset(
    {
        ".json",
        ".jsonl",
        ".ndjson",
        ".json5",
        ".txt",
        ".md",
        ".log",
        ".csv",
        ".toml",
        ".ini",
        ".xml",
        ".html",
        ".py",
    }
    | {".zip", ".pickle", ".pkl", ".db", ".db3", ".sqlite", ".sqlite3"}
)
"""How the names of files end: a directory that is named so was meant to be something else."""


DIRECTORY_VARIABLE = "REPLAYCACHE_DIR"
"""What names the directory of the user's disk cache in the environment."""


def default_directory() -> Path:
    """The directory of the user's disk cache: `REPLAYCACHE_DIR`, or where the system keeps users' caches.

    Raises:
        ConfigurationError: the variable names a file.
    """
    configured = os.environ.get(DIRECTORY_VARIABLE)
    if configured:
        where = f"{DIRECTORY_VARIABLE}={_shown(configured)}"
        if configured == ":memory:" or "://" in configured:
            raise ConfigurationError(f"{where} is no directory; give the path of one")
        _check_is_directory(configured, where)
        return Path(configured).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("replaycache", appauthor=False))


def check_names_store(store: object, where: str = "store") -> None:
    """Looks at what names a store, before anything is opened.

    Args:
        where: who gave it, for the message.

    Raises:
        ConfigurationError: it is text that names none, or a path that ends like a file of another kind.
    """
    if not isinstance(store, (str, os.PathLike)) or store == ":memory:":
        return
    if is_shared(store):
        from .redis.address import parse_address

        try:
            parse_address(str(store))
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: {error}") from None
        return
    path = os.fspath(store)
    told = f"{where}={_shown(path)}"
    if isinstance(store, str) and (not store or "://" in store):
        raise ConfigurationError(
            f"{told} is not supported; give {'a store object, ' * (where == 'store')}':memory:', the path of a "
            f"cassette that ends in .json, the path of a directory, or redis://HOST"
        )
    if not _is_cassette_path(path):
        _check_is_directory(path, told, says_slash=isinstance(store, str))


def is_shared(store: object) -> bool:
    """Whether text names a store that several hosts share: Redis or Valkey."""
    if not isinstance(store, str) or "://" not in store:
        return False
    from .redis.address import is_address

    return is_address(store)


def _shown(text: object) -> str:
    """What was given for a store, for people; of an address in which credentials may stand, how it begins."""
    if isinstance(text, str):
        scheme, mark, rest = text.partition("://")
        if mark and not {"@", "?", "#"}.isdisjoint(rest):
            return f"'{scheme}://...'"
    return repr(text)


def _is_cassette_path(path: str) -> bool:
    return os.path.splitext(path)[1].lower() == ".json"


def _check_is_directory(path: str, told: str, *, says_slash: bool = True) -> None:
    """Looks at the name of a disk cache's directory.

    Args:
        told: what is wrong, if it is.
        says_slash: whether a slash behind the name would have been seen.

    Raises:
        ConfigurationError: it ends like a file's.
    """
    if os.path.basename(path).lower() == ".json":
        raise ConfigurationError(f"{told} has no name before its ending. {_way_out(path)}")
    if os.path.splitext(path)[1].lower() in _FILES:
        way = "a slash behind the name" if says_slash else f"DiskStore({path!r})"
        raise ConfigurationError(
            f"{told} is named like a file, and would be the directory of a disk cache. {_way_out(path)} For a "
            f"disk cache name a directory; {way} says that it is one."
        )


def check_is_cassette(store: Any) -> None:
    """Looks at what is to be used as a cassette, before it is opened.

    Raises:
        ConfigurationError: it is text that does not end in `.json`, or no store.
    """
    if isinstance(store, (str, os.PathLike)):
        path = str(os.fspath(store))
        if "://" in path:
            raise ConfigurationError(f"{_shown(path)} is no cassette. {_NAMED}, as in 'cassette.json'.")
        if not _is_cassette_path(path):
            raise ConfigurationError(f"{path!r} is no cassette. {_way_out(path)}")
    elif isinstance(store, type) or not isinstance(store, Store):
        raise ConfigurationError(f"{store!r} is no cassette; give a path that ends in .json, or a store object")


def _way_out(path: str) -> str:
    """How to get a cassette, in place of a path that names none."""
    name, ending = os.path.splitext(path)
    if ending.lower() == ".json":
        return f"A cassette is given where it is used, as in use_cassette({path!r})."
    name = path.rstrip("/")
    while (parts := os.path.splitext(name))[1].lower() in _FILES:
        name = parts[0]
    if os.path.basename(name).lower() in ("", ".json"):
        name = os.path.join(os.path.dirname(name), "cassette")
    cassette = f"{name}.json"
    if ending.lower() not in _OTHER_RECORDERS:
        return f"{_NAMED}, as in {cassette!r}."
    taken = f"`replaycache import {path} --store {cassette}`"
    return f"{_NAMED}; {taken} makes one of the file of another recorder."


def open_store(store: Any) -> tuple[Store, bool]:
    """The store that an option names, and whether it was made here.

    Args:
        store: None for the user's disk cache; a store; or text: `:memory:` for a memory store, a path that
            ends in `.json` for a cassette, `redis://` or `valkey://` for a shared store, the path of a directory
            for a disk cache; or a list of caches, one before the other.

    Raises:
        ConfigurationError: it is none of these, or a path that ends like another file.
    """
    check_names_store(store)
    if isinstance(store, (list, tuple)) and store:
        return _layered(store)
    if isinstance(store, str) and store == ":memory:":
        from .memory import MemoryStore

        return MemoryStore(), True
    if is_shared(store):
        from .redis import RedisStore

        return RedisStore(store), True
    if isinstance(store, (str, os.PathLike)) and _is_cassette_path(os.fspath(store)):
        from .cassette import CassetteStore

        return CassetteStore(store), True
    if store is None or isinstance(store, (str, os.PathLike)):
        from .disk import DiskStore

        try:
            return DiskStore(default_directory() if store is None else store), True
        except (ValueError, RuntimeError, TypeError) as error:
            raise ConfigurationError(f"store={store!r} is no usable path: {error}") from error
    if isinstance(store, type) or not isinstance(store, Store):
        raise ConfigurationError(
            f"store={store!r} is no store; give an object that keeps to replaycache.stores.Store, or a path"
        )
    return store, False


def _layered(stores: list[Any] | tuple[Any, ...]) -> tuple[Store, bool]:
    from .layered import LayeredStore
    from .memory import MemoryStore

    # memory before others would be filled by all that they have
    memory = MemoryStore(size_limit=_LAYER_OF_MEMORY)
    layers = [memory if one == ":memory:" else open_store(one)[0] for one in stores]
    return LayeredStore(layers), True


_LAYER_OF_MEMORY = 64 << 20
"""Bytes."""

_STORES = {
    "CassetteStore": "cassette",
    "DiskStore": "disk",
    "LayeredStore": "layered",
    "MemoryStore": "memory",
    "RedisStore": "redis",
}


def __getattr__(name: str) -> Any:
    if name in _STORES:
        return getattr(importlib.import_module(f".{_STORES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
