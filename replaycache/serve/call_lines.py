"""What the proxy writes to standard error: a line for each call, and what is to be told beside.

No query, no body, no header; what looks like a credential in a path stands there as a placeholder.
"""

from __future__ import annotations

import json
import os
import select
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

from .._printable import one_line, printable
from ..redaction.credentials import find, placeholder
from .calls import SeenCall


@lru_cache(maxsize=256)
def shown_path(path: str) -> str:
    """A path for people to read."""
    for found in reversed(find(path)):
        path = f"{path[: found.start]}{placeholder(found.name, found.value)}{path[found.end :]}"
    return one_line(path)


class CallLines:
    """Writes lines.

    Args:
        form: `"text"`, `"json"`, or empty for none.
        file: where to; None for standard error.
    """

    def __init__(self, form: str, file: TextIO | None = None) -> None:
        self._form = form
        self._file = file
        self._left_out = 0

    def call(self, call: SeenCall) -> None:
        """A call is over."""
        if self._form == "json":
            self._write_json(
                "info",
                event="call",
                number=call.number,
                method=call.method,
                upstream=call.upstream,
                path=call.path,
                code=call.code,
                outcome=call.status,
                reason=one_line(call.reason),
                fault=call.fault,
                key=call.key,
                first=round(call.first, 6),
                seconds=None if call.seconds is None else round(call.seconds, 6),
                size=call.size,
            )
        elif self._form:
            reason = f"  ({one_line(call.reason)})" if call.reason else ""
            reason += f"  (fault {one_line(call.fault)})" if call.fault else ""
            took = f"{(call.seconds or 0) * 1000:,.0f} ms"
            self._write(
                f"{_now():%H:%M:%S}  {call.status or 'failed':<7}  {call.code or '---'}  {call.method} "
                f"/{call.upstream}{call.path}  {took}  {call.size:,} bytes{reason}"
            )

    def say(self, level: str, text: str) -> None:
        """Something else is to be told."""
        if self._form == "json":
            self._write_json(level, event="message", message=printable(text, lines=True))
        elif self._form:
            before = "" if level == "info" else f"{level.capitalize()}: "
            self._write(f"{before}{printable(text, lines=True)}")

    def _write_json(self, level: str, **members: Any) -> None:
        self._write(json.dumps({"time": _now().isoformat(timespec="milliseconds"), "level": level, **members}))

    def _write(self, line: str) -> None:
        file = self._file or sys.stderr
        if file is None:
            return
        try:
            if not _takes_some(file):
                self._left_out += 1
                return
            if self._left_out:
                told = f"{self._left_out} lines were left out: nobody read them"
                self._left_out = 0
                self.say("warning", told)
            file.write(f"{line}\n")
            file.flush()
        except (OSError, ValueError):
            pass  # nobody reads it: no reason to stop answering


def _takes_some(file: TextIO) -> bool:
    """Whether a line can be written at once; who starts a server with a pipe and reads nothing would stop it."""
    if os.name == "nt":
        return True  # there one cannot ask
    try:
        number = file.fileno()
    except (OSError, ValueError, AttributeError):
        return True  # it is in memory
    return bool(select.select([], [number], [], 0)[1])


def _now() -> datetime:
    return datetime.now(UTC)
