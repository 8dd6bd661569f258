"""Whatever is in a file, reading it ends in recordings or in the error that says what is wrong."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from replaycache import CassetteError, Match, Recording, ReplayCacheWarning, foreign
from tests.stores.test_stored_nonsense import mutated, places, replays, shown

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


def _read(path: Path, *, to_play: bool = False) -> list[Recording]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReplayCacheWarning)
        try:
            return foreign.read(path, to_play=to_play)
        except (CassetteError, OSError):
            return []


def _check(path: Path) -> None:
    """What is read can be kept by every store and played by every client library."""
    for item in (*_read(path), *_read(path, to_play=True)):
        Match().identity(item.request)
        if item.head.header("content-encoding") is None:  # else no store takes it, and its client undoes it
            shown(item)
            replays(item)


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


class _Loader(yaml.SafeLoader):
    """Takes a scalar with a tag that it does not know for a text."""


_Loader.add_constructor(None, _Loader.construct_yaml_str)

_MORE_IN_YAML = st.binary(max_size=6) | st.dates() | st.datetimes() | st.datetimes(timezones=st.timezones())


@given(st.data())
def test_values_of_another_kind_anywhere(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in NAMES if EXAMPLES[name].startswith("{")]))
    value = json.loads(EXAMPLES[name])
    path = folder / f"values-{name}"
    path.write_text(json.dumps(mutated(data, value, _VALUES)))

    _check(path)


@given(st.data())
def test_values_of_another_kind_anywhere_in_yaml(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in NAMES if name.endswith((".yaml", ".yml"))]))
    value = yaml.load(EXAMPLES[name], _Loader)
    path = folder / f"values-{name}"
    path.write_text(yaml.safe_dump(mutated(data, value, _VALUES | _MORE_IN_YAML), allow_unicode=True))

    _check(path)


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith((".json", ".har"))])
@pytest.mark.parametrize("text", ["a\nb", "a\r\nb: c", "a\x00b", "\x00", "A b", "€", ""])
def test_no_header_is_read_that_can_be_none(folder: Path, name: str, text: str) -> None:
    value = json.loads(EXAMPLES[name])
    for container, key in list(places(value)):
        if key == "headers" and isinstance(container[key], dict):
            container[key] |= {text: "a", "x-a": text, "x-b": [text]}
        elif key == "headers":
            container[key] += [{"name": text, "value": "a"}, {"name": "x-a", "value": text}]
    path = folder / f"headers-{name}"
    path.write_text(json.dumps(value))

    found = _read(path, to_play=True)

    lines = [line for item in found for line in (*item.request.headers, *item.head.headers)]
    assert not set("\r\n\0") & set("".join(map("".join, lines)))


def test_a_duration_beyond_all_bounds_is_told(folder: Path) -> None:
    path = folder / "duration.yaml"
    text = EXAMPLES["go_2.yaml"]
    assert "duration: " in text
    path.write_text(re.sub(r"duration: .*", "duration: 999999999999h", text))

    with pytest.raises(CassetteError, match="latency is .*, which is no number of seconds"):
        foreign.read(path)


@given(st.binary(max_size=200), st.sampled_from(["a.yaml", "a.json", "a.har", "a.toml", "a.yaml.gz", "a"]))
def test_any_bytes(folder: Path, content: bytes, name: str) -> None:
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


@pytest.mark.parametrize("kind", ["CSafeLoader", "SafeLoader"])
@given(text=st.lists(_PIECES, max_size=12).map("".join))
def test_text_for_either_of_the_parsers_of_pyyaml(folder: Path, kind: str, text: str) -> None:
    path = folder / "a.yaml"
    path.write_text(f"a: 1\n{text}", "utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        if kind == "SafeLoader":
            patch.delattr(yaml, "CSafeLoader", raising=False)
        _check(path)
