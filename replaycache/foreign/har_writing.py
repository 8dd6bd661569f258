"""Writing HAR files, version 1.2: http://www.softwareishard.com/blog/har-12-spec.

What the format has no place for (chunks, the sample, whether the answer is all there, what is unknown of the
request) stands in a member `_replaycache` of each entry, as the format allows; programs that do not know it pass
over it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from http.client import responses
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

from .._models import Headers, Recording, Request


def write(recordings: Iterable[Recording], file: BinaryIO, creator_version: str) -> None:
    """Writes a HAR file, one recording after the other.

    Args:
        recordings: in the form in which they may be stored.
        file: to write to.
        creator_version: of this program.
    """
    creator = json.dumps({"name": "replaycache", "version": creator_version})
    file.write(b'{"log": {"version": "1.2", "creator": %s, "entries": [' % creator.encode())
    between = b"\n"
    for recording in recordings:
        file.write(between + json.dumps(_entry(recording)).encode())
        between = b",\n"
    file.write(b"\n]}}\n")


def _entry(recording: Recording) -> dict[str, Any]:
    wait, receive = recording.latency * 1000, recording.body.duration * 1000
    started = max(0.0, recording.recorded_at - recording.latency) if recording.recorded_at else 0.0
    chunks = [[len(data), round(offset, 6)] for data, offset in recording.body]
    ours: dict[str, Any] = {"chunks": chunks}
    if recording.sample:
        ours["sample"] = recording.sample
    if not recording.complete:
        ours["complete"] = False
    if recording.request.unknown:
        ours["unknown"] = list(recording.request.unknown)
    left_out = {"request": list(recording.request.left_out), "response": list(recording.head.left_out)}
    if any(left_out.values()):
        ours["left_out"] = {part: names for part, names in left_out.items() if names}
    return {
        "startedDateTime": datetime.fromtimestamp(started, UTC).isoformat(timespec="microseconds"),
        "time": wait + receive,
        "request": _request(recording.request),
        "response": _response(recording),
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": receive},
        "_replaycache": ours,
    }


def _request(request: Request) -> dict[str, Any]:
    written: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(request.headers),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(request.url.partition("#")[0].partition("?")[2], keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        written["postData"] = {"mimeType": request.header("content-type") or ""} | _text(request.body)
    return written


def _response(recording: Recording) -> dict[str, Any]:
    head, body = recording.head, recording.body.read()
    content: dict[str, Any] = {"size": len(body), "mimeType": head.header("content-type") or ""} | _text(body)
    return {
        "status": head.status,
        "statusText": responses.get(head.status, ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(head.headers),
        "content": content,
        "redirectURL": head.header("location") or "",
        "headersSize": -1,
        "bodySize": len(body),
    }


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _text(body: bytes) -> dict[str, str]:
    """A body as text, or in base64 where it is none. (Of a request's, the format knows text only.)"""
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}
