"""What looks like a credential: found where it is one, and nowhere else. No test holds one in one piece."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import ResponseHead
from replaycache._models import Body, Chunk, Recording, Request
from replaycache.engine.stored_form import stored_form
from replaycache.redaction.credentials import (
    CREDENTIALS,
    Place,
    find,
    find_in_recording,
    find_in_request,
    placeholder,
    replace,
    replace_in_request,
)
from replaycache.redaction.redactor import Redactor
from replaycache.wire import multipart
from replaycache.wire.content_encoding import UndecodableContent, decode_whole
from tests.redaction.planted import ALNUM, IN_CONTEXT, NO_CREDENTIAL, PASSWORD, PEM, TOKENS, drawn

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"

AROUND = [
    "{}",
    "My key is {}.",
    "a={}\nb=2",
    '"{}"',
    "`{}`",
    "({})",
    "x\\n{}",
    "\t{}\t",
    "https://a.example/{}?b",
    "k%3D{}",
]


def kinds(text: str) -> list[str]:
    return [finding.name for finding in find(text)]


@pytest.mark.parametrize(("kind", "value"), TOKENS, ids=[f"{kind}-{i}" for i, (kind, _) in enumerate(TOKENS)])
def test_a_token_is_found_wherever_it_stands(kind: str, value: str) -> None:
    for around in AROUND:
        text = around.format(value)

        [finding] = find(text)

        assert finding.name == kind
        assert text[finding.start : finding.end] == finding.value == value


@pytest.mark.parametrize(("kind", "before", "value", "behind"), IN_CONTEXT)
def test_a_credential_is_found_by_what_stands_around_it(kind: str, before: str, value: str, behind: str) -> None:
    text = f"Some text. {before}{value}{behind} And more."

    [finding] = find(text)

    assert finding.name == kind
    assert text[finding.start : finding.end] == value


@pytest.mark.parametrize("text", NO_CREDENTIAL)
def test_what_is_no_credential_is_not_found(text: str) -> None:
    assert find(text) == []
    assert find(f"Some text, then {text} and more.") == []


def test_every_row_has_a_source_and_a_test() -> None:
    assert {row.name for row in CREDENTIALS} == {kind for kind, _ in TOKENS} | {row[0] for row in IN_CONTEXT}
    for row in CREDENTIALS:
        assert re.match(r"https://\S+", row.source)
        assert all(mark == mark.lower() for mark in row.marks) or not row.in_context


def test_a_finding_does_not_tell_the_value() -> None:
    value = TOKENS[0][1]

    assert value[8:20] not in repr(find(value))
    assert value[8:20] not in repr(find_in_recording(recording(prompt=value)))


def test_several_in_one_text_are_found_in_order() -> None:
    text = "\n".join(value for _, value in TOKENS)

    assert kinds(text) == [kind for kind, _ in TOKENS]


def test_a_long_text_is_searched_whole() -> None:
    value = TOKENS[0][1]
    text = "word " * 60_000 + value + " word" * 60_000

    [finding] = find(text)

    assert (finding.start, finding.end) == (300_000, 300_000 + len(value))


MARKS = sorted({mark for row in CREDENTIALS for mark in row.marks})


@pytest.mark.exhaustive
@pytest.mark.parametrize("size", [2**11, pytest.param(100_000, marks=pytest.mark.exhaustive)])
def test_hostile_text_is_searched_with_no_more_findings_than_marks(size: int) -> None:
    for mark in MARKS:
        for pattern in (mark, f"{mark}a1B2", f"{mark}-", f"{mark}{'a1B2c3D4' * 5}.", f"{mark} "):
            text = (pattern * (size // len(pattern) + 1))[:size]

            findings = find(text)

            assert len(findings) <= text.count(mark)
            assert all(0 <= one.start < one.end <= len(text) for one in findings)


LONG = [
    "eyJ-",
    "eyJaaaaaaaaaaaa.",
    "eyJaaaaaaaaaaaa.eyJaaaaaaaaaaaa.",
    "-----BEGIN " + "PRIVATE KEY-----\n",
    "-----BEGIN A A A A PRIVATE KEY-----\na: b\n",
    "-----BEGIN " + "PRIVATE KEY-----\n" + "A1b2" * 16 + "\n",
    "://a:b",
    "?a_a_a_key",
    "ghs" + "_a_eyJaaaaaaaaaa.",
    "SG.aaaaaaaaaaaaaaaa.",
    "data:;base64,AA data:",
    "password:    ",
    "\\",
    '\\"',
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("pattern", LONG)
def test_400_kilobytes_of_hostile_text_are_searched(pattern: str) -> None:
    """A pattern that is tried again and again over the same characters takes minutes here."""
    text = (pattern * (400_000 // len(pattern) + 1))[:400_000]

    assert len(find(text)) <= text.count(pattern)


# recordings -----------------------------------------------------------------------------------------------------

CHAT = "https://api.openai.com/v1/chat/completions"
JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream; charset=utf-8"),)
NDJSON = (("content-type", "application/x-ndjson"),)


def recording(
    *,
    url: str = CHAT,
    prompt: str = "Hello",
    request_headers: tuple[tuple[str, str], ...] = JSON,
    body: bytes | None = None,
    headers: tuple[tuple[str, str], ...] = JSON,
    chunks: tuple[bytes, ...] = (b"{}",),
) -> Recording:
    if body is None:
        message = {"role": "user", "content": prompt}
        body = json.dumps({"model": "m", "messages": [{"role": "system", "content": "s"}, message]}).encode()
    return Recording(
        request=Request("POST", url, request_headers, body),
        head=ResponseHead(200, headers),
        body=Body.of(Chunk(data, index / 4) for index, data in enumerate(chunks)),
        digest="d",
        recorded_at=1.0,
    )


def event(value: Any, name: str = "") -> bytes:
    line = f"event: {name}\n" if name else ""
    return f"{line}data: {json.dumps(value)}\n\n".encode()


def openai_chat(part: str) -> Any:
    return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": part}}]}


def openai_tool(part: str) -> Any:
    call = {"index": 1, "function": {"arguments": part}}
    return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


def openai_completions(part: str) -> Any:
    return {"choices": [{"index": 0, "text": part}]}


def openai_responses(part: str) -> Any:
    return {
        "type": "response.output_text.delta",
        "item_id": "i",
        "output_index": 0,
        "content_index": 0,
        "delta": part,
    }


def openai_responses_tool(part: str) -> Any:
    return {"type": "response.function_call_arguments.delta", "item_id": "i", "output_index": 0, "delta": part}


def openai_assistants(part: str) -> Any:
    content = [{"index": 0, "type": "text", "text": {"value": part}}]
    return {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": content}}


def anthropic(part: str) -> Any:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": part}}


def anthropic_tool(part: str) -> Any:
    return {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": part}}


def anthropic_thinking(part: str) -> Any:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": part}}


def gemini(part: str) -> Any:
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": part}]}, "index": 0}]}


def cohere(part: str) -> Any:
    return {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": part}}}}


def cohere_tool(part: str) -> Any:
    call = {"function": {"arguments": part}}
    return {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": call}}}


def cohere_v1(part: str) -> Any:
    return {"event_type": "text-generation", "text": part, "is_finished": False}


def ollama_chat(part: str) -> Any:
    return {"model": "m", "message": {"role": "assistant", "content": part}, "done": False}


def ollama_generate(part: str) -> Any:
    return {"model": "m", "response": part, "done": False}


def mistral(part: str) -> Any:
    return {"id": "1", "choices": [{"index": 0, "delta": {"content": [{"type": "text", "text": part}]}}]}


EVENTS: list[Callable[[str], Any]] = [
    openai_chat,
    openai_tool,
    openai_completions,
    openai_responses,
    openai_responses_tool,
    openai_assistants,
    anthropic,
    anthropic_tool,
    anthropic_thinking,
    gemini,
    cohere,
    cohere_tool,
    mistral,
]
LINES: list[Callable[[str], Any]] = [cohere_v1, ollama_chat, ollama_generate]
SECRET = TOKENS[0][1]


def split(text: str, size: int = 5) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def stream(make: Callable[[str], Any], text: str) -> tuple[tuple[tuple[str, str], ...], tuple[bytes, ...]]:
    if make in LINES:
        return NDJSON, tuple(json.dumps(make(part)).encode() + b"\n" for part in split(text))
    return SSE, tuple(event(make(part)) for part in split(text))


def texts(made: Recording) -> list[Any]:
    """The events of a stream, decoded."""
    lines = made.body.read().decode().split("\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line]


@pytest.mark.parametrize("make", [*EVENTS, *LINES])
def test_a_secret_split_over_a_stream_is_found_and_replaced(make: Callable[[str], Any]) -> None:
    text = f'Your key is "{SECRET}", is it not?'
    headers, chunks = stream(make, text)
    made = recording(headers=headers, chunks=chunks)

    assert find_in_recording(made) == [Place("response.text", "openai-key")]
    replaced = replace(made)

    assert find_in_recording(replaced) == []
    shape = json.dumps(make("*"), sort_keys=True)
    parts = []
    for value in texts(replaced):
        written = json.dumps(value, sort_keys=True)
        head, tail = shape.split("*")
        assert written.startswith(head)
        assert written.endswith(tail)
        parts.append(json.loads(f'"{written[len(head) : len(written) - len(tail)]}"'))
    assert "".join(parts) == text.replace(SECRET, placeholder("openai-key", SECRET))
    assert [chunk.offset for chunk in replaced.body] == [chunk.offset for chunk in made.body]
    assert len(list(replaced.body)) == len(chunks)


@pytest.mark.parametrize("make", [*EVENTS, *LINES])
def test_chunks_may_be_cut_anywhere(make: Callable[[str], Any]) -> None:
    headers, chunks = stream(make, f"é {SECRET} é")
    whole = b"".join(chunks)
    cut = tuple(whole[at : at + 7] for at in range(0, len(whole), 7))
    made = replace(recording(headers=headers, chunks=cut))

    assert find_in_recording(made) == []
    assert made.body.read() == replace(recording(headers=headers, chunks=chunks)).body.read()
    assert [chunk.offset for chunk in made.body] == [index / 4 for index in range(len(cut))]
    assert len(texts(made)) == len(chunks)


def test_texts_that_go_on_beside_each_other_are_told_apart() -> None:
    parts = split(SECRET)
    choices = [[{"index": index % 2, "delta": {"content": parts[index // 2]}}] for index in range(2 * len(parts))]
    made = recording(headers=SSE, chunks=tuple(event({"choices": choice}) for choice in choices))

    assert find_in_recording(made) == [Place("response.text", "openai-key")]
    assert find_in_recording(replace(made)) == []


def test_pieces_of_different_texts_make_no_credential() -> None:
    value = next(value for kind, value in TOKENS if kind == "groq-key")
    chunks = (event(anthropic(value[:20])), event(anthropic_tool(value[20:])))

    assert find_in_recording(recording(headers=SSE, chunks=chunks)) == []


def test_what_a_model_thinks_and_what_it_says_are_two_texts() -> None:
    def parts(thought: str, said: str) -> bytes:
        told = [{"text": thought, "thought": True}, {"text": said}]
        return event({"candidates": [{"content": {"parts": [part for part in told if part["text"]]}}]})

    value = next(value for kind, value in TOKENS if kind == "groq-key")

    def found(*chunks: bytes) -> list[Place]:
        return find_in_recording(recording(headers=SSE, chunks=chunks))

    assert found(parts(value[:20], ""), parts("", value[20:])) == []
    assert found(parts("Hm. ", value[:20]), parts("Yes. ", value[20:])) == [Place("response.text", "groq-key")]
    assert found(parts(value[:20], "Hm."), parts("", "Yes."), parts(value[20:], "")) == [
        Place("response.text", "groq-key")
    ]


@pytest.mark.parametrize("odd", [{}, {"a": 1}, [1], None, 1.5])
def test_what_tells_texts_apart_may_be_of_any_type(odd: Any) -> None:
    chunks = (
        event({"type": odd, "index": odd, "choices": [{"index": odd, "text": part}]}) for part in split(SECRET)
    )
    made = recording(headers=SSE, chunks=tuple(chunks))

    assert find_in_recording(made) == [Place("response.text", "openai-key")]
    assert find_in_recording(replace(made)) == []


def test_a_stream_of_gemini_may_be_a_json_array() -> None:
    value = [gemini(part) for part in split(SECRET)]
    made = recording(chunks=(json.dumps(value, indent=1).encode(),))

    assert find_in_recording(made) == [Place("response.text", "openai-key")]
    replaced = replace(made)
    assert find_in_recording(replaced) == []
    assert len(json.loads(replaced.body.read())) == len(value)


def test_a_secret_in_one_event_and_in_the_text() -> None:
    chunks = (event(openai_chat("x ")), event(openai_chat(SECRET)), b"data: [DONE]\n\n")
    made = recording(headers=SSE, chunks=chunks)

    assert find_in_recording(made) == [Place("response.body", "openai-key"), Place("response.text", "openai-key")]
    assert replace(made).body.read() == b"".join(chunks).replace(
        SECRET.encode(), placeholder("openai-key", SECRET).encode()
    )


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(openai_chat(SECRET), indent=1),
        f'{{"a": "{SECRET}",\n"b": "{SECRET}", "c":\n\n"é {SECRET}"}}',
        f'"{SECRET}"\n',
        f"no JSON, {SECRET},\nand {SECRET}",
    ],
)
def test_an_event_may_have_its_data_on_several_lines(text: str) -> None:
    body = "".join(f"data: {line}\r\n" for line in text.split("\n")) + "\r\n"
    made = recording(headers=SSE, chunks=(body.encode(),))

    assert find_in_recording(made) != []
    assert find_in_recording(replace(made)) == []
    assert replace(made).body.read().decode() == body.replace(SECRET, placeholder("openai-key", SECRET))


def test_a_stream_that_is_no_json_is_text() -> None:
    chunks = (*tuple(f"data: {part}\n\n".encode() for part in split(SECRET)), b": " + SECRET.encode() + b"\n")
    made = recording(headers=SSE, chunks=chunks)

    assert Place("response.text", "openai-key") in find_in_recording(made)
    assert Place("response.body", "openai-key") in find_in_recording(made)
    assert find_in_recording(replace(made)) == []


PLACES: list[tuple[str, dict[str, Any]]] = [
    ("request.url", {"url": f"https://a.example/{SECRET}/x"}),
    ("request.url", {"url": f"https://a.example/x?q={SECRET}&r=1"}),
    ("request.url", {"url": "https://a.example/x?q=" + "".join(f"%{ord(char):02X}" for char in SECRET)}),
    ("request.url", {"url": "https://a.example/a%20" + SECRET.replace("-", "%2D")}),
    ("request.headers.x-note", {"request_headers": (*JSON, ("x-note", SECRET))}),
    ("request.body.messages[1].content", {"prompt": f"é {SECRET}"}),
    ("request.body.a[0].b", {"body": json.dumps({"a": [{"b": SECRET}]}).replace("-", "\\u002d").encode()}),
    ("request.body.a[1]", {"body": json.dumps({"a": [0, SECRET, None, {"b": 1}, 2.5, "c"]}).encode()}),
    ("request.body.*", {"body": json.dumps({SECRET: 1}).encode()}),
    ("request.body.a.*", {"body": json.dumps({"a": {f"x {SECRET}": "y"}}).encode()}),
    ("request.body", {"body": b"{broken " + SECRET.encode()}),
    (
        "request.body",
        {
            "body": f"a=1&b={SECRET.replace('-', '%2d')}".encode(),
            "request_headers": (("content-type", "application/x-www-form-urlencoded"),),
        },
    ),
    ("response.headers.warning", {"headers": (*JSON, ("warning", SECRET))}),
    (
        "response.body.choices[0].message.content",
        {"chunks": (json.dumps({"choices": [{"message": {"content": SECRET}}]}).encode(),)},
    ),
    (
        "response.body",
        {
            "chunks": (b"plain " + SECRET[:9].encode(), SECRET[9:].encode()),
            "headers": (("content-type", "text/plain"),),
        },
    ),
]


@pytest.mark.parametrize(("where", "parts"), PLACES)
def test_the_place_is_named(where: str, parts: dict[str, Any]) -> None:
    made = recording(**parts)

    assert find_in_recording(made) == [Place(where, "openai-key")]
    assert find_in_request(made.request) == [
        place for place in find_in_recording(made) if "request" in place.where
    ]
    replaced = replace(made)
    assert find_in_recording(replaced) == []
    everything = f"{replaced.request!r} {replaced.head!r} {replaced.body.read()!r}"
    assert SECRET not in everything
    assert placeholder("openai-key", SECRET) in everything


def test_a_parameter_is_known_by_its_name_however_that_is_written() -> None:
    made = Request("GET", f"https://llm.example/me?s%65ssion={drawn(24)}")

    assert find_in_request(made) == [Place("request.url", "url-key")]


def test_the_name_of_a_member_tells() -> None:
    made = recording(body=json.dumps({"tools": [{"input": {"password": PASSWORD, "size": 3}}]}).encode())

    assert find_in_recording(made) == [Place("request.body.tools[0].input.password", "password")]
    assert json.loads(replace(made).request.body) == {
        "tools": [{"input": {"password": placeholder("password", PASSWORD), "size": 3}}]
    }


def test_arguments_that_are_json_in_json() -> None:
    arguments = json.dumps({"env": {"API_TOKEN": drawn(32)}, "pem": PEM})
    body = json.dumps({"choices": [{"message": {"tool_calls": [{"function": {"arguments": arguments}}]}}]})
    made = recording(chunks=(body.encode(),))

    where = "response.body.choices[0].message.tool_calls[0].function.arguments"
    assert find_in_recording(made) == [Place(where, "token"), Place(where, "private-key")]
    replaced = json.loads(replace(made).body.read())
    inner = json.loads(replaced["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])
    assert inner["env"]["API_TOKEN"] == placeholder("token", drawn(32))


def test_multipart_names_file_names_and_texts_are_searched_and_contents_are_not() -> None:
    content_type = 'multipart/form-data; boundary="b"'
    other = TOKENS[9][1]
    body = (
        f'--b\r\ncontent-disposition: form-data; name="file"; filename="{SECRET}.txt"\r\n\r\n{other}\r\n'
        f'--b\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n{SECRET}\r\n'
        f'--b\r\ncontent-disposition: form-data; name="{SECRET}"\r\n\r\nx\r\n--b--\r\n'
    ).encode()
    request = stored_form(Request("POST", CHAT, (("content-type", content_type),), body), Redactor())

    assert find_in_request(request) == [
        Place(f"request.body.multipart[{index}].{name}", "openai-key")
        for index, name in enumerate(("filename", "text", "name"))
    ]
    replaced = replace_in_request(request)
    parts = multipart.from_listing(replaced.body)
    assert [part.text for part in parts] == [None, placeholder("openai-key", SECRET), "x"]
    assert parts[0].digest == hashlib.blake2b(other.encode(), digest_size=32).hexdigest()
    assert find_in_request(replaced) == []


@pytest.mark.parametrize("member", ["content", "data", "signature"])
def test_what_has_only_the_characters_of_base64_is_searched_where_no_data_stand(member: str) -> None:
    key = next(value for kind, value in TOKENS if kind == "groq-key")
    text = f"saved_as/keys/{key}/of/Ada"
    made = recording(body=json.dumps({member: text}).encode())

    assert find_in_recording(made) == ([Place("request.body.content", "groq-key")] if member == "content" else [])


@pytest.mark.parametrize("written", [SECRET, SECRET.replace("-", "%2d")])
@pytest.mark.parametrize("around", ["a%2fb%c3%a9+{}%2F~", "%E2%82%AC{}", "{}%20%7e%f0%9f%98%80", "(é){}"])
def test_of_a_query_and_a_form_everything_else_keeps_its_bytes(around: str, written: str) -> None:
    text = f"{around.format(written)}&r=%7e"
    form = (("content-type", "application/x-www-form-urlencoded"),)

    replaced = replace_in_request(Request("POST", f"{CHAT}?q={text}", form, f"q={text}".encode()))

    expected = f"q={around.format(placeholder('openai-key', SECRET))}&r=%7e"
    assert replaced.url == f"{CHAT}?{expected}"
    assert replaced.body.decode() == expected


def test_contents_of_files_in_base64_are_not_searched() -> None:
    blob = "A" * 600 + "/AKIA" + drawn(16, string.ascii_uppercase) + "/" + "A" * 600
    assert kinds(blob) != []
    body = {"a": blob, "b": f"data:image/png;base64,{blob}"}

    assert find_in_recording(recording(body=json.dumps(body).encode())) == []


def test_a_placeholder_is_stable_and_depends_on_the_value() -> None:
    first, second = placeholder("openai-key", SECRET), placeholder("openai-key", SECRET + "x")

    assert re.fullmatch(r"REDACTED-openai-key-[0-9a-f]{8}", first)
    assert first == placeholder("openai-key", SECRET) != second


def test_the_request_depends_on_nothing_but_itself() -> None:
    answer = {"text": f'password="{PASSWORD}", that is {PASSWORD}'}
    made = recording(prompt=f"Say {PASSWORD}. {SECRET}", chunks=(json.dumps(answer).encode(),))

    replaced = replace(made)

    assert replaced.request == replace_in_request(made.request)
    assert PASSWORD.encode() in replaced.request.body
    assert PASSWORD not in replaced.body.read().decode()


def test_what_was_found_in_the_request_is_replaced_in_the_response() -> None:
    parts = tuple(event(openai_chat(part)) for part in split(f"You said {PASSWORD}!"))
    made = replace(recording(prompt=f'password="{PASSWORD}"', headers=SSE, chunks=parts))

    text = "".join(value["choices"][0]["delta"]["content"] for value in texts(made))
    assert text == f"You said {placeholder('password', PASSWORD)}!"


def test_the_user_chooses_the_placeholder() -> None:
    made = replace(recording(prompt=SECRET), lambda name, value: f'<{name} "{len(value)}">')

    assert json.loads(made.request.body)["messages"][1]["content"] == f'<openai-key "{len(SECRET)}">'


def test_a_recording_without_credentials_stays_as_it_is() -> None:
    made = recording(headers=SSE, chunks=(b'data: {"a" : "\\u00e9"}\n\n', b"", b"data: [DONE]\n\n", b"\xff\xfe"))

    assert find_in_recording(made) == []
    assert replace(made) == made


def test_everything_but_the_credential_keeps_its_bytes() -> None:
    body = b'{ "a":"\\u00e9\\/\\ud83d\\ude00 %s \\n", "b" : 1.50, "b" : 1e2 }\n' % SECRET.encode()
    made = replace(recording(body=body, chunks=(b"\xff " + body,)))

    assert made.request.body == body.replace(SECRET.encode(), placeholder("openai-key", SECRET).encode())
    assert made.body.read() == b"\xff " + made.request.body


# any text -------------------------------------------------------------------------------------------------------

PIECES = st.one_of(
    st.sampled_from([value for _, value in TOKENS]),
    st.sampled_from([f"{before}{value}{behind}" for _, before, value, behind in IN_CONTEXT]),
    st.sampled_from([mark for row in CREDENTIALS for mark in row.marks]),
    st.sampled_from(
        ["", " ", "\n", '"', "'", "\\", ":", "=", ".", "-", "_", "&", "@", "%2D", "é", "İ", "\0", "\ud800"]
    ),
    st.text(max_size=12),
    st.text(ALNUM, min_size=8, max_size=40),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


@given(TEXTS)
def test_find_gives_spans_in_order(text: str) -> None:
    last = 0
    for finding in find(text):
        assert last <= finding.start < finding.end <= len(text)
        last = finding.end


@given(TEXTS, TEXTS, st.sampled_from([*EVENTS, *LINES]), st.integers(1, 9))
def test_replace_leaves_nothing_to_find(prompt: str, answer: str, make: Callable[[str], Any], size: int) -> None:
    headers, chunks = stream(make, answer)
    whole = b"".join(chunks)
    cut = tuple(whole[at : at + size * 11] for at in range(0, len(whole), size * 11))
    made = recording(prompt=prompt, headers=headers, chunks=cut)

    replaced = replace(made)

    assert find_in_recording(replaced) == []
    assert replaced.request == replace_in_request(made.request)
    assert len(texts(replaced)) == len(chunks)
    assert len(list(replaced.body)) == len(cut)
    json.loads(replaced.request.body)


@given(st.binary(max_size=200), st.sampled_from([JSON, SSE, NDJSON, (("content-type", "text/plain"),)]), TEXTS)
def test_any_bytes_can_be_searched(data: bytes, headers: tuple[tuple[str, str], ...], text: str) -> None:
    body = data + text.encode("utf-8", "surrogatepass") + data
    made = recording(body=body, request_headers=headers, headers=headers, chunks=(body[:50], body[50:]))

    assert find_in_recording(replace(made)) == []


@given(TEXTS)
def test_any_url_can_be_searched(text: str) -> None:
    request = Request("GET", f"https://a.example/x{text}")

    assert find_in_request(replace_in_request(request)) == []


# what others recorded -------------------------------------------------------------------------------------------


def others() -> Iterator[tuple[str, Recording]]:
    import yaml

    class Loader(yaml.SafeLoader):
        """Knows the tag with which Ruby writes bytes."""

    Loader.add_constructor("!binary", Loader.construct_yaml_binary)
    for path in sorted(RECORDINGS.rglob("*")):
        if path.name.endswith((".yaml", ".yml", ".yaml.gz")):
            raw = path.read_bytes()
            text = gzip.decompress(raw) if path.suffix == ".gz" else raw
            document = yaml.load(text, Loader)
            for item in _interactions(document):
                yield path.name, _recording(item)


def _interactions(document: Any) -> list[Any]:
    if "interactions" in document:
        return list(document["interactions"])
    if "http_interactions" in document:
        return list(document["http_interactions"])
    return [
        {"request": request, "response": response}
        for request, response in zip(document["requests"], document["responses"], strict=True)
    ]


def _bytes(message: Any) -> bytes:
    if "parsed_body" in message:
        return json.dumps(message["parsed_body"]).encode()
    body = message.get("body") or b""
    if isinstance(body, dict):
        body = base64.b64decode(body["base64_string"]) if "base64_string" in body else body.get("string") or b""
    return body.encode() if isinstance(body, str) else bytes(body)


def _lines(message: Any) -> tuple[tuple[str, str], ...]:
    headers = message.get("headers") or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    return tuple(
        (str(name).lower(), str(line))
        for name, value in pairs
        for line in (value if isinstance(value, list) else [value])
    )


def _recording(item: Any) -> Recording:
    request, response = item["request"], item["response"]
    url = str(request.get("uri") or request.get("url"))
    if "://" not in url:
        url = "https://redacted.example/"
    sent = Request(request["method"].upper(), url, _lines(request), _bytes(request))
    status = response.get("status") or response.get("code") or response.get("status_code")
    head = ResponseHead(int(status["code"] if isinstance(status, dict) else str(status)[:3]), _lines(response))
    body = _bytes(response)
    try:
        body = decode_whole(head.header("content-encoding") or "identity", body, 1 << 30)
    except UndecodableContent:
        pass  # recorded with the encoding undone
    redactor = Redactor()
    return Recording(
        request=stored_form(sent, redactor),
        head=redactor.head(head),
        body=Body.of([Chunk(body, 0.0)]),
        digest="",
        recorded_at=0.0,
    )


@pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="needs the recordings of other projects, which are not part of this one"
)
def test_nothing_is_found_in_what_others_recorded() -> None:
    places = {(name, str(place)) for name, made in others() for place in find_in_recording(made)}

    assert places == set()
