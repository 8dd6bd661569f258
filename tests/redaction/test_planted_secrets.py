"""Secrets of every kind, planted wherever a request and an answer may hold one: found, and all else unchanged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import ResponseHead
from replaycache._models import Body, Chunk, Recording, Request
from replaycache.dialects.framing.aws_event_stream import frames_of
from replaycache.redaction.credentials import find, find_in_recording, find_in_request, placeholder, replace
from replaycache.wire import multipart
from tests.dialects.aws_frames import as_bytes, frames
from tests.redaction.planted import IN_CONTEXT, PEM, TOKENS

CASES = Path(__file__).parents[3] / "shared" / "cases" / "secrets.json"

CHAT = "https://api.openai.com/v1/chat/completions"
JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream"),)
FORM = (("content-type", "application/x-www-form-urlencoded"),)
MULTIPART = (("content-type", "multipart/form-data"),)

SECRETS = [("", value, "") for _, value in TOKENS] + [row[1:] for row in IN_CONTEXT]
PLACEHOLDER = re.compile(r"REDACTED-[a-z0-9-]+?-[0-9a-f]{8}")


def recording(
    *,
    url: str = CHAT,
    headers: tuple[tuple[str, str], ...] = JSON,
    body: bytes = b"{}",
    answer_headers: tuple[tuple[str, str], ...] = JSON,
    chunks: tuple[bytes, ...] = (b"{}",),
) -> Recording:
    return Recording(
        request=Request("POST", url, headers, body),
        head=ResponseHead(200, answer_headers),
        body=Body.of(Chunk(data, 0.0) for data in chunks),
        digest="d",
        recorded_at=1.0,
    )


def escaped(text: str, times: int) -> str:
    """JSON in JSON: an object with the text, as the text of a member, so many times."""
    for _ in range(times):
        text = json.dumps({"a": "é\n", "text": text})
    return text


def unescaped(text: str, times: int) -> str:
    for _ in range(times):
        value = json.loads(text)
        assert value["a"] == "é\n"
        text = value["text"]
    return text


def events(text: str, size: int) -> tuple[bytes, ...]:
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    deltas = ({"choices": [{"index": 0, "delta": {"content": part}}]} for part in parts)
    return (*(f"data: {json.dumps(delta)}\n\n".encode() for delta in deltas), b"data: [DONE]\n\n")


def streamed(body: bytes) -> str:
    lines = [line[6:] for line in body.decode().split("\n") if line.startswith("data: {")]
    return "".join(json.loads(line)["choices"][0]["delta"]["content"] for line in lines)


def in_messages(text: str) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": text}], "n": 1}).encode()


def of_messages(body: bytes) -> str:
    return str(json.loads(body)["messages"][0]["content"])


def in_tool_call(text: str, times: int) -> bytes:
    call = {"function": {"name": "f", "arguments": escaped(text, times)}}
    return json.dumps({"choices": [{"message": {"tool_calls": [call]}}]}).encode()


def of_tool_call(body: bytes, times: int) -> str:
    call = json.loads(body)["choices"][0]["message"]["tool_calls"][0]
    return unescaped(call["function"]["arguments"], times)


def cut(data: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(data[at : at + size] for at in range(0, len(data), size))


def listing(text: str) -> bytes:
    body = f'--b\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n{text}\r\n--b--\r\n'
    return multipart.to_listing(multipart.parse(body.encode(), b"b"))


# a recording that holds the text, and the text that a recording holds
PLACES: dict[str, tuple[Callable[[str], Recording], Callable[[Recording], str]]] = {
    "prompt": (lambda text: recording(body=in_messages(text)), lambda made: of_messages(made.request.body)),
    "prompt, once escaped": (
        lambda text: recording(body=in_messages(escaped(text, 1))),
        lambda made: unescaped(of_messages(made.request.body), 1),
    ),
    "prompt, twice escaped": (
        lambda text: recording(body=in_messages(escaped(text, 2))),
        lambda made: unescaped(of_messages(made.request.body), 2),
    ),
    "prompt in ASCII and with slashes escaped": (
        lambda text: recording(body=in_messages(text).replace(b"/", b"\\/").replace(b"-", b"\\u002d")),
        lambda made: of_messages(made.request.body),
    ),
    "name of a member": (
        lambda text: recording(body=json.dumps({"tools": {text: 1}}).encode()),
        lambda made: next(iter(json.loads(made.request.body)["tools"])),
    ),
    "query": (
        lambda text: recording(url=f"{CHAT}?a=b%20c&q={quote(text, safe='')}&d=e+f"),
        lambda made: dict(parse_qsl(made.request.url.partition("?")[2]))["q"],
    ),
    "form": (
        lambda text: recording(headers=FORM, body=f"a=b+c&text={quote_plus(text)}&d=%20".encode()),
        lambda made: dict(parse_qsl(made.request.body.decode()))["text"],
    ),
    "multipart": (
        lambda text: recording(headers=MULTIPART, body=listing(text)),
        lambda made: multipart.from_listing(made.request.body)[0].text or "",
    ),
    "text": (
        lambda text: recording(headers=(("content-type", "text/plain"),), body=text.encode()),
        lambda made: made.request.body.decode(),
    ),
    "answer, in chunks": (
        lambda text: recording(chunks=cut(in_messages(text), 11)),
        lambda made: of_messages(made.body.read()),
    ),
    "tool call": (
        lambda text: recording(chunks=(in_tool_call(text, 1),)),
        lambda made: of_tool_call(made.body.read(), 1),
    ),
    "tool call, escaped three times": (
        lambda text: recording(chunks=cut(in_tool_call(text, 3), 17)),
        lambda made: of_tool_call(made.body.read(), 3),
    ),
    "streamed answer": (
        lambda text: recording(answer_headers=SSE, chunks=events(text, 5)),
        lambda made: streamed(made.body.read()),
    ),
    "streamed tool call, in other chunks": (
        lambda text: recording(answer_headers=SSE, chunks=cut(b"".join(events(escaped(text, 2), 9)), 101)),
        lambda made: unescaped(streamed(made.body.read()), 2),
    ),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("place", PLACES)
def test_a_planted_secret_is_found_and_nothing_else_is_changed(place: str) -> None:
    make, read = PLACES[place]
    assert len(SECRETS) > 100
    for before, value, behind in SECRETS:
        before, behind = f"é {before}", f"{behind} é"
        made = make(f"{before}{value}{behind}")
        assert read(made) == f"{before}{value}{behind}"

        assert find_in_recording(made) != [], value
        replaced = replace(made)

        assert find_in_recording(replaced) == []
        text = read(replaced)
        assert text.startswith(before)
        assert text.endswith(behind)
        assert PLACEHOLDER.fullmatch(text[len(before) : len(text) - len(behind)]), text
        assert len(list(replaced.body)) == len(list(made.body))


def test_a_header_and_a_path_are_searched() -> None:
    for before, value, behind in SECRETS:
        if "\n" in value:
            continue
        made = recording(headers=(*JSON, ("x-note", f"{before}{value}{behind}")))
        assert find_in_recording(made) != [], value
        assert value not in repr(replace(made).request)
    for _, value in TOKENS:
        made = recording(url=f"https://a.example/{quote(value, safe='/:@=+~')}/x?y=1")
        assert find_in_request(made.request) != [], value
        assert value not in replace(made).request.url


@pytest.mark.skipif(not CASES.is_file(), reason="needs the shared cases, which are not part of the project")
def test_the_shared_cases() -> None:
    for case in json.loads(CASES.read_text("utf-8")):
        text = "".join(case.get("pieces", ()))
        for where in case.get("where", ()):
            made = {
                "prompt": lambda text: recording(body=in_messages(text)),
                "answer": lambda text: recording(chunks=(in_messages(text),)),
                "streamed answer, split over events": lambda text: recording(
                    answer_headers=SSE, chunks=events(text, 7)
                ),
                "url": lambda text: recording(url=text),
            }[where](text)
            if case["expect"] == "no alarm":
                assert find_in_recording(made) == [], (where, text)
                assert replace(made) == made
                continue
            replaced = replace(made)
            everything = f"{replaced.request!r}{replaced.body.read()!r}"
            if replaced.head.header("content-type") == "text/event-stream":
                everything += streamed(replaced.body.read())
            assert find_in_recording(made) != [], (where, text)
            assert find_in_recording(replaced) == []
            assert [piece for piece in case["secret_pieces"] if piece in everything] == []


# answers in frames ----------------------------------------------------------------------------------------------

FRAMES = (("content-type", "application/vnd.amazon.eventstream"),)


def converse(part: str) -> tuple[str, Any]:
    return "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": part}, "p": "abc"}


def invoked(part: str) -> tuple[str, Any]:
    return as_bytes({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": part}})


def text_of_frames(body: bytes) -> str:
    read = frames_of(body)
    assert (read[-1].end if read else 0) == len(body)
    return "".join(json.loads(frame.data)["delta"]["text"] for frame in read)


@pytest.mark.parametrize("make", [converse, invoked])
@pytest.mark.parametrize("size", [5, 10_000])
@pytest.mark.parametrize("cuts", [7, 100, 10_000])
def test_frames_stay_whole(make: Callable[[str], tuple[str, Any]], size: int, cuts: int) -> None:
    value = next(value for kind, value in TOKENS if kind == "groq-key")
    text = f"é {value} é"
    body = frames(*(make(text[at : at + size]) for at in range(0, len(text), size)))
    made = recording(answer_headers=FRAMES, chunks=cut(body, cuts))

    assert [place.name for place in find_in_recording(made)] == ["groq-key"]
    replaced = replace(made)

    assert find_in_recording(replaced) == []
    assert text_of_frames(replaced.body.read()) == f"é {placeholder('groq-key', value)} é"
    assert len(list(replaced.body)) == len(list(made.body))


def test_what_is_behind_a_damaged_frame_stays() -> None:
    value = next(value for kind, value in TOKENS if kind == "groq-key")
    body = frames(converse(f"x {value} y")) + b"torn"
    replaced = replace(recording(answer_headers=FRAMES, chunks=(body,))).body.read()

    assert replaced.endswith(b"torn")
    assert text_of_frames(replaced[:-4]) == f"x {placeholder('groq-key', value)} y"


# what is left around a secret -----------------------------------------------------------------------------------


def test_a_private_key_without_its_last_line_takes_nothing_with_it() -> None:
    for lines in range(2, 4):
        short = "\n".join(PEM.split("\n")[:lines])
        for times in range(4):
            body = json.dumps({"key": escaped(short, times), "next": "value", "more": [short, "x", 1]}).encode()
            replaced = json.loads(replace(recording(body=body)).request.body)

            assert PLACEHOLDER.fullmatch(unescaped(replaced["key"], times))
            assert replaced["next"] == "value"
            assert PLACEHOLDER.fullmatch(replaced["more"][0])
            assert replaced["more"][1:] == ["x", 1]


def test_a_service_account_in_the_arguments_of_a_tool_call() -> None:
    account = {"type": "service_account", "private_key_id": "a", "private_key": PEM + "\n", "client_id": "1"}
    arguments = json.dumps({"file": "sa.json", "content": json.dumps(account, indent=2)})
    made = recording(chunks=(in_tool_call(arguments, 0),), answer_headers=JSON)

    replaced = replace(made)
    inner = json.loads(json.loads(of_tool_call(replaced.body.read(), 0))["content"])

    assert PLACEHOLDER.fullmatch(inner["private_key"].rstrip("\n"))
    assert {**inner, "private_key": account["private_key"]} == account


def test_the_same_secret_has_one_placeholder_however_it_is_escaped() -> None:
    values = [escaped(PEM, times) for times in range(4)]
    replaced = json.loads(replace(recording(body=json.dumps(values).encode())).request.body)

    assert len({unescaped(text, times) for times, text in enumerate(replaced)}) == 1


PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
LEAVES = st.one_of(PLAIN, st.integers(), st.booleans(), st.none())
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3), max_leaves=8
)


def _without(value: Any, secret: str, times: int) -> Any:
    """A decoded value with the secret again where a placeholder is, in texts so many times escaped too."""
    if isinstance(value, dict):
        return {_without(name, secret, times): _without(member, secret, times) for name, member in value.items()}
    if isinstance(value, list):
        return [_without(item, secret, times) for item in value]
    if isinstance(value, str) and "REDACTED-" in value:
        return escaped(PLACEHOLDER.sub(lambda _: secret, unescaped(value, times)), times)
    return value


@given(
    before=TREES,
    behind=TREES,
    value=st.sampled_from([*(value for _, value in TOKENS), *("\n".join(PEM.split("\n")[:n]) for n in (2, 3))]),
    around=st.sampled_from(
        [("", ""), ("é ", " é"), ('"', '"'), ("\n", "\n"), ("(", ")."), ("k: ", "\\ x"), ("\t", "\t")]
    ),
    times=st.integers(0, 4),
    size=st.integers(1, 60),
    ascii_only=st.booleans(),
)
def test_json_stays_json_and_nothing_but_the_secret_is_changed(
    before: Any, behind: Any, value: str, around: tuple[str, str], times: int, size: int, ascii_only: bool
) -> None:
    tree = [before, {"x": escaped(f"{around[0]}{value}{around[1]}", times), "y": behind}, behind]
    if find(json.dumps([before, behind])):
        return
    data = json.dumps(tree, ensure_ascii=ascii_only).encode()

    replaced = replace(recording(body=data, chunks=cut(data, size)))

    assert find_in_recording(replaced) == []
    for body in (replaced.request.body, replaced.body.read()):
        assert _without(json.loads(body), value, times) == tree
    assert len(list(replaced.body)) == len(cut(data, size))
