"""What was once seen to be a credential is replaced wherever it stands afterwards."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import ResponseHead
from replaycache._models import Body, Chunk, Recording, Request
from replaycache.redaction.credentials import Known, find_in_recording, find_in_request, placeholder
from replaycache.wire import multipart
from tests.redaction.planted import ALNUM, TOKENS, drawn

LOGIN = "https://api.example/login"
JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream"),)
MULTIPART = (("content-type", "multipart/form-data"),)
FORM = (("content-type", "application/x-www-form-urlencoded"),)

TOKEN = drawn(32)  # tells nothing by itself
IT = placeholder("credential", TOKEN)


def recording(
    request: Request, answer: Any = None, headers: tuple[tuple[str, str], ...] = JSON, *chunks: bytes
) -> Recording:
    return Recording(
        request=request,
        head=ResponseHead(200, headers),
        body=Body.of(Chunk(data, 0.5) for data in chunks or (json.dumps(answer).encode(),)),
        digest="d",
        recorded_at=1.0,
    )


def after_login(token: str = TOKEN) -> Known:
    known = Known()
    known.learn_from_answer(
        ResponseHead(200, JSON), json.dumps({"access_token": token, "expires_in": 60}).encode()
    )
    return known


def test_a_login_flow() -> None:
    known = Known()
    login = Request("POST", LOGIN, JSON, b'{"user": "ada"}')
    answer = recording(login, {"user": "ada", "access_token": TOKEN, "nested": {"x": f"is {TOKEN}"}})
    assert not known
    assert known.replace_in(answer) is answer

    known.learn_from_answer(answer.head, answer.body.read())

    assert known
    told = json.loads(known.replace_in(answer).body.read())
    assert told == {"user": "ada", "access_token": IT, "nested": {"x": f"is {IT}"}}

    path = known.replace_in_request(Request("GET", f"https://api.example/s/{TOKEN}/me"))
    assert path.url == f"https://api.example/s/{IT}/me"
    query = known.replace_in_request(Request("GET", f"https://api.example/me?a=b%20c&session={TOKEN}&d=e+f"))
    assert query.url == f"https://api.example/me?a=b%20c&session={IT}&d=e+f"
    header = known.replace_in_request(Request("GET", LOGIN, (("accept", "a"), ("x-session", f"v1 {TOKEN}"))))
    assert header.headers == (("accept", "a"), ("x-session", f"v1 {IT}"))
    form = known.replace_in_request(Request("POST", LOGIN, FORM, f"a=b+c&t={TOKEN}&d=%20".encode()))
    assert form.body == f"a=b+c&t={IT}&d=%20".encode()
    prompt = known.replace_in_request(Request("POST", LOGIN, JSON, json.dumps({"m": [f"say {TOKEN}"]}).encode()))
    assert json.loads(prompt.body) == {"m": [f"say {IT}"]}
    content = f'--b\r\nContent-Disposition: form-data; name="t"\r\n\r\n{TOKEN}\r\n--b--'.encode()
    listing = multipart.to_listing(multipart.parse(content, b"b"))
    parts = multipart.from_listing(known.replace_in_request(Request("POST", LOGIN, MULTIPART, listing)).body)
    assert [part.text for part in parts] == [IT]


def test_it_is_found_in_json_however_it_is_escaped_and_in_a_stream() -> None:
    value = "a1B2/c3D4+e5F6=" + drawn(20)
    known = after_login(value)
    it = placeholder("credential", value)
    for times in range(4):
        text = f'"{value}"'
        for _ in range(times):
            text = json.dumps({"a": text})
        body = json.dumps([text]).replace("/", "\\/").encode()
        assert it.encode() in known.replace_in_request(Request("POST", LOGIN, JSON, body)).body
    encoded = json.dumps([value]).replace("a1", "\\u0061\\u0031").encode()
    assert json.loads(known.replace_in_request(Request("POST", LOGIN, JSON, encoded)).body) == [it]
    for form in (quote(value, safe=""), quote_plus(value)):
        assert it in known.replace_in_request(Request("GET", f"https://api.example/x?to={form}")).url
        body = json.dumps([f"open https://a.example/?t={form}"]).encode()
        assert it.encode() in known.replace_in_request(Request("POST", LOGIN, JSON, body)).body

    deltas = [
        {"choices": [{"index": 0, "delta": {"content": value[at : at + 3]}}]} for at in range(0, len(value), 3)
    ]
    chunks = [f"data: {json.dumps(delta)}\n\n".encode() for delta in deltas]
    made = known.replace_in(recording(Request("GET", LOGIN), None, SSE, *chunks))
    assert len(list(made.body)) == len(chunks)
    assert it.encode() in made.body.read()
    assert value[4:7].encode() not in made.body.read()


def test_what_a_request_carries_is_learned() -> None:
    values = [drawn(20 + n) for n in range(12)]
    password = "Tr0ub4" + ":dor&3x"
    basic = base64.b64encode(f"ada:{password}".encode()).decode()
    known = Known()
    known.learn_from_request(
        Request(
            "POST",
            f"https://api.example/x?api_key={values[0]}&page=2&sv=1&sig={quote(values[1])}",
            (
                ("authorization", f"Bearer {values[2]}"),
                ("proxy-authorization", f"Basic {basic}"),
                ("x-api-key", values[3]),
                ("cookie", f'theme=dark; session={values[4]}; b="{values[5]}"'),
                ("openai-organization", f"org-{values[6]}"),
                ("x-trace", values[7]),
                *JSON,
            ),
            json.dumps(
                {"client_secret": values[8], "model": values[9], "deep": {"password": values[10]}}
            ).encode(),
        )
    )
    known.learn_from_request(Request("POST", LOGIN, FORM, f"user=ada&refresh_token={values[11]}".encode()))

    text = json.dumps([*values, password, basic])
    replaced = known.replace_in_request(Request("POST", LOGIN, JSON, text.encode())).body.decode()

    left = [index for index, value in enumerate(values) if value in replaced]
    assert left == [6, 7, 9, 10]
    assert password not in replaced
    assert basic not in replaced


@pytest.mark.parametrize(
    ("url", "is_learned"),
    [
        ("https://api.trello.com/1/boards?a=1&token={}", True),
        ("https://me:p@API.Trello.com:443/1/boards?token={}", True),
        ("https://gateway.example/v1beta/models/m:generateContent?key={}#x", True),
        ("https://llm.example/x?To%6ben={}", False),
        ("https://llm.example/x?Api%5Fkey={}", True),
        ("https://llm.example/x?sig={}&SE=1", True),
        ("https://llm.example/x?sig={}", False),
    ],
)
def test_a_parameter_is_learned_where_it_lets_its_caller_in(url: str, is_learned: bool) -> None:
    known = Known()

    known.learn_from_request(Request("GET", url.format(TOKEN)))

    assert bool(known) is is_learned


def test_what_a_form_of_parts_carries_is_learned() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    body = part % (b"prompt", drawn(33).encode()) + part % (b"client_secret", TOKEN.encode()) + b"--b--\r\n"
    known = Known()

    known.learn_from_request(Request("POST", LOGIN, (("content-type", "multipart/form-data; boundary=b"),), body))

    text = json.dumps([drawn(33), TOKEN]).encode()
    assert json.loads(known.replace_in_request(Request("POST", LOGIN, JSON, text)).body) == [drawn(33), IT]


def test_what_an_answer_gives_out_is_learned() -> None:
    values = [drawn(20 + n) for n in range(6)]
    key = next(value for kind, value in TOKENS if kind == "openai-client-secret")
    known = Known()
    known.learn_from_answer(
        ResponseHead(200, (*JSON, ("set-cookie", f"sid={values[0]}; Path=/"), ("set-cookie", f"b={values[1]}"))),
        json.dumps(
            {"refresh_token": values[2], "client_secret": {"value": values[3]}, "value": key, "id": values[4]}
        ).encode(),
    )
    known.learn_from_answer(ResponseHead(200, JSON), json.dumps({"data": {"access_token": values[5]}}).encode())

    replaced = known.replace_in_request(Request("POST", LOGIN, JSON, json.dumps([*values, key]).encode())).body
    assert [index for index, value in enumerate(values) if value.encode() in replaced] == [4]
    assert placeholder("openai-client-secret", key).encode() in replaced


@pytest.mark.parametrize(
    "value",
    [
        *("test", "EMPTY", "sk-test", "dummy-key-for-tests", "none", "ollama", "lm-studio", "x" * 40),
        *("your-api-key-goes-here-123", "integration-key-of-the-suite", "REDACTED", IT, "1234567890123456"),
        *("integration-suite-key-7", "Integration-Suite-Key", "abcde fghi 1234 jklm"),
        *("password", "correct horse battery staple", "/home/ada/projects/of-mine", "the-key-of-an-app", ""),
    ],
)
def test_what_is_no_secret_is_not_learned(value: str) -> None:
    known = Known()
    for header in ("authorization", "x-api-key"):
        known.learn_from_request(Request("POST", LOGIN, ((header, value), ("cookie", f"a={value}"))))
    known.learn_from_request(Request("POST", LOGIN, (("authorization", f"Bearer {value}"),)))
    body = json.dumps({"api_key": value}).encode()
    known.learn_from_request(Request("POST", f"{LOGIN}?api_key={quote(value)}", JSON, body))
    known.learn_from_answer(
        ResponseHead(200, (*JSON, ("set-cookie", f"a={value}"))), json.dumps({"access_token": value}).encode()
    )

    assert not known
    assert known.version == 0


def test_the_version_grows_with_what_is_new_alone() -> None:
    known = after_login()
    assert known.version == 1
    known.learn_from_answer(ResponseHead(200, JSON), json.dumps({"access_token": TOKEN}).encode())
    known.learn_from_request(Request("GET", LOGIN, (("authorization", f"Bearer {TOKEN}"),)))
    assert known.version == 1
    known.learn_from_request(Request("GET", LOGIN, (("authorization", f"Bearer {drawn(33)}"),)))
    assert known.version == 2


def test_a_token_with_a_lone_surrogate_is_learned_and_replaced() -> None:
    """JSON can say one: the call goes on, and nothing of it is stored."""
    value = json.dumps(TOKEN + "\ud800x").encode()
    known, sent = Known(), Known()

    known.learn_from_answer(ResponseHead(200, JSON), b'{"access_token": %s}' % value)
    sent.learn_from_request(Request("POST", LOGIN, JSON, b'{"api_key": %s}' % value))

    for one in (known, sent):
        replaced = one.replace_in_request(Request("POST", LOGIN, JSON, b'{"a": %s}' % value))
        assert json.loads(replaced.body) == {"a": placeholder("credential", TOKEN + "\ud800x")}


def test_a_replayed_flow_asks_for_the_same() -> None:
    """The client sends the placeholder that it was answered, and nothing is learned of it."""
    recorded = after_login().replace_in_request(Request("GET", f"https://api.example/{TOKEN}"))
    replaying = after_login(IT)

    assert not replaying
    assert replaying.replace_in_request(Request("GET", f"https://api.example/{IT}")) == recorded
    assert find_in_request(recorded) == []


def test_what_holds_nothing_known_is_the_same_object() -> None:
    known = after_login()
    request = Request("POST", f"{LOGIN}?a=%20", JSON, json.dumps({"a": "é\n", "b": "/"}).encode())
    made = recording(request, {"a": 1})

    assert known.replace_in_request(request) is request
    assert known.replace_in(made) is made


def test_of_a_cookie_that_each_answer_renews_the_last_values_are_kept() -> None:
    known = Known()
    values = [f"{drawn(24)}{n:03d}aB" for n in range(30)]
    for value in values:
        known.learn_from_answer(ResponseHead(200, (("set-cookie", f"__cf_bm={value}; Path=/"),)), b"")

    body = json.dumps(values).encode()
    left = json.loads(known.replace_in_request(Request("POST", LOGIN, JSON, body)).body)
    assert [value in left for value in values] == [True] * 22 + [False] * 8


def test_threads_share_what_is_known() -> None:
    known = Known()
    tokens = [f"{drawn(24)}{n:03d}aB" for n in range(200)]

    def learn(token: str) -> str:
        known.learn_from_answer(ResponseHead(200, JSON), json.dumps({"token": token}).encode())
        return known.replace_in_request(Request("GET", f"https://api.example/{token}")).url

    with ThreadPoolExecutor(8) as pool:
        urls = [*pool.map(learn, tokens)]

    assert urls == [f"https://api.example/{placeholder('credential', token)}" for token in tokens]
    assert 1 <= known.version <= 200


@given(st.binary(max_size=80), st.text(max_size=30), st.sampled_from([JSON, SSE, FORM, ()]))
def test_anything_can_be_learned_from_and_replaced_in(
    data: bytes, text: str, headers: tuple[tuple[str, str], ...]
) -> None:
    known = after_login()
    body = data + b'{"access_token": "' + TOKEN.encode() + b'"}' + data
    request = Request("POST", f"{LOGIN}?{text}", (*headers, ("cookie", text), ("authorization", text)), body)
    made = recording(request, None, headers, body[:20], body[20:])

    known.learn_from_request(request)
    known.learn_from_answer(made.head, body)
    replaced = known.replace_in(made)

    assert known.replace_in(replaced) == replaced
    assert replaced.request == known.replace_in_request(request)
    assert len(list(replaced.body)) == 2


@given(st.text(ALNUM + "+/=_-.~%", min_size=24, max_size=60), st.integers(0, 3))
def test_a_learned_value_is_nowhere_afterwards(value: str, times: int) -> None:
    known = after_login(value)
    if not known:
        return
    text = f"is {value}!"
    for _ in range(times):
        text = json.dumps([text])
    made = recording(Request("POST", LOGIN, JSON, json.dumps({"a": text}).encode()), {"b": text})

    replaced = known.replace_in(made)

    assert value not in replaced.request.body.decode() + replaced.body.read().decode()
    for body in (replaced.request.body, replaced.body.read()):
        inner = next(iter(json.loads(body).values()))
        for _ in range(times):
            inner = json.loads(inner)[0]
        assert inner.startswith("is REDACTED-")
        assert inner.endswith("!")
    assert find_in_recording(replaced) == []
