"""Which calls a fault disturbs, and what is answered then.

Only what is replayed comes here. What is stored stays as it is.
"""

from __future__ import annotations

import json

from .._faults import Fault, parse_fault
from .._models import Body, Chunk, Recording, ResponseHead
from ..dialects.errors import error_body
from ..system.forking import new_lock
from ..wire import url as _url
from .asked import Asked
from .decisions import Disturb, Replay
from .plan import Met, Plan
from .retry_after import at_pace, telling

_lock = new_lock()
"""Held while calls are counted: a block may hold in several transports."""


def disturb(replay: Replay, asked: Asked, met: Met) -> Disturb | None:
    """What a fault makes of a call that is replayed; None where none is due.

    Args:
        replay: what is replayed; its outcome is told of the fault.
        asked: by the call, with the fault.
        met: how many calls of a key each of the faults of a text has met, by both; this one is counted.
    """
    faults = _due(asked, met)
    if not faults:
        return None
    text = "; ".join(fault.text for fault in faults)
    replay.outcome.fault = text
    recording = replay.recording
    status = next((fault for fault in faults if fault.kind == "status"), None)
    if status is not None:
        recording = _refusing(recording, asked, status)
    elif recording.head.status != 200:
        recording = recording.with_parts(head=at_pace(recording.head, replay.pace))
    return Disturb(recording, replay.outcome, replay.pace, Plan(text, faults, recording.body))


def _due(asked: Asked, met: Met) -> tuple[Fault, ...]:
    """The faults that disturb this call; what stands behind one that ends it is not met, and not used up."""
    faults = parse_fault(asked.fault)
    due: list[Fault] = []
    with _lock:
        counts = met.setdefault((asked.fault, asked.key), [0] * len(faults))
        for number, fault in enumerate(faults):
            counts[number] += 1
            turns, rest = divmod(counts[number], fault.every)
            if rest or (fault.times is not None and turns > fault.times):
                continue
            due.append(fault)
            if fault.ends:
                break
    return tuple(due)


def _refusing(recording: Recording, asked: Asked, fault: Fault) -> Recording:
    """An answer that tells of an error, as the API that is asked has it."""
    told = f"replaycache answers {fault.status}, for fault={fault.text!r}"
    url = _url.parse(asked.url)
    body = json.dumps(error_body(asked.method, url.netloc, url.path, fault.status, told)).encode()
    waits = () if fault.retry_after is None else telling(fault.retry_after)
    head = ResponseHead(fault.status, (("content-type", "application/json"), *waits))
    return recording.with_parts(head=head, body=Body.of([Chunk(body, 0.0)]))
