"""AWS event streams, made by hand: https://smithy.io/2.0/aws/amazon-eventstream.html."""

from __future__ import annotations

import base64
import json
from binascii import crc32
from typing import Any

__all__ = ["as_bytes", "frames"]


def frames(*events: tuple[str, Any]) -> bytes:
    """A stream of events: their names, and their data."""
    return b"".join(_frame(name.encode(), json.dumps(value).encode()) for name, value in events)


def _frame(name: bytes, payload: bytes) -> bytes:
    header = b"\x0b:event-type\x07" + len(name).to_bytes(2, "big") + name
    prelude = (16 + len(header) + len(payload)).to_bytes(4, "big") + len(header).to_bytes(4, "big")
    message = prelude + crc32(prelude).to_bytes(4, "big") + header + payload
    return message + crc32(message).to_bytes(4, "big")


def as_bytes(value: Any) -> tuple[str, dict[str, str]]:
    """The event of an invoked model."""
    return "chunk", {"bytes": base64.b64encode(json.dumps(value).encode()).decode()}
