"""What the end of a run tells: drift, tokens and money."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator

import pytest

from tests.plugin.projects import Project, summary
from tests.scripted_server import Received, ScriptedServer, Wire

pytest_plugins = ["pytester"]

VERIFIED = """
    import httpx2
    from llm import URL, body

    @pytest.fixture
    def replay_options():
        return {"on_drift": DRIFT}

    def post(text):
        with httpx2.Client(verify=False) as client:
            return client.post(URL, json=body(text)).json()

    @pytest.mark.replay
    def test_same(): post("same")

    @pytest.mark.replay
    def test_values(): post("values")

    @pytest.mark.replay
    def test_shape(): post("shape")
"""


@pytest.fixture
def drifting(project: Project) -> Iterator[Project]:
    """An upstream that answers the second time with other values, or in another shape, where it is asked to."""
    asked: set[str] = set()

    def handle(request: Received, wire: Wire) -> None:
        text = request.json()["messages"][0]["content"]
        answer = {"answer": text}
        if text in asked and text == "values":
            answer = {"answer": "another"}
        if text in asked and text == "shape":
            answer = {"text": text}
        asked.add(text)
        wire.answer(json.dumps(answer).encode())

    with ScriptedServer(handle) as upstream:
        project.set(UPSTREAM=upstream.url)
        yield project


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "1"]], ids=["alone", "worker"])
def test_verify_tells_of_drift_and_writes_nothing(drifting: Project, workers: list[str]) -> None:
    drifting.tests(VERIFIED.replace("DRIFT", "None"))
    drifting.run().assert_outcomes(passed=3)
    before = {name: (drifting.path / name).read_bytes() for name in drifting.cassettes()}

    result = drifting.run("--replay-mode=verify", *workers)

    result.assert_outcomes(passed=3, warnings=2)
    result.stdout.fnmatch_lines(
        ['*ReplayCacheWarning: the answer to "*" (m, POST *) is not what was recorded: values: answer*']
    )
    result.stdout.fnmatch_lines(
        [
            "*= replaycache: drift =*",
            'test_it.py::test_shape: "*" (m, POST http://127.0.0.1:*/v1/chat/completions): shape: *',
            "Upstream answers in another shape than what is recorded*",
            "replaycache: 0 replayed, 0 recorded, 0 missed, 0 unused, 1 drifted",
        ],
        consecutive=True,
    )
    assert {name: (drifting.path / name).read_bytes() for name in drifting.cassettes()} == before


def test_verify_fails_where_it_is_asked_to(drifting: Project) -> None:
    drifting.tests(VERIFIED.replace("DRIFT", "'raise'"))
    drifting.run().assert_outcomes(passed=3)

    result = drifting.run("--replay-mode=verify")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=3, errors=1, warnings=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_shape*", "*test_shape: DriftFound: upstream no longer answers as recorded:"]
    )


def test_verify_tells_of_what_is_not_recorded(project: Project) -> None:
    project.tests("@pytest.mark.replay\ndef test_it(): ask('q')")

    result = project.run("--replay-mode=verify")

    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(['*nothing is recorded for "q" (m, POST *), so its answer cannot be verified'])
    assert project.cassettes() == []


def cassette(*calls: tuple[str, str, int, int]) -> str:
    """A cassette as if OpenAI or Anthropic had been asked: host, model, tokens in and out."""
    recordings = []
    for host, model, tokens_in, tokens_out in calls:
        usage = {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        }
        recordings.append(
            {
                "request": {
                    "method": "POST",
                    "url": f"https://{host}/v1/chat/completions",
                    "headers": {"content-type": "application/json"},
                    "json": {"model": model, "messages": [{"role": "user", "content": "q"}]},
                },
                "response": {
                    "status": 200,
                    "headers": {"content-type": "application/json"},
                    "json": {"object": "chat.completion", "model": model, "choices": [], "usage": usage},
                },
                "recorded_at": "2026-01-01T00:00:00.000Z",
            }
        )
    return json.dumps({"format": "replaycache/1", "recordings": recordings})


PRICED = """
    import httpx2
    from llm import body

    @pytest.mark.replay
    @pytest.mark.parametrize(("host", "model"), CALLS)
    def test_it(host, model):
        with httpx2.Client(verify=False) as client:
            url = f"https://{host}/v1/chat/completions"
            client.post(url, json=body("q") | {"model": model}).raise_for_status()
"""

KNOWN = ("api.openai.com", "gpt-4o-mini", 1000, 500)
UNKNOWN = ("llm.example.com", "homegrown", 30, 4)


WORKER = ["-p", "xdist", "-n", "1"]


@pytest.mark.parametrize(
    ("calls", "tokens", "money", "workers"),
    [
        ([KNOWN], "1.5k tokens", " and $", []),
        ([KNOWN, UNKNOWN], "1.5k tokens", " and at least $", []),
        ([UNKNOWN], "34 tokens", " saved", []),
        ([KNOWN, UNKNOWN], "1.5k tokens", " and at least $", WORKER),
        pytest.param([KNOWN], "1.5k tokens", " and $", WORKER, marks=pytest.mark.exhaustive),
        pytest.param([UNKNOWN], "34 tokens", " saved", WORKER, marks=pytest.mark.exhaustive),
    ],
)
def test_tokens_and_money_that_replaying_saved_are_told(
    project: Project, calls: list[tuple[str, str, int, int]], tokens: str, money: str, workers: list[str]
) -> None:
    project.tests(PRICED.replace("CALLS", repr([call[:2] for call in calls])))
    for host, model, *used in calls:
        path = f"cassettes/test_it/test_it[{host}-{model}].json"
        project.write(path, cassette((host, model, used[0], used[1])))

    result = project.run("--replay-mode=replay", *workers)

    result.assert_outcomes(passed=len(calls))
    line = summary(result)
    assert line.startswith(f"replaycache: {len(calls)} replayed, 0 recorded, 0 missed, 0 unused, {tokens}")
    assert line.endswith(" saved")
    assert (money in line) is (importlib.util.find_spec("genai_prices") is not None or money == " saved")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("workers", [[], WORKER], ids=["alone", "worker"])
def test_money_is_told_by_the_prices_of_each_test(project: Project, workers: list[str]) -> None:
    project.tests("""
        import httpx2
        from llm import body

        @pytest.fixture
        def replay_options():
            return {"prices": {"homegrown": {"input": 1000, "output": 0}}}

        def ask():
            with httpx2.Client(verify=False) as client:
                url = "https://llm.example.com/v1/chat/completions"
                client.post(url, json=body("q") | {"model": "homegrown"}).raise_for_status()

        @pytest.mark.replay("one.json")
        def test_suite():
            ask()

        @pytest.mark.replay("one.json", prices={"https://llm.example.com": {"input": 500_000, "output": 0}})
        def test_own():
            ask()
    """)
    project.write("cassettes/test_it/one.json", cassette(UNKNOWN))

    line = summary(project.run("--replay-mode=replay", *workers))

    # 30 tokens cost $0.03, and $15
    assert line.endswith("68 tokens and $15.03 saved")


def test_calls_that_went_their_own_way_are_counted(drifting: Project) -> None:
    """Through a transport that names its store, beside one that follows the mark."""
    drifting.tests("""
        import httpx2
        from llm import URL, body
        from replaycache.httpx2 import ReplayTransport

        @pytest.mark.replay
        def test_it():
            for transport in (ReplayTransport(store=":memory:"), ReplayTransport()):
                with httpx2.Client(transport=transport) as client:
                    client.post(URL, json=body("same"))
    """)

    told = summary(drifting.run())

    assert "1 recorded" in told
    assert "1 by transports with a store or mode of their own" in told
