"""Marked tests are answered from VCR.py's cassettes as they stand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from replaycache.vcr import cassette_path
from tests.vcr.suites import URL, Suite, interaction, lines

pytest_plugins = ["pytester"]

ALIAS_BOMB = "a0: &a0 [xxxxxxxxxx]\n" + "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n" for number in range(1, 20)
)


def test_recordings_are_played_in_their_order_once_each(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"first"'), interaction('"second"'))
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it(vcr):
            assert get("{URL}").json() == "first"
            assert vcr.play_count == 1 and not vcr.all_played
            assert get("{URL}").json() == "second"
            assert vcr.all_played
            with pytest.raises(CacheMiss, match="already_played"):
                get("{URL}")
            vcr.rewind()
            assert get("{URL}").json() == "first"
    """)

    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_both_libraries_are_covered_synchronous_and_not(suite: Suite, library: str) -> None:
    suite.yaml("test_it.yaml", interaction('"a"'), interaction('"b"'), interaction('"c"'))
    suite.tests(f"""
        import asyncio, threading

        before = {library}.Client(trust_env=False)

        @pytest.mark.vcr
        def test_it():
            assert before.get("{URL}").json() == "a"
            assert asyncio.run(aget("{URL}", {library})).json() == "b"
            found = []
            thread = threading.Thread(target=lambda: found.append(get("{URL}", {library}).json()))
            thread.start()
            thread.join()
            assert found == ["c"]
            before.close()
    """)

    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_coroutine_tests_are_covered(suite: Suite, backend: str) -> None:
    suite.yaml("test_it.yaml", interaction('"a"'))
    suite.tests(f"""
        @pytest.fixture(scope="module")
        def anyio_backend():
            return "{backend}"

        @pytest.fixture(scope="module")
        async def resource(anyio_backend):
            yield 1

        @pytest.mark.anyio
        @pytest.mark.vcr
        async def test_it(resource):
            assert (await aget("{URL}")).json() == "a"
    """)

    suite.run("-p", "anyio").assert_outcomes(passed=1)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("grouped", [False, True])
def test_a_miss_in_a_coroutine_leaves_the_fixtures_of_other_tests(
    suite: Suite, backend: str, grouped: bool
) -> None:
    suite.yaml("test_second.yaml", interaction('"a"'))
    suite.tests(f"""
        import anyio

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "{backend}"

        @pytest.fixture(scope="module")
        async def resource(anyio_backend):
            yield 1

        pytestmark = [pytest.mark.anyio, pytest.mark.vcr]

        async def test_first(resource):
            if {grouped}:
                async with anyio.create_task_group() as group:
                    group.start_soon(aget, "{URL}")
            await aget("{URL}")

        async def test_second(resource):
            assert (await aget("{URL}")).json() == "a"
    """)

    result = suite.run("-p", "anyio")

    result.assert_outcomes(passed=1, failed=1)
    lines(result, "why      cassette_not_found: there is no such file", "store *test_first.yaml")


def test_the_body_counts_only_if_match_on_says_so(suite: Suite) -> None:
    sent = '{"q": 1, "r": 2}'
    for name in ("test_any", "test_same", "test_other"):
        suite.yaml(f"{name}.yaml", interaction('"found"', method="POST", body=sent))
    suite.tests(f"""
        @pytest.mark.vcr
        def test_any():
            assert post("{URL}", json={{"q": 7}}).json() == "found"

        @pytest.mark.vcr(match_on=["method", "uri", "body"])
        def test_same():
            assert post("{URL}", json={{"r": 2, "q": 1}}).json() == "found"

        @pytest.mark.vcr(match_on=["method", "uri", "body"])
        def test_other():
            with pytest.raises(CacheMiss) as miss:
                post("{URL}", json={{"q": 7}})
            assert "differs in body" in miss.value.__notes__[0]
    """)

    suite.run().assert_outcomes(passed=3)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("https://api.test/v1/other", "path"),
        ("https://api.test/v1/items?page=2", "query"),
        ("http://api.test/v1/items", "scheme, port"),
        ("https://api.test:8443/v1/items", "port"),
        ("https://other.test/v1/items", "host"),
    ],
)
def test_every_part_of_the_url_counts(suite: Suite, asked: str, part: str) -> None:
    suite.yaml("test_it.yaml", interaction('"found"'))
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it():
            get("{asked}")
    """)

    result = suite.run()

    result.assert_outcomes(failed=1)
    lines(
        result,
        "no recording answers this request, and upstream was not called.",
        f"asked    GET {asked}",
        "why      no_recording: nothing is stored under this key",
        "store *cassettes*test_it*test_it.yaml",
        "next     run the test with --record-mode=new_episodes: it goes to test_it.json, beside the YAML",
        "vcr: compared are method, scheme, host, port, path, query; record mode is 'none'.",
        f"vcr: closest is GET {URL}, which differs in {part}.",
    )


def test_query_parameters_have_no_order_and_credentials_do_not_count(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"found"', f"{URL}?b=2&a=1&api_key=old"))
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it():
            assert get("{URL}?api_key=new&a=1&b=2").json() == "found"
    """)

    suite.run().assert_outcomes(passed=1)


def test_a_test_that_expects_vcrs_error_is_told_which_to_expect(suite: Suite) -> None:
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it():
            with pytest.raises(Exception):
                get("{URL}")
    """)

    result = suite.run()

    result.assert_outcomes(failed=1)
    lines(
        result,
        "why      cassette_not_found: there is no such file",
        "store *test_it.yaml",
        "vcr: VCR.py raises CannotOverwriteExistingCassetteException here; a test that expects that takes "
        "replaycache.CacheMiss",
    )


def test_repeats_give_the_first_match_again(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"first"'), interaction('"second"'))
    suite.config("{'allow_playback_repeats': True}")
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it(vcr):
            assert [get("{URL}").json() for _ in range(3)] == ["first"] * 3
            assert (vcr.play_count, vcr.play_counts[0], vcr.all_played) == (3, 3, False)
    """)

    suite.run().assert_outcomes(passed=1)


def test_paths_are_those_of_pytest_recording(suite: Suite) -> None:
    suite.yaml("test_plain.yaml", interaction('"plain"'))
    suite.yaml("TestIn.test_method.yaml", interaction('"method"'))
    suite.yaml("test_parameter[a-b-c-].yaml", interaction('"parameter"'))
    suite.yaml("other.yaml", interaction('"other"'))
    suite.tests(f"""
        pytestmark = pytest.mark.vcr

        def test_plain():
            assert get("{URL}").json() == "plain"

        class TestIn:
            def test_method(self):
                assert get("{URL}").json() == "method"

        @pytest.mark.parametrize("it", ["a/b:c?"])
        def test_parameter(it):
            assert get("{URL}").json() == "parameter"

        @pytest.mark.default_cassette("other.yaml")
        def test_named(vcr, default_cassette_name):
            assert default_cassette_name == "other.yaml"
            assert get("{URL}").json() == "other"
    """)

    suite.run().assert_outcomes(passed=4)


def test_a_name_that_is_too_long_is_cut_as_pytest_recording_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pathconf", lambda path, name: 255, raising=False)
    name = f"test_it[{'x' * 207}...f50202b1389d6ee79018aec8169cf535"  # as pytest-recording 0.14.1 has it

    assert cassette_path(f"test_it[{'x' * 300}]", str(tmp_path), {}) == tmp_path / f"{name}.yaml"
    assert cassette_path("x", str(tmp_path), {"serializer": "json"}) == tmp_path / "x.json"
    assert cassette_path("x", "d", {"cassette_library_dir": str(tmp_path)}) == tmp_path / "x.yaml"


def test_several_cassettes_are_read_together(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"own"'))
    suite.yaml("class.yaml", interaction('"of the class"'))
    elsewhere = suite.yaml("shared.yaml", interaction('"shared"'), directory="elsewhere")
    suite.tests(f"""
        @pytest.mark.vcr("class.yaml")
        class TestIt:
            @pytest.mark.default_cassette("test_it.yaml")
            @pytest.mark.vcr({str(elsewhere)!r}, "missing.yaml")
            def test_it(self, vcr, vcr_markers):
                assert len(vcr) == 3 and len(vcr_markers) == 2
                assert [get("{URL}").json() for _ in range(3)] == ["own", "shared", "of the class"]
                with pytest.raises(CacheMiss, match="class.yaml"):
                    get("{URL}")
    """)

    suite.run().assert_outcomes(passed=1)


def test_the_fixture_has_what_suites_use(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"a"', method="POST", body='{"q": 1}', authorization="Bearer x"))
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it(vcr):
            assert (len(vcr), vcr.play_count, vcr.all_played, vcr.dirty) == (1, 0, False, False)
            assert (vcr.record_mode, vcr.rewound, vcr.write_protected) == ("none", True, True)
            assert vcr.path.endswith("test_it.yaml") and vcr._path == vcr.path
            request, = vcr.requests
            assert (request.method, request.uri, request.url) == ("POST", "{URL}", "{URL}")
            assert (request.scheme, request.host, request.port) == ("https", "api.test", 443)
            assert (request.path, request.query) == ("/v1/items", [])
            assert request.body == b'{{"q": 1}}'
            assert request.headers["Content-Type"] == "application/json"
            assert "authorization" not in request.headers
            response, = vcr.responses
            assert response["status"]["code"] == 200
            assert response["headers"]["x-trace"] == ["trace-1"]
            assert response["body"]["string"] == b'"a"'
            assert vcr.data[0][1] == response
            answer = post("{URL}", json={{}})
            assert answer.headers["x-trace"] == "trace-1"
            assert vcr.all_played

        def test_unmarked(vcr):
            assert vcr is None
    """)

    suite.run().assert_outcomes(passed=2)


def test_a_stream_arrives_event_by_event(suite: Suite) -> None:
    events = "data: 1\n\ndata: 2\n\ndata: [DONE]\n\n"
    suite.yaml("test_it.yaml", interaction(events, content_type="text/event-stream"))
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it():
            with httpx2.stream("GET", "{URL}") as response:
                assert list(response.iter_raw()) == [b"data: 1\\n\\n", b"data: 2\\n\\n", b"data: [DONE]\\n\\n"]
    """)

    suite.run().assert_outcomes(passed=1)


def test_a_transport_that_retries_sees_every_attempt(suite: Suite) -> None:
    """VCR.py stands below such transports, so its cassettes hold each attempt."""
    suite.yaml("test_it.yaml", interaction('"busy"', status=503), interaction('"done"'))
    suite.tests(f"""
        class Retrying(httpx2.BaseTransport):
            def __init__(self):
                self.inner = httpx2.HTTPTransport()

            def handle_request(self, request):
                while (response := self.inner.handle_request(request)).status_code == 503:
                    response.read()
                return response

        @pytest.mark.vcr
        def test_it(vcr):
            with httpx2.Client(transport=Retrying()) as client:
                assert client.get("{URL}").json() == "done"
            assert vcr.all_played
    """)

    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", [[], ["--record-mode=new_episodes"]])
def test_applications_in_the_process_are_played_or_left_alone(suite: Suite, arguments: list[str]) -> None:
    suite.yaml("test_it.yaml", interaction('"recorded"'))
    suite.tests(f"""
        import asyncio

        def answer(request):
            return httpx2.Response(200, json="mocked " + get("{URL}").json())

        async def application(scope, receive, send):
            response = await aget(UPSTREAM + "/inner")
            await send({{"type": "http.response.start", "status": 200, "headers": []}})
            await send({{"type": "http.response.body", "body": response.content}})

        @pytest.mark.vcr
        def test_mock(default_cassette_name, vcr):
            with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
                assert client.get("https://api.test/other").json() == "mocked recorded"
            assert vcr.all_played and not vcr.dirty

        @pytest.fixture
        def default_cassette_name():
            return "test_it"

        @pytest.mark.vcr
        def test_recorded_mock(vcr):
            with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
                assert client.get("{URL}").json() == "recorded"

        @pytest.mark.vcr
        def test_application(vcr):
            async def call():
                transport = httpx2.ASGITransport(application)
                async with httpx2.AsyncClient(transport=transport) as client:
                    return await client.get("https://api.test/outer")
            if vcr.record_mode == "none":
                with pytest.raises(CacheMiss, match="GET .*/inner"):
                    asyncio.run(call())
            else:
                assert asyncio.run(call()).json() == {{"text": "live 1 GET /inner"}}
                assert [request.path for request in vcr.requests] == ["/v1/items", "/inner"]
    """)

    suite.run(*arguments).assert_outcomes(passed=3)


def test_nothing_stays_patched(suite: Suite) -> None:
    suite.yaml("test_it.yaml", interaction('"a"'))
    suite.tests("""
        originals = (httpx.HTTPTransport.handle_request, httpx2.AsyncHTTPTransport.handle_async_request)

        @pytest.mark.vcr
        def test_it():
            assert httpx.HTTPTransport.handle_request is not originals[0]

        def test_then():
            assert get(UPSTREAM + "/x").json() == {"text": "live 1 GET /x"}
            assert (
                httpx.HTTPTransport.handle_request, httpx2.AsyncHTTPTransport.handle_async_request
            ) == originals
    """)

    suite.run().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it is empty"),
        ("interactions:\n- request: {method: GET", "*test_it.yaml*"),
        ("interactions:\n- !!python/object/apply:os.system [x]\nversion: 1\n", "*test_it.yaml*"),
        (ALIAS_BOMB, "is where its aliases have come to stand for over 16 MiB"),
        ("<<<<<<< HEAD\ninteractions: []\n", "line 1 is a conflict marker"),
        ("interactions: []\n", "has no 'version'"),
    ],
)
def test_a_damaged_cassette_is_an_error_before_the_test_runs(suite: Suite, content: str, message: str) -> None:
    path = suite.write("cassettes/test_it/test_it.yaml", content)
    suite.tests("""
        @pytest.mark.vcr
        def test_it():
            raise AssertionError("it ran")
    """)

    result = suite.run("--record-mode=once")

    result.assert_outcomes(errors=1)
    lines(result, f"CassetteError: cannot read {path}: *")
    lines(result, message)
    assert path.read_text("utf-8") == content


def test_a_version_may_be_absent_where_the_last_interaction_is_whole(suite: Suite) -> None:
    """VCR.py does not look for it, and people write such files."""
    path = suite.yaml("test_it.yaml", interaction('"a"'))
    whole = json.loads(path.read_text("utf-8").partition("\n")[2])
    del whole["version"]
    path.write_text(json.dumps(whole) + "\n", "utf-8")
    suite.tests(f"""
        @pytest.mark.vcr
        def test_it():
            assert get("{URL}").json() == "a"
    """)

    suite.run().assert_outcomes(passed=1)
    last = whole["interactions"][0]["response"]
    last["body"] = last.pop("body")  # now the body may have been cut
    path.write_text(json.dumps(whole) + "\n", "utf-8")
    suite.run().assert_outcomes(errors=1)


def test_cassettes_of_ours_can_be_named(suite: Suite) -> None:
    suite.tests("""
        @pytest.mark.vcr
        def test_record():
            assert get(UPSTREAM + "/x").json() == {"text": "live 1 GET /x"}

        @pytest.mark.vcr("test_record.json")
        def test_replay():
            assert get(UPSTREAM + "/x").json() == {"text": "live 1 GET /x"}
    """)

    suite.run("--record-mode=once", "-k", "record").assert_outcomes(passed=1, deselected=1)
    suite.upstream.stop()
    suite.run().assert_outcomes(passed=2)


@pytest.mark.parametrize("is_first", [True, False])
def test_what_a_mock_answers_is_left_alone(suite: Suite, is_first: bool) -> None:
    """Whether it stands at the transport or below, and whoever came first."""
    suite.yaml("test_it.yaml", interaction('"recorded"'))
    suite.tests(f"""
        import httpx, respx

        @pytest.fixture{"" if not is_first else "(autouse=True)"}
        def mocked():
            with respx.mock(assert_all_called=False) as router:
                router.get("{URL}").mock(return_value=httpx.Response(200, json="mocked"))
                yield router

        @pytest.mark.vcr
        def test_it(mocked):
            assert get("{URL}", httpx).json() == "mocked"
    """)

    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("how", ["plain", "mocked"])
def test_a_transport_of_ours_above_the_cassette_keeps_nothing(suite: Suite, how: str) -> None:
    """It names neither store nor mode: what VCR.py's cassette, or a mock, answers is not the API's."""
    suite.yaml("test_it.yaml", interaction('"recorded"'))
    suite.tests(f"""
        import httpx, os, respx
        from contextlib import nullcontext
        from pathlib import Path
        from replaycache.httpx import ReplayTransport

        @pytest.mark.vcr
        def test_it(tmp_path, monkeypatch):
            monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "cache"))
            with respx.mock(using="httpcore") if {how == "mocked"} else nullcontext() as router:
                if router is not None:
                    router.get("{URL}").mock(return_value=httpx.Response(200, json="mocked"))
                with httpx.Client(transport=ReplayTransport()) as client:
                    answer = client.get("{URL}")
                    assert answer.json() == {"mocked" if how == "mocked" else "recorded"!r}
            assert not (tmp_path / "cache").exists()
    """)

    suite.run().assert_outcomes(passed=1)
