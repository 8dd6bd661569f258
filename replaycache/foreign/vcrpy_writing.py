"""Writing cassettes of VCR.py: https://vcrpy.readthedocs.io. Times and chunks have no place in them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from http.client import responses
from typing import Any, BinaryIO

from .._errors import ConfigurationError
from .._models import Headers, Recording


def write(recordings: Iterable[Recording], file: BinaryIO) -> int:
    """Writes a cassette of VCR.py in YAML, of one recording or more, and returns their number.

    Raises:
        ConfigurationError: PyYAML is not installed.
    """
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError as error:
        raise ConfigurationError("to write YAML needs PyYAML: install replaycache with its extra `vcr`") from error
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    file.write(b"interactions:\n")
    count = 0
    for recording in recordings:
        count += 1
        file.write(yaml.dump([_interaction(recording)], Dumper=dumper, allow_unicode=True).encode("utf-8"))
    file.write(b"version: 1\n")
    return count


def _interaction(recording: Recording) -> dict[str, Any]:
    request, head = recording.request, recording.head
    return {
        "request": {
            "body": _text(request.body),
            "headers": _headers(request.headers),
            "method": request.method,
            "uri": request.url,
        },
        "response": {
            "body": {"string": _text(recording.body.read())},
            "headers": _headers(head.headers),
            "status": {"code": head.status, "message": responses.get(head.status, "")},
        },
    }


def _headers(headers: Headers) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def _text(body: bytes) -> str | bytes:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body
