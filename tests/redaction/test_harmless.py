"""A thousand long strings that are no credentials: none is taken for one."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path

import replaycache
from replaycache import ResponseHead
from replaycache._models import Body, Chunk, Recording, Request
from replaycache.redaction.credentials import find, find_in_recording, replace

JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream"),)

MEDIA = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff\xe0\0\x10JFIF",
    b"RIFF$\0\0\0WAVEfmt ",
    b"ID3\4",
    b"%PDF-1.7\n",
)
CODE = '''
def login(user: str, password: str, *, api_key: str | None = None, token_url: str = TOKEN_URL) -> Session:
    """POST /token with grant_type=password&username=...&password=... and keep the access_token."""
    secret = secrets.token_urlsafe(32)
    if hmac.compare_digest(password_hash, hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 600_000).hex()):
        session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    os.environ.setdefault("OPENAI_API_KEY", get_secret("projects/p1/secrets/openai-api-key-v2/versions/3"))
    return Session(api_key=api_key or os.environ["OPENAI_API_KEY"], auth=(user, password), signing_key=self._key_2)
'''


def harmless(number: int) -> Iterator[str]:
    """Ids, hashes, media, encrypted reasoning, signatures of thoughts, code, another of each for each number."""
    source = random.Random(number)

    def drawn(size: int, alphabet: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") -> str:
        return "".join(source.choices(alphabet, k=size))

    data = source.randbytes(source.randint(40, 3000))
    image = base64.b64encode(MEDIA[number % len(MEDIA)] + data).decode()
    digest = hashlib.sha256(data).hexdigest()
    yield from (
        f"chatcmpl-{drawn(29)}",
        f"resp_{drawn(48, '0123456789abcdef')}",
        f"msg_01{drawn(22)}",
        f"call_{drawn(24)}",
    )
    yield from (
        f"toolu_01{drawn(22)}",
        f"rs_{digest}",
        f"file-{drawn(24)}",
        f"fp_{digest[:10]}",
        f"req_{drawn(24)}",
    )
    yield from (digest, f"sha256:{digest}", f"image@sha256:{digest}", f'etag: W/"{digest[:32]}"', f"key: {digest}")
    yield str(uuid.UUID(bytes=data[:16], version=4))
    yield image
    yield f"data:image/png;base64,{image}"
    yield f"Look: ![a dot](data:image/png;base64,{image}) and <img src='data:image/gif;base64,{image}'>."
    yield f"gAAAAAB{base64.urlsafe_b64encode(data).decode()}"
    yield f"https://cdn.example/a/{digest}/b.png?width=1024&v={digest[:8]}&page_token={drawn(40)}"
    yield f"https://x.example/page?sig=1&key=theme-{number}&code=en-{number}&session=new"
    yield f"{CODE}\n# {digest}\npassword_hash = '{digest}'\nPWD=/home/u{number}/{digest[:8]}/x1"
    yield f"Authorization: AWS4-HMAC-SHA256 Credential=<key>/2026010{number % 10}/us-east-1/s3/aws4_request"
    yield f"Authorization: Bearer eyJ{drawn(20)}... and 'Bearer eyJ{drawn(30)}…'"


def conversation(number: int) -> Recording:
    """What providers send back and forth beside text, in the members where it stands."""
    source = random.Random(-number)

    def encoded(size: int) -> str:
        return base64.urlsafe_b64encode(source.randbytes(size)).decode()

    image = base64.b64encode(MEDIA[number % len(MEDIA)] + source.randbytes(700)).decode()
    asked = {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": image}},
                    {"type": "input_audio", "input_audio": {"data": encoded(300), "format": "wav"}},
                    {"type": "input_file", "file_data": encoded(500), "filename": "a.pdf"},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": encoded(source.randint(60, 900))},
                    {"type": "redacted_thinking", "data": encoded(source.randint(60, 900))},
                ],
            },
            {"type": "reasoning", "id": f"rs_{encoded(30)}", "encrypted_content": encoded(1500)},
            {
                "role": "model",
                "parts": [{"text": "x", "thoughtSignature": encoded(200), "thought_signature": encoded(90)}],
            },
        ],
        "images": [image, encoded(100)],
    }
    events = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "signature_delta", "signature": encoded(400)},
        },
        {"type": "response.image_generation_call.partial_image", "partial_image_b64": image, "item_id": "i"},
        {
            "candidates": [
                {"content": {"parts": [{"thoughtSignature": encoded(300), "inlineData": {"data": image}}]}}
            ]
        },
        {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": CODE[number : number + 60]}}]},
    ]
    return Recording(
        request=Request("POST", "https://api.example/v1/messages", JSON, json.dumps(asked).encode()),
        head=ResponseHead(200, SSE),
        body=Body.of(Chunk(f"data: {json.dumps(event)}\n\n".encode(), 0.0) for event in events),
        digest="d",
        recorded_at=1.0,
    )


def test_no_alarm_on_a_thousand_harmless_strings() -> None:
    texts = [text for number in range(50) for text in harmless(number)]
    assert len(texts) > 1000

    assert [(text[:80], find(text)) for text in texts if find(text)] == []
    whole = json.dumps({"texts": texts, "escaped": json.dumps(texts)})
    assert find("\n".join(texts)) == []
    assert find_in_recording(_answered(whole)) == []


def _answered(text: str) -> Recording:
    return Recording(
        request=Request("GET", "https://api.example/", (), b""),
        head=ResponseHead(200, JSON),
        body=Body.of([Chunk(text.encode(), 0.0)]),
        digest="d",
        recorded_at=1.0,
    )


def test_no_alarm_on_conversations_with_images_reasoning_and_signatures() -> None:
    for number in range(40):
        made = conversation(number)

        assert find_in_recording(made) == []
        assert replace(made) is made


def test_no_alarm_on_this_project() -> None:
    """Its sources name keys, tokens and passwords on every page."""
    files = [*Path(replaycache.__file__).parent.rglob("*.py"), *Path(__file__).parents[2].glob("docs/**/*.md")]
    assert len(files) > 200

    assert [(path.name, one) for path in files for one in find(path.read_text("utf-8"))] == []
