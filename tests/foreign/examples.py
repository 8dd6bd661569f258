"""Small files in each format, written by hand for these tests."""

from __future__ import annotations

import base64
import gzip
import json

STREAM = b'data: {"n": 1}\n\ndata: {"n": 2}\n\ndata: [DONE]\n\n'
SECRET = "sk-not-for-any-store"

VCRPY = f"""\
interactions:
- request:
    body: '{{"model": "m", "stream": true}}'
    headers:
      Authorization:
      - Bearer {SECRET}
      Content-Type:
      - application/json
      Cookie:
      - session={SECRET}
    method: POST
    uri: https://api.example.com/v1/chat/completions?api_key={SECRET}&x=1
  response:
    body:
      string: "data: {{\\"n\\": 1}}\\n\\ndata: {{\\"n\\": 2}}\\n\\ndata: [DONE]\\n\\n"
    headers:
      Content-Type:
      - text/event-stream; charset=utf-8
      Date:
      - Tue, 14 Nov 2023 21:49:24 GMT
      OpenAI-Organization:
      - org-{SECRET}
      Set-Cookie:
      - a={SECRET}
      - b={SECRET}
    status:
      code: 200
      message: OK
- request:
    body: null
    headers: {{}}
    method: GET
    uri: https://api.example.com/v1/models
  response:
    body:
      string: !!binary |
        {base64.b64encode(gzip.compress(b'{"data": []}', mtime=0)).decode()}
    headers:
      Content-Encoding:
      - gzip
      Content-Length:
      - '32'
      content-type:
      - application/json
    status:
      code: 404
      message: Not Found
version: 1
"""

VCRPY_JSON = json.dumps(
    {
        "version": 1,
        "interactions": [
            {
                "request": {
                    "method": "POST",
                    "uri": "https://api.example.com/v1/embeddings",
                    "body": '{"input": "é"}',
                    "headers": {"Content-Type": ["application/json"]},
                },
                "response": {
                    "status": {"code": 200, "message": "OK"},
                    "headers": {"Content-Type": ["application/json"]},
                    "body": {"string": '{"é": "\U0001f600"}'},
                },
            }
        ],
    }
)

VCRPY_OLD_HTTPX = """\
interactions:
- request:
    body: '{}'
    headers:
      content-type:
      - application/json
    method: POST
    uri: https://api.example.com/v1/messages
  response:
    content: '{"ok": "é"}'
    headers:
      Content-Encoding:
      - br
      Content-Type:
      - application/json
    http_version: HTTP/1.1
    status_code: 201
version: 1
"""

PARSED_BODY = """\
interactions:
- request:
    headers:
      content-type:
      - application/json
    method: POST
    parsed_body:
      at: 2024-01-02
      model: m
      n: 1
    uri: https://api.example.com/v1/chat/completions
  response:
    headers:
      content-type:
      - application/json
    parsed_body:
      id: 1e3
      text: 30°C
      flags: [true, null, 1.5, .inf]
      quoted: 'yes'
    status:
      code: 200
      message: OK
version: 1
"""

RUBY = f"""\
---
http_interactions:
- request:
    method: post
    uri: https://api.example.com/v1/audio/speech
    body:
      encoding: UTF-8
      string: '{{"input":"hi"}}'
    headers:
      Content-Type:
      - application/json
      Authorization:
      - Bearer {SECRET}
  response:
    status:
      code: 200
      message: OK
    headers:
      Content-Type:
      - audio/mpeg
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        /wD+/Q==
  recorded_at: Tue, 14 Nov 2023 21:48:26 GMT
- request:
    method: get
    uri: https://api.example.com/a
    body:
      encoding: US-ASCII
      string: ''
    headers:
      Accept:
      - "*/*"
  response:
    status:
      code: 200
      message: OK
    headers:
      Content-Type:
      - text/plain; charset=iso-8859-1
    body:
      encoding: ISO-8859-1
      string: é
  recorded_at: Tue, 14 Nov 2023 21:48:27 GMT
- request:
    method: get
    uri: https://api.example.com/b
    body:
      encoding: US-ASCII
      base64_string: ''
    headers: {{}}
  response:
    status:
      code: 200
      message: OK
    headers: {{}}
    body:
      encoding: UTF-8
      base64_string: |
        w6k=
  recorded_at: Tue, 14 Nov 2023 21:48:28 GMT
recorded_with: VCR 6.1.0
"""

BETAMAX = json.dumps(
    {
        "http_interactions": [
            {
                "request": {
                    "body": {"encoding": "utf-8", "string": ""},
                    "headers": {"Accept": ["*/*"]},
                    "method": "GET",
                    "uri": "https://api.example.com/a",
                },
                "response": {
                    "body": {"encoding": None, "base64_string": base64.b64encode(b"\x00\xff").decode()},
                    "headers": {"Content-Type": ["application/octet-stream"]},
                    "status": {"code": 200, "message": "OK"},
                    "url": "https://api.example.com/a",
                },
                "recorded_at": "2023-11-14T21:48:26",
            }
        ],
        "recorded_with": "betamax/0.9.0",
    }
)

GO_1 = """\
---
version: 1
interactions:
- request:
    body: a=b
    form:
      a:
      - b
    headers:
      Content-Type:
      - application/x-www-form-urlencoded
    url: http://api.example.com/form
    method: POST
  response:
    body: !!binary /wA=
    headers:
      Content-Type:
      - application/octet-stream
    status: 200 OK
    code: 200
    duration: ""
"""

GO_2 = """\
---
version: 2
interactions:
    - id: 0
      request:
        proto: HTTP/1.1
        proto_major: 1
        proto_minor: 1
        content_length: 2
        transfer_encoding: []
        trailer: {}
        host: api.example.com
        remote_addr: ""
        request_uri: ""
        body: '{}'
        form: {}
        headers:
            Content-Type:
                - application/json
        url: /v1/chat/completions
        method: POST
      response:
        proto: HTTP/2.0
        proto_major: 2
        proto_minor: 0
        transfer_encoding: []
        trailer: {}
        content_length: 22
        uncompressed: true
        body: |
            data: 12:30:45

        headers:
            Content-Type:
                - text/event-stream
            Date:
                - Thu, 18 Aug 2022 19:51:10 GMT
            X-Request-Id:
                - 0x1F
        status: 200 OK
        code: 200
        duration: 1m1.5s
"""

CASSETTER = """\
version: 1
interactions:
- request:
    method: POST
    uri: https://api.example.com/v1/chat/completions?api_key=[FILTERED]
    headers:
      content-type:
      - application/json
    body:
      type: json
      content:
        at: 12:30:45
        n: 1
  response:
    status: 200
    headers:
      content-type:
      - application/json
    body:
      type: json
      content:
        t: 12:30:45
        day: 2024-01-01
        eq: =
        m: <<
        y: "yes"
        n: null
        f: 1.0
        e: 1e3
        h: 0x1f
        b: true
        inf: .inf
        neg: -.inf
  recorded_at: 2026-02-20T10:30:01.250000+00:00
- request:
    method: GET
    uri: https://api.example.com/b
    headers: {}
    body:
      type: none
  response:
    status: 200
    headers:
      content-type:
      - application/octet-stream
    body:
      type: binary
      content: 00fF10
  recorded_at: '2026-02-20T10:30:02Z'
- request:
    method: POST
    uri: https://api.example.com/c
    headers: {}
    body:
      type: text
      content: x
  response:
    status: 200
    headers:
      content-type:
      - text/event-stream
    body:
      type: text
      content: |+
        data: 1

        data: 2

  recorded_at: '2026-02-20T10:30:03Z'
"""

CASSETTER_TOML = """\
version = 1

[[interactions]]
recorded_at = "2026-02-20T10:30:01.250000+00:00"

[interactions.request]
method = "POST"
uri = "https://api.example.com/a"
body_type = "json"
body_content = '{"a":"12:30:45"}'

[interactions.request.headers]
content-type = ["application/json"]

[interactions.response]
status = 200
body_type = "json"
body_content = '[1,{"b":null}]'

[interactions.response.headers]
content-type = ["application/json"]
"""


def har(*entries: object, creator: str = "t") -> str:
    return json.dumps(
        {"log": {"version": "1.2", "creator": {"name": creator, "version": "1"}, "entries": entries}}
    )


def har_entry(
    *,
    method: str = "GET",
    url: str = "https://api.example.com/v1/models",
    status: object = 200,
    content: dict[str, object] | None = None,
    post: dict[str, object] | None = None,
    request_headers: dict[str, str] | None = None,
    response_headers: dict[str, str] | None = None,
    query: list[dict[str, str]] | None = None,
) -> dict[str, object]:
    request: dict[str, object] = {
        "method": method,
        "url": url,
        "headers": [{"name": name, "value": value} for name, value in (request_headers or {}).items()],
        "queryString": query or [],
    }
    if post is not None:
        request["postData"] = post
    return {
        "startedDateTime": "2026-02-20T10:30:01.000Z",
        "time": 250,
        "request": request,
        "response": {
            "status": status,
            "headers": [{"name": name, "value": value} for name, value in (response_headers or {}).items()],
            "content": {"size": 2, "mimeType": "application/json", "text": "{}"} if content is None else content,
        },
        "timings": {"blocked": 10, "dns": -1, "connect": -1, "send": 40, "wait": 200, "receive": 0},
    }


HAR = har(
    har_entry(
        method="POST",
        request_headers={"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"},
        response_headers={"Content-Type": "text/event-stream", "Content-Encoding": "br", "Set-Cookie": SECRET},
        post={"mimeType": "application/json", "text": '{"stream": true}'},
        content={"size": len(STREAM), "mimeType": "text/event-stream", "text": STREAM.decode()},
    )
)

EXAMPLES = {
    "vcrpy.yaml": VCRPY,
    "vcrpy.json": VCRPY_JSON,
    "old_httpx.yaml": VCRPY_OLD_HTTPX,
    "parsed_body.yaml": PARSED_BODY,
    "ruby.yml": RUBY,
    "betamax.json": BETAMAX,
    "go_1.yaml": GO_1,
    "go_2.yaml": GO_2,
    "cassetter.yaml": CASSETTER,
    "cassetter.toml": CASSETTER_TOML,
    "session.har": HAR,
}


RUBY_WITHOUT_BODIES = json.dumps(
    {
        "http_interactions": [
            {
                "request": {"method": "delete", "uri": "https://api.example.com/v1/files/1", "headers": {}},
                "response": {"status": {"code": 204, "message": "No Content"}, "headers": {}},
                "recorded_at": "Tue, 14 Nov 2023 21:49:24 GMT",
            }
        ],
        "recorded_with": "VCR 6.1.0",
    }
)


def httprr(*records: tuple[bytes, bytes]) -> bytes:
    """A trace of httprr."""
    written = [b"%d %d\n%s%s" % (len(request), len(response), request, response) for request, response in records]
    return b"httprr trace v1\n" + b"".join(written)


_CHAT = (
    b"POST https://api.example.com/v1/chat/completions HTTP/1.1\r\nHost: api.example.com\r\n"
    b"User-Agent: langchaingo-httprr\nAuthorization: Bearer %s\r\n"
    b'Content-Length: 99\r\nContent-Type: application/json\r\n\r\n{"model": "m"}'
) % SECRET.encode()
_CHAT_ANSWER = (
    b"HTTP/2.0 200 OK\r\nContent-Length: 1\r\nContent-Type: application/json\r\nX-Request-Id: req_1\r\n"
    b'Set-Cookie: a=%s\r\n\r\n{"id": 1, "text": "\xc3\xa9\xff"}'
) % SECRET.encode()
_STREAM = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Go-http-client/1.1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
)
_STREAM_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%s\r\n0\r\n\r\n"
) % (len(STREAM), STREAM)
_LOCAL = b"GET /api/tags HTTP/1.1\r\nHost: localhost:11434\r\nUser-Agent: Go-http-client/1.1\r\n\r\n"
_LOCAL_ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

HTTPRR = httprr((_CHAT, _CHAT_ANSWER), (_STREAM, _STREAM_ANSWER), (_LOCAL, _LOCAL_ANSWER))
