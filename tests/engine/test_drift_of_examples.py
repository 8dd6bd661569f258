"""What of an answer's leaves a comparison sees, over the examples of every dialect."""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Body, Chunk, Recording, Request, ResponseHead, foreign
from replaycache.engine.drift import compare
from replaycache.engine.noise import PIECES, is_noise
from tests.dialects.example import Example, payload_of, reframed
from tests.dialects.examples import EXAMPLES

Path = tuple[str | int, ...]

JSON = [example for example in EXAMPLES if example.answer.framing != "other" and not example.is_opaque]
STREAMS = [example for example in JSON if example.streams]


def recording(example: Example, pieces: list[bytes]) -> Recording:
    return Recording(
        request=Request(
            "POST",
            f"https://api.example.com{example.path}",
            (("content-type", "application/json"),),
            json.dumps(example.asked).encode(),
        ),
        head=ResponseHead(200, (("content-type", example.answer.media_type),)),
        body=Body.of([Chunk(piece, number / 10) for number, piece in enumerate(pieces)]),
        digest="",
        recorded_at=0.0,
    )


def decoded(piece: bytes, framing: str) -> Any:
    """The data of a piece; None where it has none that is an object."""
    data = piece
    if framing == "frames":
        data = payload_of(piece)
    elif framing == "events":
        data = b"".join(line[6:] for line in piece.splitlines() if line.startswith(b"data: "))
    elif framing == "array":
        data = piece.strip(b",[]\n")
    try:
        value = json.loads(data)
    except ValueError:
        return None
    if isinstance(value, dict) and isinstance(value.get("bytes"), str):
        value = json.loads(base64.b64decode(value["bytes"]))
    return value if isinstance(value, dict) else None


def encoded(value: Any, piece: bytes, framing: str) -> bytes:
    """A piece like another, with other data."""
    data = json.dumps(value, ensure_ascii=False)
    if framing == "frames":
        was = json.loads(payload_of(piece))
        if isinstance(was.get("bytes"), str):
            return reframed(piece, {**was, "bytes": base64.b64encode(data.encode()).decode()})
        return reframed(piece, value)
    if framing == "events":
        kept = [line for line in piece.decode().splitlines() if line and not line.startswith("data: ")]
        return "\n".join([*kept, f"data: {data}", "", ""]).encode()
    if framing == "array":
        return f"{piece[:1].decode()}{data}\n".encode()
    return f"{data}\n".encode()


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from leaves(item, (*path, place))
    elif path:
        yield path, value


def replaced(value: Any, path: Path, by: Any) -> Any:
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


def other_values(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value, None]
    if isinstance(value, str):
        return [f"{value}x", f"x{value}", None, 1] + ([value[:-1], value.swapcase()] if value.isalpha() else [])
    if isinstance(value, (int, float)):
        return [value + 1, -1 - value, None, "1"]
    return [0, "x", {"x": 1}, [1]]


def changes(example: Example) -> Iterator[tuple[int, Path, Any, list[bytes]]]:
    pieces, framing = list(example.answer.pieces), example.answer.framing
    for at, piece in enumerate(pieces):
        value = decoded(piece, framing)
        for path, leaf in leaves(value) if value is not None else ():
            for other in other_values(leaf):
                changed = encoded(replaced(value, path, other), piece, framing)
                yield at, path, other, [*pieces[:at], changed, *pieces[at + 1 :]]


def is_left_out(example: Example, at: int, path: Path) -> bool:
    """Whether it is noise, an event that only keeps the connection open, or a count of tokens that goes on."""
    value = decoded(example.answer.pieces[at], example.answer.framing)
    is_count = path[0] in ("usage", "usageMetadata") and example.streams and at + 1 < len(example.answer.pieces)
    return is_noise(path) or is_count or value.get("type") == "ping"


@pytest.mark.parametrize("example", JSON, ids=str)
def test_an_answer_is_like_itself(example: Example) -> None:
    pieces = list(example.answer.pieces)
    joined = recording(example, [b"".join(pieces)])

    assert compare(recording(example, pieces), joined) == compare(joined, joined)
    assert not compare(joined, recording(example, [bytes([byte]) for byte in b"".join(pieces)]))


@given(st.data())
def test_any_change_of_a_leaf_is_seen(data: st.DataObject) -> None:
    example = data.draw(st.sampled_from([example for example in JSON if next(changes(example), None)]))
    before = recording(example, list(example.answer.pieces))
    at, path, other, changed = data.draw(st.sampled_from([*changes(example)]))

    found = compare(before, recording(example, changed))

    assert found or is_left_out(example, at, path), (path, other)


@pytest.mark.exhaustive
@pytest.mark.parametrize("example", JSON, ids=str)
def test_every_change_of_a_leaf_is_seen(example: Example) -> None:
    before = recording(example, list(example.answer.pieces))

    for at, path, other, changed in changes(example):
        assert compare(before, recording(example, changed)) or is_left_out(example, at, path), (at, path, other)


def cuttable(example: Example) -> Iterator[tuple[int, Path, str]]:
    """Texts that might have come in several pieces."""
    for at, piece in enumerate(example.answer.pieces):
        value = decoded(piece, example.answer.framing)
        texts = [] if value is None else [item for item in leaves(value) if item[0][-1] in PIECES and item[1]]
        if len(texts) == 1 and isinstance(texts[0][1], str):
            yield at, *texts[0]


CUTTABLE = [(example, *place) for example in STREAMS for place in cuttable(example)]


@given(st.sampled_from(CUTTABLE), st.data())
def test_how_a_text_is_cut_into_events_is_not_seen(
    place: tuple[Example, int, Path, str], data: st.DataObject
) -> None:
    example, at, path, text = place
    framing, pieces = example.answer.framing, list(example.answer.pieces)
    value = decoded(pieces[at], framing)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=4)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    new = [encoded(replaced(value, path, part), pieces[at], framing) for part in parts if part]
    if framing == "array" and at == 0:
        new[1:] = [b"," + piece[1:] for piece in new[1:]]

    assert not compare(recording(example, pieces), recording(example, [*pieces[:at], *new, *pieces[at + 1 :]]))


@pytest.mark.sampled(20)
@pytest.mark.parametrize(
    "example", [one for one in STREAMS if one.answer.framing in ("events", "lines", "frames")], ids=str
)
def test_an_event_that_is_gone_or_came_twice_is_seen(example: Example) -> None:
    pieces = list(example.answer.pieces)
    before = recording(example, pieces)

    for at, piece in enumerate(pieces):
        if piece.strip() and b"ping" not in piece and not piece.startswith(b":"):
            assert compare(before, recording(example, [*pieces[:at], *pieces[at + 1 :]])), piece
            assert compare(before, recording(example, [*pieces[:at], piece, *pieces[at:]])), piece


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
CALL = next(example for example in JSON if example.answer.framing == "document")


@given(DOCUMENTS, st.data())
def test_any_change_in_any_document_is_seen(value: Any, data: st.DataObject) -> None:
    document = {"name": "look_up", "input": {"value": value}}
    path = data.draw(st.sampled_from([path for path, _ in leaves(document) if path[0] == "input"]))
    leaf: Any = document
    for step in path:
        leaf = leaf[step]
    other = data.draw(st.sampled_from(other_values(leaf)))
    one, two = ([json.dumps(item).encode()] for item in (document, replaced(document, path, other)))

    assert not compare(recording(CALL, one), recording(CALL, [json.dumps(document, indent=1).encode()]))
    assert compare(recording(CALL, one), recording(CALL, two)) or other == leaf


RECORDINGS = FilePath(__file__).resolve().parents[3] / "shared" / "recordings"
FILES = sorted(path for path in RECORDINGS.rglob("*") if path.suffix in (".yaml", ".yml"))


@pytest.mark.skipif(not FILES, reason="the collection of real cassettes (../shared/recordings) is not here")
def test_real_answers_in_other_chunks_are_the_same_and_without_their_last_words_are_not() -> None:
    for path in FILES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = foreign.read(path)
        for item in found:
            data = item.body.read()
            cut = Body.of([Chunk(data[start : start + 7], 0.0) for start in range(0, len(data), 7)])
            assert not compare(item, item.with_parts(body=cut)), path
            if len(data) > 1:
                half = Body.of([Chunk(data[: len(data) // 2], 0.0)])
                assert compare(item, item.with_parts(body=half)), path
