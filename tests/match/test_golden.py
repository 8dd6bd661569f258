"""Keys that hold for every release of a scheme, on every platform and Python.

When one of these changes, everything that users have stored becomes a miss: raise `SCHEME` and say so in the
changelog, or do not change it.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

import replaycache
from replaycache import Match, Request
from replaycache.match import SCHEME

JSON = (("content-type", "application/json"),)
FORM = (("content-type", "application/x-www-form-urlencoded"),)
CHAT = "https://api.openai.com/v1/chat/completions"

UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    b'RIFF\x00\xff\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--\r\n'
)

VECTORS: dict[str, tuple[Request, Match, int, str]] = {
    "get": (Request("GET", "https://llm.example/v1/models"), Match(), 0, "1293281abc645b2d8e532868f4066853"),
    "delete": (
        Request("DELETE", "https://llm.example/v1/files/f"),
        Match(),
        0,
        "958654a59f2bd7337e8f6e105b873097",
    ),
    "query": (
        Request("GET", "http://LLM.example:80/x?b=2&a=%C3%A9&a=1+2&c&api_key=secret"),
        Match(),
        0,
        "fcc696ae22eb98d024f4252ea5cc2eb2",
    ),
    "chat": (
        Request("POST", CHAT, JSON, b'{"model":"gpt-4o","messages":[{"role":"user","content":"Say hi"}]}'),
        Match(),
        0,
        "82d7af9da91fbc531102a7e87d9daf3a",
    ),
    "chat-folded": (
        Request("POST", CHAT, JSON, b'{"stop":"x","n":1,"temperature":1.0,"model":"gpt-4o","messages":[]}'),
        Match(),
        0,
        "a3ad769eaa57036aa883581fa0295840",
    ),
    "chat-not-folded": (
        Request("POST", CHAT, JSON, b'{"stop":"x","n":1,"temperature":1.0,"model":"gpt-4o","messages":[]}'),
        Match(fold_defaults=False),
        0,
        "fdb9e36a35274a92b8fe2314566e75e8",
    ),
    "anthropic": (
        Request(
            "POST",
            "https://api.anthropic.com/v1/messages",
            (*JSON, ("anthropic-version", "2023-06-01"), ("anthropic-beta", "a,b"), ("x-api-key", "secret")),
            b'{"messages":[{"role":"user","content":[{"type":"text","text":"Say hi"}]}],"max_tokens":9}',
        ),
        Match(),
        0,
        "33c41a8e3f2c464e49534b8b43e885fc",
    ),
    "numbers": (
        Request(
            "POST",
            "https://llm.example/x",
            JSON,
            b"[0,-0,1.0,1e22,1e-7,0.1,0.30000000000000004,1.5e300,9007199254740993,18446744073709551617,-1e-5]",
        ),
        Match(),
        0,
        "91c328ef13edb5f3e9a023fa7b92b221",
    ),
    "strings": (
        Request(
            "POST",
            "https://llm.example/x",
            JSON,
            '{"é":"\\u00e9","z":"😀\\ud83d\\ude00","\\u0001":"\\u007f\\u2028/\\/\\"\\\\","":null}'.encode(),
        ),
        Match(),
        0,
        "76b28c2edfda9e1f8ed45928c2bec880",
    ),
    "credential": (
        Request("POST", "https://llm.example/x", JSON, b'{"api_key":"secret","a":1}'),
        Match(),
        0,
        "10b4432e699ef41e96fd9dfd17066de7",
    ),
    "duplicate-names": (
        Request("POST", "https://llm.example/x", JSON, b'{"a":1,"a":2}'),
        Match(),
        0,
        "9928918976b9323da1c307c164ae9b91",
    ),
    "form": (
        Request("POST", "https://llm.example/x", FORM, b"b=2&a=1+2&a=%C3%A9"),
        Match(),
        0,
        "6298e4dd63fcd2ad00ba53dc8d84c3e1",
    ),
    "multipart": (
        Request("POST", "https://llm.example/x", (("content-type", "multipart/form-data; boundary=b"),), UPLOAD),
        Match(),
        0,
        "1e6b0c14f1210f0c31578c305a9df589",
    ),
    "raw": (
        Request(
            "POST", "https://llm.example/x", (("content-type", "application/octet-stream"),), bytes(range(256))
        ),
        Match(),
        0,
        "b20ab33566aa88dbe142e4573d9f8593",
    ),
    "gzip": (
        Request(
            "POST",
            "https://llm.example/x",
            (*JSON, ("content-encoding", "gzip")),
            gzip.compress(b'{"a":1}', mtime=0),
        ),
        Match(),
        0,
        "9bb70b3ee7ad137440d64844f8d77ffd",
    ),
    "long": (
        Request("POST", "https://llm.example/x", JSON, b'{"a":"' + b"x" * 100_000 + b'"}'),
        Match(),
        0,
        "ca45bee9742d486095a5029c61f9fc6e",
    ),
    "sample": (
        Request("POST", "https://llm.example/x", JSON, b"{}"),
        Match(),
        7,
        "97ccf2b60b79386d414ff19a8f1d4348",
    ),
    "scope": (
        Request("POST", "https://llm.example/x", JSON, b"{}"),
        Match(scope="é"),
        0,
        "2e42ab064ae6749c02da9e501cac4fc5",
    ),
    "hosts": (
        Request("POST", "http://localhost:8080/v1/chat/completions", JSON, b'{"n":1,"model":"gpt-4o"}'),
        Match(hosts={"localhost:*": "api.openai.com"}),
        0,
        "4150a35302887b7b20ffc339cce519b6",
    ),
    "ignore-and-scrub": (
        Request("POST", "https://llm.example/x", (*JSON, ("x-tenant", "t")), b'{"a":{"b":1},"c":["at 12:01"]}'),
        Match(ignore=["a.b"], scrub=[(r"\d+", "N")], headers=["x-tenant"]),
        0,
        "2ecd3a11e973b6d1ac52fb77b51e9cc5",
    ),
}


def keys() -> dict[str, str]:
    return {name: match.key(request, sample=sample) for name, (request, match, sample, _) in VECTORS.items()}


def test_the_scheme_of_these_vectors() -> None:
    assert SCHEME == 1


@pytest.mark.parametrize("name", VECTORS)
def test_key(name: str) -> None:
    request, match, sample, expected = VECTORS[name]

    assert match.key(request, sample=sample) == expected


def test_canonical_form() -> None:
    """The bytes that are hashed, for other programs to reproduce."""
    request = VECTORS["anthropic"][0]

    assert Match().canonical(request) == (
        b'[1,"POST","https://api.anthropic.com","/v1/messages",[],'
        b'[["anthropic-beta","a,b"],["anthropic-version","2023-06-01"]],0,"","json"]\n'
        b'{"max_tokens":9,"messages":[{"content":"Say hi","role":"user"}]}'
    )


@pytest.mark.parametrize("seed", ["0", "4242"])
def test_keys_do_not_depend_on_the_hash_seed(seed: str) -> None:
    """Another process, in which sets and dicts of text have another order, comes to the same keys."""
    root = str(Path(replaycache.__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, "-W", "error", __file__],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == list(keys().values())


if __name__ == "__main__":
    print("\n".join(keys().values()))
