"""Who says which mode holds."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project

pytest_plugins = ["pytester"]

SHOWN = """
    @pytest.mark.replay
    def test_plain(replay_cassette):
        print("plain is", replay_cassette.mode)

    @pytest.mark.replay(mode="auto")
    def test_marked(replay_cassette):
        print("marked is", replay_cassette.mode)
"""

TABLE = [
    # command line, environment, ini, CI: mode of the plain test, of the one whose mark says auto
    (None, None, None, None, "once (the default)", "auto", "auto"),
    (None, None, None, "true", "replay (CI is set)", "replay", "auto"),
    (None, None, None, "false", "once (the default)", "auto", "auto"),
    (None, None, "off", None, "off (replay_mode)", "off", "auto"),
    (None, None, "off", "1", "off (replay_mode)", "off", "auto"),
    (None, "record", None, None, "record (REPLAYCACHE_MODE)", "record", "record"),
    (None, "record", None, "1", "record (REPLAYCACHE_MODE)", "record", "record"),
    (None, "record", "off", None, "record (REPLAYCACHE_MODE)", "record", "record"),
    (None, "", "off", None, "off (replay_mode)", "off", "auto"),
    ("replay", None, None, None, "replay (--replay-mode)", "replay", "replay"),
    ("off", None, None, "1", "off (--replay-mode)", "off", "off"),
    ("replay", None, "off", None, "replay (--replay-mode)", "replay", "replay"),
    ("replay", "record", None, None, "replay (--replay-mode)", "replay", "replay"),
    ("replay", "record", "off", "1", "replay (--replay-mode)", "replay", "replay"),
]


@pytest.mark.parametrize(("command_line", "environment", "ini", "ci", "header", "plain", "marked"), TABLE)
def test_the_command_line_wins_then_environment_mark_and_ini(
    project: Project,
    command_line: str | None,
    environment: str | None,
    ini: str | None,
    ci: str | None,
    header: str,
    plain: str,
    marked: str,
) -> None:
    project.tests(SHOWN)
    if environment is not None:
        project.set(REPLAYCACHE_MODE=environment)
    if ini is not None:
        project.write("pytest.ini", f"[pytest]\nreplay_mode = {ini}\n")
    if ci is not None:
        project.set(CI=ci)

    result = project.run("-s", *([f"--replay-mode={command_line}"] if command_line else []))

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"replaycache: mode {header}", f"*plain is {plain}", f"*marked is {marked}"])


@pytest.mark.parametrize("mode", ["auto", "replay", "record", "once", "verify", "off"])
def test_every_mode_is_an_ini_value(project: Project, mode: str) -> None:
    project.write("pytest.ini", f"[pytest]\nreplay_mode = {mode}\n")
    project.tests("def test_it(): pass")

    result = project.run()

    result.stdout.fnmatch_lines([f"replaycache: mode {mode} (replay_mode)"])


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("--replay-mode", "--replay-mode='repaly' is no mode; the modes are *; did you mean 'replay'?"),
        ("REPLAYCACHE_MODE", "REPLAYCACHE_MODE='repaly' is no mode; *"),
        ("replay_mode", "replay_mode='repaly' is no mode; *"),
    ],
)
def test_a_wrong_mode_ends_the_run_at_once(project: Project, where: str, text: str) -> None:
    project.tests(SHOWN)
    arguments = ["--replay-mode=repaly"] if where == "--replay-mode" else ["--replay-mode=auto"]
    if where == "REPLAYCACHE_MODE":
        project.set(REPLAYCACHE_MODE="repaly")
    if where == "replay_mode":
        project.write("pytest.ini", "[pytest]\nreplay_mode = repaly\n")

    result = project.run(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {text}"])


def test_each_mode_does_what_it_says(project: Project) -> None:
    project.tests(
        """
        import os

        @pytest.mark.replay("one.json")
        def test_it():
            print("the " + "answer", ask("q"))
        """
    )

    def answer(mode: str) -> str:
        result = project.run("-s", f"--replay-mode={mode}")
        return next((line for line in result.outlines if "the answer" in line), "failed")

    assert answer("replay") == "failed"
    assert answer("off").endswith("answer q 1")
    assert project.cassettes() == []
    assert answer("once").endswith("answer q 2")
    assert answer("once").endswith("answer q 2")
    assert answer("record").endswith("answer q 3")
    assert answer("auto").endswith("answer q 3")
    project.upstream.stop()
    assert answer("replay").endswith("answer q 3")
    assert project.answers("cassettes/test_it/one.json") == ["q 3"]


def test_placeholder_keys_are_there_in_replay_mode_where_none_is_set(project: Project) -> None:
    project.tests(
        """
        import os

        OURS = "placeholder-set-by-replaycache"
        NAMES = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "MISTRAL_API_KEY",
                 "GROQ_API_KEY", "CO_API_KEY", "COHERE_API_KEY", "TOGETHER_API_KEY", "HF_TOKEN",
                 "AZURE_OPENAI_API_KEY"]

        @pytest.fixture
        def seen():
            return dict(os.environ)

        @pytest.mark.replay(mode="replay")
        def test_replaying(seen):
            others = {name for name in NAMES if seen.get(name) != OURS}
            assert others == {"GEMINI_API_KEY", "GOOGLE_API_KEY", "GROQ_API_KEY"}
            assert seen["GEMINI_API_KEY"] == "mine" and seen["GROQ_API_KEY"] == "mine too"

        @pytest.mark.replay(mode="auto")
        def test_recording(seen):
            assert OURS not in seen.values()

        def test_unmarked(seen):
            assert OURS not in seen.values()

        @pytest.mark.replay(mode="replay")
        def test_constructors():
            import openai, anthropic
            openai.OpenAI()
            anthropic.Anthropic()
            assert os.environ["MISTRAL_API_KEY"] == OURS
        """
    )
    project.unset("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY")
    project.set(GEMINI_API_KEY="mine", GROQ_API_KEY="mine too", MISTRAL_API_KEY="")

    project.run().assert_outcomes(passed=4)
