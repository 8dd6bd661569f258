"""`replaycache show`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from replaycache import Body, Chunk, Recording
from replaycache._models import Verdict
from tests.cli.recorded import answer_json, cassette, chat, disk, replaycache, rerank, stream
from tests.cli.terminal import cells, run_in_terminal

IMAGE = "data:image/png;base64," + "QUJD" * 1000


def _delta(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


def _shown(path: Path, *arguments: str) -> str:
    done = replaycache("show", *arguments, "--store", str(path))
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_a_conversation_has_roles_tool_calls_and_named_images(tmp_path: Path) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
    body = {
        "model": "gpt-4o-mini",
        "temperature": 0.5,
        "stream": True,
        "tools": [{"type": "function", "function": {"name": "weather"}}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": IMAGE}},
            ]},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        ],
    }  # fmt: skip
    (key,) = disk(tmp_path, chat(body=body, answer=answer_json("It rains.")))

    text = _shown(tmp_path, key)

    assert text.splitlines()[:2] == [
        f"key         {key}",
        "request     POST https://api.openai.com/v1/chat/completions",
    ]
    for line in (
        "model       gpt-4o-mini",
        "tools       weather",
        "settings    temperature 0.5, stream",
        "system\n  Be brief.",
        "user\n  What is this?\n  [image: image/png, 3,000 bytes]",
        'assistant\n  → weather({"city":"Oslo"})',
        "tool\n  ← rain",
        "assistant\n  It rains.",
        "tokens      12 in, 34 out",
    ):
        assert f"\n{line}\n" in text
    assert "QUJD" not in text


def test_a_stream_has_a_timeline(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat(answer=stream(*map(_delta, "Hello")), content_type="text/event-stream"))

    text = _shown(tmp_path, key)

    assert "assistant\n  Hello\n" in text
    assert "in 6 chunks, head after 500 ms, last chunk after 1.1 s" in text
    bars = next(line for line in text.splitlines() if line.startswith("timeline"))
    assert len(set(bars.split()[1])) > 0
    assert "longest pause 100 ms" in text


def test_it_fits_80_columns_whatever_was_said(tmp_path: Path) -> None:
    asked = "界" * 300 + " 🎉👩\u200d👩\u200d👧" * 40 + "\n\tindented\n" + "w" * 500
    (key,) = disk(tmp_path, chat(asked, stream(*map(_delta, ["é" * 999, "b"]))))

    lines = run_in_terminal("show", key, "--store", str(tmp_path)).text.splitlines()

    assert max(map(cells, lines)) <= 80
    assert sum(line.count("w") for line in lines) >= 500


def test_nothing_recorded_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    evil = "\x1b]52;c;b3duZWQ=\x07\x1b[2J\x9b31m\u202e\x00"
    (key,) = disk(
        tmp_path,
        chat(
            evil,
            answer_json(evil),
            url="https://h/\x9b31m\u202e/v1/chat/completions",  # what else is in it can be in no URL
            model=evil,
            tools=[{"type": "function", "function": {"name": evil}}],
            **{evil: evil},
        ),
    )

    for option in ((), ("--json",), ("--request",), ("--response",)):
        screen = run_in_terminal("show", key, "--store", str(tmp_path), *option, TERM="dumb")
        assert screen.status == 0, screen.text
        assert not set(screen.raw) & set("\x1b\x07\x9b\x00\u202e")


def test_raw_is_the_bodys_bytes(tmp_path: Path) -> None:
    body = bytes(range(256)) * 3
    (key,) = disk(tmp_path, chat(answer=Body.of([Chunk(body[:300], 0), Chunk(body[300:], 1)])))

    command = [sys.executable, "-m", "replaycache", "show", key, "--store", str(tmp_path), "--raw"]
    response = subprocess.run(command, capture_output=True, check=True).stdout
    request = subprocess.run([*command, "--request"], capture_output=True, check=True).stdout

    assert response == body
    assert json.loads(request)["messages"][0]["content"] == "Say hello."


def test_raw_bytes_are_kept_from_a_terminal_that_would_obey_them(tmp_path: Path) -> None:
    bad, good = disk(tmp_path, chat("bad", b"\x1b[2J"), chat("good", b'{"a": "\xc3\xa9"}\n'))

    refused = run_in_terminal("show", bad, "--store", str(tmp_path), "--raw")
    written = run_in_terminal("show", good, "--store", str(tmp_path), "--raw")

    assert refused.status == 3
    assert "\x1b" not in refused.raw
    assert "> FILE" in refused.text
    assert written.raw == '{"a": "é"}\n'


def test_json_has_all_of_it(tmp_path: Path) -> None:
    body = stream(*map(_delta, ["Hé", "llo"]), every=0.25)
    (key,) = disk(tmp_path, chat(answer=body, content_type="text/event-stream"))

    value = json.loads(_shown(tmp_path, key, "--json"))

    assert value["key"] == key
    assert value["request"]["json"]["messages"] == [{"role": "user", "content": "Say hello."}]
    assert value["request"]["turns"] == [{"role": "user", "parts": [{"kind": "text", "text": "Say hello."}]}]
    assert value["response"]["text"] == body.read().decode()
    assert [offset for offset, _ in value["response"]["chunks"]] == [0.25, 0.5, 0.75]
    assert value["response"]["turns"] == [{"role": "assistant", "parts": [{"kind": "text", "text": "Héllo"}]}]


@pytest.mark.parametrize(
    ("body", "name"), [(b'{"a":1}', "json"), (b'{"a":NaN}', "text"), ("é".encode(), "text"), (b"\xff", "base64")]
)
def test_json_holds_a_body_in_the_form_that_fits(tmp_path: Path, body: bytes, name: str) -> None:
    (key,) = disk(tmp_path, chat(answer=body))

    found = json.loads(_shown(tmp_path, key, "--json", "--response"))["response"]

    assert {"json", "text", "base64"} & found.keys() == {name}


def test_one_side_alone(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat())

    request, response = (_shown(tmp_path, key, option) for option in ("--request", "--response"))

    assert "Say hello." in request
    assert "Hello." not in request
    assert "Say hello." not in response
    assert "Hello." in response
    assert json.loads(_shown(tmp_path, key, "--json", "--request")).keys() & {"request", "response"} == {"request"}


def test_all_of_a_cassette_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassette(path, chat("one"), chat("two"))

    text = replaycache("show", str(path)).stdout
    lines = [json.loads(line) for line in replaycache("show", str(path), "--json").stdout.splitlines()]

    assert text.index("one") < text.index("two")
    assert [line["number"] for line in lines] == [1, 2]


def test_a_recording_that_was_cut_says_so(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, chat(answer=stream(_delta("Hel"), ends=False), complete=False))

    assert "cut short" in _shown(tmp_path, key)


def test_why_an_answer_finished_is_told(tmp_path: Path) -> None:
    body = json.loads(answer_json())
    body["choices"].append({"index": 1, "message": {"content": "a"}, "finish_reason": "length"})
    (key,) = disk(tmp_path, chat(answer=json.dumps(body).encode()))

    assert "\nfinished    stop, length\n" in _shown(tmp_path, key)
    response = json.loads(_shown(tmp_path, key, "--json"))["response"]
    assert (response["verdict"], response["finish_reasons"]) == ("whole", ["stop", "length"])


@pytest.mark.parametrize(
    ("verdict", "answer"), [("unfinished", stream(_delta("Hel"), ends=False)), ("failed", b'{"error": {}}')]
)
def test_an_answer_that_is_not_whole_says_so(tmp_path: Path, verdict: Verdict, answer: Any) -> None:
    recording = chat(answer=answer)
    recording.verdict = verdict
    path = tmp_path / "a.json"
    cassette(path, recording)

    assert f"\n            {verdict}: " in replaycache("show", str(path)).stdout
    response = json.loads(replaycache("show", str(path), "--json").stdout)["response"]
    assert (response["verdict"], response["finish_reasons"]) == (verdict, [])


def test_what_is_paid_by_other_units_says_them(tmp_path: Path) -> None:
    (key,) = disk(tmp_path, rerank())

    text = _shown(tmp_path, key)

    assert "\nunits       2 rerank searches\n" in text
    assert "0 in" not in text


def _with_names_left_out() -> Recording:
    plain = chat()
    names = tuple(f"x-stainless-number-{number}" for number in range(9))
    return Recording(
        request=replace(plain.request, left_out=("authorization", *names), unknown=("anthropic-version",)),
        head=replace(plain.head, left_out=("server", "set-cookie")),
        body=plain.body,
        digest=plain.digest,
        recorded_at=plain.recorded_at,
    )


def test_the_names_of_headers_that_are_not_stored_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassette(path, _with_names_left_out())

    text = replaycache("show", str(path)).stdout
    value = json.loads(replaycache("show", str(path), "--json").stdout)

    assert "\nleft out    authorization, x-stainless-number-0, x-" in text
    assert "\nunknown     anthropic-version\n" in text
    assert "\nleft out    server, set-cookie\n" in text
    assert value["request"]["left_out"][:2] == ["authorization", "x-stainless-number-0"]
    assert value["request"]["unknown"] == ["anthropic-version"]
    assert value["response"]["left_out"] == ["server", "set-cookie"]
    lines = run_in_terminal("show", str(path), "--request", columns=50).text.splitlines()
    assert max(map(len, lines)) <= 50
    assert sum("x-stainless" in line for line in lines) > 2


def test_piped_it_is_the_same_text_at_any_time_and_has_no_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    cassette(path, chat(answer=stream(_delta("Hello"))))
    before = replaycache("show", str(path)).stdout
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert replaycache("show", str(path)).stdout == before
    assert " ago" not in before
    assert "\x1b" not in before


def test_for_git_a_recording_is_the_same_text_wherever_it_stands(tmp_path: Path) -> None:
    alone, second = tmp_path / "a.json", tmp_path / "b.json"
    one, other = chat(answer=stream(_delta("Hello"))), chat("other")
    cassette(alone, one)
    cassette(second, other, one)

    text = replaycache("show", "--textconv", str(alone)).stdout

    assert "assistant\n  Hello\n" in text
    assert replaycache("show", "--textconv", str(second)).stdout.endswith(text)


def _broken(path: Path) -> str:
    cassette(path, chat(answer=stream(_delta("Hello"))))
    return path.read_text("utf-8").replace('"assembled": "Hello"', '"assembled": "Goodbye"')


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"version": 1, "interactions": 3}', "\ufeffné\r\n", '{"format": "replaycache/99"}',
     '{"format": "replaycache/1", "recordings": []}', "<<<<<<< HEAD\n", _broken],
)  # fmt: skip
def test_for_git_what_is_no_cassette_stands_as_it_is(tmp_path: Path, text: str | Callable[[Path], str]) -> None:
    path = tmp_path / "a.json"
    path.write_bytes((text if isinstance(text, str) else text(path)).encode())

    done = replaycache("show", "--textconv", str(path))

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout_bytes == path.read_bytes()


def test_for_git_only_a_file_is_shown(tmp_path: Path) -> None:
    assert replaycache("show", "--textconv", str(tmp_path / "a.json")).exit_code == 3
    assert replaycache("show", "--textconv", "--raw", str(tmp_path / "a.json")).exit_code == 2


def test_an_empty_cassette_has_nothing_to_show(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"format": "replaycache/1", "recordings": []}')

    done = replaycache("show", str(path))

    assert done.exit_code == 1
    assert "no recordings" in done.stderr


def test_a_damaged_recording_is_named(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    (key,) = disk(tmp_path, chat())
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection, connection:
        connection.execute("UPDATE Cache SET value = substr(value, 1, 60)")

    done = replaycache("show", key, "--store", str(tmp_path))

    assert done.exit_code == 3
    assert key in done.stderr
    assert "Traceback" not in done.stderr
