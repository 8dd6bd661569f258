"""docs/how-to/agents.md: the agent that it shows, run again and again."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

import pytest

from tests.docs.pages import blocks, shell
from tests.sdks.provider_server import ProviderServer

AGENT, *_ = blocks("how-to/agents.md", "python")
RUN, *AGAIN = re.findall(r"^\$ (.*)\n(.*)", *blocks("how-to/agents.md", "console"), re.MULTILINE)
COMMANDS = "".join(blocks("how-to/agents.md", "sh")).splitlines()

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a shell")


def calls(told: str) -> str:
    """What the last line counts; what was saved is another time in each run."""
    return told.splitlines()[-1].partition(";")[0].rstrip(".")


@pytest.mark.exhaustive
def test_only_what_follows_a_change_goes_live_and_its_retries_are_tested(tmp_path: Path) -> None:
    program = tmp_path / "agent.py"
    with ProviderServer() as server:
        run = partial(shell, cwd=tmp_path, OPENAI_API_KEY="placeholder", OPENAI_BASE_URL=f"{server.url}/v1")
        for (command, shown), agent in zip(
            (RUN, *AGAIN), (AGENT, AGENT, AGENT.replace(": rain", ": sun")), strict=True
        ):
            program.write_text(agent, "utf-8")
            told = run(command)
            assert server.text in told
            assert calls(told) == calls(shown)
        for command in COMMANDS:
            told = run(command)
            assert server.text in told
            assert "0 misses" in calls(told)
            assert "disturbed no call" not in told
        assert len(server.requests) == 3
