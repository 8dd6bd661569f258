"""Cassettes that cannot be used: a clear text with the path and the way out, and the file stays as it is."""

from __future__ import annotations

import os

import pytest

from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]

WHOLE = '{"format": "replaycache/1", "recordings": []}'

BAD = {
    # what is in the file: what is said about it, and what to do
    "empty": ("", "is empty. Restore it, or remove it and record again."),
    "blank": (" \n", "is empty. Restore it, or remove it and record again."),
    "conflict": (
        '{\n<<<<<<< HEAD\n  "format": "replaycache/1"\n=======\n>>>>>>> theirs\n}',
        ", line 2: the file has unresolved merge conflicts. Resolve them, keeping both sides: *recordings whole.",
    ),
    "newer": (WHOLE.replace("/1", "/2"), "has the format replaycache/2, *Upgrade replaycache."),
    "other": (
        WHOLE.replace("replaycache/1", "vcr/1"),
        "is no cassette of replaycache: its format is 'vcr/1'. Give the path of*",
    ),
    "list": ("[1, 2]", 'is no cassette: it has no "format". Give the path of another file, or remove*'),
    "text": ('"hello"', 'is no cassette: it has no "format". Give the path of another file, or remove*'),
    "wrong": ('{"format": "replaycache/1", "recordings": {}}', 'has no list of "recordings". Restore it, or*'),
    "entry": (
        '{"format": "replaycache/1", "recordings": [7]}',
        ", line 1: recordings[[]0] is no object. Correct it, or restore the file.",
    ),
    "cut": (
        '{"format": "replaycache/1", "recordings": [{"request"',
        "is no JSON: *It was cut short or edited; restore it, or remove it and record again.",
    ),
    "binary": (
        "\x00\x01\x02",
        "is no JSON: *It was cut short or edited; restore it, or remove it and record again.",
    ),
}


@pytest.mark.parametrize("mode", ["once", "auto", "record", "replay", "verify"])
def test_a_bad_file_is_an_error_of_its_test_in_every_mode(project: Project, mode: str) -> None:
    for name, (text, _) in BAD.items():
        project.tests(f"@pytest.mark.replay('../{name}.json')\ndef test_it(): ask('q')", f"test_{name}.py")
        project.write(f"cassettes/{name}.json", "").write_text(text, "utf-8")
    before = {name: (project.path / name).read_bytes() for name in project.cassettes()}

    result = project.run(f"--replay-mode={mode}")

    result.assert_outcomes(errors=len(BAD))
    for name, (_, said) in BAD.items():
        # the temporary directory's own name is long and has brackets: it stands for itself
        line = next(line for line in result.outlines if line.startswith(f"test_{name}.py::test_it: "))
        path = str(project.path / f"cassettes/{name}.json")
        assert line.startswith(f"test_{name}.py::test_it: {path}"), line
        assert pytest.LineMatcher([line.partition(path)[2].strip()]).fnmatch_lines([said]) is None
    assert not project.upstream.requests
    assert {name: (project.path / name).read_bytes() for name in project.cassettes()} == before


@pytest.mark.exhaustive
def test_a_file_that_breaks_in_the_middle_is_an_error_and_not_a_miss(project: Project) -> None:
    project.tests("@pytest.mark.replay\ndef test_it():\n    ask('q')")
    project.run().assert_outcomes(passed=1)
    path = project.path / "cassettes/test_it/test_it.json"
    whole = path.read_bytes()

    for size in range(1, len(whole) - 2, 37):
        path.write_bytes(whole[:size])
        result = project.run("--replay-mode=auto")
        result.assert_outcomes(errors=1)
        assert any(line.startswith(f"test_it.py::test_it: {path}") for line in result.outlines)
        assert path.read_bytes() == whole[:size]
    assert len(project.upstream.requests) == 1


TWO = """
    @pytest.mark.replay
    def test_old():
        ask("old")

    @pytest.mark.replay
    def test_new():
        ask("new")
"""


def test_a_read_only_directory_replays_and_says_why_it_cannot_record(project: Project) -> None:
    project.tests(TWO)
    project.run("-k", "old").assert_outcomes(passed=1, deselected=1)
    directory = project.path / "cassettes/test_it"
    before = (directory / "test_old.json").read_bytes()
    directory.chmod(0o555)
    try:
        if os.access(directory, os.W_OK):
            pytest.skip("whoever runs this may write everywhere")

        project.run("--replay-mode=replay", "-k", "old").assert_outcomes(passed=1, deselected=1)
        result = project.run("--replay-mode=record")

        result.assert_outcomes(passed=2, errors=2)
        for name in ("old", "new"):
            path = str(directory / f"test_{name}.json")
            start = f"test_it.py::test_{name}: CassetteError: {path} cannot be written: "
            line = next(line for line in result.outlines if line.startswith(start))
            assert "The file is as it was; check the directory's permissions" in line
        assert summary(result) == "replaycache: 0 replayed, 0 recorded, 0 missed, 0 unused"
        assert [path.name for path in directory.iterdir()] == ["test_old.json"]
        assert (directory / "test_old.json").read_bytes() == before
    finally:
        directory.chmod(0o755)


def test_a_directory_in_the_place_of_a_cassette_is_an_error(project: Project) -> None:
    project.tests(TWO)
    (project.path / "cassettes/test_it/test_old.json").mkdir(parents=True)

    result = project.run("--replay-mode=auto", "-k", "old")

    result.assert_outcomes(errors=1, deselected=1)
    path = project.path / "cassettes/test_it/test_old.json"
    assert any(line.startswith(f"test_it.py::test_old: {path} cannot be read: ") for line in result.outlines)
