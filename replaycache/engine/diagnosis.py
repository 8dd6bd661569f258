"""What a user is told where a recording does not answer: what was asked, why, what comes nearest, what to do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from .._errors import CacheMiss, CassetteError, MissReason, StoreError
from .._models import Recording, Request
from ..system.forking import postponed

if TYPE_CHECKING:
    from ..options import Mode
    from ..stores import Store
    from .nearest import Difference

__all__ = ["ADVICE", "diagnose", "incomplete"]

logger = logging.getLogger("replaycache")

SEARCH_SECONDS = 0.025
"""How long the nearest recording is looked for, so that a miss stays quick in a large store."""

_REASONS: dict[MissReason, str] = {
    "no_recording": "nothing is stored under this key in",
    "already_played": "every recording of it was played already from",
    "expired": "what is stored is older than ttl in",
    "cassette_not_found": "there is no such file:",
    "not_cacheable": "it is none of the calls that are kept in",
    "request_too_large": "the body is larger than max_request_bytes:",
}

ADVICE: Mapping[MissReason, str] = MappingProxyType(
    {
        "no_recording": "record it with mode='auto' (or REPLAYCACHE_MODE=auto); if the difference does not "
        "matter, leave it out of the key with Match(ignore=[...]) or Match(scrub=[...])",
        "already_played": "record the further call, or allow repeats='same'",
        "expired": "record it again with mode='auto', or raise ttl",
        "cassette_not_found": "record it with mode='once'",
        "not_cacheable": "send it with the header x-replaycache-mode: off, or widen Match(cacheable=...)",
        "request_too_large": "raise max_request_bytes, or send it with the header x-replaycache-mode: off",
    }
)
"""What to do next about a miss, by its reason."""


def diagnose(
    asked: Request,
    reason: MissReason,
    *,
    mode: Mode,
    key: str,
    store: Store,
    advice: Mapping[MissReason, str],
    elsewhere: Callable[[str], str] | None = None,
) -> CacheMiss:
    """The error that tells what was asked, why nothing matched, what comes nearest, and what to do.

    In its text a placeholder stands for what looks like a credential.

    Args:
        asked: in its stored form.
        reason: why nothing matched.
        mode: in which it was asked.
        key: of the request; empty where none was made.
        store: where it was looked for.
        advice: what to do next, by reason.
        elsewhere: receives the key of what is recorded nowhere in the store; what to do where it is known to stand
            elsewhere, and nothing otherwise.
    """
    with postponed():
        from .nearest import CANDIDATES, differences, find_nearest  # a hit has no use for it

    nearest: Recording | None = None
    places: list[Difference] = []
    if reason in ("no_recording", "expired", "already_played"):
        try:
            nearest, places = find_nearest(asked, _for_a_while(store.newest(CANDIDATES)))
        except StoreError as error:
            logger.debug("no nearest recording: %s", error)
    with postponed():
        from ..redaction.credentials import replace_in_request  # patterns that only a miss needs

    # what a test prints is read by more people than a cache is
    told = replace_in_request(asked)
    if nearest is not None and places:
        places = differences(replace_in_request(nearest.request), told)
    lines = [f"no recording answers this request, and mode is {mode}: upstream was not called."]
    lines.append(f"  asked    {told.method} {told.url}{_about(told)}")
    if key:
        lines.append(f"  key      {key}")
    lines.append(f"  why      {reason}: {_REASONS[reason]} {store.location}")
    if nearest is not None:
        when = datetime.fromtimestamp(nearest.recorded_at, UTC).strftime(" %Y-%m-%d %H:%M:%SZ")
        dated = when if nearest.recorded_at else ""  # what others recorded may bear no date
        lines.append(f"  nearest  recorded{dated}" + (", which differs in" if places else ""))
        lines.extend(f"             {place}" for place in places[:5])
        if len(places) > 5:
            lines.append(f"             and {len(places) - 5} more places")
    found = elsewhere(key) if elsewhere is not None and reason in ("no_recording", "cassette_not_found") else ""
    lines.append(f"  next     {found}; or {advice[reason]}" if found else f"  next     {advice[reason]}")
    return CacheMiss("\n".join(lines), reason=reason, request=asked, nearest=nearest, key=key)


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
            parts.append(f"{len(body[name])} {name}")
    return f" ({', '.join(parts)})" if parts else ""


def incomplete() -> CassetteError:
    """The error at the end of a recording that is not all of the answer: it never looks like its end."""
    return CassetteError(
        "the recording ends here, but the answer did not: whoever recorded it closed the response early, and the "
        "rest did not come within the bounds. Record it again with mode='record', reading it to its end."
    )
