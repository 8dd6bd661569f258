"""What a recording is called where people are told of it."""

from __future__ import annotations

import json

import pytest

from replaycache import Request
from replaycache.engine.naming import name_of
from replaycache.redaction.credentials import placeholder

URL = "https://api.openai.com/v1/chat/completions"
TOKEN = "ghp_" + "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX"
SHOWN = placeholder("github-token", TOKEN)


def chat(*contents: str) -> bytes:
    roles = ("user", "assistant", "user")
    messages = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=False)]
    return json.dumps({"model": "gpt-4o", "messages": messages}).encode()


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (("POST", URL, chat("a", "b", "How is\n the\tweather?")), f'"How is the weather?" (gpt-4o, POST {URL})'),
        (("POST", URL, chat("x" * 300)), f'"{"x" * 70}…" (gpt-4o, POST {URL})'),
        (("POST", URL, chat()), f"gpt-4o, POST {URL}"),
        (("POST", URL, b'{"messages":[{"role":"user","content":"hi"}]}'), f'"hi" (POST {URL})'),
        (("GET", "https://api.openai.com/v1/models", b""), "GET https://api.openai.com/v1/models"),
        (("POST", "https://[odd", b"\xff\x1b"), "POST https://[odd"),
        (("POST", URL, chat("\x1b[2J\u202e")), rf'"\x1b[2J\u202e" (gpt-4o, POST {URL})'),
        (
            ("POST", f"https://a.example/{TOKEN}/v1/chat/completions", chat(f"use {TOKEN}")),
            f'"use {SHOWN}" (gpt-4o, POST https://a.example/{SHOWN}/v1/chat/completions)',
        ),
        # one that begins where the question is cut is none that is half shown
        (("POST", URL, chat("x" * 60 + f" {TOKEN}")), f'"{"x" * 60} {SHOWN[:9]}…" (gpt-4o, POST {URL})'),
    ],
    ids=[
        "last",
        "long",
        "nothing asked",
        "no model",
        "no call",
        "no URL",
        "escapes",
        "secret",
        "secret at the end",
    ],
)
def test_the_name_of(request_: tuple[str, str, bytes], name: str) -> None:
    method, url, body = request_
    assert name_of(Request(method, url, (("content-type", "application/json"),), body)) == name
