"""What people are told of a recording in few words: what was called, how it was set, what that used and cost."""

from __future__ import annotations

from urllib.parse import urlsplit

from .._models import Recording, Request, Usage
from ..dialects.registry import generates
from ..dialects.usage import usage_of

_SAID = {"model", "messages", "contents", "input", "prompt", "system", "instructions", "tools", "functions"}


def endpoint(request: Request) -> str:
    """What was called, in short: the end of the path; the method before it where it is not POST."""
    path = _path(request.url).rstrip("/")
    segments = path.split("/")[-2:]
    name = "/".join(segments)
    if request.method != "POST":
        return f"{request.method} {name}"
    if not generates(request.method, path):
        return name
    if ":" in segments[-1]:
        return segments[-1].rpartition(":")[2]
    if name == "chat/completions":
        return "chat"
    return name if segments[0] in ("images", "fim", "agents") else segments[-1]


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # what others recorded may have any
        return ""


def settings(request: Request) -> str:
    """The parameters of a request that are one value: `temperature 0.7, stream`."""
    try:
        body = request.json()
    except (ValueError, RecursionError):
        return ""
    found = []
    for name, value in body.items() if isinstance(body, dict) else ():
        if name in _SAID or not isinstance(value, (str, int, float)):
            continue
        if value is True:
            found.append(name)
        elif not isinstance(value, str) or len(value) <= 40:
            found.append(f"{name} {'false' if value is False else value}")
    return ", ".join(found)


def chunks_of(recording: Recording) -> int:
    """The number of chunks in which its answer came."""
    return sum(len(segment.lengths) for segment in recording.body.segments)


def usage_told(recording: Recording) -> Usage | None:
    """What it used; None where the answer does not tell.

    Raises:
        CorruptRecording: the stored entry is damaged.
    """
    usage = recording.usage = recording.usage or usage_of(recording)
    return usage if usage is not None and usage.is_told else None
