"""What a run may cost."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project

pytest_plugins = ["pytester"]

pytest.importorskip("genai_prices", reason="prices need the extra of that name")

DEAR = """
    import json

    import httpx2

    sent = []
    ANSWER = {
        "object": "chat.completion",
        "model": "gpt-4o",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 400_000, "completion_tokens": 0, "total_tokens": 400_000},
    }

    class Upstream(httpx2.BaseTransport):
        def handle_request(self, request):
            sent.append(json.loads(request.read())["messages"][0]["content"])
            return httpx2.Response(200, json=ANSWER)

    def ask(question):
        with httpx2.Client(transport=Upstream()) as client:
            body = {"model": "gpt-4o", "messages": [{"role": "user", "content": question}]}
            client.post("https://api.openai.com/v1/chat/completions", json=body)

    @pytest.mark.replay
    def test_first():
        ask("first")

    @pytest.mark.replay
    def test_second():
        ask("second")

    def test_what_was_sent():
        print("sent", sent)
"""


def test_a_call_beyond_the_budget_of_the_run_is_not_sent(project: Project) -> None:
    project.tests(DEAR)

    result = project.run("-s", "--replay-budget=$0.50")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*sent ?'first'?*", "*BudgetExceeded: the call was not sent*Raise --replay-budget*"]
    )


def test_what_is_replayed_costs_nothing(project: Project) -> None:
    project.tests(DEAR)
    project.run("--replay-budget=10").assert_outcomes(passed=3)

    result = project.run("-s", "--replay-budget=0")

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*sent ??"])


@pytest.mark.exhaustive
def test_workers_share_it(project: Project) -> None:
    """Together they never spend more than a run without them."""
    project.tests(DEAR)

    result = project.run_apart("-p", "xdist", "-n", "2", "--replay-budget=0")

    result.assert_outcomes(passed=1, failed=2)


@pytest.mark.parametrize("amount", ["much", "-1", ""])
def test_a_wrong_amount_is_said_at_once(project: Project, amount: str) -> None:
    project.tests(DEAR)

    result = project.run(f"--replay-budget={amount}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--replay-budget='{amount}' is no budget; write US dollars*"])


SWALLOWING = """
    from replaycache import BudgetExceeded

    def swallow(question):
        try:
            ask(question)
        except BaseException:
            pass

    @pytest.mark.replay
    def test_swallowed():
        swallow("first")
        swallow("second")

    @pytest.mark.replay
    def test_expected():
        with pytest.raises(BudgetExceeded):
            ask("third")
"""


def test_a_refusal_that_is_swallowed_fails_its_test_and_nothing_is_written(project: Project) -> None:
    project.tests(DEAR.partition("    @pytest.mark.replay")[0] + SWALLOWING)

    result = project.run("--replay-budget=$0.50")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*a refusal was caught by other code than the test*", "*pytest.raises(BudgetExceeded)*"]
    )
    assert project.cassettes() == []
