"""Frames of AWS event streams: what their headers call them."""

from __future__ import annotations

from zlib import crc32

import pytest

from replaycache.dialects.framing.aws_event_stream import FrameDecoder
from replaycache.dialects.framing.sse import Event

TEXT, BYTES, BYTE, SHORT, LONG, TRUE, UUID = 7, 6, 2, 3, 8, 0, 9


def header(name: str, kind: int, value: bytes) -> bytes:
    length = len(value).to_bytes(2, "big") if kind in (TEXT, BYTES) else b""
    return bytes([len(name)]) + name.encode() + bytes([kind]) + length + value


def framed(headers: bytes, payload: bytes = b"{}") -> bytes:
    total = 16 + len(headers) + len(payload)
    prelude = total.to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    frame = prelude + crc32(prelude).to_bytes(4, "big") + headers + payload
    return frame + crc32(frame).to_bytes(4, "big")


TYPE = header(":event-type", TEXT, b"messageStop")
IS_EVENT = header(":message-type", TEXT, b"event")
OTHERS = [
    header("a", BYTE, b"1"),
    header("a", SHORT, b"12"),
    header("a", LONG, b"12345678"),
    header("a", TRUE, b""),
    header("a", UUID, b"x" * 16),
    header("a", BYTES, b"any bytes"),
    header(":content-type", TEXT, b"application/json"),
]


@pytest.mark.parametrize("before", [b"", *OTHERS, b"".join(OTHERS)], ids=str)
def test_a_frame_is_called_by_its_event_type_wherever_that_stands(before: bytes) -> None:
    for headers in (before + IS_EVENT + TYPE, before + TYPE + IS_EVENT, IS_EVENT + before + TYPE):
        assert FrameDecoder().feed(framed(headers)) == [Event("messageStop", b"{}")]


@pytest.mark.parametrize("kind", [b"exception", b"error"])
@pytest.mark.parametrize("before", [b"", *OTHERS], ids=str)
def test_a_frame_of_an_exception_is_an_error(before: bytes, kind: bytes) -> None:
    """https://smithy.io/2.0/aws/amazon-eventstream.html#client-and-server-behavior"""
    told = header(":message-type", TEXT, kind) + header(":exception-type", TEXT, b"throttlingException")

    assert FrameDecoder().feed(framed(before + told)) == [Event("error", b"{}")]


def test_what_stands_behind_a_header_of_an_unknown_type_cannot_be_read() -> None:
    unknown = b"\1a\x0fzz"

    assert FrameDecoder().feed(framed(TYPE + unknown + IS_EVENT)) == [Event("messageStop", b"{}")]
    assert FrameDecoder().feed(framed(unknown + TYPE)) == [Event("", b"{}")]
