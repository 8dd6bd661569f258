"""`Match.explain`: how a request came to its key."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest

from replaycache import ConfigurationError, Match, Redact, Request

CHAT = "https://api.openai.com/v1/chat/completions"


def post(body: bytes, url: str = CHAT, content_type: str = "application/json", **headers: str) -> Request:
    lines = [("content-type", content_type), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return Request("POST", url, tuple(lines), body)


FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'

RULES = [
    pytest.param(post(b'{"model":"x"}'), Match(), [], id="nothing"),
    pytest.param(post(b'{"n":1}'), Match(), [("default", "n=1")], id="default"),
    pytest.param(post(b'{"n":1}'), Match(fold_defaults=False), [], id="default-off"),
    pytest.param(post(b'{"stop":null}'), Match(), [("default", "stop=None")], id="null"),
    pytest.param(post(b'{"stop":"x"}'), Match(), [("equivalent", "stop")], id="equivalent"),
    pytest.param(post(b'{"stop":["x"]}'), Match(), [], id="equivalent-already"),
    pytest.param(post(b'{"api_key":"s"}'), Match(), [("credential", "body")], id="credential-in-body"),
    pytest.param(post(b"{}", CHAT + "?api_key=s"), Match(), [("credential", "api_key")], id="credential-in-query"),
    pytest.param(post(b'{"a":1}'), Match(ignore=["a", "b"]), [("ignore", "a")], id="ignore"),
    pytest.param(post(b"a=1", content_type=FORM), Match(ignore=["a"]), [("ignore", "a")], id="ignore-form"),
    pytest.param(
        post(PART, content_type=MULTIPART), Match(ignore=["a"]), [("ignore", "a")], id="ignore-multipart"
    ),
    pytest.param(
        post(b'{"prompt":"1 2"}'), Match(scrub=[(r"\d", "N")]), [("scrub", r"\d matched 2 x")], id="scrub"
    ),
    pytest.param(
        post(b"{}", openai_beta="x"),
        Match(ignore=["headers.OpenAI-Beta", "headers.x"]),
        [("ignore", "header openai-beta")],
        id="ignore-header",
    ),
    pytest.param(post(b'{"prompt":"x"}'), Match(scrub=[(r"\d", "N")]), [], id="scrub-nothing"),
    pytest.param(
        post(b"{}", "http://localhost:1/x"),
        Match(hosts={"localhost:*": "api.openai.com"}),
        [("hosts", "https://api.openai.com")],
        id="hosts",
    ),
    pytest.param(
        post(b'{"a":1}'),
        Match(normalize=lambda request: request.with_json({})),
        [("normalize", "changed")],
        id="normalize",
    ),
    pytest.param(post(b"{}"), Match(normalize=lambda request: request), [], id="normalize-nothing"),
    pytest.param(
        post(gzip.compress(b"{}"), content_encoding="gzip"), Match(), [("content-encoding", "gzip")], id="gzip"
    ),
    pytest.param(post(b"{}", content_encoding="rot13"), Match(), [("raw", "rot13")], id="unknown-encoding"),
    pytest.param(post(b'{"a":1,"a":2}'), Match(), [("raw", "twice")], id="duplicate-names"),
    pytest.param(post(b"x", content_type=MULTIPART), Match(), [("raw", "boundary")], id="no-multipart"),
    pytest.param(post(b"a=%zz", content_type=FORM), Match(), [("raw", "percent")], id="no-form"),
    pytest.param(post(b"x", content_type="text/plain"), Match(), [], id="text"),
    pytest.param(
        post(b'{"n":1,"user":"\\ud800"}'), Match(), [("raw", "surrogate")], id="a-rule-whose-result-was-dropped"
    ),
    pytest.param(post(b"{}", content_encoding="identity"), Match(), [], id="identity-changes-nothing"),
]


@pytest.mark.parametrize(("request_", "match", "rules"), RULES)
def test_rules_that_changed_something_are_named(
    request_: Request, match: Match, rules: list[tuple[str, str]]
) -> None:
    applied = match.explain(request_).applied

    assert [rule for rule, _ in applied] == [rule for rule, _ in rules]
    assert all(part in detail for (_, detail), (_, part) in zip(applied, rules, strict=True))


@pytest.mark.parametrize(("request_", "match"), [pytest.param(*row.values[:2], id=row.id) for row in RULES])
def test_an_explanation_has_the_key_and_the_canonical_form(request_: Request, match: Match) -> None:
    explanation = match.explain(request_, sample=3)

    assert explanation.key == match.key(request_, sample=3)
    assert explanation.canonical == match.canonical(request_, sample=3)


def test_an_explanation_is_written_for_people() -> None:
    explanation = Match().explain(post('{"n":1,"stop":"é","model":"x"}'.encode()))

    assert str(explanation).splitlines() == [
        f"key        {explanation.key}",
        'request    [1,"POST","https://api.openai.com","/v1/chat/completions",[],[],0,"","json"]',
        'body       {"model":"x","stop":["é"]}',
        f"rules      {explanation.applied[0].rule}: {explanation.applied[0].detail}",
        f"           {explanation.applied[1].rule}: {explanation.applied[1].detail}",
    ]


def test_bytes_that_are_no_text_are_shown_by_size_and_hash() -> None:
    shown = str(Match().explain(post(b"\xff\xfe\x00", content_type="audio/wav"))).splitlines()[2]

    assert shown.startswith("body       3 bytes, BLAKE2b ")


def test_a_rule_of_a_provider_names_its_source() -> None:
    ((_, detail),) = Match().explain(post(b'{"n":1}')).applied

    assert "platform.openai.com" in detail
    assert "https://platform.openai.com/docs/api-reference/chat/create" in detail


def test_no_credential_is_shown() -> None:
    body = b'{"api_key":"hunter2","tools":[{"type":"mcp","authorization":"hunter2","headers":{"x":"hunter2"}}]}'
    explanation = Match().explain(post(body, f"{CHAT}?api_key=hunter2", authorization="hunter2"))

    assert "hunter2" not in str(explanation)


def test_what_users_call_a_credential_is_not_shown() -> None:
    redact = Redact(query=["ticket"], body=["pin"])
    explanation = Match().explain(post(b'{"pin":"1234"}', f"{CHAT}?ticket=1234"), redact=redact)

    assert "1234" not in str(explanation)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"ignore": "a.b"}, "ignore"),
        ({"ignore": [1]}, "ignore"),
        ({"ignore": ["a..b"]}, "a..b"),
        ({"headers": "x"}, "headers"),
        ({"headers": ["X-A"], "ignore": ["headers.x-a"]}, "headers.x-a"),
        ({"normalize": 1}, "normalize"),
        ({"cacheable": True}, "cacheable"),
        ({"hosts": ["a"]}, "hosts"),
        ({"hosts": {"a": 1}}, "hosts"),
        ({"scope": 1}, "scope"),
        ({"ignore": None}, "takes a list of texts, not None"),
        ({"headers": 5}, "takes a list of texts, not 5"),
        ({"scrub": None}, "not None"),
        ({"scrub": "uuid"}, "such as [(r'run-[0-9]+', 'run-N')], and names such as 'uuid', not 'uuid'"),
        ({"scrub": ["guid"]}, "'uuid', 'datetime', 'date', 'epoch', 'hex_id', 'tmp_path'"),
        ({"scrub": [("(a+)+$", "x")]}, "'(a+)+$' takes for ever"),
        ({"scrub": [("(a|a)*b", "x")]}, "takes for ever"),
        ({"scrub": [("a", r"\2")]}, "invalid group reference"),
        ({"scrub": [("a", "b", "c")]}, "not ('a', 'b', 'c')"),
        ({"scrub": [(b"a", "b")]}, "not (b'a', 'b')"),
        ({"hosts": {"": "api.openai.com"}}, "Match(hosts={'': 'api.openai.com'}) does not say which host"),
        ({"hosts": {"*": "api.openai.com"}}, "does not say which host is meant"),
        ({"hosts": {"*:*": "api.openai.com"}}, "does not say which host is meant"),
        ({"hosts": {"https://*": "api.openai.com"}}, "does not say which host is meant"),
        ({"hosts": {"http://localhost/v1": "api.openai.com"}}, "and no path"),
        ({"hosts": {"localhost": ""}}, "does not say what it counts as"),
        ({"hosts": {"localhost": "*.example.com"}}, "does not say what it counts as"),
        ({"hosts": {"localhost": "https://"}}, "does not say what it counts as"),
        ({"scrub": ["a"]}, "scrub"),
        ({"scrub": [("a",)]}, "scrub"),
        ({"scrub": [("(", "x")]}, "scrub"),
        ({"scrub": [("a", 1)]}, "scrub"),
        ({"scrub": [("\ud800", "x")]}, "scrub"),
        ({"scrub": [("x", "\ud800")]}, "scrub"),
        ({"ignore": ["\ud800"]}, "ignore"),
        ({"headers": ["\ud800"]}, "headers"),
        ({"hosts": {"\ud800": "a"}}, "hosts"),
        ({"hosts": {"a": "\ud800"}}, "hosts"),
        ({"scope": "\ud800"}, "scope"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_refused_by_name(arguments: dict[str, object], part: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Match(**arguments)  # type: ignore[arg-type]  # that is the point

    assert part in str(caught.value)


@pytest.mark.parametrize(
    "asked",
    [
        Request("\ud800", "https://llm.example/"),
        Request("GET", "https://llm.example/\udcff"),
        Request("GET", "https://llm.example/?a=\udcff"),
        Request("GET", "https://llm.example/", (("range", "\udcff"),)),
    ],
    ids=ascii,
)
def test_what_cannot_be_sent_has_no_key(asked: Request) -> None:
    with pytest.raises(ConfigurationError, match="lone surrogate"):
        Match().key(asked)


@pytest.mark.parametrize(
    ("scrub", "why"),
    [
        (("(", "x"), "unterminated subpattern"),
        (("a", r"\2"), "invalid group reference"),
        (("\ud800", "x"), "lone surrogate"),
        ((b"a", "x"), ""),
        ((re.compile(b"a"), "x"), ""),
        (("a", 1), ""),
        (("a",), ""),
        (7, ""),
    ],
)
def test_a_scrub_that_is_none_is_told_with_the_reason(scrub: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match="takes pairs of a regular expression") as caught:
        Match(scrub=[scrub])

    assert f", not {scrub!r}" in str(caught.value)
    assert why in str(caught.value)


def test_a_header_that_is_to_count_and_not_to_count_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="'x-tenant'.*has the header count"):
        Match(headers=["X-Tenant", "x-a"], ignore=["headers.x-Tenant"])


def test_normalize_has_to_return_a_request() -> None:
    match = Match(normalize=lambda request: None)  # type: ignore[arg-type,return-value]  # that is the point

    with pytest.raises(ConfigurationError, match="returns a Request, not NoneType"):
        match.key(post(b"{}"))
