"""What marked tests record, where it goes, and what keeps them from it."""

from __future__ import annotations

import json

import pytest

from tests.vcr.suites import Suite, interaction, lines

pytest_plugins = ["pytester"]

OWN = "cassettes/test_it/test_it.json"
YAML = "cassettes/test_it/test_it.yaml"
TWO = """
    import pytest

    @pytest.mark.vcr
    def test_it(vcr):
        found = [get(UPSTREAM + path).json()["text"] for path in ("/a", "/b")]
        print("found", found, "played", vcr.play_count)
"""


def old(suite: Suite, path: str = "/a") -> dict[str, object]:
    return interaction('{"text": "old"}', suite.upstream.url + path)


def found(result: pytest.RunResult) -> str:
    return next(line[line.index("found [") :] for line in result.outlines if "found [" in line)


def texts(suite: Suite, name: str = OWN) -> list[str]:
    return [one["response"]["json"]["text"] for one in suite.recorded(name)]


@pytest.mark.parametrize("arguments", [[], ["--record-mode=none"]])
def test_by_default_nothing_is_recorded(suite: Suite, arguments: list[str]) -> None:
    suite.tests(TWO)

    suite.run(*arguments).assert_outcomes(failed=1)

    assert suite.files() == []
    assert suite.upstream.requests == []


def test_once_records_where_there_is_nothing_and_replays_what_there_is(suite: Suite) -> None:
    suite.tests(TWO)

    first = suite.run("--record-mode=once", "-s")
    suite.upstream.stop()

    assert found(first) == "found ['live 1 GET /a', 'live 2 GET /b'] played 0"
    assert suite.files() == [OWN]
    for arguments in ([], ["--record-mode=once"]):
        again = suite.run("-s", *arguments)
        again.assert_outcomes(passed=1)
        assert found(again) == "found ['live 1 GET /a', 'live 2 GET /b'] played 2"


def test_once_adds_nothing_to_a_cassette(suite: Suite) -> None:
    suite.yaml("test_it.yaml", old(suite))
    suite.tests(TWO)

    result = suite.run("--record-mode=once")

    result.assert_outcomes(failed=1)
    lines(result, "vcr: compared are *; record mode is 'once'.")
    assert suite.files() == [YAML]


def test_new_episodes_go_beside_the_yaml_and_are_played_after_it(suite: Suite) -> None:
    before = suite.yaml("test_it.yaml", old(suite)).read_text("utf-8")
    suite.tests(TWO)

    first = suite.run("--record-mode=new_episodes", "-s")
    suite.upstream.stop()
    again = suite.run("-s")

    assert found(first) == "found ['old', 'live 1 GET /b'] played 1"
    assert found(again) == "found ['old', 'live 1 GET /b'] played 2"
    assert suite.files() == [OWN, YAML]
    assert (suite.path / YAML).read_text("utf-8") == before
    assert texts(suite) == ["live 1 GET /b"]


def test_repeated_requests_are_recorded_each(suite: Suite) -> None:
    suite.tests(TWO.replace('"/b"', '"/a"'))

    first = suite.run("--record-mode=new_episodes", "-s")
    again = suite.run("-s")

    assert found(first).startswith("found ['live 1 GET /a', 'live 2 GET /a']")
    assert found(again) == "found ['live 1 GET /a', 'live 2 GET /a'] played 2"


@pytest.mark.parametrize(("mode", "kept"), [("all", ["old"]), ("rewrite", [])])
def test_recorded_anew_it_takes_the_place_of_the_yaml(suite: Suite, mode: str, kept: list[str]) -> None:
    suite.yaml("test_it.yaml", old(suite), old(suite, "/unused"))
    suite.tests(TWO)

    first = suite.run(f"--record-mode={mode}", "-s")
    lines_before = (suite.path / OWN).read_text("utf-8")
    again = suite.run("-s")

    assert found(first) == "found ['live 1 GET /a', 'live 2 GET /b'] played 0"
    assert suite.files() == [OWN]
    assert texts(suite) == [*kept, "live 1 GET /a", "live 2 GET /b"]
    assert found(again) == "found ['live 1 GET /a', 'live 2 GET /b'] played 2"

    suite.counting.number = 0
    suite.run(f"--record-mode={mode}").assert_outcomes(passed=1)
    assert (suite.path / OWN).read_text("utf-8") == lines_before


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_extra_cassettes_and_those_of_tests_that_call_nothing_stay(suite: Suite, mode: str) -> None:
    suite.yaml("test_idle.yaml", old(suite))
    suite.yaml("extra.yaml", old(suite, "/extra"))
    suite.tests("""
        @pytest.mark.vcr
        def test_idle():
            pass

        @pytest.mark.vcr("extra.yaml")
        def test_it():
            get(UPSTREAM + "/a")
    """)

    suite.run(f"--record-mode={mode}").assert_outcomes(passed=2)

    assert suite.files() == ["cassettes/test_it/extra.yaml", "cassettes/test_it/test_idle.yaml", OWN]
    assert texts(suite) == ["live 1 GET /a"]


@pytest.mark.parametrize("mode", ["new_episodes", "all", "rewrite"])
def test_a_test_that_fails_changes_nothing(suite: Suite, mode: str) -> None:
    before = suite.yaml("test_it.yaml", old(suite)).read_text("utf-8")
    suite.tests(TWO + "        assert False\n")

    suite.run(f"--record-mode={mode}").assert_outcomes(failed=1)

    assert suite.files() == [YAML]
    assert (suite.path / YAML).read_text("utf-8") == before


@pytest.mark.parametrize(
    ("flag", "config", "mark", "goes_live"),
    [
        (None, "{'record_mode': 'once'}", "", True),
        (None, "{}", "(record_mode='once')", True),
        (None, "{'record_mode': 'once'}", "(record_mode='none')", False),
        ("once", "{'record_mode': 'none'}", "", False),
        ("none", "{'record_mode': 'once'}", "(record_mode='all')", False),
    ],
)
def test_which_record_mode_counts(suite: Suite, flag: str | None, config: str, mark: str, goes_live: bool) -> None:
    suite.config(config)
    suite.tests(TWO.replace("mark.vcr", f"mark.vcr{mark}"))

    result = suite.run(*([f"--record-mode={flag}"] if flag else []))

    result.assert_outcomes(passed=int(goes_live), failed=int(not goes_live))
    assert bool(suite.upstream.requests) is goes_live


def test_the_record_mode_is_a_fixture(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        "import pytest\n@pytest.fixture(scope='session')\ndef record_mode():\n    return 'new_episodes'\n",
    )
    suite.tests(TWO)

    suite.run().assert_outcomes(passed=1)

    assert suite.files() == [OWN]


def test_recording_can_be_disabled(suite: Suite) -> None:
    suite.yaml("test_it.yaml", old(suite))
    suite.tests("""
        @pytest.mark.vcr
        def test_it(vcr, disable_recording):
            assert vcr is None and disable_recording
            assert get(UPSTREAM + "/a").json() == {"text": "live 1 GET /a"}
    """)

    suite.run("--disable-recording").assert_outcomes(passed=1)

    assert suite.files() == [YAML]


def test_filters_and_hooks_change_what_is_written(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        import pytest

        def response_hook(response):
            assert response["headers"]["X-Internal"] == ["zone-7"]
            response["body"]["string"] = response["body"]["string"].replace(b"live", b"edited")
            return None if b"/dropped" in response["body"]["string"] else response

        @pytest.fixture
        def vcr_config():
            return {
                "filter_query_parameters": [("user", "someone")],
                "filter_post_data_parameters": ["name"],
                "before_record_response": response_hook,
            }
        """,
    )
    suite.tests("""
        @pytest.mark.vcr
        def test_it(vcr):
            live = post(UPSTREAM + "/a?user=me", json={"name": "me", "q": 1})
            if vcr.record_mode != "none":
                assert live.json() == {"text": "live 1 POST /a?user=me"}
                get(UPSTREAM + "/dropped")
            else:
                assert live.json() == {"text": "edited 1 POST /a?user=me"}
    """)

    suite.run("--record-mode=once").assert_outcomes(passed=1)
    suite.upstream.stop()
    suite.run().assert_outcomes(passed=1)

    (one,) = suite.recorded(OWN)
    assert one["request"]["url"].endswith("/a?user=someone")
    assert one["request"]["json"] == {"q": 1}
    assert "zone-7" not in (suite.path / OWN).read_text("utf-8")


def test_a_response_hook_that_fails_records_nothing_and_says_so(suite: Suite) -> None:
    suite.config("{'before_record_response': lambda response: response['nothing']}")
    suite.tests(TWO)

    result = suite.run("--record-mode=once", warnings=True)

    result.assert_outcomes(passed=1, warnings=1)
    lines(result, "answered live, and not in *", "*before_record_response failed: KeyError('nothing')")
    assert suite.files() == []


def test_what_looks_like_a_credential_is_not_written(suite: Suite) -> None:
    secret = "sk-ant-api03-" + "aB3dE5gH7j" * 9 + "abcAA"
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it():
            post(UPSTREAM + "/a", json={{"prompt": "my key is {secret}"}})
    """)

    result = suite.run("--record-mode=once", warnings=True)

    result.assert_outcomes(passed=1, errors=1)
    lines(result, "SecretFound: not written to *, for it holds what looks like a credential:")
    assert suite.files() == []


def test_what_cannot_be_hidden_is_not_recorded(suite: Suite) -> None:
    suite.config("{'filter_sensitive_data': {'A': 'b'}}")
    suite.tests(TWO)

    result = suite.run("--record-mode=once", warnings=True)

    result.assert_outcomes(errors=1)
    lines(
        result, "ConfigurationError: vcr_config has filter_sensitive_data, which replaycache.vcr does not support"
    )
    assert suite.upstream.requests == []


def test_a_yaml_that_is_json_keeps_its_file(suite: Suite) -> None:
    """With VCR.py's own JSON serializer both would have the same name."""
    document = {"version": 1, "interactions": [old(suite)]}
    path = suite.write("cassettes/test_it/test_it.json", json.dumps(document))
    suite.config("{'serializer': 'json'}")
    suite.tests(TWO)

    suite.run("--record-mode=new_episodes").assert_outcomes(passed=1)

    assert json.loads(path.read_text("utf-8")) == document
    assert texts(suite, "cassettes/test_it/test_it.replay.json") == ["live 1 GET /b"]
    suite.upstream.stop()
    suite.run().assert_outcomes(passed=1)
