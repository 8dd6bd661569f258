"""`replaycache explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replaycache import Match
from replaycache.stores import DiskStore
from tests.cli.recorded import CHAT, cassette, chat, disk, replaycache

BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello."}]}
KEY = Match().key(chat().request)


def _json(*arguments: str, given: str | None = None, status: int = 0) -> Any:
    done = replaycache("explain", "--json", *arguments, given=given)
    assert done.exit_code == status, done.stderr
    return json.loads(done.stdout)


def _curl(body: dict[str, Any]) -> str:
    headers = "-H 'Content-Type: application/json' -H 'Authorization: Bearer sk-1'"
    return f"curl {CHAT} \\\n  {headers} -d '{json.dumps(body)}'"


@pytest.mark.parametrize(
    "text",
    [
        _curl(BODY),
        f"POST /v1/chat/completions HTTP/1.1\nHost: api.openai.com\nAccept: */*\n\n{json.dumps(BODY)}",
        f"POST {CHAT}\ncontent-type: application/json\n\n{json.dumps(BODY, indent=2)}\n",
    ],
    ids=["curl", "http", "http-file"],
)
def test_a_request_comes_as_people_have_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "request.txt"
    path.write_text(text)

    assert _json(given=text)["key"] == KEY
    assert _json("-", given=text)["key"] == KEY
    assert _json(str(path))["key"] == KEY


def test_a_body_needs_its_url(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_text(json.dumps(BODY))

    without = replaycache("explain", str(path))

    assert without.exit_code == 2
    assert "--url https://" in without.stderr
    assert _json(str(path), "--url", CHAT)["key"] == KEY


def test_a_recording_is_explained_by_its_key(tmp_path: Path) -> None:
    (key,) = disk(tmp_path / "cache", chat(temperature=1, n=1))
    path = tmp_path / "a.json"
    cassette(path, chat(temperature=1, n=1), chat("other"))

    for arguments in ((key, "--store", str(tmp_path / "cache")), (f"{path}#1",), ("#1", "--store", str(path))):
        found = _json(*arguments)
        assert found["key"] == KEY
        assert [rule["rule"] for rule in found["rules"]] == ["default", "default"]
        assert json.loads(found["canonical"]["body"]) == BODY


def test_it_is_said_whether_a_recording_answers(tmp_path: Path) -> None:
    disk(tmp_path, chat())

    answered = _json("--store", str(tmp_path), given=_curl(BODY | {"n": 1}))
    asked = _curl(BODY | {"n": 1, "messages": [{"role": "user", "content": "Say bye."}]})
    missed = _json("--store", str(tmp_path), given=asked)
    text = replaycache("explain", "--store", str(tmp_path), given=asked).stdout

    assert answered["recorded"] is True
    assert missed["recorded"] is False
    assert missed["nearest"] == [{"path": "messages[0].content", "a": "Say hello.", "b": "Say bye."}]
    assert "nearest" in text
    assert '- "Say hello."' in text
    assert '+ "Say bye."' in text


def test_a_recording_made_under_other_rules_says_so(tmp_path: Path) -> None:
    recording = chat(url="http://127.0.0.1:4000/v1/chat/completions")
    match = Match(hosts={"127.0.0.1:*": "api.openai.com"})
    store = DiskStore(tmp_path)
    store.put(match.key(recording.request), recording)
    store.close()
    command = ("explain", KEY, "--store", str(tmp_path))

    without = replaycache(*command).stdout
    given = replaycache(*command, "--host", "127.0.0.1:*=api.openai.com").stdout

    assert f"stored as   {KEY}: it was recorded with a Match of its own" in without
    assert f"key         {KEY}\n" in given
    assert "stored as" not in given
    assert "hosts: http://127.0.0.1:4000 counts as https://api.openai.com" in given


def test_what_a_cache_passes_through_is_said(tmp_path: Path) -> None:
    text = replaycache("explain", given="GET https://api.openai.com/v1/models\n").stdout

    assert "passes it through" in text


def test_two_with_the_same_key(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text(_curl(BODY | {"n": 1}))
    second.write_text(_curl({"messages": BODY["messages"], "stop": None, "model": "gpt-4o-mini"}))

    found = _json(str(first), str(second))
    text = replaycache("explain", str(first), str(second)).stdout

    assert found["same"] is True
    assert found["keys"] == [KEY, KEY]
    assert found["counts"] == []
    assert {item["path"] for item in found["does_not_count"]} == {"n", "stop"}
    assert "same key    yes" in text
    assert "default: n=1 is the default (https://platform.openai.com/" in text


def test_two_with_different_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(_curl(BODY | {"n": 1, "temperature": 0.5}))
    (key,) = disk(tmp_path / "cache", chat("Say bye."))

    found = _json(str(path), key, "--store", str(tmp_path / "cache"), status=1)

    assert found["same"] is False
    assert found["keys"][1] == key
    assert [item["path"] for item in found["counts"]] == ["messages[0].content", "temperature"]
    assert [item["path"] for item in found["does_not_count"]] == ["n"]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (("--header", "OpenAI-Beta: x"), "header openai-beta"),
        (("--header", "OpenAI-Beta:"), "header openai-beta"),
        (("--url", "https://other.example/v1/chat/completions"), "url"),
        (("--url", f"{CHAT}?a=b"), "url"),
    ],
    ids=str,
)
def test_what_stands_outside_the_body_is_told_too(tmp_path: Path, arguments: tuple[str, ...], path: str) -> None:
    (key,) = disk(tmp_path / "cache", chat())
    body = tmp_path / "a.json"
    body.write_text(json.dumps(BODY))
    url = () if "--url" in arguments else ("--url", CHAT)

    found = _json(str(body), key, "--store", str(tmp_path / "cache"), *arguments, *url, status=1)

    assert [item["path"] for item in found["counts"]] == [path]


def test_the_rules_of_a_match_can_be_given(tmp_path: Path) -> None:
    first = _json("--ignore", "metadata.run", given=_curl(BODY | {"metadata": {"run": 1}, "user": "u"}))
    same = _json("--ignore", "metadata.run", given=_curl(BODY | {"metadata": {"run": 2}, "user": "u"}))
    unfolded = _json("--no-folding", given=_curl(BODY | {"n": 1}))
    local = _json(
        "--host", "localhost:*=api.openai.com", given=_curl(BODY).replace("api.openai.com", "localhost:8")
    )
    sampled = _json("--sample", "3", given=_curl(BODY))

    assert first["key"] == same["key"]
    assert [rule["rule"] for rule in first["rules"]] == ["ignore"]
    assert unfolded["rules"] == []
    assert unfolded["key"] != KEY
    assert local["key"] == KEY
    assert [rule["rule"] for rule in local["rules"]] == ["hosts"]
    assert sampled["key"] == Match().key(chat().request, sample=3)


def test_no_credential_is_written(tmp_path: Path) -> None:
    text = _curl(BODY | {"api_key": "hunter2"}).replace(CHAT, f"{CHAT}?api_key=hunter2").replace("sk-1", "hunter2")
    path = tmp_path / "a.txt"
    path.write_text(text)
    (key,) = disk(tmp_path / "cache", chat("x"))

    for arguments in ((str(path),), (str(path), key), (str(path), key, "--json")):
        done = replaycache("explain", *arguments, "--store", str(tmp_path / "cache"))
        assert "hunter2" not in done.stdout + done.stderr


def test_nothing_in_a_request_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    body = {"model": "m\u202e", "messages": [{"role": "user", "content": "\x1b[2J\x9b"}], "\x1bx": "\x07"}
    given = json.dumps(body, ensure_ascii=False)
    (key,) = disk(tmp_path, chat())

    path = tmp_path / "\x1b[2Ja.txt"
    path.write_text(given)
    for arguments in (("-",), (str(path), key), ("-", key)):
        done = replaycache("explain", *arguments, "--store", str(tmp_path), "--url", CHAT, given=given)
        assert not set(done.stdout + done.stderr) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize("depth", [300, 930, 5000])
def test_bodies_nested_deeply_are_no_trouble(tmp_path: Path, depth: int) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    for path, value in ((first, "1"), (second, "2")):
        path.write_text('{"a":' * depth + value + "}" * depth)
    (key,) = disk(tmp_path / "cache", chat(body=first.read_bytes()))

    for arguments in ((str(first),), (str(first), str(second)), (str(second), key)):
        done = replaycache("explain", *arguments, "--url", CHAT, "--store", str(tmp_path / "cache"))
        assert done.exit_code == (len(arguments) > 1), done.stderr
    assert replaycache("show", key, "--store", str(tmp_path / "cache")).exit_code == 0
    assert replaycache("ls", str(tmp_path / "cache")).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "given", "part"),
    [
        ((), "", "is empty"),
        ((), "hello there", "this is no request"),
        (("--url", "api.openai.com"), "{}", "is no absolute URL"),
        ((), "curl -d '{", "cannot be read"),
        ((), "curl https://a.b/ -d @body.json", "takes its body from the file 'body.json'"),
        ((), "curl https://a.b/ --frobnicate", "--frobnicate"),
        (("a", "b", "c"), "", "one request or two"),
        (("--header", "nonsense", "--url", CHAT), "{}", "--header"),
        (("--host", "nonsense", "--url", CHAT), "{}", "--host"),
        (("--ignore", "a..b", "--url", CHAT), "{}", "a..b"),
    ],
    ids=str,
)
def test_what_cannot_be_explained(arguments: tuple[str, ...], given: str, part: str) -> None:
    done = replaycache("explain", *arguments, given=given)

    assert done.exit_code == 2
    assert part in done.stderr
    assert done.stdout == ""


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = replaycache("explain", str(tmp_path / "gone.txt"))

    assert done.exit_code == 3
    assert "does not exist" in done.stderr


def test_a_scrub_and_what_is_redacted_may_be_tried() -> None:
    asked = [BODY | {"messages": [{"role": "user", "content": f"run-{n} at 2026-11-0{n}"}]} for n in (1, 2)]
    scrubs = ("--scrub", "date", "--scrub", r"run-\d+=run-N")
    first, second = (_json(*scrubs, given=_curl(body)) for body in asked)
    assert first["key"] == second["key"]
    assert "run-N at <date>" in first["canonical"]["body"]

    redacted = [_json("--redact", "messages[*].content", given=_curl(body)) for body in asked]
    assert redacted[0]["key"] != redacted[1]["key"]
    assert "run-1" not in redacted[0]["canonical"]["body"]
    refused = replaycache("explain", "--redact", "a..b", "--url", CHAT, given="{}")
    assert refused.exit_code == 2
    assert "a..b" in refused.stderr


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [("localhost", False), ("localhost, *.openai.com:443", True), ("api.openai.com:80", False)],
)
def test_it_says_whether_the_host_is_ignored(monkeypatch: pytest.MonkeyPatch, hosts: str, expected: bool) -> None:
    assert _json("--ignore-hosts", hosts, given=_curl(BODY))["ignored"] is expected
    told = replaycache("explain", "--ignore-hosts", hosts, given=_curl(BODY)).stdout
    assert ("one of ignore_hosts" in told) is expected
    monkeypatch.setenv("REPLAYCACHE_IGNORE_HOSTS", hosts)
    assert _json(given=_curl(BODY))["ignored"] is expected
    assert _json("--ignore-hosts", "other.example", given=_curl(BODY))["ignored"] is False


def test_a_wrong_host_is_told() -> None:
    done = replaycache("explain", "--ignore-hosts", "https://api.openai.com", given=_curl(BODY))

    assert done.exit_code == 2
    assert "write the host alone" in done.stderr
