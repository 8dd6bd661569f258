"""Cassettes of Ruby's VCR since 2.0, in YAML or JSON: https://benoittgt.github.io/vcr.

    http_interactions:
    - request: {method, uri, body: {encoding, string | base64_string}, headers}
      response: {status: {code, message}, headers, body: {encoding, string | base64_string}}
      recorded_at: Tue, 14 Nov 2023 21:49:24 GMT
    recorded_with: VCR 6.1.0

Betamax (Python) and vcr (R) write the same.
"""

from __future__ import annotations

from .._models import Recording
from .interactions import Answer, Node, in_charset, seconds_since_1970


def recordings(root: Node) -> list[Recording]:
    """The recordings of such a file, in its order."""
    found = [_recording(item) for item in root.get("http_interactions").items()]
    if "recorded_with" not in root:
        raise root.error(
            "has no 'recorded_with', which VCR writes last: it was cut short",
            "restore it from version control or record it again; if nothing is missing, add a line "
            "'recorded_with: VCR'",
        )
    return found


def _recording(interaction: Node) -> Recording:
    request, response = interaction.get("request"), interaction.get("response")
    recorded_at = interaction.find("recorded_at")
    return request.recording(
        method=request.get("method").text().removeprefix(":"),
        url=request.get("uri").text(),
        headers=request.maybe("headers").headers(),
        body=_body(request),
        answer=Answer(
            status=response.get("status").get("code").number(),
            headers=response.maybe("headers").headers(),
            body=_body(response),
            recorded_at=0.0 if recorded_at is None else seconds_since_1970(recorded_at.text()),
        ),
    )


def _body(message: Node) -> bytes:
    body = message.maybe("body")  # of what has none, some libraries that VCR stands under say nothing
    if not isinstance(body.value, dict):
        return body.content()
    if "base64_string" in body:
        return body.get("base64_string").from_base64()
    string = body.get("string")
    encoding = body.find("encoding")
    if isinstance(string.value, str) and encoding is not None:
        name = encoding.text().upper()
        # for these, VCR hands out the characters' bytes in UTF-8, as they stand in the file
        if name not in ("", "UTF-8", "US-ASCII", "ASCII-8BIT", "BINARY"):
            try:
                return in_charset(string.text(), {"WINDOWS-31J": "cp932"}.get(name, name))
            except (LookupError, ValueError):
                pass
    return string.content()
