"""Whatever is in a file, reading it ends in recordings or in the error that says what is wrong."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from replaycache import CassetteError, Match, Recording, ReplayCacheWarning, foreign

from .examples import EXAMPLES

NAMES = sorted(EXAMPLES)
NASTY = (
    *(
        text.encode()
        for text in ("- ", ": ", "{", "}", "[", "]", "'", '"', "\n", "    ", "&a ", "*a", "<<: *a", "!x ")
    ),
    *(
        text.encode()
        for text in ("null", "~", "-1", "1e999", "0x", ".nan", "é", "\ud7ff", "://", "[::1", "%zz", "?")
    ),
    *(
        b"\x00",
        b"\xff",
        b"\r",
        b"!!binary ",
        b"!!int x",
        b"9" * 5000,
        b"2026-99-99T99:99:99",
        b"\\ud800",
        b"\\u0000",
    ),
)


def _read(path: Path) -> list[Recording]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReplayCacheWarning)
        try:
            return foreign.read(path)
        except (CassetteError, OSError):
            return []


def _check(path: Path) -> None:
    for item in _read(path):
        assert isinstance(item.request.url, str)
        item.body.read()
        Match().identity(item.request)
        for name, value in item.head.headers:
            (name + value).encode("latin-1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutated")


@given(st.data())
def test_bytes_changed_anywhere(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    content = EXAMPLES[name].encode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = start + data.draw(st.sampled_from([0, 0, 1, 2, 7, 40, 400]))
        content = content[:start] + data.draw(st.sampled_from(NASTY) | st.binary(max_size=4)) + content[end:]
    path = folder / name
    path.write_bytes(content)

    _check(path)


_PIECES = st.sampled_from(
    [piece.decode() for piece in NASTY if piece.isascii()]
    + [
        "%YAML ",
        "%TAG ",
        "---",
        "...",
        "|",
        ">2-",
        "#",
        "\t",
        ",",
        "\\U99999999",
        "!<",
        "\x85",
        "\u2028",
        "\ufffe",
    ]
)

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["\ud800", "gzip", "base64", "https://a/", "/x", "999", "0", "10000-01-01", "latin-1", "idna"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return [place for name in value for place in [(value, name), *_places(value[name])]]
    if isinstance(value, list):
        return [place for index in range(len(value)) for place in [(value, index), *_places(value[index])]]
    return []


@given(st.data())
def test_values_of_another_kind_anywhere(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in NAMES if EXAMPLES[name].startswith("{")]))
    value = json.loads(EXAMPLES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(_places(value)))
        container[key] = data.draw(_VALUES)
    path = folder / f"values-{name}"
    path.write_text(json.dumps(value))

    _check(path)


@given(st.binary(max_size=200), st.sampled_from(["a.yaml", "a.json", "a.har", "a.toml", "a.yaml.gz", "a"]))
def test_any_bytes(folder: Path, content: bytes, name: str) -> None:
    path = folder / name
    path.write_bytes(content)

    _check(path)


@pytest.mark.parametrize("kind", ["CSafeLoader", "SafeLoader"])
@given(text=st.lists(_PIECES, max_size=12).map("".join))
def test_text_for_either_of_the_parsers_of_pyyaml(folder: Path, kind: str, text: str) -> None:
    path = folder / "a.yaml"
    path.write_text(f"a: 1\n{text}", "utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        if kind == "SafeLoader":
            patch.delattr(yaml, "CSafeLoader", raising=False)
        _check(path)
