"""What may never reach a store."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from replaycache import ConfigurationError, Match, Redact, Request, ResponseHead
from replaycache.engine.sealing import redactor_of
from replaycache.engine.stored_form import stored_form
from replaycache.options import Options
from replaycache.redaction.headers import REQUEST_HEADERS, is_credential_header
from replaycache.redaction.redactor import Redactor
from replaycache.redaction.seal import PLACEHOLDER, Seal
from replaycache.stores import MemoryStore

SECRET = "hunter2"

NEVER_STORED_OF_REQUESTS = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "openai-organization",
    "openai-project",
    "user-agent",
    "host",
    "idempotency-key",
    "traceparent",
    "x-stainless-os",
    "x-amz-security-token",
    "x-unknown",
    "x-ratelimit-remaining",
    "content-encoding",
    "content-length",
]
NEVER_STORED_OF_RESPONSES = [
    "set-cookie",
    "openai-organization",
    "openai-project",
    "anthropic-organization-id",
    "cf-ray",
    "server",
    "content-length",
    "transfer-encoding",
    "strict-transport-security",
    "x-unknown",
    "authorization",
    "x-request-id-2",
]


def test_of_request_headers_a_list_is_stored_and_nothing_else() -> None:
    headers = tuple((name, "v") for name in (*sorted(REQUEST_HEADERS), *NEVER_STORED_OF_REQUESTS))

    assert [name for name, _ in Redactor().headers_of_request(headers)] == [
        "accept",
        "accept-language",
        "accepts",
        "anthropic-beta",
        "anthropic-version",
        "content-type",
        "groq-model-version",
        "openai-beta",
        "range",
        "x-amzn-bedrock-guardrailidentifier",
        "x-amzn-bedrock-guardrailversion",
        "x-amzn-bedrock-performanceconfig-latency",
        "x-amzn-bedrock-service-tier",
        "x-amzn-bedrock-trace",
        "x-amzn-sagemaker-custom-attributes",
        "x-amzn-sagemaker-enable-explanations",
        "x-amzn-sagemaker-inference-component",
        "x-amzn-sagemaker-session-id",
        "x-amzn-sagemaker-target-container-hostname",
        "x-amzn-sagemaker-target-model",
        "x-amzn-sagemaker-target-variant",
    ]


def test_of_response_headers_a_list_is_stored_and_nothing_else() -> None:
    stored = [
        "accept-ranges",
        "cache-control",
        "content-disposition",
        "content-language",
        "content-range",
        "content-type",
        "date",
        "etag",
        "expires",
        "last-modified",
        "link",
        "location",
        "openai-model",
        "openai-processing-ms",
        "openai-version",
        "operation-location",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "vary",
        "warning",
        "www-authenticate",
        "x-amzn-requestid",
        "x-request-id",
        "x-should-retry",
        "anthropic-ratelimit-tokens-remaining",
        "x-goog-upload-status",
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-tokens",
    ]

    kept = Redactor().head(ResponseHead(429, tuple((name, "v") for name in (*stored, *NEVER_STORED_OF_RESPONSES))))

    assert kept.status == 429
    assert [name for name, _ in kept.headers] == stored
    assert set(kept.left_out) == set(NEVER_STORED_OF_RESPONSES) - {"content-length", "transfer-encoding"}


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("location", "/next?api_key=v&page=2", "/next?api_key=REDACTED&page=2"),
        ("operation-location", "https://a/b?api_key=v", "https://a/b?api_key=REDACTED"),
        (
            "link",
            '<https://a/m?page=2&api_key=v>; rel="next", </m?api_key=v>; rel="first"',
            '<https://a/m?page=2&api_key=REDACTED>; rel="next", </m?api_key=REDACTED>; rel="first"',
        ),
        ("x-goog-upload-url", "https://a/u?upload_id=abc&api_key=v", "https://a/u?upload_id=abc&api_key=REDACTED"),
        (
            "www-authenticate",
            'Bearer realm="https://u:p@a/t?access_token=v"',
            'Bearer realm="https://a/t?access_token=REDACTED"',
        ),
        ("warning", "what? nothing", "what? nothing"),
    ],
)
def test_urls_in_headers_lose_their_credentials(name: str, value: str, stored: str) -> None:
    assert Redactor().head(ResponseHead(200, ((name, value),))).headers == ((name, stored),)


def test_a_content_encoding_that_nobody_undoes_stands_with_its_body() -> None:
    headers = (("content-encoding", "gzip"), ("content-encoding", "aws-chunked"))

    assert Redactor().head(ResponseHead(200, headers)).headers == headers[1:]


def test_headers_that_are_stored_keep_their_order_their_lines_and_their_values() -> None:
    headers = (("x", "0"), ("warning", "b"), ("cookie", "c"), ("warning", "a"), ("date", "  é "))

    assert Redactor().head(ResponseHead(200, headers)).headers == (
        ("warning", "b"),
        ("warning", "a"),
        ("date", "  é "),
    )


def test_users_add_headers() -> None:
    redact = Redactor(Redact(request_headers=["X-Tenant"], response_headers=["CF-Ray"]))
    headers = (("x-tenant", "1"), ("cf-ray", "2"), ("accept", "3"), ("date", "4"))

    assert redact.headers_of_request(headers) == (("x-tenant", "1"), ("accept", "3"))
    assert redact.head(ResponseHead(200, headers)).headers == (("cf-ray", "2"), ("date", "4"))


CREDENTIAL_HEADERS = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-goog-api-key",
    "ocp-apim-secret",
    "x-auth-token",
    "x-amz-security-token",
    "x-password",
    "openai-organization",
    "openai-project",
    "anthropic-organization-id",
]


@pytest.mark.parametrize("option", ["request_headers", "response_headers"])
@pytest.mark.parametrize("name", CREDENTIAL_HEADERS)
def test_no_user_can_have_a_credential_stored(option: str, name: str) -> None:
    """Nor the id of an organisation or a project; however the name is written."""
    for written in (name, name.title()):
        with pytest.raises(ConfigurationError) as caught:
            Redact(**{option: [written]})

        assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["x-ratelimit-remaining-tokens", "anthropic-ratelimit-tokens-limit", "x-request-id", "accept", "x-tenant"],
)
def test_headers_that_only_resemble_a_credentials(name: str) -> None:
    assert not is_credential_header(name)
    assert Redact(response_headers=[name]).response_headers == (name,)


@pytest.mark.parametrize("option", ["request_headers", "response_headers", "query", "body"])
@pytest.mark.parametrize("value", ["text", [1], [None]])
def test_a_wrong_argument_is_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=option):
        Redact(**{option: value})


def test_rules_of_the_same_content_are_equal() -> None:
    assert Redact(query=["A"]) == Redact(query=("a",))
    assert hash(Redact(query=["A"])) == hash(Redact(query=("a",)))


URLS = [
    ("https://llm.example", "https://llm.example"),
    ("https://llm.example/", "https://llm.example/"),
    ("https://llm.example/x?a=1&b", "https://llm.example/x?a=1&b"),
    ("https://llm.example/x?api_key=hunter2", "https://llm.example/x?api_key=REDACTED"),
    ("https://llm.example?api_key=hunter2", "https://llm.example?api_key=REDACTED"),
    ("https://llm.example/x?a=1&API_KEY=hunter2&b=2", "https://llm.example/x?a=1&API_KEY=REDACTED&b=2"),
    (
        "https://llm.example/x?api_key=hunter2&api_key=hunter2",
        "https://llm.example/x?api_key=REDACTED&api_key=REDACTED",
    ),
    ("https://llm.example/x?api%5Fkey=hunter2", "https://llm.example/x?api%5Fkey=REDACTED"),
    ("https://llm.example/x?api_key=hunter2=hunter2", "https://llm.example/x?api_key=REDACTED"),
    ("https://llm.example/x?api_key=", "https://llm.example/x?api_key=REDACTED"),
    ("https://llm.example/x?key", "https://llm.example/x?key"),
    ("https://llm.example/x?keyword=1&monkey=2&k=key", "https://llm.example/x?keyword=1&monkey=2&k=key"),
    ("https://llm.example/x?sig=hunter2&se=2026", "https://llm.example/x?sig=REDACTED&se=2026"),
    ("https://llm.example/x?X-Amz-Signature=hunter2", "https://llm.example/x?X-Amz-Signature=REDACTED"),
    ("https://llm.example/x?password=hunter2%26", "https://llm.example/x?password=REDACTED"),
    ("https://me:hunter2@llm.example:81/x", "https://llm.example:81/x"),
    ("https://hunter2@llm.example", "https://llm.example"),
    ("https://me:p@hunter2@llm.example/x", "https://llm.example/x"),
    ("https://llm.example/a@b?c=d@e", "https://llm.example/a@b?c=d@e"),
    ("https://llm.example/x?a=1#hunter2", "https://llm.example/x?a=1"),
    ("https://llm.example#hunter2?api_key=hunter2", "https://llm.example"),
    ("https://llm.example/x?a=%zz&%ff=1", "https://llm.example/x?a=%zz&%ff=1"),
    ("https://llm.example/x?&&a=1&", "https://llm.example/x?&&a=1&"),
    ("https://llm.example/key=hunter3", "https://llm.example/key=hunter3"),
    # of one host, or of one call
    (
        "https://me:p@API.Trello.com:443/1/boards?token=hunter2",
        "https://API.Trello.com:443/1/boards?token=REDACTED",
    ),
    ("//api.trello.com/1?key=hunter2&a=1", "//api.trello.com/1?key=REDACTED&a=1"),
    ("https://llm.example/1?token=next&key=a&appid=1", "https://llm.example/1?token=next&key=a&appid=1"),
    (
        "https://gateway.example/v1beta/models/m:generateContent?key=hunter2",
        "https://gateway.example/v1beta/models/m:generateContent?key=REDACTED",
    ),
    ("/v1beta/models/m:generateContent?key=hunter2", "/v1beta/models/m:generateContent?key=REDACTED"),
]


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_url(url: str, expected: str) -> None:
    assert Redactor().urls.redacted(url) == expected
    assert Redactor().urls.redacted(expected) == expected
    assert SECRET not in expected


@pytest.mark.parametrize("counts", [True, False])
def test_who_asks_a_server_of_tools_counts_in_a_cache_and_not_in_a_cassette(counts: bool) -> None:
    redactor = Redactor(seal=Seal(counts_access=counts))

    def stored(url: str) -> str:
        body = {"tools": [{"type": "mcp", "server_url": url}]}
        redactor.json(body)
        return str(body["tools"][0]["server_url"])

    asked = [
        f"https://{user}mcp.example/sse?api_key={key}" for user in ("ada:x@", "bob:x@", "") for key in ("1", "2")
    ]
    assert len({*map(stored, asked)}) == (6 if counts else 1)
    for url in map(stored, asked):
        assert stored(url) == url
        assert "ada" not in url


def test_users_add_query_parameters() -> None:
    url = "https://llm.example/x?Token=hunter2&api_key=hunter2&t=1"

    replaced = Redactor(Redact(query=["tOKEN"])).urls.redacted(url)

    assert re.fullmatch(r"https://llm.example/x\?Token=REDACTED-[0-9a-f]{16}&api_key=REDACTED&t=1", replaced)


SIX_NAMES = ("apikey", "access_token", "refresh_token", "id_token", "client_secret", "authorization")
JSON_BODIES: list[tuple[str, Any, Any]] = [
    ("top", {"api_key": SECRET, "a": 1}, {"api_key": PLACEHOLDER, "a": 1}),
    ("case", {"Api_Key": SECRET, "PASSWORD": SECRET}, {"Api_Key": PLACEHOLDER, "PASSWORD": PLACEHOLDER}),
    (
        "all",
        dict.fromkeys(SIX_NAMES, SECRET),
        dict.fromkeys(SIX_NAMES, PLACEHOLDER),
    ),
    (
        "mcp-tool",
        {
            "tools": [
                {
                    "type": "mcp",
                    "server_url": "u",
                    "authorization": SECRET,
                    "headers": {"X-A": SECRET, "b": SECRET},
                }
            ]
        },
        {
            "tools": [
                {
                    "type": "mcp",
                    "server_url": "u",
                    "authorization": PLACEHOLDER,
                    "headers": {"X-A": PLACEHOLDER, "b": PLACEHOLDER},
                }
            ]
        },
    ),
    (
        "mcp-server",
        {"mcp_servers": [{"type": "url", "url": "u", "authorization_token": SECRET}, {"url": "v"}]},
        {"mcp_servers": [{"type": "url", "url": "u", "authorization_token": PLACEHOLDER}, {"url": "v"}]},
    ),
    (
        "azure-search",
        {
            "data_sources": [
                {
                    "type": "azure_search",
                    "parameters": {"index_name": "i", "authentication": {"type": "api_key", "key": SECRET}},
                }
            ]
        },
        {
            "data_sources": [
                {
                    "type": "azure_search",
                    "parameters": {"index_name": "i", "authentication": {"type": "api_key", "key": PLACEHOLDER}},
                }
            ]
        },
    ),
    (
        "azure-others",
        {
            "data_sources": [
                {
                    "parameters": {
                        "key": SECRET,
                        "authentication": {
                            "access_token": SECRET,
                            "encoded_api_key": SECRET,
                            "connection_string": SECRET,
                        },
                    }
                }
            ]
        },
        {
            "data_sources": [
                {
                    "parameters": {
                        "key": PLACEHOLDER,
                        "authentication": {
                            "access_token": PLACEHOLDER,
                            "encoded_api_key": PLACEHOLDER,
                            "connection_string": PLACEHOLDER,
                        },
                    }
                }
            ]
        },
    ),
]


@pytest.mark.parametrize(
    ("value", "expected"), [row[1:] for row in JSON_BODIES], ids=[row[0] for row in JSON_BODIES]
)
def test_credentials_in_a_json_body(value: Any, expected: Any) -> None:
    value = json.loads(json.dumps(value))

    redactor = Redactor(seal=Seal(counts_access=False))

    assert redactor.json(value) is True
    assert value == expected
    assert redactor.json(value) is False
    assert value == expected


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"model": "m", "messages": [{"role": "user", "content": "api_key"}]},
        {"api_key": None},
        {"keys": "x", "api_key_id": "x", "passwords": "x", "key": "a filter's field"},
        {"input": {"password": "data"}},
        {"messages": [{"role": "assistant", "tool_calls": [{"authorization": "data"}], "api_key": "data"}]},
        {"tools": [{"type": "function", "authorization": "data", "headers": {"a": "data"}}]},
        {"tools": [{"type": "function", "parameters": {"properties": {"password": {"type": "string"}}}}]},
        {"tools": [{"type": "mcp", "server_label": "s", "headers": None, "authorization": None}]},
        {"tools": [{"type": "mcp", "headers": {}}]},
        {"tools": {"type": "mcp", "authorization": "data"}},
        {"tools": "x", "mcp_servers": 1, "data_sources": None},
        {"tools": [None, 1, "x", []], "mcp_servers": [None], "data_sources": [{"parameters": []}]},
        {"data_sources": [{"parameters": {"authentication": "x"}}]},
        {"mcp_servers": [{"authorization": "not this name"}]},
        [{"api_key": "data"}],
        "api_key",
        1,
        None,
    ],
    ids=str,
)
def test_data_is_untouched(value: Any) -> None:
    """Deeper down, in other tools, in other places, the same names are data."""
    before = json.dumps(value)

    assert Redactor().json(value) is False
    assert json.dumps(value) == before


def test_users_add_body_fields() -> None:
    value = {"Pin": SECRET, "api_key": SECRET, "deep": {"pin": "data"}}

    assert Redactor(Redact(body=["pIN"])).json(value)
    assert Seal.is_one(value["Pin"])
    assert value == {"Pin": value["Pin"], "api_key": PLACEHOLDER, "deep": {"pin": "data"}}


@pytest.mark.parametrize(
    ("media_type", "body", "stored"),
    [
        ("application/json", b'{"a":{"pin":"1234"},"pin":"1234"}', b'{"a":{"pin":"REDACTED"},"pin":"REDACTED"}'),
        ("application/json", b'[{"pin":"1234"}]', b'[{"pin":"REDACTED"}]'),
        ("application/json", b'{"a":{"PIN":1234}, "a":1}', b'{"a":{"PIN":"REDACTED"}, "a":1}'),
        ("application/x-www-form-urlencoded", b"pin=1234&b=1", b"pin=REDACTED&b=1"),
    ],
)
def test_what_does_not_count_is_not_hashed(media_type: str, body: bytes, stored: bytes) -> None:
    """A short value could be guessed by who has the salt."""
    options = Options(redact=Redact(body=["a.pin", "[*].pin", "pin"]), match=Match(ignore=["a", "[*].pin", "pin"]))
    request = Request("POST", "https://llm.example/x", (("content-type", media_type),), body)

    assert stored_form(request, redactor_of(options, MemoryStore())).body == stored


@pytest.mark.parametrize("secret", [12345678, ["hunter2"], {"token": "hunter2"}], ids=str)
def test_a_credential_that_is_no_text(secret: Any) -> None:
    """A field that carries a credential is replaced, whatever the type of its value."""
    value = {"password": secret}

    assert Redactor().json(value)
    assert value == {"password": PLACEHOLDER}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a=1&b=2", b"a=1&b=2"),
        (b"client_secret=hunter2&a=1", b"client_secret=REDACTED&a=1"),
        (b"a=1&PASSWORD=hunter2", b"a=1&PASSWORD=REDACTED"),
        (b"client%5Fsecret=hunter2", b"client%5Fsecret=REDACTED"),
        (b"password=hunter2=hunter2", b"password=REDACTED"),
        (b"password=", b"password=REDACTED"),
        (
            b"grant_type=a&subject_token=hunter2&subject_token_type=b",
            b"grant_type=a&subject_token=REDACTED&subject_token_type=b",
        ),
        (b"assertion=hunter2&grant_type=a", b"assertion=REDACTED&grant_type=a"),
        (b"password", b"password"),
        (b"password+=x", b"password+=x"),
        (b"passwords=x&a=password", b"passwords=x&a=password"),
        (b"%ff=%zz&&\xff", b"%ff=%zz&&\xff"),
        (b"", b""),
    ],
)
def test_form(body: bytes, expected: bytes) -> None:
    assert Redactor().form(body) == expected
    assert Redactor().form(expected) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"api_key":"hunter2","a":1,"a":2}', b'{"api_key":"REDACTED","a":1,"a":2}'),
        (b'{"API_KEY" : "hunter2"', b'{"API_KEY" : "REDACTED"'),
        (rb'{"api\u005fkey":"hunter2","\u0061":1}', rb'{"api\u005fkey":"REDACTED","\u0061":1}'),
        (b'{"api_key":"hunter2","api_key":"hunter2"}', b'{"api_key":"REDACTED","api_key":"REDACTED"}'),
        (rb'{"password":"hunter2\"hunter2\\","a":NaN}', rb'{"password":"REDACTED","a":NaN}'),
        (b'{"passwords":"x","a":"password"', b'{"passwords":"x","a":"password"'),
        (b'\xff{"password":"\xff"}', b'\xff{"password":"REDACTED"}'),
        (b"", b""),
    ],
)
def test_a_json_body_that_cannot_be_taken_apart(body: bytes, expected: bytes) -> None:
    assert Redactor().json_text(body) == expected
    assert Redactor().json_text(expected) == expected


NAMED_AS_CREDENTIALS = (
    *("authorization", "x-api-key", "ocp-apim-subscription-key", "x-functions-key", "helicone-auth", "x-auth"),
    *("x-portkey-virtual-key", "x-access-key", "dd-application-key", "x-consumer-key", "x-credential"),
    *("x-user-jwt", "x-session-id", "x-csrf", "x-shared-access-signature", "idempotency-key"),
)


@pytest.mark.parametrize("name", NAMED_AS_CREDENTIALS)
def test_of_a_header_that_may_carry_a_credential_and_counts_only_a_hash_is_stored(name: str) -> None:
    redactor = redactor_of(Options(match=Match(headers=[name])), MemoryStore())

    ((_, stored),) = redactor.headers_of_request(((name, SECRET),))

    assert Seal.is_one(stored)
    assert redactor.counted_header(name, SECRET) == stored


@pytest.mark.parametrize(
    "values", [("a", "b"), ("a,b",), ("a, b ",), ("",), (" a",), ("Bearer a", "", "Bearer a")]
)
def test_a_header_that_counts_by_a_hash_is_found_again_however_it_was_written(values: tuple[str, ...]) -> None:
    match = Match(headers=["authorization"])
    redactor = redactor_of(Options(match=match), MemoryStore())
    lines = (("authorization", value) for value in values)
    request = Request(
        "GET", "https://llm.example/", (*lines, ("accept-language", "de"), ("accept-language", "en"))
    )

    stored = stored_form(request, redactor)

    assert match.identity(stored, redactor=redactor) == match.identity(request, redactor=redactor)
    assert [name for name, _ in stored.headers] == ["authorization", "accept-language", "accept-language"]


def test_kinds_in_a_path_are_as_they_are_written() -> None:
    redactor = Redactor(Redact(body=["Tools[type=MyKind].Pin"]))

    assert SECRET not in redactor.json_text(b'{"tools":[{"type":"MyKind","PIN":"hunter2"}]}').decode()
    assert SECRET in redactor.json_text(b'{"tools":[{"type":"mykind","pin":"hunter2"}]}').decode()


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_what_is_left_out_in_one_case_counts_in_another(content_type: str) -> None:
    """Paths of `Match(ignore=...)` mean names as they are written, those of `Redact(body=...)` in any case."""
    match, redact = Match(ignore=["pin"]), Redact(body=["pin"])
    redactor = redactor_of(Options(match=match, redact=redact), MemoryStore())

    def asked(name: str, value: str) -> Request:
        body = f"{name}={value}" if "form" in content_type else json.dumps({name: value})
        return Request("POST", "https://llm.example/", (("content-type", content_type),), body.encode())

    def key(request: Request) -> str:
        return match.identity(request, redactor=redactor).key

    assert key(asked("pin", "1")) == key(asked("pin", "2"))
    assert key(asked("Pin", "1")) != key(asked("Pin", "2"))
    for name in ("pin", "Pin"):
        stored = stored_form(asked(name, SECRET), redactor)
        assert SECRET.encode() not in stored.body
        assert key(stored) == key(asked(name, SECRET))


@pytest.mark.parametrize("argument", ["request_headers", "response_headers", "query", "body"])
def test_a_name_that_no_text_can_hold_is_refused(argument: str) -> None:
    with pytest.raises(ConfigurationError, match=argument):
        Redact(**{argument: ["\ud800"]})  # type: ignore[arg-type]  # each takes a list of names


@pytest.mark.parametrize("argument", ["request_headers", "response_headers", "query", "body"])
@pytest.mark.parametrize("names", [1, None, True, "name"])
def test_what_is_no_list_of_names_is_refused(argument: str, names: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{argument}=...\\) takes a list of names"):
        Redact(**{argument: names})  # type: ignore[arg-type]  # from a file may come anything
