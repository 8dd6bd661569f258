"""Cassettes of VCR.py and pytest-recording: https://vcrpy.readthedocs.io.

    interactions:
    - request: {method, uri, headers, body}
      response: {status: {code, message}, headers, body: {string}}
    version: 1

Also read: what VCR.py before 6 wrote for httpx (`status_code`, `content`); bodies as values under
`parsed_body`, and those of requests under `body`, by serializers that projects write themselves; `requests`
and `responses` as two lists, by persisters that dump VCR.py's own state.
"""

from __future__ import annotations

from .._models import Recording
from .interactions import Answer, Node, json_bytes
from .safe_yaml import resolved, yaml_1_1_scalar


def recordings(root: Node) -> list[Recording]:
    """The recordings of such a file, in its order."""
    if "interactions" not in root and "requests" in root:
        requests, responses = root.get("requests").items(), root.get("responses").items()
        if len(requests) != len(responses):
            raise root.error(f"has {len(requests)} requests and {len(responses)} responses")
        return [_recording(request, response) for request, response in zip(requests, responses, strict=True)]
    interactions = root.get("interactions").items()
    found = [_recording(item.get("request"), item.get("response")) for item in interactions]
    if "version" not in root:
        # what projects write with a serializer of their own
        if interactions and _is_whole(interactions[-1]):
            if not root.source.to_play:
                root.source.warn(
                    f"it has no 'version', which VCR.py writes last; its {len(found)} interactions are whole, and "
                    "are read as all there is"
                )
            return found
        raise root.error(
            "has no 'version', which VCR.py writes last: it was cut short",
            "restore it from version control or record it again; if nothing is missing, add a line 'version: 1'",
        )
    root.check_version("VCR.py", "1")
    return found


def _is_whole(last: Node) -> bool:
    """Whether nothing is missing of a file's last interaction: a response's status stands behind its body."""
    response = last.get("response")
    is_last = list(last.value)[-1] == "response" and list(response.value)[-1] == "status"
    return is_last and last.source.ends_its_last_line


def _recording(request: Node, response: Node) -> Recording:
    if "status_code" in response:
        status, content = response.get("status_code"), response.maybe("content").content()
    else:
        status = response.get("status")
        status = status.get("code") if isinstance(status.value, dict) else status
        content = _body(response)
    return request.recording(
        method=request.get("method").text(),
        url=request.get("uri").text(),
        headers=request.maybe("headers").headers(),
        body=_sent_body(request),
        answer=Answer(
            status=status.number(),
            headers=response.maybe("headers").headers(),
            body=content,
        ),
    )


def _sent_body(request: Node) -> bytes:
    body = request.find("body")
    if body is not None and isinstance(body.value, dict) and not body.value.keys() <= _WRAPPING:
        return _value(body)
    return _body(request)


_WRAPPING = frozenset({"string", "base64_string", "encoding"})
"""What stands around a body; a request's is never wrapped by VCR.py, but a serializer may leave a value there."""


def _value(node: Node) -> bytes:
    try:
        return json_bytes(resolved(node.value, yaml_1_1_scalar))
    except ValueError as error:
        raise node.error(f"is no JSON: {error}") from None


def _body(message: Node) -> bytes:
    if "parsed_body" in message and (message.find("parsed_body") or not message.find("body")):
        return _value(message.get("parsed_body"))
    body = message.get("body")
    if not isinstance(body.value, dict):
        return body.content()
    if "base64_string" in body:
        return body.get("base64_string").from_base64()
    return body.get("string").content() if body.value else b""
