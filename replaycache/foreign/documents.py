"""From a file's bytes to plain values: gzip undone, text decoded, JSON, TOML or YAML parsed as data."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
import zlib
from pathlib import PurePath
from typing import Any

from ..wire.content_encoding import most_decoded
from . import httprr, safe_yaml
from .interactions import RECORD_AGAIN, RESTORE, Source

FILE_LIMIT = 256 << 20
"""A file of more than this many bytes, gzip undone, is refused."""

_CONFLICT = re.compile(r"^(?:<{7}|\|{7}|>{7})(?: |$)", re.MULTILINE)


def load(source: Source) -> Any:
    """The values in a file: mappings, lists, texts, bytes, None; plain scalars of YAML are `safe_yaml.Plain`.

    A trace of httprr, whose messages stand in it as they are, is its bytes.

    Raises:
        CassetteError: they cannot be read.
        OSError: the file cannot be opened or read.
    """
    data = _read(source)
    if data.startswith(httprr.MAGIC):
        return data
    text = _text(data, source)
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        raise source.error(
            f"line {text.count(chr(10), 0, conflict.start()) + 1} is a conflict marker of an unfinished merge",
            "finish the merge, or take one side whole (`git checkout --ours` or `--theirs`)",
        )
    source.ends_its_last_line = text.endswith("\n")
    suffix = _suffix(source.path)
    if suffix == ".toml":
        return _toml(source, text)
    if text.lstrip()[:1] in ("{", "[") or suffix in (".json", ".har"):
        return _json(source, text, or_yaml=suffix in (".yaml", ".yml"))
    return safe_yaml.load(text, source)


def _suffix(path: str) -> str:
    name = PurePath(path)
    return (PurePath(name.stem) if name.suffix.lower() == ".gz" else name).suffix.lower()


def _text(data: bytes, source: Source) -> str:
    if not data.strip():
        raise source.error("it is empty" if not data else "it holds nothing but white space", RESTORE)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise source.error(f"it is no text in UTF-8 (byte {error.start})", RESTORE) from None


def _read(source: Source) -> bytes:
    with open(source.path, "rb") as file:
        data = file.read(FILE_LIMIT + 1)
        limit = FILE_LIMIT
        if data[:2] == b"\x1f\x8b":
            limit = min(FILE_LIMIT, most_decoded(len(data)))
            file.seek(0)
            try:
                with gzip.GzipFile(fileobj=file) as inflating:
                    data = inflating.read(limit + 1)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise source.error(f"its gzip data is damaged or cut short: {error}", RESTORE) from None
    if len(data) > limit:
        raise source.error(
            f"it is larger than the {limit >> 20} MiB that are read", "split it, or record less into one file"
        )
    return data


def _json(source: Source, text: str, *, or_yaml: bool) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        if or_yaml:
            return safe_yaml.load(text, source)
        raise source.error(f"it is no whole JSON: {error}", RESTORE) from None


_DOTTED = re.compile(
    rf"""(?<![\w"'.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{safe_yaml.DEPTH_LIMIT}}}""", re.ASCII
)
"""A key of as many names, each within the one before it: its reader takes a time and a memory that grow with the
square of their number."""


def _toml(source: Source, text: str) -> Any:
    if _DOTTED.search(text):
        raise source.error(f"its values are nested more than {safe_yaml.DEPTH_LIMIT} levels deep", RECORD_AGAIN)
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise source.error(f"it is no whole TOML: {error}", RECORD_AGAIN) from None
