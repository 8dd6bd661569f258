"""Chosen recordings as a cassette, by the rules about credentials that hold for every cassette."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from ..._errors import ReplayCacheError
from ..._models import Recording
from ..._printable import one_line
from ...accounts.amounts import human_size
from ...maintenance.facts import endpoint
from ...maintenance.moving import Moved, Taken, salt_of, to_cassette
from ...redaction.redact import Redact
from ...stores import CassetteStore
from .shelf import Shelf

RECORDINGS = 500
"""Recordings that are exported at once."""
BYTES = 64_000_000
"""Bytes of their answers."""


class TooLarge(Exception):
    """More is to be exported than a page takes; the text says what to do."""


def cassette_name(recording: Recording, key: str) -> str:
    """What a file with this recording is called: `chat-3f2a1b9c.json`."""
    name = re.sub(r"[^a-z0-9]+", "-", endpoint(recording.request).lower()).strip("-")[:40] or "recording"
    return f"{name}-{re.sub('[^0-9a-zA-Z]', '', key)[:8]}.json"


def exported(
    shelf: Shelf, names: Sequence[tuple[str, int]], secrets: Literal["refuse", "replace"] = "refuse"
) -> dict[str, Any]:
    """The text of a cassette, and what became of each recording.

    Args:
        names: keys, and numbers in a file.
        secrets: what becomes of what looks like a credential.

    Raises:
        TooLarge: it is more than a page takes.
        StoreError, CassetteError: the store cannot be read.
    """
    if len(names) > RECORDINGS:
        raise TooLarge(f"{len(names):,} recordings are more than are exported here; {_INSTEAD}")
    moved = Moved()
    titles: list[str] = []
    with tempfile.TemporaryDirectory(prefix="replaycache-", ignore_cleanup_errors=True) as directory:
        cassette = CassetteStore(Path(directory) / "export.json")
        try:
            to_cassette(_taken(shelf, names, moved, titles), cassette, Redact(secrets=secrets), moved)
            cassette.close()
            text = cassette.path.read_text("utf-8") if moved.written else None
        finally:
            cassette.close()
    many = f"replaycache-{len(titles)}-recordings.json"
    return {
        "name": titles[0] if len(titles) == 1 else many,
        "cassette": text,
        "written": moved.written,
        "known": moved.known,
        "left_out": _named(moved.left_out),
        "secrets": _named(moved.secrets),
        "damaged": _named(moved.damaged),
    }


_INSTEAD = "`replaycache export FILE.json` takes any number."


def _taken(shelf: Shelf, names: Sequence[tuple[str, int]], moved: Moved, titles: list[str]) -> Iterator[Taken]:
    size = 0
    for key, number in names:
        told = f"recording {number}" if number else key
        try:
            one = shelf.find(key, number)
            if one is None:
                moved.damaged.append((told, "it is gone"))
                continue
            size += one.recording.size
            titles.append(cassette_name(one.recording, key))
        except ReplayCacheError as error:
            moved.damaged.append((told, str(error)))
            continue
        if size > BYTES:
            raise TooLarge(f"these answers have more than {human_size(BYTES)}; {_INSTEAD}")
        yield Taken(told, one.recording, "" if number else key, is_ours=True, salt=salt_of(shelf.store))


def _named(which: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"recording": one_line(name), "why": one_line(why, 2000)} for name, why in which]
