"""`replaycache diff`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.recorded import answer_json, cassette, chat, disk, replaycache, stream


def _lines(*arguments: str, status: int = 1) -> list[dict[str, Any]]:
    done = replaycache("diff", "--json", *arguments)
    assert done.exit_code == status, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_same_is_0(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat())

    done = replaycache("diff", key, f"{tmp_path}#{key}", "--store", str(tmp_path))

    assert (done.exit_code, done.stdout) == (0, "")
    assert "No difference." in done.stderr


def test_two_recordings_by_path(tmp_path: Path) -> None:
    first, second = disk(
        tmp_path,
        chat("Say hello.", answer_json("Hello."), temperature=0.5),
        chat("Say bye.", answer_json("Bye.", id="chatcmpl-2"), status=201),
    )

    (line,) = _lines(first, second, "--store", str(tmp_path))
    text = replaycache("diff", first, second, "--store", str(tmp_path)).stdout

    assert line["change"] == "changed"
    assert line["differences"] == [
        {"path": "request.messages[0].content", "a": "Say hello.", "b": "Say bye."},
        {"path": "request.temperature", "a": 0.5},
        {"path": "response.status", "a": 200, "b": 201},
        {"path": "response.id", "a": "chatcmpl-1", "b": "chatcmpl-2"},
        {"path": "response.choices[0].message.content", "a": "Hello.", "b": "Bye."},
    ]
    assert '  response.choices[0].message.content\n    - "Hello."\n    + "Bye."\n' in text


def test_what_differs_every_time_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassette(path, chat(answer=answer_json()), chat(answer=answer_json(id="chatcmpl-2", created=2)))

    assert replaycache("diff", f"{path}#1", f"{path}#2").exit_code == 1
    assert replaycache("diff", f"{path}#1", f"{path}#2", "--ignore-volatile").exit_code == 0


def test_streams_are_compared_as_answers_and_not_as_chunks(tmp_path: Path) -> None:
    def body(*pieces: str, every: float) -> Any:
        return stream(*({"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces), every=every)

    path = tmp_path / "a.json"
    cassette(
        path,
        *(
            chat(answer=answer, content_type="text/event-stream")
            for answer in (body("Hel", "lo", every=0.1), body("Hello", every=0.5), body("Help", every=0.1))
        ),
    )

    (line,) = _lines(f"{path}#1", f"{path}#3")

    assert replaycache("diff", f"{path}#1", f"{path}#2").exit_code == 0
    assert line["differences"] == [{"path": "response.choices[0].message.content", "a": "Hello", "b": "Help"}]


def test_bodies_that_are_no_text(tmp_path: Path) -> None:
    first, second, third = (f"{tmp_path / name}.json" for name in "abc")
    for name, data in ((first, b"\xff\xfe"), (second, b"\xff\xfd"), (third, b"\xff\xfe")):
        cassette(Path(name), chat(answer=data, content_type="audio/mpeg"))

    assert replaycache("diff", first, third).exit_code == 0
    (line,) = _lines(first, second)
    assert [item["path"] for item in line["differences"]] == ["response"]


def test_two_stores_are_paired_by_key_and_order(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassette(path, chat("one"), chat("two"), chat("two", answer_json("again")), chat("three"))
    disk(tmp_path / "cache", chat("two"), chat("three", answer_json("other")), chat("four"))

    lines = _lines(str(path), str(tmp_path / "cache"))

    assert [(line["change"], line.get("a", {}).get("number")) for line in lines] == [
        ("removed", 1),
        ("removed", 3),
        ("changed", 4),
        ("added", None),
    ]
    assert replaycache("diff", str(path), str(path)).exit_code == 0


def test_headers_only_where_asked_for(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    for path, version in ((first, "1"), (second, "2")):
        cassette(path, chat())
        value = json.loads(path.read_text())
        value["recordings"][0]["response"]["headers"]["openai-version"] = version
        path.write_text(json.dumps(value))

    assert replaycache("diff", str(first), str(second)).exit_code == 0
    (line,) = _lines(str(first), str(second), "--headers")
    assert line["differences"] == [{"path": "response.header openai-version", "a": "1", "b": "2"}]


def test_nothing_recorded_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    first, second = disk(tmp_path, chat("\x1b[2J"), chat("\x9b\u202e", answer_json("\x07"), **{"\x1bx": 1}))

    done = replaycache("diff", first, second, "--store", str(tmp_path))

    assert done.exit_code == 1
    assert not set(done.stdout) & set("\x1b\x07\x9b\u202e")


def test_trouble_is_no_difference(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat())
    path = tmp_path / "a.json"
    path.write_text("nonsense")

    assert replaycache("diff", str(path), str(path)).exit_code == 3
    assert replaycache("diff", key, str(tmp_path / "gone.json"), "--store", str(tmp_path)).exit_code == 3
    assert replaycache("diff", key).exit_code == 2
