"""A cassette's text: whatever came stands in it so that people read it, and comes back as it was."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Body, CassetteError, Chunk, Recording, Request, ResponseHead
from replaycache.cli import main
from replaycache.httpx2 import ReplayTransport
from replaycache.stores import CassetteStore
from replaycache.stores.cassette.text import dump, dump_recording, load
from tests.drivers import SYNC
from tests.stores.test_cassette import URL, fill, recorded
from tests.tables import one_in

GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:streamGenerateContent"

# -- whatever came ----------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)
spelled = st.one_of(
    st.builds(
        lambda value, separators, ascii_, indent: json.dumps(
            value, separators=separators, ensure_ascii=ascii_, indent=indent
        ).encode(),
        objects,
        st.sampled_from([(",", ":"), (", ", ": ")]),
        st.booleans(),
        st.none(),
    ),
    st.sampled_from(
        [b"{}", b"[]", b'{"a":1,"a":2}', b'{"n":1e5}', b'{"n":1.0}', b'{"cut', b'{"s":"\\ud83d"}', b"[DONE]"]
    ),
)


@st.composite
def events(draw: st.DrawFn) -> bytes:
    end = draw(st.sampled_from(["\n", "\r\n", "\r"])).encode()
    gap = draw(st.sampled_from([b" ", b"", b"  "]))
    event = st.one_of(
        st.builds(lambda data: [(b"data", data)], spelled),
        st.builds(
            lambda name, data: [(b"event", name), (b"data", data)], st.sampled_from([b"ping", b"delta"]), spelled
        ),
        st.builds(
            lambda data, name: [(b"data", data), (b"id", name)],
            spelled,
            st.sampled_from([b"1", "é".encode(), b""]),
        ),
        st.builds(lambda one, two: [(b"data", one), (b"data", two)], spelled, spelled),
        st.just([(b"", b" OPENROUTER PROCESSING")]),
        st.just([(b"retry", b"3000"), (b"data", b"[DONE]")]),
        st.just([(b"odd", b"{}"), (b"data", b'{"a":1}')]),
    )
    written = []
    for fields in draw(st.lists(event, max_size=5)):
        written += [name + b":" + (gap if name else b"") + value + end for name, value in fields]
        written.append(end * draw(st.sampled_from([1, 1, 1, 2])))
    begins = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\n"]))
    return begins + b"".join(written) + draw(st.sampled_from([b"", b"data: [DONE]\n\n", b'data: {"cut', b"\xff"]))


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    return b"".join(line + end for line in draw(st.lists(spelled, max_size=5))) + draw(
        st.sampled_from([b"", b"{}"])
    )


@st.composite
def array(draw: st.DrawFn) -> bytes:
    between = draw(st.sampled_from([b",", b",\r\n", b"\n,\n", b" , "]))
    indent = draw(st.sampled_from([None, 2]))
    items = [
        json.dumps(one, indent=indent, ensure_ascii=False).encode() for one in draw(st.lists(objects, max_size=4))
    ]
    return b"[" + between.join(items) + draw(st.sampled_from([b"]", b"\n]\n", b""]))


def frame(payload: bytes) -> bytes:
    """A message of an AWS event stream, its check sums apart."""
    headers = b"\x0b:event-type\x07\x00\x05chunk"
    return struct.pack(">III", 16 + len(headers) + len(payload), len(headers), 7) + headers + payload + b"\0\0\0\0"


FRAMINGS = {
    "text/event-stream": events(),
    "text/event-stream; charset=utf-8": events(),
    "application/x-ndjson": lines(),
    "application/jsonl": lines(),
    "application/vnd.amazon.eventstream": st.lists(spelled.map(frame), max_size=4).map(b"".join),
    "audio/mpeg": st.binary(max_size=400),
    "text/plain; charset=utf-8": texts.map(str.encode),
    "application/octet-stream": st.one_of(st.binary(max_size=60), texts.map(str.encode), lines(), events()),
    "application/x-unheard-of": st.one_of(st.binary(max_size=60), events()),
    "application/json": st.one_of(array(), events(), lines(), spelled),
}


@st.composite
def answers(draw: st.DrawFn) -> Recording:
    media_type = draw(st.sampled_from(list(FRAMINGS)))
    data = draw(st.one_of(FRAMINGS[media_type], st.one_of(*FRAMINGS.values())))
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=6)))
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    offsets = sorted(draw(st.lists(st.integers(0, 10**9), min_size=len(parts), max_size=len(parts))))
    chunks = [Chunk(part, offset / 1e6) for part, offset in zip(parts, offsets, strict=True)]
    return Recording(
        request=Request("POST", draw(st.sampled_from([URL, GEMINI])), (), draw(spelled)),
        head=ResponseHead(draw(st.sampled_from([200, 500])), (("content-type", media_type),)),
        body=Body.of(chunks),
        digest="",
        recorded_at=1_795_298_445.25,
        latency=0.5,
        complete=draw(st.booleans()),
    )


def text_of(*recordings: Recording) -> bytes:
    return dump(dump_recording(one) for one in recordings).encode()


def check_same(back: Recording, made: Recording) -> None:
    """Equal, but for the chunks of a JSON document that did not come as a stream."""
    assert back.request == made.request
    assert (back.head, back.complete, back.recorded_at) == (made.head, made.complete, made.recorded_at)
    assert back.body.read() == made.body.read()
    if back.body.read() and list(back.body) != [Chunk(made.body.read(), 0.0)]:
        assert list(back.body) == list(made.body)


@given(answers())
def test_every_body_comes_back_in_its_chunks_at_its_times(made: Recording) -> None:
    text = text_of(made)

    (back,) = load(text, "x.json")

    check_same(back, made)
    assert text_of(back) == text
    if made.head.header("content-type") in list(FRAMINGS)[:4] and made.body.read():
        assert list(back.body) == list(made.body)


@pytest.mark.parametrize("url", [URL, GEMINI])
@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("text/event-stream", b'data: {"a":1}\n\n'),
        ("application/x-ndjson", b'{"a":1}\n{"b":2}\n'),
        ("application/vnd.amazon.eventstream", frame(b'{"a":1}') * 2),
        ("audio/mpeg", bytes(range(256))),
        ("text/plain", "hé\r\nllo".encode()),
        ("application/x-unheard-of", b"\0\1\2"),
    ],
)
def test_a_body_that_is_cut_at_every_byte(media_type: str, data: bytes, url: str) -> None:
    chunks = [Chunk(data[at : at + 1], at / 8) for at in range(len(data))]
    made = recorded(content_type=media_type, body=Body.of(chunks))
    made = made.with_parts(request=Request("POST", url, (), b"{}"))

    (back,) = load(text_of(made), "x.json")

    assert list(back.body) == chunks


def test_white_space_in_an_array_takes_no_longer_than_other_text() -> None:
    """What may stand between its items is looked at once."""
    data = b'[{"a":1}' + b" " * 200_000 + b"x"
    body = Body.of([Chunk(data[:9], 0.0), Chunk(data[9:], 0.5)])
    made = Recording(
        request=Request("POST", GEMINI),
        head=ResponseHead(200, ()),
        body=body,
        digest="",
        recorded_at=1.0,
    )

    (again,) = load(dump([dump_recording(made)]).encode(), "x.json")

    assert again.body.read() == data


def test_geminis_array_is_a_stream_of_its_items() -> None:
    parts = [b'[{"a":1}', b',\r\n{"b":"h\xc3', b'\xa9"}', b"\r\n]"]
    chunks = [Chunk(part, number / 4) for number, part in enumerate(parts)]
    made = recorded(body=Body.of(chunks)).with_parts(request=Request("POST", GEMINI, (), b"{}"))

    text = text_of(made)

    assert list(load(text, "x.json")[0].body) == chunks
    assert '[{"json":{"a":1}}],' in [line.strip() for line in text.decode().splitlines()]


def test_an_event_with_several_fields_is_one_line_however_lines_end() -> None:
    event = 'event: delta\r\ndata: {"a":1}\r\nid: 7\r\n\r\n'
    made = recorded(content_type="text/event-stream", body=Body.of([Chunk(event.encode() * 2, 0.5)]))

    shown = [line.strip() for line in text_of(made).decode().splitlines()]

    assert '[0.5,{"event":"delta","data":{"a":1},"id":"7"}],' in shown
    assert '[{"event":"delta","data":{"a":1},"id":"7"}]' in shown


@pytest.mark.parametrize(
    ("media_type", "shown_as"),
    [("image/png", "base64"), ("audio/mpeg", "chunks"), ("text/event-stream", "events")],
)
def test_base64_stands_in_lines_of_100(media_type: str, shown_as: str) -> None:
    data = bytes(range(128, 256)) * 8
    offset = 0.0 if shown_as == "base64" else 0.5
    text = text_of(recorded(content_type=media_type, body=Body.of([Chunk(data, offset)]))).decode()

    assert f'"{shown_as}"' in text
    assert max(len(line.strip()) for line in text.splitlines()) <= 103  # quotes and a comma
    assert load(text.encode(), "x.json")[0].body.read() == data


# -- laid out by others -------------------------------------------------------------------------------------------


def prettier(text: str) -> str:
    """As prettier does it: what fits into a line stands in one."""

    def spell(value: Any, indent: str) -> str:
        flat = json.dumps(value, ensure_ascii=False)
        if (
            not isinstance(value, (dict, list))
            or not value
            or (len(indent) + len(flat) <= 80 and isinstance(value, list))
        ):
            return flat
        inner = indent + "  "
        if isinstance(value, dict):
            items = [f"{json.dumps(name, ensure_ascii=False)}: {spell(one, inner)}" for name, one in value.items()]
            return "{\n" + ",\n".join(inner + item for item in items) + f"\n{indent}}}"
        return "[\n" + ",\n".join(inner + spell(one, inner) for one in value) + f"\n{indent}]"

    return spell(json.loads(text), "") + "\n"


LAYOUTS = {
    "four": lambda text: json.dumps(json.loads(text), indent=4),
    "tabs": lambda text: json.dumps(json.loads(text), indent="\t", ensure_ascii=False),
    "none": lambda text: json.dumps(json.loads(text), separators=(",", ":")),
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "blank": lambda text: f"\n{text}\n\n",
    "prettier": prettier,
}


@pytest.mark.parametrize("layout", one_in(3, LAYOUTS))
@given(st.lists(answers(), min_size=1, max_size=3))
def test_a_file_that_others_laid_out_reads_the_same(layout: str, made: list[Recording]) -> None:
    text = text_of(*made)

    back = load(LAYOUTS[layout](text.decode()).encode(), "x.json")

    for one, other in zip(back, made, strict=True):
        check_same(one, other)
    assert text_of(*back) == text


@pytest.mark.parametrize("layout", sorted(LAYOUTS.keys() - {"prettier"}))
def test_a_file_that_others_laid_out_is_laid_out_as_ours_when_it_is_written(tmp_path: Path, layout: str) -> None:
    path, ours = tmp_path / "c.json", tmp_path / "ours.json"
    fill(ours, recorded("a"), recorded("b"))
    path.write_bytes(LAYOUTS[layout](ours.read_text()).encode())
    for file in (path, ours):
        fill(file, recorded("c"))

    assert path.read_bytes() == ours.read_bytes()


def test_a_recording_that_prettier_laid_out_keeps_its_lines(tmp_path: Path) -> None:
    """Nothing but the new one is in the diff."""
    path = tmp_path / "c.json"
    fill(path, recorded("a"), recorded("b"))
    text = prettier(path.read_text())
    path.write_text(text)

    fill(path, recorded("c"))

    assert path.read_text().startswith(text.removesuffix("\n  ]\n}\n"))
    assert [one.request.json() for one in CassetteStore(path).all()] == [
        recorded(prompt).request.json() for prompt in "abc"
    ]


def test_identical_twins_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    fill(path, recorded("a"), recorded("a"), recorded("b"))
    text = path.read_text()
    path.write_text(json.dumps(json.loads(text)))
    fill(path, recorded("c"))
    assert CassetteStore(path).remove([3]) == 1

    assert path.read_text() == text


# -- wrong edits --------------------------------------------------------------------------------------------------

STREAM = (
    'data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n',
    'data: {"choices":[{"index":0,"delta":{"content":" world"}}]}\n\n',
    "data: [DONE]\n\n",
)
BINARY = bytes(range(256))


def edited_file(path: Path) -> str:
    """A cassette of an answer in JSON, a stream, and bytes; its text."""
    stream = Body.of([Chunk(event.encode(), 0.5 + number) for number, event in enumerate(STREAM)])
    fill(
        path,
        recorded("one"),
        recorded("two", content_type="text/event-stream", body=stream),
        recorded("three", content_type="image/png", body=Body.of([Chunk(BINARY, 0.0)])),
    )
    return path.read_text()


EDITS = [
    ('"method": "POST"', '"metod": "POST"', "recordings[0].request", "has an unknown member 'metod'"),
    ('"method": "POST",', "", "recordings[0].request", "has no 'method'"),
    ('"status": 200', '"status": "200"', "recordings[0].response.status", "is '200'"),
    ('"status": 200,', "", "recordings[0].response", "has no 'status'"),
    ('"status": 200', '"status": 200, "status": 500', "recordings[0].response.status", "is given twice"),
    ('"url": "https', '"url": "htt ps', "recordings[0].request.url", "is none"),
    ('"headers": {', '"header": {', "recordings[0].request", "has an unknown member 'header'"),
    ('"application/json"', "1", "recordings[0].request.headers.content-type", "is no text"),
    ('"latency": 0.5', '"latency": -1', "recordings[0].response.latency", "is"),
    ('"latency": 0.5', '"latency": "0.5"', "recordings[0].response.latency", "is"),
    (
        '"json": {\n          "answer"',
        '"txt": {\n          "answer"',
        "recordings[0].response",
        "unknown member 'txt'",
    ),
    (
        '"json": {\n          "answer"',
        '"text": {\n          "answer"',
        "recordings[0].response.text",
        "is no text",
    ),
    ('"recorded_at": "20', '"recorded_at": "2O', "recordings[0].recorded_at", "is no date"),
    ('"events"', '"evnts"', "recordings[1].response", "has an unknown member 'evnts' (is 'events' meant?)"),
    ("[0.5,{", '["0.5",{', "recordings[1].response.events[0]", "is no event"),
    ("[1.5,{", "[-1.5,{", "recordings[1].response.events[1]", "has a wrong offset"),
    ('[1.5,{"data"', '[1.5,{"dta"', "recordings[1].response.events[1]", "has the member 'dta'"),
    ("[1.5,{", "[1.5,7,{", "recordings[1].response.events[1]", "is no event"),
    ('[2.5,"data: [DONE]\\n\\n"]', "[2.5]", "recordings[1].response.events[2]", "is no event"),
    ('[2.5,"data: [DONE]\\n\\n"]', '{"at": 2.5}', "recordings[1].response.events[2]", "is no event"),
    (' world"}', ' moon"}', "recordings[1].response.assembled", "does not say what the events beside it say"),
    (
        "Hello world",
        "Hello moon",
        "recordings[1].response.assembled",
        "does not say what the events beside it say",
    ),
    ('"assembled": "Hello world"', '"assembled": 5', "recordings[1].response.assembled", "is no text"),
    ('"AAECAwQFBgcICQ', '"AAECAwQFBgcIC!', "recordings[2].response.base64", "is no base64"),
    ('"base64"', '"base46"', "recordings[2].response", "has an unknown member 'base46'"),
    ('"recorded_at": "20', '"complete": "yes", "recorded_at": "20', "recordings[0].complete", "is"),
    ('"recorded_at": "20', '"sample": -1, "recorded_at": "20', "recordings[0].sample", "is"),
    ('"recorded_at": "20', '"note": "ok", "recorded_at": "20', "recordings[0]", "has an unknown member 'note'"),
]


def read_all(path: Path) -> None:
    for one in CassetteStore(path).all():
        one.body.read()


@pytest.mark.parametrize("layout", ["ours", "crlf"])
@pytest.mark.parametrize(("old", "new", "member", "says"), EDITS)
def test_a_wrong_edit_is_told_with_its_line_and_member(
    tmp_path: Path, old: str, new: str, member: str, says: str, layout: str
) -> None:
    path = tmp_path / "c.json"
    text = edited_file(path)
    assert old in text
    text = text.replace(old, new, 1)
    path.write_bytes((text if layout == "ours" else LAYOUTS["crlf"](text)).encode())

    with pytest.raises(CassetteError) as caught:
        read_all(path)

    place, _, told = str(caught.value).partition(f": {member} ")
    assert says in told, str(caught.value)
    file, _, line = place.partition(", line ")
    assert file == str(path)
    shown = text.splitlines()[int(line) - 1]
    name = member.rpartition(".")[2]
    number = name.partition("[")[2].rstrip("]")
    if "[" not in name:
        assert f'"{name}"' in shown
    elif name.startswith("events"):
        assert shown.strip() in text[text.index('"events"') :].splitlines()[1 + int(number)]
    else:
        assert shown == "    {"


@pytest.mark.parametrize("wrong", [(' world"}', ' moon"}'), ("Hello world", "Hello moon")])
@pytest.mark.parametrize("command", ["show", "scan", "export"])
def test_assembled_text_that_disagrees_is_told_by_whoever_reads_it(
    tmp_path: Path, wrong: tuple[str, str], command: str
) -> None:
    path = tmp_path / "c.json"
    path.write_text(edited_file(path).replace(*wrong, 1))
    more = ["--store", str(path), str(tmp_path / "other.yaml")] if command == "export" else [str(path)]

    done = CliRunner().invoke(main, [command, *more])

    assert "recordings[1].response.assembled does not say" in done.output.replace("\n", " ")
    assert command == "scan" or done.exit_code  # which looks through it as text


def test_assembled_text_that_disagrees_is_an_error_when_it_is_played(tmp_path: Path) -> None:
    import httpx2

    path = tmp_path / "c.json"
    path.write_text(edited_file(path).replace("Hello world", "Hello moon", 1))

    for driver in SYNC:
        with pytest.raises(CassetteError, match="two|assembled"):
            answered_to(driver, path, "two")
    with httpx2.Client(transport=ReplayTransport(store=str(path), mode="replay")) as client:
        assert client.post(URL, json={"model": "m", "messages": [{"role": "user", "content": "one"}]}).json()


def answered_to(driver: Any, path: Path, prompt: str) -> Any:
    async def body() -> None:
        async with driver.client(store=str(path), mode="replay") as client:
            await client.post(URL, json={"model": "m", "messages": [{"role": "user", "content": prompt}]})

    driver.run(body)
