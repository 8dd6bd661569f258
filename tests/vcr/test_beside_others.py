"""It is there only when asked for, and never beside the plugins that it stands in for."""

from __future__ import annotations

import pytest

from tests.vcr.suites import Suite

pytest_plugins = ["pytester"]

# what else pytest finds here has no part in this, and takes longer to import than all else
OTHERS = [
    word
    for name in ("anyio", "asyncio", "cassetter", "hypothesispytest", "platformdirs", "xdist", "xdist.looponfail")
    for word in ("-p", f"no:{name}")
]
RIVALS = {
    "pytest-recording": ("recording", "pytest_recording.plugin"),
    "pytest-vcr": ("vcr", "pytest_vcr"),
}


def install(suite: Suite, name: str) -> str:
    """Puts a plugin where pytest finds it; gives the name by which it can be switched off."""
    entry, module = RIVALS[name]
    package = name.replace("-", "_")
    suite.write(f"{module.replace('.', '/')}.py", "def pytest_configure(config): print('the rival is loaded')\n")
    suite.write(f"{package}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    suite.write(f"{package}-1.0.dist-info/entry_points.txt", f"[pytest11]\n{entry} = {module}\n")
    return entry


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", RIVALS)
@pytest.mark.parametrize("how", ["found", "given before", "given after"])
def test_a_rival_is_refused(suite: Suite, name: str, how: str) -> None:
    entry = install(suite, name)
    suite.tests("def test_it(): pass")
    arguments = OTHERS
    if how == "found":
        suite.environment.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    else:
        arguments = ["-p", RIVALS[name][1]]
    plugins = ["-p", "replaycache.vcr"]
    ordered = [*arguments, *plugins] if how == "given before" else [*plugins, *arguments]

    result = suite.run_apart(*ordered)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"replaycache.vcr stands in for {name} and cannot work beside it" in result.stderr.str()
    assert f"-p no:{entry}" in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_that_is_switched_off_is_no_rival(suite: Suite, name: str) -> None:
    entry = install(suite, name)
    suite.environment.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    suite.tests("@pytest.mark.vcr\ndef test_it(vcr): assert len(vcr) == 0")

    result = suite.run_apart("-p", f"no:{entry}", "-p", "replaycache.vcr", *OTHERS)

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("how", ["before", "after", "conftest"])
def test_it_goes_together_with_our_own_plugin(suite: Suite, how: str) -> None:
    own, vcr = ["-p", "replaycache.pytest_plugin"], ["-p", "replaycache.vcr"]
    if how == "conftest":
        suite.write("conftest.py", "pytest_plugins = ['replaycache.vcr']\n")
    suite.tests("""
        @pytest.mark.vcr
        def test_recorded():
            get(UPSTREAM + "/x")

        @pytest.mark.replay(mode="once")
        def test_ours():
            get(UPSTREAM + "/y")

        def test_blocked():
            get(UPSTREAM + "/z")
    """)
    plugins = {"before": vcr + own, "after": own + vcr, "conftest": own}[how]

    first = suite.run_without(*plugins, "--record-mode=once")
    suite.upstream.stop()
    again = suite.run_without(*plugins, "--block-network", "--allowed-hosts=10[.].*")

    first.assert_outcomes(passed=3)
    again.assert_outcomes(passed=2, failed=1)
    assert suite.files() == ["cassettes/test_it/test_ours.json", "cassettes/test_it/test_recorded.json"]


def test_it_is_not_there_unless_asked_for(suite: Suite) -> None:
    suite.tests("@pytest.mark.vcr\ndef test_it(): pass")

    result = suite.run_apart("--strict-markers")

    assert "'vcr' not found in `markers` configuration option" in result.stdout.str()


def test_a_conftest_may_ask_for_it(suite: Suite) -> None:
    suite.write("conftest.py", "pytest_plugins = ['replaycache.vcr']\n")
    suite.tests("@pytest.mark.vcr\ndef test_it(vcr): assert vcr.record_mode == 'new_episodes'")

    result = suite.run_without("--strict-markers", "--record-mode=new_episodes")

    result.assert_outcomes(passed=1)


def test_help_and_marks_are_listed(suite: Suite) -> None:
    options = suite.run("--help").stdout.str()
    marks = suite.run("--markers").stdout.str()

    for name in ("--record-mode={none,once,new_episodes,all,rewrite}", "--disable-recording", "--block-network"):
        assert name in options
    for name in ("@pytest.mark.vcr(", "@pytest.mark.default_cassette(", "@pytest.mark.block_network("):
        assert name in marks


def test_a_wrong_record_mode_is_refused(suite: Suite) -> None:
    result = suite.run("--record-mode=sometimes")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "invalid choice: 'sometimes'" in result.stderr.str()


def test_unmarked_tests_load_nothing(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import sys

        def test_it():
            assert "replaycache.vcr" in sys.modules
            assert not {"httpx", "httpx2", "yaml", "diskcache", "replaycache.vcr.cassette"} & set(sys.modules)
        """,
    )
    suite.run_apart("-p", "replaycache.vcr", "-W", "error").assert_outcomes(passed=1)
