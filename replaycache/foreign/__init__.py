"""Reading what other recorders wrote: cassettes of VCR.py and pytest-recording, Ruby VCR, go-vcr and cassetter,
HAR files (Polly.js's too), and traces of httprr.

    foreign.read("tests/cassettes/test_chat.yaml")

A file is read as data and never as code; what is no such file, or not all of one, is a `CassetteError`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from .._errors import CassetteError
from .._models import Recording
from ..redaction.redact import Redact
from ..redaction.seal import Seal
from . import cassetter, go_vcr, har, httprr, ruby_vcr, vcrpy
from .documents import load
from .interactions import RECORD_AGAIN, Node, Source

_SEAL = Seal(counts_access=False)
"""Whose data was read is not kept of what others recorded: it is moved into a cassette, most of it."""


class NeedsNoImport(CassetteError):
    """The file is a cassette of replaycache."""


def read(
    path: str | os.PathLike[str],
    redact: Redact = Redact(),  # noqa: B008  # frozen
    *,
    to_play: bool = False,
) -> list[Recording]:
    """The recordings in a file of another recorder, in the file's order.

    The format is found out from what is in the file, which may be compressed with gzip. Requests and
    response heads come in the form in which they may be stored; event streams have one chunk an event,
    and no chunk an offset, for no such file tells it. What the recorder left out of a request, by its filters, is
    in `Request.unknown`. `digest` is empty. Interactions that cannot be
    replayed over HTTP (gRPC, WebSocket, requests that were never answered) are left out with a
    `ReplayCacheWarning` that counts them.

    Args:
        path: of the file.
        redact: what users added to the built-in rules about credentials.
        to_play: the file is played as it stands, and nothing of it written: all headers are kept but those that
            carry credentials, and a file of VCR.py may lack its line `version`, for which VCR.py does not look.

    Raises:
        NeedsNoImport: it is a cassette of replaycache.
        CassetteError: it is no such file, damaged, larger than what is read, or holds what may not be read;
            or a library that reads it is not installed.
        OSError: the file cannot be opened or read.
    """
    source = Source(os.fspath(path), redact, _SEAL, to_play=to_play)
    try:
        root = Node(source, "", load(source))
        return source.with_unknown(_READERS[_format_of(root)](root))
    except RecursionError:
        raise source.error("its values are nested too deeply", RECORD_AGAIN) from None


def _format_of(root: Node) -> str:
    value = root.value
    if isinstance(value, bytes):
        return "httprr"
    if isinstance(value, dict):
        if isinstance(value.get("format"), str) and value["format"].startswith("replaycache/"):
            error = root.source.error(
                "it is a cassette of replaycache, which needs no import", "give its path as the store"
            )
            raise NeedsNoImport(str(error))
        if "log" in value:
            return "har"
        if "http_interactions" in value:
            return "ruby-vcr"
        if "grpc_interactions" in value or "ws_interactions" in value:
            return "cassetter"
        if "interactions" in value or ("requests" in value and "responses" in value):
            return _by_interaction(value)
    if isinstance(value, list) and value and isinstance(value[0], dict) and "request" in value[0]:
        raise root.source.error(
            "it is a cassette of VCR.py before 1.0, whose format is not read",
            "convert it with `python -m vcr.migration PATH`, or record it again",
        )
    raise root.source.error(
        f"it holds {_describe(value)}, which is no cassette of a kind that is known here",
        f"known are {', '.join(_READERS)}; is it the right file, and is all of it there?",
    )


def _by_interaction(value: dict[str, Any]) -> str:
    interactions = value.get("interactions")
    first = interactions[0] if isinstance(interactions, list) and interactions else None
    if not isinstance(first, dict):
        return "go-vcr" if value.get("version") == "2" else "vcrpy"
    request, response = first.get("request"), first.get("response")
    if isinstance(request, dict) and "url" in request and "uri" not in request:
        return "go-vcr"
    for side in (request, response):
        if isinstance(side, dict):
            body = side.get("body")
            if "body_type" in side or (isinstance(body, dict) and "type" in body):
                return "cassetter"
    return "vcrpy"


def _describe(value: object) -> str:
    if isinstance(value, dict):
        names = ", ".join(repr(str(name)[:40]) for name in list(value)[:5])
        return f"a mapping of {names}" if names else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "nothing" if value is None else "a single value"


_READERS: Mapping[str, Callable[[Node], list[Recording]]] = {
    "vcrpy": vcrpy.recordings,
    "ruby-vcr": ruby_vcr.recordings,
    "go-vcr": go_vcr.recordings,
    "cassetter": cassetter.recordings,
    "har": har.recordings,
    "httprr": httprr.recordings,
}
