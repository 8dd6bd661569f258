"""What a cassette or a file's name says of terminals is shown to people, and done by no terminal."""

from __future__ import annotations

from pathlib import Path

from replaycache import Body, Chunk, Recording, Request, ResponseHead
from replaycache.stores import CassetteStore
from tests.plugin.projects import Project

pytest_plugins = ["pytester"]

EVIL = "\x9b31m\u202e\x85"
OBEYED = set("\x1b\x07\x9b\x85\u202e\x00")


def evil(path: Path, url: str) -> None:
    CassetteStore(path).append(
        Recording(
            request=Request("POST", url, (), b'{"model":"\\u001b[2J","messages":[],"\xc2\x9b\xe2\x80\xae":1}'),
            head=ResponseHead(200, (("content-type", "application/json"),)),
            body=Body.of([Chunk(b'{"answer":"a","\xc2\x9b\xe2\x80\xae":1}', 0.0)]),
            digest="",
            recorded_at=1.0,
        )
    )


def test_a_miss_the_unused_and_the_orphans_are_told_without_escapes(project: Project) -> None:
    project.tests("""
        @pytest.mark.replay
        def test_it():
            pass

        @pytest.mark.replay
        def test_miss():
            ask("\\x1b[2J\\x9b\\u202e\\x07")
    """)
    cassettes = project.path / "cassettes" / "test_it"
    evil(cassettes / "test_it.json", f"{project.upstream.url}/{EVIL}")
    evil(cassettes / "test_miss.json", f"{project.upstream.url}/v1/chat/completions")
    evil(cassettes / f"orphan{EVIL}.json", "https://a.example/")

    result = project.run("--replay-mode=replay", "--replay-orphans")

    text = result.stdout.str() + result.stderr.str()
    assert r"recording 1: \x1b[2J, POST" in text
    assert "which differs in" in text
    assert "orphan" in text
    assert not set(text) & OBEYED


def test_drift_is_told_without_escapes(project: Project) -> None:
    project.tests("""
        @pytest.mark.replay
        def test_it():
            ask("q")
    """)
    project.run().assert_outcomes(passed=1)
    (name,) = project.cassettes()
    path = project.path / name
    members = '"\\u001b[2J\\u009b\\u202e": 1, "answer":'
    path.write_text(path.read_text("utf-8").replace('"answer":', members), "utf-8")

    result = project.run("--replay-mode=verify")

    text = result.stdout.str() + result.stderr.str()
    assert "replaycache: drift" in text
    assert "is gone" in text
    assert not set(text) & OBEYED
