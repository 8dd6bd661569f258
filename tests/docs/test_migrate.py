"""docs/migrate: suites of other recorders, taken along as the pages say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recorded import CHAT, answer_json
from tests.docs.pages import blocks, run_tests, shell

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a shell")

ASKED = {"messages": [{"role": "user", "content": "Say hello."}], "model": "gpt-4o-mini"}
JSON = {"content-type": ["application/json"]}
OF_VCR: dict[str, Any] = {
    "request": {"body": json.dumps(ASKED), "headers": JSON, "method": "POST", "uri": CHAT},
    "response": {
        "body": {"string": answer_json().decode()},
        "headers": JSON,
        "status": {"code": 200, "message": "OK"},
    },
}
OF_CASSETTER: dict[str, Any] = {
    "request": {"method": "POST", "uri": CHAT, "headers": JSON, "body": {"type": "json", "content": ASKED}},
    "response": {"status": 200, "headers": JSON, "body": {"type": "json", "content": json.loads(answer_json())}},
    "recorded_at": "2026-02-20T10:30:01Z",
}


def suite(path: Path, page: str, interaction: dict[str, Any]) -> None:
    """Writes the test of a page, and its cassette as the other recorder wrote it (JSON is YAML)."""
    (tests,) = blocks(page, "python")
    (path / "test_chat.py").write_text(tests, "utf-8")
    cassettes = path / "cassettes" / "test_chat"
    cassettes.mkdir(parents=True)
    (cassettes / "test_chat.yaml").write_text(
        json.dumps({"version": 1, "interactions": [interaction]}) + "\n", "utf-8"
    )


@pytest.mark.exhaustive
def test_a_suite_of_pytest_recording_runs_as_it_stands(tmp_path: Path) -> None:
    suite(tmp_path, "migrate/pytest-recording.md", OF_VCR)
    (tests,) = blocks("migrate/pytest-recording.md", "python")
    (tmp_path / "test_chat.py").write_text(tests.replace("mark.replay", "mark.vcr"), "utf-8")
    as_it_stands, _, _ = blocks("migrate/pytest-recording.md", "sh")

    assert "1 passed" in shell(as_it_stands, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("page", "interaction"),
    [("migrate/pytest-recording.md", OF_VCR), ("migrate/cassetter.md", OF_CASSETTER)],
)
def test_a_suite_is_imported(page: str, interaction: dict[str, Any], tmp_path: Path) -> None:
    suite(tmp_path, page, interaction)
    *_, take_along, replay = blocks(page, "sh")
    assert "1 recording written" in shell(take_along, tmp_path)

    assert "1 replayed, 0 recorded, 0 missed" in shell(replay, tmp_path)


@pytest.mark.exhaustive
def test_a_cassette_under_another_name_is_told(tmp_path: Path) -> None:
    """As the pages promise of tests whose parameters no file name may have."""
    suite(tmp_path, "migrate/pytest-recording.md", OF_VCR)
    module = tmp_path / "test_chat.py"
    module.write_text(
        module.read_text("utf-8").replace(
            "def test_chat()", "@pytest.mark.parametrize('of', ['a/b'])\ndef test_chat(of)"
        ),
        "utf-8",
    )
    cassettes = tmp_path / "cassettes" / "test_chat"
    (cassettes / "test_chat.yaml").rename(cassettes / "test_chat[a-b].yaml")
    *_, take_along, _ = blocks("migrate/pytest-recording.md", "sh")
    shell(take_along, tmp_path)

    told = run_tests(tmp_path, "--replay-mode=replay", fails=True)
    (command,) = {
        line.partition("git ")[2].partition(" (that file")[0] for line in told.splitlines() if "git mv" in line
    }
    shell(command, tmp_path)
    assert "1 passed" in run_tests(tmp_path, "--replay-mode=replay")
