"""`vcr_config`, the arguments of marks, and the hook `pytest_recording_configure`."""

from __future__ import annotations

import base64
import gzip

import pytest

from tests.vcr.suites import URL, Suite, interaction, lines

pytest_plugins = ["pytester"]

OTHER_BODY = f"""
    @pytest.mark.vcr
    def test_it():
        assert post("{URL}", json={{"q": 7}}).json() == "found"
"""


def asked(url: str = URL, answer: str = "found", arguments: str = "") -> str:
    return f'assert get("{url}"{arguments}).json() == "{answer}"'


KEYS = {
    "filter_headers": (
        "['X-Run']",
        "{'match_on': [lambda asked, recorded: asked.headers.get('x-run') == recorded.headers.get('x-run')]}",
        asked(arguments=", headers={'x-run': '7'}"),
    ),
    "filter_query_parameters": ("['user']", "{}", asked(f"{URL}?user=me")),
    "filter_post_data_parameters": (
        "['user']",
        "{'match_on': ['body']}",
        f'assert post("{URL}", data={{"user": "me"}}).json() == "found"',
    ),
    "match_on": ("['method']", "{}", asked("https://other.test/v2?page=2")),
    "additional_matchers": (
        "['raw_body']",
        "{'match_on': ['host']}",
        f'pytest.raises(CacheMiss, post, "{URL}", content="x")',
    ),
    "allow_playback_repeats": ("True", "{}", f"{asked()}; {asked()}"),
    "before_record_request": (
        "lambda request: setattr(request, 'uri', request.uri.replace('v2', 'v1')) or request",
        "{}",
        asked(URL.replace("v1", "v2")),
    ),
    "before_record_response": (
        "lambda response: response['headers'].update({'x-mine': ['1']}) or response",
        "{}",
        f'assert get("{URL}").headers["x-mine"] == "1"',
    ),
    "ignore_localhost": ("True", "{}", 'get(UPSTREAM + "/x")'),
    "ignore_hosts": ("['127.0.0.1']", "{}", 'get(UPSTREAM + "/x")'),
    "record_mode": ("'new_episodes'", "{}", 'get(UPSTREAM + "/x")'),
    "cassette_library_dir": ("'library'", "{}", asked(answer="in the library")),
    "path_transformer": ("lambda name: 'other.yaml'", "{}", asked(answer="of the other")),
}
"""Each key with a value, what else is configured, and what works with the key and not without."""


@pytest.mark.sampled(5)
@pytest.mark.parametrize("key", KEYS)
def test_each_key_counts(suite: Suite, key: str) -> None:
    value, others, works = KEYS[key]
    suite.yaml("test_it.yaml", interaction('"found"'))
    suite.yaml("other.yaml", interaction('"of the other"'))
    suite.yaml("test_it.yaml", interaction('"in the library"'), directory="library")
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it():
            {works}
    """)

    suite.config(others)
    suite.run("--tb=no").assert_outcomes(failed=1)
    suite.config(f"{{**{others}, {key!r}: {value}}}")
    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "config", ["{}", "{'decode_compressed_response': True}", "{'decode_compressed_response': False}"]
)
def test_compressed_responses_are_decoded_whatever_the_key_says(suite: Suite, config: str) -> None:
    packed = interaction("")
    packed["response"]["body"] = {"base64_string": base64.b64encode(gzip.compress(b'"found"')).decode()}
    packed["response"]["headers"]["Content-Encoding"] = ["gzip"]
    suite.yaml("test_it.yaml", packed)
    suite.config(config)
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it(vcr):
            assert vcr.responses[0]["body"]["string"] == b'"found"'
            response = get("{URL}")
            assert response.json() == "found"
            assert "content-encoding" not in response.headers
    """)

    suite.run().assert_outcomes(passed=1)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("scope", ["function", "class", "module", "package", "session"])
def test_vcr_config_may_have_every_scope(suite: Suite, scope: str) -> None:
    suite.yaml("test_it.yaml", interaction('"found"', method="POST", body='{"q": 1}'))
    suite.config("{'match_on': ['method', 'body']}", scope)
    suite.tests(OTHER_BODY)

    result = suite.run()

    result.assert_outcomes(failed=1)
    lines(result, "vcr: compared are method, body; record mode is 'none'.")


def test_the_closest_mark_wins(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"found"', method="POST", body='{"q": 1}'))
    suite.config("{'match_on': ['body']}")
    suite.tests("""
        @pytest.mark.vcr(match_on=["raw_body"])
        class TestIt:
            @pytest.mark.default_cassette("test_it")
            @pytest.mark.vcr(match_on=["method"], allow_playback_repeats=True)
            def test_it(self):
                for _ in range(2):
                    assert post("https://elsewhere.test", json={"q": 7}).json() == "found"
    """)

    suite.run().assert_outcomes(passed=1)


def test_a_function_may_be_a_matcher(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"found"', "https://api.test/v1/projects/p1/items"))
    suite.write(
        "conftest.py",
        """
        import pytest, re

        def same_path(asked, recorded):
            a, b = (re.sub("projects/[^/]+", "projects/P", request.path) for request in (asked, recorded))
            assert a == b

        @pytest.fixture
        def vcr_config():
            return {"match_on": ["method", "host", same_path]}
        """,
    )
    suite.tests("""
        @pytest.mark.vcr
        def test_it():
            with pytest.raises(CacheMiss) as miss:
                get("https://api.test/v1/projects/p2/other")
            assert "compared are method, host, same_path" in miss.value.__notes__[0]
            assert get("https://api.test/v1/projects/p2/items").json() == "found"
    """)

    suite.run().assert_outcomes(passed=1)


def test_the_hook_registers_matchers_and_sets_defaults(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"found"', "https://api.test/v2/items"))
    suite.write(
        "conftest.py",
        """
        def pytest_recording_configure(config, vcr):
            def version(r1, r2):
                return r1.path.replace("v1", "v2") == r2.path.replace("v1", "v2")

            def moved(request):
                request.uri = request.uri.replace("old.test", "api.test")
                return request

            vcr.register_matcher("path", version)
            vcr.register_serializer("yaml", object())
            vcr.before_record_request = moved
        """,
    )
    suite.tests("""
        @pytest.mark.vcr
        def test_it():
            assert get("https://old.test/v1/items").json() == "found"
    """)

    suite.run().assert_outcomes(passed=1)


def test_a_persister_has_no_effect_and_that_is_told(suite: Suite) -> None:
    suite.write(
        "conftest.py", "def pytest_recording_configure(config, vcr):\n    vcr.register_persister(object)\n"
    )
    suite.tests("@pytest.mark.vcr\ndef test_it(vcr): assert len(vcr) == 0")

    result = suite.run(warnings=True)

    result.assert_outcomes(passed=1, warnings=1)
    lines(result, "registers the persister <class 'object'>, which has no effect under replaycache.vcr")


REDACTING = """
    import pytest

    def redact(request):
        for name in request.headers:
            request.headers[name] = "**REDACTED**"
        request.uri = %s
        return request

    def redact_response(response):
        for name in response["headers"]:
            response["headers"][name] = "**REDACTED**"
        return response

    @pytest.fixture(scope="session")
    def vcr_config():
        return {
            "match_on": ["method", "body"%s],
            "before_record_request": redact,
            "before_record_response": redact_response,
        }
"""
REDACTED = interaction("recorded", "**REDACTED**", method="POST", body='{"n":1}', authorization="**REDACTED**")


@pytest.mark.parametrize(
    ("uri", "match_on"),
    [('"**REDACTED**"', ""), ('"**REDACTED**"', ', "uri"'), ("request.path", ', "path"'), ('""', ', "host"')],
)
def test_a_hook_may_redact_the_uri_or_make_it_relative(suite: Suite, uri: str, match_on: str) -> None:
    suite.write("conftest.py", REDACTING % (uri, match_on))
    suite.yaml("test_it.yaml", REDACTED | {"request": {**REDACTED["request"], "uri": "/v1/items"}})
    suite.tests(
        """
        @pytest.mark.vcr
        def test_it(vcr):
            assert post("https://api.test/v1/items", json={"n": 1}).text == "recorded"
            with pytest.raises(CacheMiss):
                post("https://api.test/v1/items", json={"n": 2})
        """
    )

    suite.run().assert_outcomes(passed=1)


def test_what_is_recorded_with_a_redacted_uri_is_played(suite: Suite) -> None:
    suite.write("conftest.py", REDACTING % ('"**REDACTED**"', ""))
    suite.tests(
        """
        @pytest.mark.vcr
        def test_it():
            assert post(f"{UPSTREAM}/v1/items", json={"n": 1}).json()["text"] == "live 1 POST /v1/items"
        """
    )

    suite.run("--record-mode=once").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)

    (entry,) = suite.recorded("cassettes/test_it/test_it.json")
    assert entry["request"]["url"] == "https://unknown.invalid/**REDACTED**"
    assert suite.counting.number == 1


@pytest.mark.parametrize(
    "config",
    [
        "{'ignore_localhost': True}",
        "{'ignore_hosts': ['127.0.0.1']}",
        "{'ignore_hosts': [re.compile('127[.].*')]}",
        "{'before_record_request': lambda request: None if request.host == '127.0.0.1' else request}",
        "{'before_record': [lambda request: request, lambda request: None]}",
    ],
)
def test_what_is_no_concern_of_the_cassette_goes_out(suite: Suite, config: str) -> None:
    suite.config(config)
    suite.tests("""
        @pytest.mark.vcr
        def test_it(vcr):
            for number in (1, 2):
                response = get(UPSTREAM + "/x")
                assert response.json() == {"text": f"live {number} GET /x"}
            assert response.extensions["replaycache"].status == "live"
            assert "no concern" in response.extensions["replaycache"].reason
            assert len(vcr) == 0
    """)

    suite.run("--record-mode=new_episodes").assert_outcomes(passed=1)
    suite.run().assert_outcomes(failed=1)  # the server counts on
    assert suite.files() == []


def test_hooks_see_requests_and_responses_as_vcr_gives_them(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"found"', f"{URL}?page=1"))
    suite.write(
        "conftest.py",
        """
        import pytest

        def request_hook(request):
            if "secret" in request.headers:
                assert request.headers["Secret"] == "s3"
                assert request.query == [("page", "9")]
            request.uri = request.uri.partition("?")[0]
            return request

        def response_hook(response):
            assert response["status"] == {"code": 200, "message": "OK"}
            assert response["headers"]["Content-Type"] == ["application/json"]
            response["body"]["string"] = response["body"]["string"].replace(b"found", b"changed")
            response["headers"]["x-added"] = ["1"]
            return response

        @pytest.fixture
        def vcr_config():
            return {"before_record_request": request_hook, "before_record_response": response_hook}
        """,
    )
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it():
            response = get("{URL}?page=9", headers={{"secret": "s3"}})
            assert response.json() == "changed"
            assert response.headers["x-added"] == "1"
    """)

    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            "{'filter_header': ['x']}",
            "the key 'filter_header', which VCR.py does not know; did you mean 'filter_headers'?",
        ),
        ("{'custom_patches': [1]}", "the key 'custom_patches', which has no effect under replaycache.vcr"),
        ("{'filter_sensitive_data': {'A': 'b'}}", "the key 'filter_sensitive_data', which has no effect"),
    ],
)
def test_a_key_without_effect_is_a_warning(suite: Suite, config: str, message: str) -> None:
    suite.yaml("test_it.yaml", interaction('"found"', method="POST"))
    suite.config(config)
    suite.tests(OTHER_BODY)

    result = suite.run(warnings=True)

    result.assert_outcomes(passed=1, warnings=1)
    lines(result, f"ReplayCacheWarning: vcr_config has {message}")


def test_keys_that_are_always_so_say_nothing(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"found"', method="POST"))
    suite.config("{'decode_compressed_response': True, 'serializer': 'yaml', 'inject_cassette': True}")
    suite.tests(OTHER_BODY)

    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "config", "message"),
    [
        ("", "['filter_headers']", "UsageError: the fixture vcr_config returns a dict, not ['filter_headers']"),
        (
            "",
            "{'match_on': ['methd']}",
            "ConfigurationError: match_on names 'methd', which is no matcher; there are method, uri",
        ),
        ("", "{'match_on': 'method'}", "ConfigurationError: vcr_config's 'match_on' takes a list, not 'method'"),
        (
            "",
            "{'before_record_response': 'x'}",
            "ConfigurationError: vcr_config's 'before_record_response' takes a function",
        ),
        ("", "{'record_mode': 'onec'}", "UsageError: record_mode='onec' is no record mode; they are none, once"),
        ("(1)", "{}", "test_it.py::test_it: @pytest.mark.vcr takes names of cassettes and options, and has (1)"),
    ],
)
def test_a_wrong_value_is_said_before_the_test_runs(suite: Suite, mark: str, config: str, message: str) -> None:
    suite.config(config)
    suite.tests(OTHER_BODY.replace("mark.vcr", f"mark.vcr{mark}"))

    result = suite.run()

    result.assert_outcomes(errors=1)
    lines(result, message.replace("[", "[[]"))


@pytest.mark.parametrize("arguments", ["", "1", "'a', 'b'", "name='a'"])
def test_default_cassette_takes_one_name(suite: Suite, arguments: str) -> None:
    suite.tests(f"""
        @pytest.mark.default_cassette({arguments})
        @pytest.mark.vcr
        def test_it():
            pass
    """)

    result = suite.run()

    result.assert_outcomes(errors=1)
    lines(result, "UsageError: test_it.py::test_it: @pytest.mark.default_cassette takes one name, and has (*)")


def test_the_directory_and_the_name_can_be_overridden(suite: Suite) -> None:
    suite.yaml("chosen.yaml", interaction('"of the fixture"'), directory="data")
    suite.yaml("chosen.yaml", interaction('"of the library"'), directory="library")
    suite.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def vcr_cassette_dir(pytestconfig):
            return str(pytestconfig.rootpath / "data")

        @pytest.fixture
        def default_cassette_name():
            return "chosen"
        """,
    )
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it():
            assert get("{URL}").json() == "of the fixture"

        @pytest.mark.vcr(cassette_library_dir="library")
        def test_library():
            assert get("{URL}").json() == "of the library"
    """)

    suite.run().assert_outcomes(passed=2)
