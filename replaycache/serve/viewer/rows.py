"""Lines of the two lists: the calls that came lately, and what is stored."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..._errors import ReplayCacheError
from ..._models import Recording, Request
from ..._printable import one_line
from ...dialects.conversation import conversation, prompt
from ...dialects.usage import model_of
from ...maintenance.facts import endpoint, usage_told
from ...wire import url as _url
from ..calls import KEPT, SeenCall
from .shelf import Shelf, Shelved

ASKED = 200
"""Characters of what was asked that a line has."""
PAGE = 100
"""Lines that are found at once."""
LOOKED_AT = 2000
"""Recordings that are looked at for a page, at most."""
SECONDS = 0.5
"""How long they are looked at, so that a page is there soon, whatever the store holds."""
FURTHEST = 50_000
"""Recordings beyond which a list does not go: a store passes over those before."""
READ = 2 << 20
"""Bytes of a body up to which it is searched."""


# -- recordings --------------------------------------------------------------------------------------------


def recording_row(one: Shelved) -> dict[str, Any]:
    """What a line of the list tells of a recording; where it is damaged, that it is."""
    told: dict[str, Any] = {"key": one.key, "number": one.number}
    recording = one.recording
    try:
        return (
            told
            | _about(recording)
            | {
                "at": recording.recorded_at,
                "code": recording.head.status,
                "size": recording.size,
                "first": recording.latency,
                "seconds": recording.duration,
                "complete": recording.complete,
                "verdict": recording.verdict,
            }
        )
    except ReplayCacheError as error:
        return told | {"damaged": str(error)}


def _about(recording: Recording) -> dict[str, Any]:
    usage = usage_told(recording)
    told = request_about(recording.request)
    if usage is not None:
        told["model"] = told["model"] or one_line(usage.model, 200)
        told["tokens_in"], told["tokens_out"] = usage.input_tokens, usage.output_tokens
    return told


def request_about(request: Request) -> dict[str, Any]:
    """What a line tells of a request."""
    try:
        parts = _url.parse(request.url)
        host, path = parts.netloc, parts.path
    except ValueError:
        host, path = "", request.url
    return {
        "method": one_line(request.method, 20),
        "host": one_line(host, 200),
        "path": one_line(path, 300),
        "call": one_line(endpoint(request), 100),
        "model": one_line(model_of(request), 200),
        "asked": one_line(prompt(request), ASKED),
    }


@dataclass(frozen=True, slots=True)
class Wanted:
    """The recordings that are meant.

    Attributes:
        text: that stands in what was asked, in the answer, in the model's name, or at the start of the key.
        status: `"ok"`, `"failed"` (400 and more, or an answer that tells a failure) or `"cut"`; empty for all.
        upstream: a text in the host's name.
        model: a text in the model's name.
    """

    text: str = ""
    status: str = ""
    upstream: str = ""
    model: str = ""

    def takes(self, row: dict[str, Any], recording: Recording) -> bool:
        """Whether it is one of them.

        Raises:
            CorruptRecording: the stored entry is damaged.
        """
        if "damaged" in row:
            return not any((self.text, self.status, self.upstream, self.model))
        if self.upstream.lower() not in row["host"].lower() or self.model.lower() not in row["model"].lower():
            return False
        failed = row["code"] >= 400 or row["verdict"] == "failed"
        cut = not row["complete"] or row["verdict"] == "unfinished"
        if self.status and {"ok": failed or cut, "failed": not failed, "cut": not cut}.get(self.status, True):
            return False
        return not self.text or self._says(row, recording)

    def _says(self, row: dict[str, Any], recording: Recording) -> bool:
        text = self.text.lower()
        if row["key"].startswith(text) or any(text in row[name].lower() for name in ("model", "asked", "path")):
            return True
        if len(recording.request.body) > READ or recording.size > READ:
            return False
        read = conversation(recording)
        return any(text in part.text.lower() for turn in (*read.asked, *read.answered) for part in turn.parts)


def search(shelf: Shelf, wanted: Wanted, start: int) -> dict[str, Any]:
    """A page of the recordings that are meant, the last stored first, within bounds of number and time.

    Args:
        start: how many were looked at before.

    Returns:
        `rows`; `next`, at which to go on, None at the end; and `total`, of all that are stored.

    Raises:
        StoreError, CassetteError: the store cannot be read.
    """
    rows: list[dict[str, Any]] = []
    looked, total, until = start, shelf.count(), time.monotonic() + SECONDS
    has_more = False
    for one in shelf.newest(start, min(LOOKED_AT, max(0, FURTHEST - start)) + 1):
        if len(rows) >= PAGE or looked - start >= LOOKED_AT or time.monotonic() > until:
            has_more = True
            break
        looked += 1
        row = recording_row(one)
        try:
            if wanted.takes(row, one.recording):
                rows.append(row)
        except ReplayCacheError as error:
            rows.append({"key": one.key, "number": one.number, "damaged": str(error)})
    return {
        "rows": rows,
        "looked": looked,
        "next": looked if has_more and looked < FURTHEST else None,
        "total": total,
    }


# -- calls -------------------------------------------------------------------------------------------------


def call_row(call: SeenCall, about: dict[str, Any] | None) -> dict[str, Any]:
    """What a line of the list tells of a call."""
    told: dict[str, Any] = {
        "number": call.number,
        "at": call.at,
        "method": one_line(call.method, 20),
        "upstream": one_line(call.upstream, 200),
        "path": one_line(call.path, 300),
        "status": call.status,
        "reason": one_line(call.reason or (call.fault and f"fault {call.fault}"), 2000),
        "code": call.code,
        "key": call.key,
        "store": one_line(call.store, 500),
        "first": call.first,
        "seconds": call.seconds,
        "size": call.size,
        "stream": call.is_stream,
    }
    for name in ("call", "model", "asked", "tokens_in", "tokens_out"):
        if about and name in about:
            told[name] = about[name]
    return told


class Abouts:
    """What the calls of a log were about, as their recordings tell; each is read once.

    Args:
        find: gives the recording of a key; it may wait, and is called in a thread.
    """

    def __init__(self, find: Callable[[str], Shelved | None]) -> None:
        self._find = find
        self._of_call: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._of_key: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def known(self, call: SeenCall) -> dict[str, Any] | None:
        """What is known of a call without reading anything."""
        return self._of_call.get(call.number)

    def read(self, calls: Iterable[SeenCall]) -> None:
        """Finds out what is not known yet. A store that fails leaves it so: the calls are listed all the same."""
        for call in calls:
            if call.number in self._of_call or call.seconds is None:
                continue
            about = self._of_key.get(call.key) if call.status == "hit" else None
            if about is None:
                about = self._looked_up(call)
                if call.key:
                    _keep(self._of_key, call.key, about)
            _keep(self._of_call, call.number, about)

    def _looked_up(self, call: SeenCall) -> dict[str, Any]:
        try:
            one = self._find(call.key) if call.key and call.status in ("hit", "miss") else None
            if one is not None:
                return _about(one.recording)
        except ReplayCacheError:
            pass
        return request_about(call.request) if call.request is not None else {}


def _keep(known: OrderedDict[Any, dict[str, Any]], name: Any, about: dict[str, Any]) -> None:
    known[name] = about
    while len(known) > KEPT:
        known.popitem(last=False)
