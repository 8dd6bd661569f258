"""Cassettes of cassetter, in YAML or TOML: https://kludex.github.io/cassetter.

    version: 1
    interactions:
    - request: {method, uri, headers, body: {type: json | text | binary | none, content}}
      response: {status: 200, headers, body: {type, content}}
      recorded_at: 2026-02-20T10:30:01Z

In YAML the content of a JSON body is a value, in TOML (`body_type`, `body_content`) its text; bytes are
hexadecimal digits. Interactions over gRPC and WebSocket have lists of their own.
"""

from __future__ import annotations

import json
from datetime import date

from .._models import Recording
from .interactions import RECORD_AGAIN, UPGRADE, Answer, Node, json_bytes, seconds_since_1970
from .safe_yaml import core_scalar, resolved


def recordings(root: Node) -> list[Recording]:
    """The recordings of such a file, in its order; gRPC and WebSocket interactions are left out with a warning.

    Raises:
        CassetteError: it is not a whole file of the format, or has no interaction over plain HTTP.
    """
    root.check_version("cassetter", "1")
    others = 0
    for name in ("grpc_interactions", "ws_interactions"):
        node = root.find(name)
        others += 0 if node is None else len(node.items())
    if others and not root.value.get("interactions"):
        raise root.error("holds interactions over gRPC or WebSocket alone, which cannot be replayed", RECORD_AGAIN)
    found = [_recording(item) for item in root.get("interactions").items()]
    root.source.check_last_line()
    if others:
        root.source.warn(f"{others} interactions over gRPC or WebSocket are left out")
    return found


def _recording(interaction: Node) -> Recording:
    request, response = interaction.get("request"), interaction.get("response")
    recorded_at = interaction.get("recorded_at")
    moment = recorded_at.value.isoformat() if isinstance(recorded_at.value, date) else recorded_at.text()
    # always written, and in TOML last
    sent, headers = request.get("headers"), response.get("headers")
    return request.recording(
        method=request.get("method").text(),
        url=request.get("uri").text(),
        headers=sent.headers(),
        body=_body(request),
        answer=Answer(
            status=response.get("status").number(),
            headers=headers.headers(),
            body=_body(response),
            recorded_at=seconds_since_1970(moment),
        ),
    )


def _body(message: Node) -> bytes:
    in_toml = "body_type" in message
    where = message if in_toml else message.get("body")
    kind = where.get("body_type" if in_toml else "type").text()
    if kind == "none":
        return b""
    content = where.get("body_content" if in_toml else "content")
    match kind:
        case "text":
            return content.content()
        case "binary":
            return content.from_hexadecimal(content.text())
        case "json":
            try:
                value = json.loads(content.text()) if in_toml else resolved(content.value, core_scalar)
                return json_bytes(value)
            except ValueError as error:
                raise content.error(f"is no JSON: {error}") from None
        case _:
            raise where.error(f"has the type {kind[:40]!r}, which is not known", UPGRADE)
