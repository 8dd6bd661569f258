"""Taking out of answers what `Redact(body=...)` names: of a JSON document, or of one in each line or event."""

from __future__ import annotations

from collections.abc import Iterator

from .._models import Body, Chunk, Recording
from ..redaction.redactor import Redactor
from ..wire.edited_chunks import edited

_FIELD = b"data:"
"""Before the data of a server-sent event: https://html.spec.whatwg.org/multipage/server-sent-events.html."""


def without_named(recording: Recording, redactor: Redactor, *, documented: bool = False) -> Recording:
    """The recording without what the user's paths name in its answer; itself where there is nothing.

    Args:
        recording: it.
        redactor: with the user's paths.
        documented: whether what stands where APIs have credentials is taken out, too.
    """
    if not redactor.redact.body and not documented:
        return recording
    chunks = list(recording.body)
    whole = b"".join(chunk.data for chunk in chunks)
    edits = [edit for edit in _edits(whole, redactor, documented) if edit[2] != whole[edit[0] : edit[1]]]
    if not edits:
        return recording
    changed = edited([chunk.data for chunk in chunks], edits)
    body = Body.of(Chunk(data, chunk.offset) for data, chunk in zip(changed, chunks, strict=True))
    return recording.with_parts(body=body)


def _edits(whole: bytes, redactor: Redactor, documented: bool) -> Iterator[tuple[int, int, bytes]]:
    document = redactor.answer_text(whole, documented=documented)
    if document is not None:
        yield 0, len(whole), document
        return
    start = 0
    for line in whole.split(b"\n"):
        at = len(_FIELD) if line.startswith(_FIELD) else 0
        text = line[at:].rstrip(b"\r")
        new = redactor.answer_text(text, documented=documented) if text.lstrip()[:1] in (b"{", b"[") else None
        if new is not None:
            yield start + at, start + at + len(text), new
        start += len(line) + 1
