"""Which texts are encoded data: base64 of media, what is encrypted, `data:` URLs."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache.dialects.registry import DIALECTS, ENCODED_MEMBERS, holds_data
from replaycache.wire.encoded import contents_of_data_urls, is_base64, is_encoded

MEDIA = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff\xe0",
    "gif": b"GIF89a",
    "wav": b"RIFF",
    "mp4": b"\0\0\0\x20ftypisom",
    "tiff": b"II*\0",
    "mp3": b"ID3",
    "ogg": b"OggS",
    "flac": b"fLaC",
    "webm": b"\x1aE\xdf\xa3",
    "pdf": b"%PDF-1.7",
    "zip": b"PK\x03\x04",
    "gzip": b"\x1f\x8b\x08",
}


@pytest.mark.parametrize("kind", MEDIA)
@pytest.mark.parametrize("size", [20, 300, 3000])
def test_media_in_base64_are_told_by_how_they_begin(kind: str, size: int) -> None:
    text = base64.b64encode(MEDIA[kind] + random.Random(size).randbytes(size)).decode()

    assert is_encoded(text)
    assert is_encoded(f"data:application/octet-stream;base64,{text}")
    assert not is_encoded(f"{text} and more")


@given(st.binary(min_size=400, max_size=900))
def test_long_base64_of_anything_varied_is_encoded(data: bytes) -> None:
    varied = data + random.Random(data).randbytes(400)

    assert is_encoded(base64.urlsafe_b64encode(varied).decode())
    assert is_encoded(base64.encodebytes(varied).decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello",
        "iVBORw0KGgo",
        "a sentence of words",
        "src/replaycache/dialects/apis/openai/responses/Reading/And/Writing/" * 4,
        "some-long-slug-of-words-in-a-title-with-2-numbers-" * 6,
        "é" * 2000,
        "data:,hello",
        "data:text/plain,hello",
        "data:image/png;base64,not base64",
    ],
)
def test_words_are_not_encoded(text: str) -> None:
    assert not is_encoded(text)


def test_the_contents_of_data_urls_in_a_text() -> None:
    text = "![a](data:image/png;base64,iVBORw0KGgo=) and ![b](data:;base64,AAAA), not data:text/plain,AAAA"

    assert [text[start:end] for start, end in contents_of_data_urls(text)] == ["iVBORw0KGgo=", "AAAA"]
    assert contents_of_data_urls("no such thing") == []


@given(st.text(max_size=40))
def test_any_text_can_be_asked_for(text: str) -> None:
    assert not is_encoded(f"{text} !")
    assert isinstance(is_base64(text), bool)
    whole = f"data:{text};base64,{text}"
    assert all(0 <= start <= end <= len(whole) for start, end in contents_of_data_urls(whole))


def test_the_members_of_every_dialect_are_known() -> None:
    assert {name for dialect in DIALECTS for name in dialect.encoded} == ENCODED_MEMBERS
    assert {"encrypted_content", "signature", "thoughtSignature", "b64_json"} <= ENCODED_MEMBERS


@pytest.mark.parametrize("name", ["signature", "data", "result", "thoughtSignature"])
def test_a_member_holds_data_where_it_is_called_so_and_has_the_form(name: str) -> None:
    data = base64.urlsafe_b64encode(random.Random(name).randbytes(60)).decode()

    assert holds_data(name, data)
    assert not holds_data("content", data)
    for text in ("Paris", "123e4567-e89b-12d3-a456-426614174000", "0" * 63 + "a", "a sentence of words", ""):
        assert not holds_data(name, text)
