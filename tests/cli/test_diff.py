"""`replaycache diff`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.cli.recorded import answer_json, cassette, chat, disk, replaycache, stream
from tests.cli.terminal import run_in_terminal


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

    (line,) = _lines(first, second, "--store", str(tmp_path), "--volatile")
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


def test_what_differs_every_time_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassette(path, chat(answer=answer_json()), chat(answer=answer_json(id="chatcmpl-2", created=2)))

    done = replaycache("diff", f"{path}#1", f"{path}#2")

    assert done.exit_code == 0
    assert done.stderr == "No difference. 2 places that differ every time are left out (--volatile).\n"
    assert replaycache("diff", f"{path}#1", f"{path}#2", "--volatile").exit_code == 1


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
    assert line["differences"] == [{"path": "response.choices[0].delta.content", "a": "Hello", "b": "Help"}]


def test_bodies_that_are_no_text(tmp_path: Path) -> None:
    first, second, third = (f"{tmp_path / name}.json" for name in "abc")
    for name, data in ((first, b"\xff\xfe"), (second, b"\xff\xfd"), (third, b"\xff\xfe")):
        cassette(Path(name), chat(answer=data, content_type="audio/mpeg"))

    assert replaycache("diff", first, third).exit_code == 0
    (line,) = _lines(first, second)
    assert [item["path"] for item in line["differences"]] == ["response.body"]


def _changes(*arguments: str) -> list[tuple[str, int | None, int | None, list[str]]]:
    return [
        (
            line["change"],
            line.get("a", {}).get("number"),
            line.get("b", {}).get("number"),
            [item["path"] for item in line["differences"]],
        )
        for line in _lines(*arguments)
    ]


def test_two_stores_are_paired_by_key_and_order(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    listing = chat(url="https://api.openai.com/v1/embeddings", body={"input": "four"})
    cassette(path, chat("one"), chat("two"), chat("two", answer_json("again")), chat("three"))
    disk(tmp_path / "cache", chat("two"), chat("three", answer_json("other")), listing)

    lines = _lines(str(path), str(tmp_path / "cache"))

    assert [(line["change"], line.get("a", {}).get("number")) for line in lines] == [
        ("removed", 1),
        ("removed", 3),
        ("changed", 4),
        ("added", None),
    ]
    assert replaycache("diff", str(path), str(path)).exit_code == 0


def test_a_changed_prompt_is_a_change(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    cassette(first, chat("one"), chat("Say hello in French."), chat("three"), chat("last"))
    cassette(second, chat("one"), chat("Say hello in Spanish.", answer_json("Hola.")), chat("three"), chat("last"))

    assert _changes(str(first), str(second)) == [
        ("changed", 2, 2, ["request.messages[0].content", "response.choices[0].message.content"])
    ]


def test_of_several_changed_requests_the_most_alike_stand_for_each_other(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    cassette(first, chat("Name a tall tree, please."), chat("What is the capital of France?"))
    cassette(second, chat("What is the capital of Spain?"), chat("Name a small tree, please."))

    assert _changes(str(first), str(second)) == [
        ("changed", 1, 2, ["request.messages[0].content"]),
        ("changed", 2, 1, ["request.messages[0].content"]),
    ]


def test_a_request_to_another_endpoint_is_another(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    url = "https://api.openai.com/v1/responses"
    cassette(first, chat("a"), chat("Say hello."))
    cassette(second, chat("a"), chat("Say hello.", url=url))

    assert [change for change, *_ in _changes(str(first), str(second))] == ["removed", "added"]


def test_a_prompt_that_is_another_altogether_is_a_change_where_it_stands_in_its_place(tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.json" for name in "abc")
    cassette(first, chat("one"), chat("Tell me a story about a dragon and a castle far away."), chat("two"))
    cassette(second, chat("one"), chat("Which planets have rings, what are they made of, why?"), chat("two"))
    cassette(third, chat("one"), chat("two"), chat("Which planets have rings, what are they made of, why?"))

    assert _changes(str(first), str(second)) == [("changed", 2, 2, ["request.messages[0].content"])]
    assert [change for change, *_ in _changes(str(first), str(third))] == ["removed", "added"]


def test_files_with_one_recording_each_are_compared_as_recordings(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    cassette(first, chat("Say hello."))
    cassette(second, chat(url="https://api.openai.com/v1/embeddings", body={"input": "four"}))

    ((change, *_, paths),) = _changes(str(first), str(second))

    assert change == "changed"
    assert "request.url" in paths


def test_recordings_that_stand_elsewhere_are_told_as_such(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    cassette(first, *map(chat, ("one", "two", "three", "four")))
    cassette(second, *map(chat, ("one", "three", "four", "two")))

    assert _changes(str(first), str(second)) == [("moved", 2, 4, [])]
    assert replaycache("diff", str(first), str(second)).stdout.startswith("> moved  #2 → #4  ")


def test_answers_to_one_request_in_another_order(tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.json" for name in "abc")
    answers = [chat("one", answer_json(text)) for text in ("a", "b", "c")]
    cassette(first, *answers)
    cassette(second, answers[2], answers[0], answers[1])
    cassette(third, *answers[1:])

    assert _changes(str(first), str(second)) == [("moved", 3, 1, [])]
    assert _changes(str(first), str(third)) == [("removed", 1, None, [])]


def test_headers_that_clients_read(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    for path, version in ((first, "1"), (second, "2")):
        cassette(path, chat())
        value = json.loads(path.read_text())
        value["recordings"][0]["response"]["headers"] |= {"openai-version": version, "x-request-id": version}
        path.write_text(json.dumps(value))

    (line,) = _lines(str(first), str(second))
    assert line["differences"] == [{"path": "response.header openai-version", "a": "1", "b": "2"}]


def test_the_same_value_at_several_paths_is_written_once(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    for path, text in ((first, "a text that is long"), (second, "a text that is longer")):
        cassette(path, chat(answer=json.dumps({"text": text, "again": {"text": text}}).encode()))

    text = replaycache("diff", str(first), str(second)).stdout

    assert "  response.text\n  and response.again.text\n    - " in text
    assert text.count("longer") == 1


def test_streams_show_how_they_ended_and_what_was_called(tmp_path: Path) -> None:
    def body(arguments: str, reason: str) -> Any:
        call = {"index": 0, "id": "call_abcdef1", "function": {"name": "look_up", "arguments": ""}}
        piece = {"index": 0, "function": {"arguments": arguments}}
        return stream(
            *(
                {"model": "gpt-4o-mini", "choices": [{"index": 0, "delta": delta, "finish_reason": why}]}
                for delta, why in (({"tool_calls": [call]}, None), ({"tool_calls": [piece]}, None), ({}, reason))
            )
        )

    path = tmp_path / "a.json"
    answers = (body('{"date":1}', "tool_calls"), body('{"date":2}', "length"), body('{"date":1}', "tool_calls"))
    cassette(path, *(chat(answer=answer, content_type="text/event-stream") for answer in answers))

    assert replaycache("diff", f"{path}#1", f"{path}#3").exit_code == 0
    (line,) = _lines(f"{path}#1", f"{path}#2")
    assert line["differences"] == [
        {
            "path": "response.choices[0].delta.tool_calls[0].function.arguments",
            "a": '{"date":1}',
            "b": '{"date":2}',
        },
        {"path": "response.choices[0].finish_reason", "a": "tool_calls", "b": "length"},
    ]


def test_a_stream_and_a_whole_body_are_compared_by_what_they_say(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    events = [
        {"model": "gpt-4o-mini-2024-07-18", "choices": [{"index": 0, "delta": {"content": text}}]}
        for text in ("Hel", "lo.")
    ]
    events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
    answer = stream(*events)
    cassette(
        path,
        chat(answer=answer_json("Hello.", usage=None)),
        chat(answer=answer, content_type="text/event-stream", stream=True),
        chat(answer=answer_json("Bye.", usage=None)),
    )

    ((_, *_, paths),) = _changes(f"{path}#1", f"{path}#2")
    ((_, *_, others),) = _changes(f"{path}#3", f"{path}#2")

    assert paths == ["request.stream", "response.header content-type", "response.body"]
    assert others == [*paths, "response.said[0].parts[0].text"]


def test_what_a_person_sees(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    long = "Here is a long text that does not fit into a line of a terminal, and which goes on until the word "
    cassette(first, *map(chat, ("one", "two", "three")), chat("Name a tree.", answer_json(f"{long}oak.")))
    cassette(
        second, chat("three"), *map(chat, ("one", "two")), chat("Name a flower.", answer_json(f"{long}rose."))
    )

    screen = run_in_terminal("diff", str(first), str(second))

    assert screen.status == 1
    assert (
        re.sub(r"[0-9a-f]{12}", "0123456789ab", screen.text)
        == """\
> moved  #3 → #1  0123456789ab  chat  three
~ changed  #4  0123456789ab → 0123456789ab  chat  Name a tree.
  request.messages[0].content
    - "Name a tree."
    + "Name a flower."
  response.choices[0].message.content
    - … goes on until the word oak."
    + … goes on until the word rose."
"""
    )


def test_many_differences_do_not_fill_the_screen(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    for path, start in ((first, 0.0), (second, 0.5)):
        embedding = [start + number for number in range(1000)]
        cassette(path, chat(answer=json.dumps({"data": [{"index": 0, "embedding": embedding}]}).encode()))

    screen = run_in_terminal("diff", str(first), str(second))

    assert screen.text.endswith("and 980 more differences\n")
    assert screen.text.count("\n") == 1 + 20 * 3 + 1


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
