"""From what a user names to stores and recordings. Opening makes nothing, unless `new_store` is asked to.

A command takes its store with one of

    @store_option                       --store STORE: `store: str | None`
    @click.argument("store", shell_complete=complete_store)
    @click.argument("key", shell_complete=complete_key)

and opens it with

    existing_store(store)               to read: the default store for None, the directory of a disk cache, a
                                        cassette (FILE.json), a shared store (redis://HOST), a file of another
                                        recorder
    writable_store(store)               to change: the same without the files of others
    existing_cache(store, "prune")      to change by rules, as only a cache is: a cassette is refused
    stores_meant(stores)                names of which a directory stands for the cassettes in it
    new_store(store)                    to write to: made where it is not there

What they return keeps to `replaycache.stores.Store` and is closed when the command ends. Recordings come with

    entries(store)                      every one, the newest first, in bounded memory; or `in_any_order`
    in_order(store)                     those of a file, in its order
    find_entry(store, "8ab2")           by key, by the beginning of a key, or in a file by number: `3` or `#3`
    named_entry("FILE.json#3", store)   the same, where the store may stand before a `#`
    split_name("FILE.json#3")           both parts; `find_number` and `find_key` tell what the second means

as `Entry(key, recording, number)`: several recordings of a cassette may have one key; numbers tell them apart.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import click
from click.shell_completion import CompletionItem

from .._errors import StoreError, StoreUnavailable
from .._models import Recording
from .._printable import one_line
from ..configuration import defaults
from ..stores import DiskStore, Store, check_names_store, default_directory, is_shared
from ..stores import open_store as _store_of_option
from .errors import CommandFailed, NothingMatches, wrong_use
from .fitting import note

SHORTEST_PREFIX = 4
"""Characters of a key that are enough to look for it."""

SHORT = 8
"""Characters of a key that tables show: of 1,000 recordings, one pair in 8,000 caches has the same."""

_CANDIDATES = 10
_ALL = (1 << 63) - 1
_KEY = re.compile(r"[0-9a-f]{4,32}")
_NUMBER = re.compile(r"#?(\d{1,9})")
_FOREIGN = (".yaml", ".yml", ".har", ".gz", ".json")

_Command = TypeVar("_Command", bound=Callable[..., Any])


# -- arguments ---------------------------------------------------------------------------------------------


def complete_store(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes the path of a store in a shell."""
    return [CompletionItem(incomplete, type="file")]


def complete_key(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes a key of the store that --store names, or else a path, in a shell."""
    if incomplete and not _KEY.fullmatch(incomplete.ljust(SHORTEST_PREFIX, "0")):
        return [CompletionItem(incomplete, type="file")]
    try:
        store = existing_store(ctx.params.get("store"))
        found = [
            CompletionItem(entry.key, help=_described(entry.recording))
            for entry in islice(entries(store), 200)
            if entry.key.startswith(incomplete)
        ]
    except Exception:  # noqa: BLE001  # a shell that completes shows no error
        found = []
    return found or [CompletionItem(incomplete, type="file")]


def store_option(command: _Command) -> _Command:
    """Gives a command the option --store as `store: str | None`."""
    return click.option(
        "--store",
        metavar="STORE",
        shell_complete=complete_store,
        help="A disk cache's directory, a cassette or redis://HOST, instead of the default store.",
    )(command)


# -- stores ------------------------------------------------------------------------------------------------


@runtime_checkable
class _InOrder(Protocol):
    """What a store that is a file offers beyond `Store`."""

    def all(self) -> list[Recording]:
        """Every recording, in the order of the file."""


def is_cassette(store: Store) -> bool:
    """Whether the recordings have an order and numbers, and several of them may have one key."""
    return isinstance(store, _InOrder)


def names_a_store(text: str) -> bool:
    """Whether text names a store, and not a key: it looks like a path or a URL, or is one that exists."""
    if "://" in text or text.lower().endswith(_FOREIGN) or os.sep in text or "/" in text:
        return True
    return not _KEY.fullmatch(text) and not _NUMBER.fullmatch(text) and os.path.lexists(text)


def existing_store(text: str | None) -> Store:
    """The store that a user names, to read from. Nothing is made, and nothing that is not ours is touched.

    Where None is given and nothing was ever recorded, it is an empty store.

    Raises:
        CommandFailed: there is none, or it is something else; the text says what to do.
        CassetteError: the file cannot be read.
        click.UsageError: no store can be named so.
    """
    return _opened(text, foreign=True)


def writable_store(text: str | None) -> Store:
    """As `existing_store`, to change it: files of other recorders are refused.

    Raises:
        CommandFailed, CassetteError, click.UsageError: as `existing_store`.
    """
    return _opened(text, foreign=False)


def stores_meant(texts: Iterable[str]) -> list[str]:
    """Names of stores, each once. A directory that is no disk cache stands for the cassettes in it, however deep.

    Other files in it are passed over, and so is what `files_in` leaves out.

    Raises:
        CommandFailed: there is no cassette in a directory.
    """
    from ..maintenance.scanning import files_in

    meant: dict[str, None] = {}
    for text in texts:
        directory = Path(text).expanduser()
        if is_shared(text) or not directory.is_dir() or _database(directory).exists():
            meant[text] = None
            continue
        inside = [str(path) for path in files_in([directory], is_cache=is_disk_cache) if _is_our_cassette(path)]
        if not inside:
            raise CommandFailed(
                f"there is no cassette in {directory}. A store is a cassette (FILE.json), a directory with some "
                f"in it, or the directory of a disk cache (yours is {default_directory()})."
            )
        meant.update(dict.fromkeys(inside))
    return list(meant)


def existing_cache(text: str | None, doing: str) -> DiskStore:
    """As `writable_store`, for what makes sense only in a cache.

    Args:
        doing: the command's name, for the message.

    Raises:
        click.UsageError: it is a cassette, or no store can be named so.
        CommandFailed: as `existing_store`.
    """
    meant = default_store() if text is None else text
    if is_shared(meant):
        raise click.UsageError(
            f"a shared store forgets by itself, with ?max_age=SECONDS behind its address or by the server's own "
            f"eviction; {doing} KEY --store ADDRESS removes one recording"
        )
    names_a_path = isinstance(meant, str) and "://" not in meant and not os.path.isdir(meant)
    if names_a_path and str(meant).lower().endswith(_FOREIGN):
        raise click.UsageError(
            f"{meant!r} is a file of recordings, and {doing} works on a cache: give the directory of a disk cache "
            f"(yours is {default_directory()}); a recording of a cassette is named as FILE.json#3"
        )
    # neither a file nor an address comes so far
    return cast(DiskStore, _opened(text, foreign=False))


def default_store() -> str | list[str]:
    """What is meant where no store is named; a list of several caches that are one before the other.

    Raises:
        ConfigurationError: the nearest pyproject.toml is wrong.
        click.UsageError: what it names ends with each process.
    """
    file = defaults()
    named = file.options.get("store") or str(default_directory())
    names = [one for one in ([named] if isinstance(named, str) else named) if one != ":memory:"]
    if not names:
        raise click.UsageError(f"the store of {file.path} ends with each process; name another with --store")
    return names if len(names) > 1 else names[0]


def _is_missing(text: str) -> bool:
    path = Path(text).expanduser()
    return not is_shared(text) and not (path if path.suffix.lower() == ".json" else _database(path)).exists()


def check_store_name(text: str | None, where: str) -> None:
    """Looks at what names a store, before anything is done.

    Args:
        where: the option or the argument, for the message.

    Raises:
        click.UsageError: no store can be named so.
    """
    with wrong_use():
        check_names_store(text, where)


def new_store(text: str | None, where: str) -> Store:
    """The store that a user names, to write to: made when the first recording comes, where it is not there.

    Args:
        where: the option or the argument, for the message.

    Raises:
        CommandFailed: what is there is no store of replaycache.
        click.UsageError: no store can be named so.
    """
    if text is None:
        return _closed_at_the_end(_store_of_option(default_store())[0])
    path = Path(text).expanduser()
    if text and not is_shared(text) and os.path.lexists(path):
        if path.is_file() and path.suffix.lower() != ".json":
            raise CommandFailed(
                f"{text} exists, and is no store of replaycache. Name a new directory, or a cassette (FILE.json)."
            )
        if not path.is_dir() or _database(path).exists():
            return writable_store(text)
        if os.listdir(path):
            raise CommandFailed(
                f"{text} is a directory that holds something else than a disk cache of replaycache; "
                f"name a new directory, or a cassette (FILE.json)."
            )
    check_store_name(text, where)
    return _closed_at_the_end(_store_of_option(text)[0])


def _opened(text: str | None, *, foreign: bool) -> Store:
    if text is None:
        named = default_store()
        if isinstance(named, list) or _is_missing(named):  # nothing is recorded yet, and looking makes nothing
            store = _closed_at_the_end(_store_of_option(named)[0])
            if isinstance(named, list) and not foreign:
                raise click.UsageError(f"which of these is meant? Name one with --store: {store.location}")
            return store
        text = named
    if is_shared(text):
        check_store_name(text, "STORE")
        return _closed_at_the_end(_store_of_option(text)[0])
    if text == ":memory:" or not text or "://" in text:
        raise click.UsageError(f"{text!r} names no store that outlives a process; give a path, or redis://HOST")
    path = Path(text).expanduser()
    if not os.path.lexists(path):
        raise CommandFailed(f"{path} does not exist. {_where_stores_are(path)}")
    if not foreign or path.suffix.lower() == ".json":
        check_is_no_device(path)
    if path.is_dir():
        _check_disk_cache(path)
        return _closed_at_the_end(DiskStore(path))
    if path.suffix.lower() != ".json" or _is_foreign_json(path):
        return _foreign(path, foreign)
    return _closed_at_the_end(_store_of_option(str(path))[0])


def check_is_no_device(path: Path) -> None:
    """Looks at what is to be written, or read more than once: a pipe or a device would be waited for, or replaced.

    Raises:
        CommandFailed: it is there, and neither a file nor a directory.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise CommandFailed(f"{path} is a pipe or a device, and no file. Name a file.")


def _closed_at_the_end(store: Store) -> Store:
    context = click.get_current_context(silent=True)
    if context is not None:
        context.call_on_close(store.close)
    return store


def _database(directory: Path) -> Path:
    return directory / "cache.db"


def _where_stores_are(path: Path) -> str:
    if path.suffix.lower() in _FOREIGN:
        near = sorted(path.parent.glob(f"*{path.suffix}"))[:3] if path.parent.is_dir() else []
        return f"Beside it are {', '.join(item.name for item in near)}." if near else "Check the path."
    return f"A store is the directory of a disk cache (yours is {default_directory()}) or a cassette (FILE.json)."


def _check_disk_cache(directory: Path) -> None:
    """Looks at a directory without changing it.

    Raises:
        CommandFailed: it is no disk cache of ours.
    """
    if not _database(directory).exists():
        cassettes = sorted(directory.rglob("*.json"))[:3]
        hint = f" Cassettes are named one by one: {', '.join(map(str, cassettes))}." if cassettes else ""
        raise CommandFailed(f"{directory} is no disk cache: there is no cache.db in it.{hint}")
    cache = DiskStore(directory)
    try:
        is_ours = cache.is_ours
    except StoreUnavailable as error:
        raise CommandFailed(str(error)) from error
    finally:
        cache.close()
    if not is_ours:
        raise CommandFailed(
            f"{directory} is a disk cache of another program, and is left as it is. Name the directory of one of "
            f"replaycache; yours is {default_directory()}."
        )


def is_disk_cache(directory: Path) -> bool:
    """Whether a directory is a disk cache of replaycache; it is looked at without changing it."""
    if not _database(directory).is_file():
        return False
    try:
        _check_disk_cache(directory)
    except CommandFailed:
        return False
    return True


_OURS = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"format"\s*:\s*"replaycache/')


def _start(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(4096)
    except OSError as error:
        raise CommandFailed(
            f"{path} cannot be read: {error.strerror}. Check the path and its permissions."
        ) from error


def _is_our_cassette(path: Path) -> bool:
    return path.suffix.lower() == ".json" and path.is_file() and _OURS.match(_start(path)) is not None


def _is_foreign_json(path: Path) -> bool:
    """Whether a .json file is another recorder's: such a one never begins as ours do, and says what it is."""
    start = _start(path)
    if _OURS.match(start) or not start.strip():
        return False
    return re.match(rb'\s*\{\s*"(log|version|interactions|http_interactions)"', start) is not None


def holds_recordings(path: Path) -> bool:
    """Whether a file is one of recordings, ours or another recorder's, by its name or its beginning.

    Raises:
        CommandFailed: it cannot be read.
    """
    is_named_so = path.suffix.lower() in _FOREIGN and path.suffix.lower() != ".json"
    return is_named_so or _OURS.match(_start(path)) is not None or _is_foreign_json(path)


def _foreign(path: Path, allowed: bool) -> Store:
    if not allowed:
        raise CommandFailed(
            f"{path} is no store of replaycache and is only read; `replaycache import` takes it into one. "
            f"A cassette's name ends in .json."
        )
    from .foreign_file import ForeignFile

    return ForeignFile(path)


def size_on_disk(store: Store) -> int | None:
    """Bytes of a store's files; None where it has none here."""
    if isinstance(store, DiskStore):
        return store.size_on_disk
    return os.path.getsize(store.location) if os.path.isfile(store.location) else None


# -- recordings --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording as a store has it.

    Attributes:
        key: of its request, under `Match()` in a cassette.
        recording: its value; the body may be read from the store when it is gone through.
        number: its place in a cassette, from 1 on; None in a cache.
    """

    key: str
    recording: Recording
    number: int | None = None

    @property
    def short(self) -> str:
        """The beginning of the key, as tables show it."""
        return self.key[:SHORT]

    def as_json(self) -> dict[str, Any]:
        """How JSON names it: by its key, in a cassette also by its number."""
        return {"key": self.key} | ({} if self.number is None else {"number": self.number})


def entries(store: Store, *, in_any_order: bool = False, warns: bool = False) -> Iterator[Entry]:
    """Every recording, the newest first, in bounded memory; damaged entries are passed over.

    Args:
        in_any_order: in the one that is the quickest: of a disk cache that of its file, in which the system reads
            ahead.
        warns: whether it is told at the end how many were passed over.

    Raises:
        StoreError: the store as a whole cannot be read.
        CassetteError: the file cannot be read.
    """
    seen = 0
    for entry in _entries(store, in_any_order):
        seen += 1
        yield entry
    if warns and seen < len(store) and not is_cassette(store):
        _warn_of_unreadable(store, len(store) - seen)


def in_order(store: Store) -> list[Entry]:
    """The recordings of a file, in its order."""
    return list(entries(store))[::-1]


def _entries(store: Store, in_any_order: bool) -> Iterator[Entry]:
    if isinstance(store, _InOrder):
        count = len(store)
        for place, (key, recording) in enumerate(store.newest(count)):
            yield Entry(key, recording, count - place)
    elif in_any_order and isinstance(store, DiskStore):
        for stored, found in store.recordings():
            if isinstance(found, Recording):
                yield Entry(stored.key, found)
    else:
        for key, recording in store.newest(_ALL):
            yield Entry(key, recording)


def _warn_of_unreadable(store: Store, missing: int) -> None:
    reason = ""
    for key in store.keys():  # noqa: SIM118  # a store is no dict
        try:
            store.get(key)
        except StoreError as error:
            reason = f" The first: {error}."
            break
    many = f"{missing} entries of {store.location} cannot be read" if missing > 1 else "1 entry cannot be read"
    note(f"Warning: {many}.{reason}")


def find_entry(store: Store, name: str) -> Entry:
    """The recording that a user names in a store: its key, the beginning of it, or its number in a file.

    Of several recordings of a cassette with one key it is the last; the others have their numbers.

    Raises:
        NothingMatches: there is no such recording.
        click.UsageError: several keys begin so (the text lists them), or it is too short, or no key at all.
        StoreError, CassetteError: the store cannot be read, or the entry is damaged.
    """
    number = find_number(store, name)
    if isinstance(store, _InOrder) and number is not None:
        return _numbered(store, number)
    key = find_key(store, name)
    recording = store.get(key)
    if recording is None:
        raise NothingMatches(_unknown(store, name, key))
    if isinstance(store, _InOrder):
        places = [number for number, other in enumerate(store.all(), 1) if other is recording]
        return Entry(key, recording, places[-1] if places else None)
    return Entry(key, recording)


def find_number(store: Store, name: str) -> int | None:
    """The place in a file that a user names, from 1 on; None where it is a key that is named, or none at all.

    What is a number of a recording is no beginning of a key.

    Raises:
        NothingMatches: there are not so many recordings.
        click.UsageError: the store's recordings have no numbers.
    """
    text = name.strip().lower()
    number = _NUMBER.fullmatch(text)
    if number is None:
        return None
    is_meant = text.startswith("#")
    if not isinstance(store, _InOrder):
        if is_meant:
            raise click.UsageError(
                f"{name}: only the recordings of a cassette have numbers; name this one by its key"
            )
        return None
    count = len(store.all())
    place = int(number[1])
    if 1 <= place <= count:
        return place
    if is_meant or len(text) < SHORTEST_PREFIX:
        has = f"{count} recordings, numbered from 1" if count else "no recordings"
        raise NothingMatches(f"there is no recording {place} in {cast(Store, store).location}: it has {has}.")
    return None


def find_key(store: Store, name: str) -> str:
    """The key that a user names in a store, or the beginning of it.

    Raises:
        NothingMatches: no recording has one that begins so.
        click.UsageError: several keys begin so (the text lists them), or it is too short, or no key at all.
        StoreError, CassetteError: the store cannot be read.
    """
    text = name.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{1,32}", text):
        raise click.UsageError(
            f"{one_line(name, 80)!r} is neither a key (32 hexadecimal digits, or the first of them) nor a file"
        )
    if len(text) < SHORTEST_PREFIX:
        raise click.UsageError(
            f"{name!r} is too short for a key; give at least {SHORTEST_PREFIX} characters of it"
        )
    found = [text] if len(text) == 32 else _keys_from(store, text)
    if len(found) > 1:
        raise click.UsageError(_ambiguous(store, name, found))
    if not found:
        raise NothingMatches(_unknown(store, name, text))
    return found[0]


def _keys_from(store: Store, beginning: str) -> list[str]:
    if isinstance(store, DiskStore):
        return store.keys_from(beginning)
    return sorted({key for key in store.keys() if key.startswith(beginning)})  # noqa: SIM118  # a store is no dict


def _numbered(store: _InOrder, number: int) -> Entry:
    recording = store.all()[number - 1]
    from ..match import Match

    return Entry(Match().key(recording.request, sample=recording.sample), recording, number)


def _ambiguous(store: Store, name: str, keys: list[str]) -> str:
    lines = [f"{name!r} is the beginning of {len(keys)} keys; give more of it:"]
    for key in keys[:_CANDIDATES]:
        try:
            recording = store.get(key)
        except StoreError:
            recording = None
        lines.append(f"  {key}  {_described(recording) if recording else 'damaged'}")
    if len(keys) > _CANDIDATES:
        lines.append(f"  and {len(keys) - _CANDIDATES} more")
    return "\n".join(lines)


def _unknown(store: Store, name: str, text: str) -> str:
    if not len(store):
        return f"no recording has the key {name}: nothing is stored in {store.location}."
    import difflib

    near = difflib.get_close_matches(text, {key[: len(text)] for key in islice(store.keys(), 5000)}, n=1)
    hint = f"did you mean {near[0]}?" if near else "`replaycache ls` lists what is there."
    return f"no recording in {store.location} has a key that begins with {name}; {hint}"


def _described(recording: Recording) -> str:
    try:
        request = recording.request
    except StoreError:
        return "damaged"
    return f"{request.method} {one_line(request.url, 80)} {recording.head.status}"


def split_name(text: str) -> tuple[str | None, str]:
    """The store and the recording that a user names: `STORE#KEY`, `STORE#3`; either may be missing.

    Returns:
        The store, None where none is named; and the name in it, empty where `text` names a store alone.
    """
    path, mark, name = text.rpartition("#")
    if mark and path and not os.path.lexists(os.path.expanduser(text)):
        return path, name if _KEY.fullmatch(name.lower()) else f"#{name}"
    return (text, "") if names_a_store(text) else (None, text)


def named_entry(text: str, store: str | None = None) -> Entry:
    """The recording that a user names: `KEY` or `3` in `store`, `STORE#KEY`, `STORE#3`, or a file of one.

    Raises:
        click.UsageError: the name fits several recordings, or none can be named so.
        NothingMatches: there is no such recording.
        CommandFailed, StoreError, CassetteError: as `existing_store` and `find_entry`.
    """
    place, name = split_name(text)
    if place is None or name:
        return find_entry(existing_store(store if place is None else place), name)
    opened = existing_store(text)
    first = list(islice(entries(opened), 2))
    if not first:
        raise NothingMatches(f"there are no recordings in {opened.location}.")
    if len(first) > 1:
        example = f"{text}#1" if is_cassette(opened) else f"{text}#{first[0].short}"
        raise click.UsageError(f"{text} has {len(opened)} recordings; name one of them, as {example}")
    return first[0]
