"""HAR files, version 1.2: http://www.softwareishard.com/blog/har-12-spec.

A response's body stands in them decoded, as text or in base64, and may be missing or cut: browsers drop
what they no longer hold. Such a recording is incomplete (`Recording.complete`).

Polly.js writes a body that came encoded as it came: a JSON list of its pieces, each in base64, and before its
version 6 in hexadecimal digits. A persister of a project may write a request's JSON as a value, `textJSON`.
"""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

from .._models import Headers, Recording
from .interactions import UPGRADE, Answer, Node, encoded, in_charset, json_bytes, seconds_since_1970
from .safe_yaml import core_scalar, resolved

_BOUNDARY = "replaycache-7d1f0c6e"


def recordings(root: Node) -> list[Recording]:
    """The recordings of such a file, in its order; entries without an answer are left out with a warning.

    Raises:
        CassetteError: it is not a whole file of the format, or no entry has an answer.
    """
    log = root.get("log")
    entries = log.get("entries").items()
    by_polly = _is_by_polly(log)
    root.source.sees_all = not by_polly  # where it stands, depends on its adapter
    found = [_recording(entry, by_polly) for entry in entries if _is_answered(entry)]
    if entries and not found:
        raise root.error(
            f"has no answer to any of its {len(entries)} requests", "save it again once the requests are done"
        )
    if len(found) < len(entries):
        root.source.warn(f"{len(entries) - len(found)} entries without an answer over HTTP are left out")
    return found


def _is_by_polly(log: Node) -> bool:
    creator = log.find("creator")
    name = creator.find("name") if creator is not None and isinstance(creator.value, dict) else None
    return name is not None and isinstance(name.value, str) and name.value.lower() == "polly.js"


def _is_answered(entry: Node) -> bool:
    is_http = re.match(r"https?://", entry.get("request").get("url").text(), re.IGNORECASE)
    status = entry.get("response").get("status").text()
    # browsers give 0, or -1, to what was blocked or broken off; 1xx is not the end of an exchange
    return is_http is not None and not re.fullmatch(r"-?\d|1\d\d", status)


def _recording(entry: Node, by_polly: bool) -> Recording:
    request, response = entry.get("request"), entry.get("response")
    method = request.get("method").text().upper()
    url = request.get("url").text()
    query = request.find("queryString")
    if query is not None and query.value and "?" not in url:
        pairs = [(item.get("name").text(), item.get("value").text()) for item in query.items()]
        url = f"{url}?{urlencode(pairs)}"
    headers, body = _sent(request, request.maybe("headers").named_values())
    status = response.get("status").number()
    answered = response.maybe("headers").named_values()
    has_body = method != "HEAD" and status not in (204, 304)
    content, complete = (
        (_by_polly(response, answered), True) if by_polly else _content(response, answered, has_body)
    )
    started, until_head, latency = _times(entry)
    return request.recording(
        method=method,
        url=url,
        headers=headers,
        body=body,
        answer=Answer(
            status=status,
            headers=answered,
            body=content,
            decoded=not by_polly,
            recorded_at=started + until_head if started else 0.0,
            latency=latency,
            complete=complete,
        ),
    )


def _sent(request: Node, headers: Headers) -> tuple[Headers, bytes]:
    """The request's headers, completed from its body's description, and its body."""
    data = request.find("postData")
    if data is None:
        return headers, b""
    declared = dict(headers).get("content-type") or data.maybe("mimeType").header_value()
    text, params, encoding = data.find("text"), data.find("params"), data.find("encoding")
    value = data.find("textJSON")
    if text is None and value is not None:
        try:
            body = json_bytes(resolved(value.value, core_scalar))
        except ValueError as error:
            raise value.error(f"is no JSON: {error}") from None
    elif text is not None and (text.value or params is None or not params.value):
        body = text.from_base64() if encoding is not None and encoding.text() == "base64" else text.content()
    elif params is None:
        body = b""
    elif declared.lower().startswith("multipart/"):
        boundary = re.search(r';\s*boundary="?([^";\s]+)', declared, re.IGNORECASE)
        if boundary is None:
            declared = f"{declared}; boundary={_BOUNDARY}"
        body = _multipart(params, boundary[1] if boundary is not None else _BOUNDARY)
    else:
        declared = declared or "application/x-www-form-urlencoded"
        body = urlencode([(item.get("name").text(), _text_of(item)) for item in params.items()]).encode("ascii")
    if declared:
        headers = (*(item for item in headers if item[0] != "content-type"), ("content-type", declared))
    return headers, body


def _text_of(param: Node) -> str:
    value = param.find("value")
    return "" if value is None else value.text()


def _multipart(params: Node, boundary: str) -> bytes:
    lines: list[str] = []
    for param in params.items():
        disposition = f'form-data; name="{_escaped(param.get("name").text())}"'
        filename, content_type = param.find("fileName"), param.find("contentType")
        if filename is not None:
            disposition += f'; filename="{_escaped(filename.text())}"'
        lines += [f"--{boundary}", f"Content-Disposition: {disposition}"]
        if content_type is not None and content_type.text():
            lines.append(f"Content-Type: {content_type.text()}")
        lines += ["", _text_of(param)]
    lines += [f"--{boundary}--", ""]
    return encoded("\r\n".join(lines))


def _escaped(text: str) -> str:
    """As https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data has it."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _content(response: Node, headers: Headers, has_body: bool) -> tuple[bytes, bool]:
    """The response's body, and whether it is whole."""
    content = response.find("content")
    if content is None:
        return b"", True
    if "_file" in content:
        raise content.error(
            "keeps the body in a file of its own, which is not read", "save the HAR with the bodies embedded in it"
        )
    size_node = content.find("size")
    size = int(size_node.text()) if size_node is not None and re.fullmatch(r"\d{1,15}", size_node.text()) else 0
    text, encoding = content.find("text"), content.find("encoding")
    if text is None:
        return b"", size == 0 or not has_body
    if encoding is not None and encoding.text().lower() == "base64":
        body = text.from_base64()
        return body, len(body) >= size
    declared = dict(headers).get("content-type") or content.maybe("mimeType").header_value()
    charset = re.search(r';\s*charset="?([\w.:-]+)', declared, re.IGNORECASE)
    body = text.content()
    if charset is not None and len(body) != size:
        try:
            body = in_charset(text.text(), charset[1])
        except (LookupError, ValueError):
            pass
    # a byte order mark is part of the size and not of the text
    return body, len(body) + 3 >= size


def _by_polly(response: Node, headers: Headers) -> bytes:
    """The body of a response that Polly.js wrote, with its content-encoding."""
    content = response.find("content")
    text = None if content is None else content.find("text")
    if content is None or text is None:
        return b""
    encoding, is_binary = content.find("encoding"), content.find("_isBinary")
    name = "hex" if is_binary is not None and is_binary.text() == "true" else ""
    name = name if encoding is None else encoding.text().lower()
    decode = _DECODERS.get(name)
    if name and decode is None:
        raise content.error(f"has the encoding {name[:40]!r}, which is not known", UPGRADE)
    pieces = _pieces_in(text.text()) if decode is not None or "content-encoding" in dict(headers) else None
    if pieces is None:
        return text.content() if decode is None else decode(text, text.text())
    if decode is not None:
        return b"".join(decode(text, piece) for piece in pieces)
    # its older versions do not say so; what is no list of such digits is the body itself, decoded
    if all(re.fullmatch(r"(?:[0-9a-fA-F]{2})*", piece) for piece in pieces):
        joined = bytes.fromhex("".join(pieces))
        if text.source.decode(dict(headers)["content-encoding"], joined)[0] != joined:
            return joined
    return text.content()


def _pieces_in(text: str) -> list[str] | None:
    if not text.startswith("["):
        return None
    try:
        pieces = json.loads(text)
    except ValueError:
        return None
    is_list = isinstance(pieces, list) and all(isinstance(piece, str) for piece in pieces)
    return pieces if is_list else None


_DECODERS = {"base64": Node.from_base64, "hex": Node.from_hexadecimal}


def _times(entry: Node) -> tuple[float, float, float]:
    """When the entry began (seconds since 1970), and the seconds from there and from the request to the head."""
    started, timings = entry.find("startedDateTime"), entry.find("timings")
    spans: dict[str, float] = {}
    if timings is not None:
        for name in ("blocked", "dns", "connect", "send", "wait"):
            value = timings.value.get(name) if isinstance(timings.value, dict) else None
            # -1 where it does not apply
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9:
                spans[name] = value / 1000
    latency = spans.get("send", 0.0) + spans.get("wait", 0.0)
    return 0.0 if started is None else seconds_since_1970(started.text()), sum(spans.values()), latency
