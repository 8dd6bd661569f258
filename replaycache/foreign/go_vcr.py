"""Cassettes of go-vcr, releases 1 to 4: https://github.com/dnaeon/go-vcr.

version: 2
interactions:
- request: {body, form, headers, url, method, and in version 2 host, proto, ...}
  response: {body, headers, status: 200 OK, code: 200, duration: 458.674145ms}
"""

from __future__ import annotations

import re

from .._models import Recording
from .interactions import Answer, Node


def recordings(root: Node) -> list[Recording]:
    """The recordings of such a file, in its order."""
    root.check_version("go-vcr", "1", "2")
    root.source.sees_all = False  # Go adds its headers where a request is written to the wire
    found = [_recording(item) for item in root.get("interactions").items()]
    root.source.check_last_line()
    return found


def _recording(interaction: Node) -> Recording:
    request, response = interaction.get("request"), interaction.get("response")
    host, duration = request.find("host"), response.find("duration")
    return request.recording(
        # Go's own rule: no method is GET
        method=request.get("method").text() or "GET",
        url=request.get("url").text(),
        host=None if host is None else host.text(),
        headers=request.maybe("headers").headers(),
        body=request.maybe("body").content(),
        answer=Answer(
            status=response.get("code").number(),
            headers=response.maybe("headers").headers(),
            body=response.get("body").content(),
            latency=0.0 if duration is None else _seconds(duration.text()),
        ),
    )


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{0,20})?)(ns|us|µs|μs|ms|s|m|h)")


def _seconds(duration: str) -> float:
    """A duration as Go writes it, in seconds; 0 where it is none."""
    if re.fullmatch(r"[0-9]{1,18}", duration):
        return int(duration) * 1e-9
    if not re.fullmatch(rf"(?:{_DURATION.pattern})+", duration):
        return 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(duration))
