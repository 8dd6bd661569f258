"""Another plugin that claims one of our names."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project

pytest_plugins = ["pytester"]

OPTION = "def pytest_addoption(parser): parser.getgroup('other').addoption({arguments})"

CLAIMS = {
    "mode": (OPTION.format(arguments="'--replay-mode'"), "option --replay-mode"),
    "budget": (OPTION.format(arguments="'--replay-budget', action='store_true'"), "option --replay-budget"),
    "our group": (
        OPTION.format(arguments="'--replay-mode'").replace("other", "replaycache"),
        "option --replay-mode",
    ),
    "no group": ("def pytest_addoption(parser): parser.addoption('--replay-orphans')", "option --replay-orphans"),
    "dest": (OPTION.format(arguments="'--their-own', dest='replay_unused'"), "option --replay-unused"),
    "in a constant": (f"NAME = '--replay-mode'\n{OPTION.format(arguments='NAME')}", "option --replay-mode"),
    "ini": ("def pytest_addoption(parser): parser.addini('replay_mode', 'theirs')", "ini option replay_mode"),
    "fixture": ("import pytest\n@pytest.fixture\ndef replay_cassette(): return 1", "fixture replay_cassette"),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("order", ["first", "later"])
@pytest.mark.parametrize(("code", "what"), CLAIMS.values(), ids=CLAIMS)
def test_both_are_named_whichever_comes_first(project: Project, code: str, what: str, order: str) -> None:
    project.write("otherplug.py", code)
    project.tests("def test_it(): pass")
    first, second = ("otherplug", "replaycache.pytest_plugin") if order == "first" else ("pytest", "otherplug")

    arguments = (
        ["-p", first, "-p", second] if order == "first" else ["-p", "replaycache.pytest_plugin", "-p", second]
    )
    result = project.pytester.runpytest_subprocess(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (told,) = [line for line in result.errlines if line]
    assert told == (
        f"ERROR: another plugin (otherplug) has the {what}, which is replaycache's; switch one off with "
        "-p no:otherplug, or -p no:replaycache.pytest_plugin"
    )


def test_one_can_be_switched_off(project: Project) -> None:
    project.write("otherplug.py", CLAIMS["mode"][0])
    project.tests("def test_it(): pass")

    project.set(PYTEST_PLUGINS="otherplug")

    project.run_apart("-p", "no:otherplug").assert_outcomes(passed=1)


@pytest.mark.parametrize("order", ["first", "later"])
def test_the_options_of_the_network_are_left_to_who_comes_first(project: Project, order: str) -> None:
    project.write("otherplug.py", OPTION.format(arguments="'--block-network', action='store_true'"))
    project.tests("""
        import socket

        def test_it(pytestconfig):
            assert pytestconfig.getoption("--block-network")
            with socket.socket(type=socket.SOCK_DGRAM) as one:
                one.connect(("192.0.2.7", 9))

        @pytest.mark.replay(mode="replay")
        def test_marked():
            with socket.socket(type=socket.SOCK_DGRAM) as one:
                one.connect(("192.0.2.7", 9))
    """)
    ours, theirs = ["-p", "replaycache.pytest_plugin"], ["-p", "otherplug"]
    arguments = [*theirs, *ours] if order == "first" else [*ours, *theirs]

    result = project.pytester.runpytest_subprocess(*arguments, "--block-network", "--allowed-hosts=192.0.2.7")

    if order == "first":
        result.assert_outcomes(passed=2)
    else:
        (told,) = [line for line in result.errlines if line]
        assert told == (
            "ERROR: another plugin (otherplug) has the option --block-network, which replaycache leaves to it "
            "where it is loaded first: -p otherplug"
        )


def test_a_conftest_that_claims_an_option_is_named(project: Project) -> None:
    path = project.write("conftest.py", CLAIMS["mode"][0])
    project.tests("def test_it(): pass")

    result = project.run_apart()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (told,) = [line for line in result.errlines if line]
    assert told == (
        f"ERROR: {path} has the option --replay-mode, which is replaycache's; name it otherwise there, or switch "
        "replaycache off with -p no:replaycache.pytest_plugin"
    )


def test_a_conftest_may_have_a_fixture_in_the_place_of_ours(project: Project) -> None:
    project.write("conftest.py", CLAIMS["fixture"][0])
    project.tests("def test_it(replay_cassette): assert replay_cassette == 1")

    project.run_apart().assert_outcomes(passed=1)
