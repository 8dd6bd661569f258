"""What the viewer answers: JSON about calls and recordings, over a socket."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Body, Chunk, Match, Recording, Request, ResponseHead, StoreUnavailable
from replaycache.accounts.prices import LIST_PRICES, Prices
from replaycache.cli.request_text import parse_request
from replaycache.engine.stored_form import stored_form
from replaycache.redaction.redactor import Redactor
from replaycache.serve.calls import CallLog
from replaycache.serve.viewer import routes
from replaycache.serve.viewer.copies import curl_of, pytest_of
from replaycache.serve.viewer.policy import POLICY
from replaycache.serve.viewer.reading import recording_page, request_page
from replaycache.serve.viewer.rows import recording_row
from replaycache.serve.viewer.shelf import Shelved
from replaycache.stores import CassetteStore, MemoryStore
from tests.serve.viewed import OPENAI, Viewed, asking, filled, openai_chat, recorded, seen, viewed
from tests.stores.strategies import recordings

STATIC = Path(routes.__file__).parent / "static"
MARK = {"x-replaycache-viewer": "1"}
SECRET = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vX7" * 2


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewed]:
    """A day of work, which no test changes."""
    store, calls = filled(tmp_path_factory.mktemp("work"))
    with viewed(store, calls) as served:
        yield served
    store.close()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=60) as client:
        yield client


def got(client: httpx2.Client, served: Viewed, path: str, **query: Any) -> Any:
    answer = client.get(served.url + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def memory(*recordings: Recording) -> MemoryStore:
    store = MemoryStore()
    for recording in recordings:
        store.put(Match().key(recording.request), recording)
    return store


# -- calls -------------------------------------------------------------------------------------------------


def test_calls_come_as_they_change(client: httpx2.Client) -> None:
    calls, chat = CallLog(), recorded(OPENAI, asking("Say hello."), openai_chat("Hello."))
    with viewed(memory(chat), calls) as served:
        first = got(client, served, "api/calls")
        assert (first["calls"], first["changes"], first["more"]) == ([], 0, False)
        seen(calls, served.store, chat, "hit")
        second = got(client, served, "api/calls", since=0, run=first["run"])
        begun = calls.begin("POST", "openai", "/v1/chat/completions")
        third = got(client, served, "api/calls", since=second["changes"], run=first["run"])
        nothing = got(client, served, "api/calls", since=third["changes"], run=first["run"])
        other = got(client, served, "api/calls", since=third["changes"], run="another")

    (hit,) = second["calls"]
    assert (hit["number"], hit["status"], hit["model"], hit["asked"]) == (1, "hit", "gpt-4.1-mini", "Say hello.")
    assert (hit["tokens_in"], hit["tokens_out"], hit["code"]) == (420, 96, 200)
    assert [(call["number"], call["status"], call["seconds"]) for call in third["calls"]] == [
        (begun.number, "", None)
    ]
    assert nothing["calls"] == []
    assert len(other["calls"]) == 2  # to who saw another run


def test_many_calls_come_in_parts(client: httpx2.Client) -> None:
    calls, chat = CallLog(), recorded(OPENAI, asking("Say hello."), openai_chat("Hello."))
    store = memory(chat)
    for _ in range(1100):
        seen(calls, store, chat, "hit")
    with viewed(store, calls) as served:
        numbers: list[int] = []
        told: dict[str, Any] = {"more": True, "changes": 0, "run": ""}
        while told["more"]:
            told = got(client, served, "api/calls", since=told["changes"], run=told["run"])
            assert len(told["calls"]) <= 200
            numbers += [call["number"] for call in told["calls"]]

    assert numbers == list(range(101, 1101))


def test_a_recording_that_was_made_anew_is_told_as_it_is_now(client: httpx2.Client) -> None:
    calls = CallLog()
    first = recorded(OPENAI, asking("Say hello."), openai_chat("Hello.", usage=(10, 1)))
    second = recorded(OPENAI, asking("Say hello."), openai_chat("Hi.", usage=(10, 2)))
    with viewed(memory(first), calls) as served:
        for recording, status in ((first, "hit"), (second, "miss"), (second, "hit")):
            served.store.put(Match().key(recording.request), recording)
            seen(calls, served.store, recording, status)
            got(client, served, "api/calls")
        told = got(client, served, "api/calls")["calls"]

    assert [call["tokens_out"] for call in told] == [1, 2, 2]


def test_a_call_tells_its_recording(client: httpx2.Client, work: Viewed) -> None:
    told = got(client, work, "api/calls/13")

    assert told["call"]["status"] == "hit"
    assert told["why"] is None
    page = told["recording"]
    turns = [(turn["role"], turn["parts"][0]["kind"]) for turn in page["request"]["turns"]["turns"]]
    assert turns == [("system", "text"), ("user", "text"), ("assistant", "tool call"), ("tool", "tool result")]
    assert page["response"]["turns"]["turns"][0]["parts"][0]["text"].startswith("Yes: invoice 2026-1184")
    assert page["response"]["finish_reasons"] == ["stop"]
    assert page["request"]["left_out"] == ["authorization", "user-agent"]
    assert page["response"]["left_out"] == ["set-cookie", "cf-ray"]
    assert (page["usage"]["input"], page["usage"]["output"], page["usage"]["price"]) == (1312, 58, "$0.003088")
    chunks = page["stream"]["chunks"]
    assert page["stream"]["count"] == len(chunks)
    assert "".join(part[1] for chunk in chunks for part in chunk[4]).startswith("Yes: invoice 2026-1184")
    assert sum(page["stream"]["bars"]) == page["row"]["size"]


def test_a_miss_tells_the_nearest_recording_and_where_it_differs(client: httpx2.Client, work: Viewed) -> None:
    told = got(client, work, "api/calls/11")

    assert (told["call"]["status"], told["recording"]) == ("refused", None)
    assert told["request"]["turns"]["turns"][0]["parts"][0]["text"].startswith("Write a title of six words")
    assert [one["path"] for one in told["why"]["differences"]] == ["messages[0].content"]
    assert told["why"]["nearest"]["asked"].startswith("Write a title of five words")


def test_a_call_that_came_to_another_store_says_so(client: httpx2.Client) -> None:
    calls, chat = CallLog(), recorded(OPENAI, asking("Say hello."), openai_chat("Hello."))
    with viewed(memory(chat), calls) as served:
        seen(calls, served.store, chat, "hit")
        seen(calls, served.store, chat, "hit")
        calls.since(0)[1].store = "tests/cassettes/hello.json"
        told = [got(client, served, f"api/calls/{number}")["elsewhere"] for number in (1, 2)]

    assert told == ["", "tests/cassettes/hello.json"]


def test_what_was_recorded_by_the_call_itself_is_not_nearest_to_it(client: httpx2.Client, work: Viewed) -> None:
    told = got(client, work, "api/calls/7")

    assert told["call"]["status"] == "miss"
    assert told["recording"]["row"]["key"] == told["call"]["key"]
    assert told["why"]["nearest"]["key"] != told["call"]["key"]


# -- what is stored ----------------------------------------------------------------------------------------


def test_the_list_of_what_is_stored_is_filtered_and_searched(client: httpx2.Client, work: Viewed) -> None:
    def models(**query: str) -> list[str]:
        return [row["model"] for row in got(client, work, "api/recordings", **query)["rows"]]

    assert len(models()) == 6
    assert models()[0] == "gpt-4.1"  # the newest
    assert models(upstream="googleapis") == models(model="gemini") == models(text="fatura") == ["gemini-2.5-flash"]
    assert models(text="backlog IN step 2") == ["claude-sonnet-4-5"]  # over many events
    assert models(text="sea in the morning") == ["gpt-4.1-mini"]
    assert models(text="not a word of it") == models(status="failed") == models(status="cut") == []
    key = got(client, work, "api/recordings")["rows"][3]["key"]
    assert len(models(text=key[:10])) == 1


def test_a_large_store_is_told_in_pages(client: httpx2.Client) -> None:
    store = memory(*(recorded(OPENAI, asking(f"Number {n}?"), openai_chat("Yes.")) for n in range(250)))
    with viewed(store) as served:
        keys: list[str] = []
        start: int | None = 0
        while start is not None:
            told = got(client, served, "api/recordings", start=start)
            keys += [row["key"] for row in told["rows"]]
            start = told["next"]
        found = 0
        start = 0
        while start is not None:
            told = got(client, served, "api/recordings", start=start, text="number 7?")
            found += len(told["rows"])
            start = told["next"]

    assert keys == list(store.keys())[::-1]
    assert (told["looked"], told["total"], found) == (250, 250, 1)


def test_a_cassettes_recordings_have_numbers(client: httpx2.Client, tmp_path: Path) -> None:
    store = CassetteStore(tmp_path / "chat.json")
    store.append(*(recorded(OPENAI, asking("Say hello."), openai_chat(text)) for text in ("one", "two", "three")))
    with viewed(store) as served:
        rows = got(client, served, "api/recordings")["rows"]
        assert [row["number"] for row in rows] == [3, 2, 1]
        assert len({row["key"] for row in rows}) == 1
        key = rows[0]["key"]
        page = got(client, served, f"api/recordings/{key}/2")["recording"]
        assert page["response"]["turns"]["turns"][0]["parts"][0]["text"] == "two"
        assert client.delete(f"{served.url}api/recordings/{key}/2", headers=MARK).status_code == 200
        assert client.delete(f"{served.url}api/recordings/{key}/3", headers=MARK).status_code == 404
        assert client.get(f"{served.url}api/recordings/{'0' * 32}/1").status_code == 404

    assert [json.loads(one.body.read())["choices"][0]["message"]["content"] for one in store.all()] == [
        "one",
        "three",
    ]


def test_a_cassettes_keys_are_those_of_the_rules_in_force(client: httpx2.Client, tmp_path: Path) -> None:
    store, calls, match = CassetteStore(tmp_path / "chat.json"), CallLog(), Match(scope="team")
    recording = recorded(OPENAI, asking("Say hello."), openai_chat("Hello."))
    store.append(recording)
    seen(calls, store, recording, "hit", key=match.key(recording.request))
    with viewed(store, calls, match) as served:
        told = got(client, served, "api/calls/1")

    assert told["recording"]["row"]["key"] == match.key(recording.request) != Match().key(recording.request)


def test_bodies_are_downloaded_as_files(client: httpx2.Client) -> None:
    page = b"<script>alert(1)</script>" * 9
    recording = recorded(OPENAI, asking("Say hello."), Body.of([Chunk(page, 0.1), Chunk(bytes(range(256)), 0.2)]))
    with viewed(memory(recording)) as served:
        path = f"{served.url}api/recordings/{Match().key(recording.request)}/0"
        for side, expected in (("request", recording.request.body), ("response", recording.body.read())):
            answer = client.get(f"{path}/{side}-body")
            assert answer.content == expected
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["content-disposition"] == f'attachment; filename="{side}-body"'
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.exhaustive
def test_large_bodies_are_told_in_part(client: httpx2.Client) -> None:
    piece = json.dumps({"choices": [{"index": 0, "delta": {"content": "word " * 2000}}]}).encode()
    many = Body.of([Chunk(b"data: %s\n\n" % piece, at / 100) for at in range(10_000)])
    assert many.size > 90 << 20
    recording = recorded(OPENAI, asking("x" * 300_000), many)
    with viewed(memory(recording)) as served:
        answer = client.get(f"{served.url}api/recordings/{Match().key(recording.request)}/0")
        rows = client.get(f"{served.url}api/recordings", params={"text": "word"})

    assert len(answer.content) < 4 << 20
    page = answer.json()["recording"]
    assert page["stream"]["count"] == 10_000
    assert len(page["stream"]["chunks"]) == 2000
    assert page["response"]["too_large"]
    assert page["response"]["body"]["shown"] == 64 << 10
    (part,) = page["request"]["turns"]["turns"][0]["parts"]
    assert len(part["text"]) + part["more"] == 300_000
    assert rows.json()["rows"] == []


def test_bytes_that_are_no_text_are_told_in_hexadecimal(client: httpx2.Client) -> None:
    sound = recorded(
        "https://api.openai.com/v1/audio/speech", {"model": "tts-1", "input": "Hello."}, b"ID3\x00\xff" * 99
    )
    page = recording_page(Shelved("k", 0, sound), LIST_PRICES)

    assert page["response"]["body"]["hex"][0] == [
        "00000000",
        "49 44 33 00 ff 49 44 33 00 ff 49 44 33 00 ff 49",
        "ID3..ID3..ID3..I",
    ]


# -- what is changed, and by whom --------------------------------------------------------------------------


def test_deleting(client: httpx2.Client) -> None:
    recording = recorded(OPENAI, asking("Say hello."), openai_chat("Hello."))
    with viewed(memory(recording)) as served:
        path = f"{served.url}api/recordings/{Match().key(recording.request)}/0"
        refused = client.delete(path)
        assert refused.status_code == 403
        assert "x-replaycache-viewer" in refused.json()["error"]
        assert len(served.store) == 1
        assert client.delete(path, headers=MARK).json() == {"deleted": True}
        assert len(served.store) == 0
        assert client.delete(path, headers=MARK).status_code == 404
        assert client.get(path).status_code == 404


def export(client: httpx2.Client, served: Viewed, *names: tuple[str, int], **more: Any) -> httpx2.Response:
    order = {"recordings": [{"key": key, "number": number} for key, number in names], **more}
    return client.post(f"{served.url}api/export", json=order, headers=MARK)


def test_a_cassette_is_exported_and_replays(client: httpx2.Client, work: Viewed, tmp_path: Path) -> None:
    rows = got(client, work, "api/recordings")["rows"]
    told = export(client, work, *((row["key"], row["number"]) for row in rows[:2]), ("0" * 32, 0)).json()

    assert (told["written"], told["name"]) == (2, "replaycache-2-recordings.json")
    assert [one["recording"] for one in told["damaged"]] == ["0" * 32]
    (tmp_path / "exported.json").write_text(told["cassette"])
    exported = CassetteStore(tmp_path / "exported.json").all()
    assert [one.request for one in exported] == [
        one.request for row in rows[:2] if (one := work.store.get(row["key"])) is not None
    ]
    only = export(client, work, (rows[0]["key"], 0)).json()
    assert only["name"] == f"chat-{rows[0]['key'][:8]}.json"


def test_a_secret_is_not_exported_and_not_told(client: httpx2.Client) -> None:
    recording = recorded(OPENAI, asking(f"My key is {SECRET}."), openai_chat("Keep it."))
    with viewed(memory(recording)) as served:
        name = (Match().key(recording.request), 0)
        refused = export(client, served, name)
        replaced = export(client, served, name, secrets="replace")

    assert refused.json()["cassette"] is None
    assert "messages[0].content" in refused.json()["secrets"][0]["why"]
    assert SECRET not in refused.text + replaced.text
    assert replaced.json()["written"] == 1
    assert "Keep it." in replaced.json()["cassette"]


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"recordings": []}, 400),
        ({"recordings": [{"key": "k"}]}, 400),
        ({"recordings": [{"key": 1, "number": 0}]}, 400),
        ({"recordings": [{"key": "k", "number": True}]}, 400),
        ({"recordings": [{"key": "k", "number": 0}], "secrets": "keep"}, 400),
        ([], 400),
        ({"recordings": [{"key": "k", "number": 0}] * 501}, 413),
        ({"recordings": [{"key": "k" * 300_000, "number": 0}]}, 413),
    ],
)
def test_an_order_that_is_none_is_refused(client: httpx2.Client, work: Viewed, order: Any, status: int) -> None:
    answer = client.post(f"{work.url}api/export", json=order, headers=MARK)

    assert answer.status_code == status
    assert answer.json()["error"]


def test_only_the_page_itself_may_change_something(client: httpx2.Client, work: Viewed) -> None:
    """What a page of another origin can send without being asked first."""
    body = json.dumps({"recordings": [{"key": "k", "number": 0}]})
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
        answer = client.post(f"{work.url}api/export", content=body, headers={"content-type": content_type})
        assert answer.status_code == 403
    asked_first = {"origin": "http://evil.test", "access-control-request-headers": "x-replaycache-viewer"}
    for path in ("api/export", "api/recordings/k/0"):
        answer = client.options(work.url + path, headers={**asked_first, "access-control-request-method": "POST"})
        assert answer.status_code == 405
        assert not [name for name in answer.headers if name.startswith("access-control")]
    answer = client.post(f"{work.url}api/export", content=body, headers={"content-type": "text/plain", **MARK})
    assert answer.status_code == 415
    answer = client.post(
        f"{work.url}api/export", content=b"{", headers={"content-type": "application/json", **MARK}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "", "login", "static/viewer.js", "static/none.js", "static/..%2f__init__.py", "none", "api/calls",
        "api/calls/99", "api/calls?since=x", "api/recordings?start=-1", "api/recordings/k/0",
        "api/recordings/k/0/copy", "api/saved",
    ],
)  # fmt: skip
def test_every_answer_says_what_may_run(client: httpx2.Client, work: Viewed, path: str) -> None:
    answer = client.get(work.url + path)

    assert answer.status_code in (200, 400, 404)
    expected = POLICY | ({"referrer-policy": "same-origin"} if path == "login" else {})
    assert {name: answer.headers[name] for name in POLICY} == expected
    if "none" in path or ".." in path:
        assert answer.status_code == 404


def test_the_page_asks_for_nothing_of_others(client: httpx2.Client, work: Viewed) -> None:
    scripts = [f"static/{path.name}" for path in STATIC.glob("*.js")]
    for name in ("", "login", "login?wrong=%3Cb%3E", "static/viewer.css", *scripts):
        text = client.get(work.url + name).text
        assert set(re.findall(r"https?://[\w./-]+", text)) <= {"http://www.w3.org/2000/svg"}
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text)
        assert not re.search(r"<[^>]*\s(on\w+|style)=", text) or name.endswith((".js", ".css"))


# -- copies ------------------------------------------------------------------------------------------------


def test_a_curl_command_and_a_test(client: httpx2.Client, work: Viewed) -> None:
    key = got(client, work, "api/recordings")["rows"][1]["key"]
    curl = got(client, work, f"api/recordings/{key}/0/copy", **{"as": "curl"})
    test = got(client, work, f"api/recordings/{key}/0/copy", **{"as": "pytest"})
    of_call = got(client, work, "api/calls/11/copy", **{"as": "curl"})

    assert curl["text"].startswith("curl --globoff --url https://api.anthropic.com/v1/messages \\\n")
    assert '--header "x-api-key: $ANTHROPIC_API_KEY"' in curl["text"]
    assert f"@pytest.mark.replay('messages-{key[:8]}.json')" in test["text"]
    assert "httpx.stream(" in test["text"]
    assert '--header "authorization: Bearer $OPENAI_API_KEY"' in of_call["text"]
    assert client.get(f"{work.url}api/recordings/{key}/0/copy", params={"as": "perl"}).status_code == 400


@pytest.mark.exhaustive
def test_the_copied_test_passes_with_the_exported_cassette(
    client: httpx2.Client, work: Viewed, tmp_path: Path
) -> None:
    row = got(client, work, "api/recordings")["rows"][0]
    told = export(client, work, (row["key"], 0)).json()
    test = got(client, work, f"api/recordings/{row['key']}/0/copy", **{"as": "pytest"})
    (tmp_path / "test_copied.py").write_text(test["text"])
    (tmp_path / "cassettes" / "test_copied").mkdir(parents=True)
    (tmp_path / "cassettes" / "test_copied" / told["name"]).write_text(told["cassette"])

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--replay-mode",
            "replay",
            "test_copied.py",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 passed" in done.stdout, done.stdout + done.stderr


def _arguments(command: str) -> list[str]:
    """What a shell makes of a command, in place of calling curl."""
    script = f"curl() {{ printf '%s\\0' \"$@\"; }}\nOPENAI_API_KEY=held\n{command}"
    done = subprocess.run(["/bin/sh", "-eu"], input=script.encode(), capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


HOSTILE = [
    "it's",
    "'; touch /tmp/owned; '",
    '$(touch /tmp/owned) `id` $HOME ${x} \\ " ! \n second line \\',
    "@/etc/passwd",
    "-o /tmp/owned",
    "ü ñ 漢字 🙂",
]


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell on this machine")
@pytest.mark.parametrize("text", HOSTILE)
def test_a_shell_takes_nothing_recorded_for_more_than_text(text: str) -> None:
    for body in (text.encode(), json.dumps(asking(text), ensure_ascii=False).encode()):
        recording = recorded(OPENAI, body, openai_chat("Hello."))
        found = _arguments(curl_of(recording.request).text)
        assert found[found.index("--data-raw") + 1] == body.decode()
        assert "authorization: Bearer held" in found


@pytest.mark.parametrize("body", [b"\x1b[201~\nid\n", b"\0", b"\xff", b"x" * 200_000, "\u202e".encode()])
def test_what_a_terminal_would_obey_is_left_for_a_file(body: bytes) -> None:
    recording = recorded(OPENAI, body, openai_chat("Hello."))
    copied = curl_of(recording.request)

    assert "--data-binary @request-body" in copied.text
    assert "request-body" in copied.note
    assert copied.text.isascii()


def test_of_a_form_the_files_are_named() -> None:
    url = "https://api.openai.com/v1/audio/transcriptions"
    fields = [
        b'Content-Disposition: form-data; name="model"\r\n\r\nwhisper-1',
        b'Content-Disposition: form-data; name="prompt"\r\n\r\n@/etc/passwd',
        (
            b'Content-Disposition: form-data; name="file"; filename="../a b;type=x.mp3"\r\n'
            b"Content-Type: audio/mpeg\r\n\r\nID3\x00"
        ),
    ]
    body = b"".join(b"--b\r\n%s\r\n" % field for field in fields) + b"--b--\r\n"
    sent = Request("POST", url, (("content-type", "multipart/form-data; boundary=b"),), body)
    copied = curl_of(stored_form(sent, Redactor()))

    assert "--data" not in copied.text
    assert "content-type" not in copied.text
    assert "--form-string model=whisper-1" in copied.text
    assert "--form-string prompt=@/etc/passwd" in copied.text
    assert "--form file=@_a_b_type_x.mp3" in copied.text
    assert "_a_b_type_x.mp3 is not stored" in copied.note
    ast.parse(pytest_of(stored_form(sent, Redactor()), "a.json").text)


@given(recordings)
def test_a_curl_command_says_the_same_as_what_was_recorded(recording: Recording) -> None:
    request = recording.request
    copied = curl_of(request)
    assert "\x1b" not in copied.text
    if "--data-raw" in copied.text and request.url.isascii():
        found = parse_request(copied.text.encode())
        assert (found.method, found.url, found.body) == (request.method, request.url, request.body)


@given(recordings, st.booleans())
def test_a_copied_test_is_python(recording: Recording, is_stream: bool) -> None:
    copied = pytest_of(recording.request, "a.json", status=recording.head.status, is_stream=is_stream)

    ast.parse(copied.text)


_TEXTS = st.text(max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_TEXTS, _VALUES, max_size=5))
def test_a_copied_test_asks_the_same(body: Any) -> None:
    data = json.dumps(body).encode()
    tree = ast.parse(pytest_of(recorded(OPENAI, data, b"{}").request, "a.json").text)
    given = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "json"]

    assert [ast.literal_eval(node) for node in given] == [json.loads(data)]


def test_credentials_have_placeholders_by_their_providers() -> None:
    for url, variable in {
        OPENAI: "OPENAI_API_KEY",
        "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent": "GEMINI_API_KEY",
        "https://api.mistral.ai/v1/chat/completions": "MISTRAL_API_KEY",
        "http://127.0.0.1:8080/v1/chat/completions": "API_KEY",
    }.items():
        recording = recorded(url, asking("Hello."), openai_chat("Hello."))
        assert f'"authorization: Bearer ${variable}"' in curl_of(recording.request).text


# -- what fails --------------------------------------------------------------------------------------------


class Failing(MemoryStore):
    """A store that is gone."""

    location = "redis://cache.test"

    def get(self, key: str) -> Recording | None:
        raise StoreUnavailable("redis://cache.test does not answer; start it again")

    def delete(self, key: str) -> bool:
        raise StoreUnavailable("redis://cache.test does not answer; start it again")

    def newest(self, limit: int) -> Any:
        raise StoreUnavailable("redis://cache.test does not answer; start it again")


def test_a_store_that_fails_says_so(client: httpx2.Client) -> None:
    calls, chat = CallLog(), recorded(OPENAI, asking("Say hello."), openai_chat("Hello."))
    with viewed(Failing(), calls) as served:
        seen(calls, served.store, chat, "hit")
        seen(calls, served.store, chat, "refused")
        for path in ("api/recordings", "api/recordings/k/0", "api/saved"):
            answer = client.get(served.url + path)
            assert (answer.status_code, answer.json()) == (
                503,
                {"error": "redis://cache.test does not answer; start it again"},
            )
        assert client.delete(f"{served.url}api/recordings/k/0", headers=MARK).status_code == 503
        assert len(got(client, served, "api/calls")["calls"]) == 2  # the calls are listed all the same
        for number in (1, 2):
            assert "does not answer" in got(client, served, f"api/calls/{number}")["problem"]


def test_what_was_saved_is_told_of_calls_and_of_recordings(client: httpx2.Client, work: Viewed) -> None:
    told = got(client, work, "api/saved")
    assert (told["of"], told["total"]["calls"], told["total"]["hits"]) == ("calls", 16, 12)
    assert told["total"]["saved"]["usd_told"].startswith("$0.0")
    assert told["models"][0]["name"] == "claude-sonnet-4-5"
    assert [line["calls"] for line in told["days"]] == [16]

    undated = recorded(OPENAI, asking("Hello?"), openai_chat("Hello."), age=time.time())
    with viewed(memory(recorded(OPENAI, asking("Say hello."), openai_chat("Hello.")), undated)) as served:
        told = got(client, served, "api/saved")
    assert (told["of"], told["total"]["calls"], len(told["days"])) == ("recordings", 2, 1)
    with viewed(MemoryStore()) as served:
        assert got(client, served, "api/saved")["total"]["calls"] == 0


def test_money_is_told_by_the_users_own_prices(client: httpx2.Client) -> None:
    answer = {**openai_chat("Hello."), "model": "mine", "usage": {"prompt_tokens": 1000, "completion_tokens": 0}}
    one = recorded("https://gateway.example/v1/chat/completions", asking("Say hello."), answer)
    with viewed(memory(one), prices=Prices({"mine": {"input": 1000}})) as served:
        assert got(client, served, "api/saved")["models"][0]["spent"]["usd"] == 1.0
        row = got(client, served, "api/recordings")["rows"][0]
        usage = got(client, served, f"api/recordings/{row['key']}/{row['number']}")["recording"]["usage"]
        assert usage["price"] == "$1.00"


@given(recordings)
def test_every_recording_can_be_told(recording: Recording) -> None:
    one = Shelved("k", 1, recording)
    page = recording_page(one, LIST_PRICES)

    json.dumps([page, recording_row(one), request_page(recording.request)], allow_nan=False)
    assert page["response"]["body"]["size"] == recording.size
    assert sum(page["stream"]["bars"] if page["stream"] else ()) in (0, recording.size)


@given(recordings, st.sampled_from(["text/event-stream", "application/json", "application/x-ndjson", ""]), _VALUES)
def test_every_conversation_can_be_told(recording: Recording, content_type: str, value: Any) -> None:
    pieces = [
        b"data: %s\n\n" % json.dumps(value).encode(),
        b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
    ]
    changed = recording.with_parts(
        request=Request("POST", OPENAI, (), json.dumps({"messages": [value]}).encode()),
        head=ResponseHead(200, (("content-type", content_type),)),
        body=Body.of([Chunk(piece, 0.1) for piece in pieces]),
    )

    json.dumps(recording_page(Shelved("k", 0, changed), LIST_PRICES), allow_nan=False)
