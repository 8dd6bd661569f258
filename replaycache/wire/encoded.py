"""Data that travels as text: base64 of images, sounds and files, and what is encrypted."""

from __future__ import annotations

import re

from .patterns import lazy_pattern

_base64 = lazy_pattern(r"[A-Za-z0-9+/_\-\r\n]++={0,2}[\r\n]*+")
_data_url = lazy_pattern(r"data:[^,\s]{0,100}?;base64,", re.IGNORECASE)
_content = lazy_pattern(r"[A-Za-z0-9+/_\-%]*+={0,2}")
_media = lazy_pattern(
    r"""
    iVBORw0KGg             # PNG, https://www.w3.org/TR/png-3/#5PNG-file-signature
    | [/_]9j[/_]            # JPEG, https://www.w3.org/Graphics/JPEG/itu-t81.pdf: SOI
    | R0lGOD[dl]h           # GIF, https://www.w3.org/Graphics/GIF/spec-gif89a.txt
    | UklGR                 # WAV, WebP: RIFF, https://developers.google.com/speed/webp/docs/riff_container
    | AAAA.[GWm2]Z0eX       # MP4, HEIC, AVIF: ftyp, ISO/IEC 14496-12
    | SUkqA | TU0AK         # TIFF, https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
    | SUQz                  # MP3: ID3, https://id3.org/id3v2.4.0-structure
    | T2dnU                 # Ogg, https://www.rfc-editor.org/rfc/rfc3533
    | ZkxhQ                 # FLAC, https://www.rfc-editor.org/rfc/rfc9639
    | GkXfo                 # WebM: EBML, https://www.rfc-editor.org/rfc/rfc8794
    | JVBERi0               # PDF, ISO 32000-2
    | UEsDB                 # ZIP, and the office formats in it, APPNOTE.TXT of PKWARE
    | H4sI                  # gzip, https://www.rfc-editor.org/rfc/rfc1952
    | gAAAA                 # Fernet, https://github.com/fernet/spec/blob/master/Spec.md: version 0x80
    """,
    re.VERBOSE,
)
_run = lazy_pattern(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")

_MEDIA_FROM, _RANDOM_FROM, _ANY_FROM = 24, 200, 1024
_SAMPLE = 2048


def is_encoded(text: str) -> bool:
    """Whether a text as a whole is encoded data: base64 of a file or of what is encrypted, or such a `data:` URL.

    Base64 is told by its alphabet (RFC 4648, either of the two, line breaks allowed) and by how it begins, from 24
    characters on; by letters and digits that make up no words from 200 on; by its alphabet alone from 1024 on.
    """
    if text[:5].lower() == "data:":
        head = _data_url().match(text)
        return head is not None and _base64().fullmatch(text, head.end()) is not None
    if len(text) < _MEDIA_FROM or not is_base64(text):
        return False
    if len(text) >= _ANY_FROM or _media().match(text) is not None:
        return True
    return len(text) >= _RANDOM_FROM and _is_random(text[:_SAMPLE])


def is_base64(text: str) -> bool:
    """Whether a text has no other characters than base64 has (RFC 4648, either alphabet, line breaks allowed)."""
    return _base64().fullmatch(text) is not None


def contents_of_data_urls(text: str) -> list[tuple[int, int]]:
    """Where the contents of `data:` URLs in base64 (RFC 2397) begin and end in a text, such as Markdown."""
    spans = []
    head = _data_url().search(text) if ";base64," in text else None
    while head is not None:
        content = _content().match(text, head.end())
        end = head.end() if content is None else content.end()
        spans.append((head.end(), end))
        head = _data_url().search(text, end)
    return spans


def _is_random(text: str) -> bool:
    runs = _run().findall(text)
    digits = sum(run.isdigit() for run in runs)
    return 0 < digits < len(runs) and sum(map(len, runs)) < 3 * len(runs)
