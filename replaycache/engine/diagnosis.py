"""What a user is told where a recording does not answer: what was asked, why, what comes nearest, what to do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from .._errors import CacheMiss, CassetteError, MissReason, StoreError
from .._models import Recording, Request
from .._printable import printable
from ..redaction.seal import PLACEHOLDER
from ..system.forking import postponed
from ..wire import url as _url

if TYPE_CHECKING:
    from ..options import Mode
    from ..stores import Store
    from .nearest import Difference

logger = logging.getLogger("replaycache")

SEARCH_SECONDS = 0.025
"""How long the nearest recording is looked for, so that a miss stays quick in a large store."""

SHOWN = 5
LOGGED = 3
"""Places at which the nearest differs that are told in a miss, and in a line of the log."""

WIDTH = 80
"""Columns beyond which a difference takes several lines."""

_PLACEHOLDER = f"{PLACEHOLDER}-".encode()

_REASONS: dict[MissReason, str] = {
    "no_recording": "nothing is stored under this key",
    "already_played": "every recording of it was played already",
    "expired": "what is stored is older than ttl",
    "cassette_not_found": "there is no such file",
    "not_cacheable": "it is none of the calls that are kept there",
    "request_too_large": "the body is larger than max_request_bytes",
}


class Advice(NamedTuple):
    """What a miss says to do next.

    Attributes:
        next: by its reason, a line for each way; `{auto}`, `{record}` and `{once}` stand for these modes as they
            are named where the mode was, `{host}` for the host that was asked.
        options: where options are given, if not in the code that made the call; a sentence.
        mode: in which it was asked, if that is to be told otherwise.
        mode_as: how a mode is named, with `{}` for it, if not as the options have it.
        elsewhere: receives what is recorded nowhere in the store, and its key; what to do where the answer is
            known to stand elsewhere, and nothing otherwise.
    """

    next: Mapping[MissReason, str]
    options: str = ""
    mode: Mode | None = None
    mode_as: str = ""
    elsewhere: Callable[[Request, str], str] | None = None


ADVICE = Advice(
    MappingProxyType(
        {
            "no_recording": "record it with {auto}",
            "already_played": "record the further call with {auto}\nor answer it once more: repeats='same'",
            "expired": "record it again with {auto}\nor raise ttl",
            "cassette_not_found": "record it with {once}",
            "not_cacheable": "send it live, with the header x-replaycache-mode: off\n"
            "or have it recorded: Match(cacheable=...)\n"
            "or leave the host alone: ignore_hosts=['{host}']",
            "request_too_large": "raise max_request_bytes\n"
            "or send it live, with the header x-replaycache-mode: off",
        }
    )
)
"""What to do next where calls are made by the user's own code."""


class _Near(NamedTuple):
    """What comes nearest to a request; in both a placeholder stands for what looks like a credential.

    Attributes:
        asked: the request.
        recording: the nearest; None where none is near.
        recorded: its request.
        places: where the two differ.
    """

    asked: Request
    recording: Recording | None = None
    recorded: Request | None = None
    places: Sequence[Difference] = ()

    @property
    def told(self) -> str:
        """When the nearest was recorded, as far as that is known."""
        at = self.recording.recorded_at if self.recording is not None else 0.0
        # what others recorded may bear no date
        return "recorded" + (datetime.fromtimestamp(at, UTC).strftime(" %Y-%m-%d %H:%M:%SZ") if at else "")


def _near(asked: Request, sample: int, reason: MissReason, store: Store) -> _Near:
    with postponed():
        # a hit has no use for it, nor for the patterns
        from ..redaction.credentials import replace_in_request
        from .nearest import CANDIDATES, Difference, differences, find_nearest

    nearest: Recording | None = None
    places: list[Difference] = []
    if reason in ("no_recording", "expired", "already_played"):
        try:
            nearest, places = find_nearest(asked, _for_a_while(store.newest(CANDIDATES)), sample)
        except StoreError as error:
            logger.debug("no nearest recording: %s", error)
    # what a test prints is read by more people than a cache is
    without = replace_in_request(asked)
    if nearest is None:
        return _Near(without)
    recorded = replace_in_request(nearest.request)
    places = differences(recorded, without) if places else []
    if nearest.sample != sample:
        places.insert(0, Difference("sample", nearest.sample, sample))
    return _Near(without, nearest, recorded, places)


def told_nearest(asked: Request, sample: int, reason: MissReason, store: Store) -> str:
    """The nearest recording and where it differs, in one line; empty where none is near, or it cannot be told.

    Args:
        asked: in its stored form.
        sample: that is asked for.
        reason: why nothing matched.
        store: where it was looked for.
    """
    try:
        near = _near(asked, sample, reason, store)
    except Exception as error:  # noqa: BLE001  # a store of the user's may raise anything
        logger.debug("no nearest recording: %r", error)
        return ""
    if near.recording is None:
        return ""
    places, more = near.places[:LOGGED], len(near.places) - LOGGED
    listed = f", which differs in {'; '.join(map(str, places))}" if places else ""
    return printable(f"nearest {near.told}{listed}{f' and {more} more places' if more > 0 else ''}")


def diagnose(
    asked: Request,
    reason: MissReason,
    *,
    mode: Mode,
    mode_as: str,
    key: str,
    sample: int,
    number: int | None,
    store: Store,
    advice: Advice,
) -> CacheMiss:
    """The error that tells what was asked, why nothing matched, what comes nearest, and what to do.

    In its text a placeholder stands for what looks like a credential.

    Args:
        asked: in its stored form.
        reason: why nothing matched.
        mode: in which it was asked.
        mode_as: how a mode is named where this one was, with `{}` for it.
        key: of the request; empty where none was made.
        sample: that was asked for.
        number: which of the identical requests it is, from 0 on; None where they are not numbered.
        store: where it was looked for.
        advice: what to do next.
    """
    try:
        near = _near(asked, sample, reason, store)
    except (OSError, ImportError) as error:  # no further file can be opened
        told = printable(
            f"no recording answers this request, and upstream was not called. More cannot be told: {error}"
        )
        return CacheMiss(told, reason=reason, request=asked, key=key)

    without, nearest, recorded, places = near
    lines = ["no recording answers this request, and upstream was not called."]
    lines.append(f"  mode     {_told(advice.mode or mode)}")
    lines.append(f"  asked    {without.method} {without.url}{_about(without)}")
    if key:
        lines.append(f"  key      {key}")
    if sample or number is not None:
        of = "" if number is None else f", as number {number + 1} of identical requests (repeats='numbered')"
        lines.append(f"  sample   {sample}{of}")
    lines.append(f"  why      {reason}: {_REASONS[reason]}")
    lines.append(f"  store    {store.location}")
    if nearest is not None:
        lines.append(f"  nearest  {near.told}" + (", which differs in" if places else ""))
        for place in places[:SHOWN]:
            lines.extend(_shown(place))
        if len(places) > SHOWN:
            lines.append(f"             and {len(places) - SHOWN} more places")
    is_nowhere = reason in ("no_recording", "cassette_not_found")
    found = advice.elsewhere(asked, key) if advice.elsewhere and is_nowhere else ""
    ways = _ways(reason, without, recorded, places, advice, mode_as)
    if found:
        ways = [found, f"or {ways[0]}", *ways[1:]]
    lines.extend(f"{'' if number else '  next':<11}{way}" for number, way in enumerate(ways))
    return CacheMiss("\n".join(map(printable, lines)), reason=reason, request=asked, nearest=nearest, key=key)


def _told(mode: Mode) -> str:
    return "once, which replays a cassette that has recordings" if mode == "once" else mode


def _shown(place: Difference) -> Iterator[str]:
    """A difference on one line, or on three where that is long."""
    line = f"             {place}"
    if len(line) <= WIDTH:
        yield line
        return
    recorded, asked = place.sides()
    yield f"             {place.path}"
    yield f"               recorded {recorded}"
    yield f"               asked    {asked}"


def _ways(
    reason: MissReason,
    asked: Request,
    recorded: Request | None,
    places: Sequence[Difference],
    advice: Advice,
    mode_as: str,
) -> list[str]:
    """What to do next, a line for each way."""
    url = _url.parse(asked.url)
    text = advice.next[reason].replace("{host}", url.netloc)
    named = advice.mode_as or mode_as
    for mode in ("auto", "record", "once"):
        text = text.replace(f"{{{mode}}}", named.replace("{}", mode))
    ways = text.split("\n")
    of_text = len(ways)
    if reason == "no_recording":
        of_recorded = None if recorded is None else _url.parse(recorded.url)
        if of_recorded is None or of_recorded.origin != url.origin:
            if of_recorded is not None and (of_recorded.path, of_recorded.query) == (url.path, url.query):
                name = of_recorded.netloc if of_recorded.scheme == "https" else of_recorded.origin
                ways.append(f"or, where both are one API: Match(hosts={{{url.netloc!r}: {name!r}}})")
            ways.append(f"or leave the host alone: ignore_hosts=[{url.netloc!r}]")
        if recorded is not None and _PLACEHOLDER in recorded.body and _PLACEHOLDER not in asked.body:
            ways.append("or, as it was recorded with redact=Redact(...): replay it with that")
        if any(place.path not in ("method", "url", "sample") for place in places):
            ways.append("or, if the difference does not matter: Match(ignore=[...]) or Match(scrub=[...])")
    names_options = len(ways) > of_text or any(
        name in text for name in ("Match(", "ignore_hosts", "repeats", "ttl")
    )
    if advice.options and (names_options or reason == "request_too_large"):
        ways.append(advice.options)
    return ways


def _for_a_while(newest: Iterator[tuple[str, Recording]]) -> Iterator[Recording]:
    """As many recordings as can be looked at in `SEARCH_SECONDS`."""
    until = time.perf_counter() + SEARCH_SECONDS
    for _, recording in newest:
        yield recording
        if time.perf_counter() > until:
            return


def _about(request: Request) -> str:
    try:
        body = request.json()
    except (ValueError, RecursionError):
        return f" ({len(request.body)} bytes)" if request.body else ""
    if not isinstance(body, dict):
        return ""
    parts = [f"model {body['model']}"] if isinstance(body.get("model"), str) else []
    for name in ("messages", "input", "contents"):
        if isinstance(body.get(name), list):
            count = len(body[name])
            parts.append(f"{count} {name.removesuffix('s') if count == 1 else name}")
    return f" ({', '.join(parts)})" if parts else ""


def incomplete() -> CassetteError:
    """The error at the end of a recording that is not all of the answer: it never looks like its end."""
    return CassetteError(
        "the recording ends here, but the answer did not: whoever recorded it closed the response early, and the "
        "rest did not come within the bounds. Record it again with mode='record', reading it to its end."
    )
