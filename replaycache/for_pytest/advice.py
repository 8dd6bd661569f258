"""What a miss says to do next to who runs pytest: the command for this test, or the file that holds the answer."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from .._errors import MissReason, ReplayCacheError

if TYPE_CHECKING:
    from .._models import Request
    from ..engine.diagnosis import Advice
    from ..options import Options

BYTES = 8 << 20
"""How many bytes of orphaned cassettes are read for a miss."""

_ADVICE: Mapping[MissReason, str] = MappingProxyType(
    {
        "no_recording": "record what is missing: pytest --replay-mode=auto {test}\n"
        "or all of it anew: pytest --replay-mode=record {test}",
        "already_played": "record the further call: pytest --replay-mode=auto {test}\n"
        "or all of it anew: pytest --replay-mode=record {test}\n"
        "or answer it once more: repeats='same'",
        "expired": "record it anew: pytest --replay-mode=record {test}\nor raise ttl",
        "cassette_not_found": "record it: pytest --replay-mode=once {test}",
        "not_cacheable": "have it recorded: Match(cacheable=...)\n"
        "or leave the host alone: ignore_hosts=['{host}']",
        "request_too_large": "raise max_request_bytes",
    }
)

_OPTIONS = "Options stand in the mark, or for all tests in the fixture replay_options."


def advice_for(test: str, elsewhere: Callable[[Request, str], str]) -> Advice:
    """What to do next about a miss of a test.

    Args:
        test: its node id, as pytest takes it.
        elsewhere: what to do where the answer is known to stand elsewhere, by its request and its key.
    """
    from ..engine.diagnosis import Advice  # the engine is imported when the first marked test is set up

    quoted = shlex.quote(test)
    texts = {reason: text.replace("{test}", quoted) for reason, text in _ADVICE.items()}
    return Advice(texts, _OPTIONS, elsewhere=elsewhere)


def find_holder(
    asked: Request, key: str, options: Options, orphans: Iterable[Path], directory: Path
) -> Path | None:
    """The cassette without an owner that holds the answer to what was missed; None where there is none.

    Args:
        asked: what was missed.
        key: of it.
        options: of the test, whose rules count.
        orphans: the cassettes that no test owns.
        directory: of the test's cassette: those in it come first, for the search is bounded.
    """
    from ..engine.sealing import redactor_of
    from ..engine.sequence import Identify
    from ..stores import CassetteStore

    left = BYTES
    for path in sorted(orphans, key=lambda path: (path.parent != directory, path)):
        try:
            left -= path.stat().st_size
            if left < 0:
                return None
            store = CassetteStore(path)
            identify = Identify(options.match, redactor_of(options, store))
            for recording in store.all():
                unknown = recording.request.unknown
                wanted = identify.apart_from(unknown, asked, recording.sample).key if unknown else key
                if identify(recording).key == wanted:
                    return path
        except (OSError, ReplayCacheError):
            continue
    return None


def told_of(holder: Path, path: Path, shown: Callable[[Path], str]) -> str:
    """What is told of the cassette that holds the answer.

    Args:
        holder: it.
        path: the test's own.
        shown: a path, as people are to see it.
    """
    held = "holds this answer, and no collected test owns it"
    if path.exists():
        return f"{shown(holder)} {held}"
    move = f"git mv {shlex.quote(shown(holder))} {shlex.quote(shown(path))}"
    return f"if the test was renamed: {move} (that file {held})"
