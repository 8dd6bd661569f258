"""docs/migrate: what replaces the caches of LangChain and LiteLLM, and what the pages say of those."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.docs.pages import blocks, run, shell
from tests.sdks.provider_server import ProviderServer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a shell")

AGENT_OF_LANGCHAIN = """
from langchain.agents import create_agent
from langchain_core.tools import tool

@tool
def forecast(city: str) -> str:
    "Tomorrow's weather."
    return "rain"

agent = create_agent(ChatOpenAI(model="gpt-4o-mini"), tools=[forecast])
for _ in range(2):
    agent.invoke({"messages": [{"role": "user", "content": "Do I need an umbrella?"}]})
    for _ in ChatOpenAI(model="gpt-4o-mini").stream("Say hello."):
        pass
"""
THEIRS = """
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_openai import ChatOpenAI
set_llm_cache(InMemoryCache())
"""
EXTRA_BODY = """
for number in (1, 2):
    litellm.completion(model="openai/gpt-4o-mini", messages=messages, extra_body={"number": number}, caching=True)
"""
CACHE_OF_LITELLM = """
import litellm
from litellm.caching.caching import Cache
litellm.cache = Cache(type="local")
messages = [{"role": "user", "content": "Say hello."}]
"""


def surroundings(server: ProviderServer) -> dict[str, str]:
    return {
        "LANGSMITH_TRACING": "false",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "OPENAI_API_KEY": "placeholder",
        "OPENAI_BASE_URL": f"{server.url}/v1",
    }


def asked(code: str, cwd: Path) -> int:
    """How many calls a program makes."""
    with ProviderServer() as server:
        run(code, cwd, **surroundings(server))
    return len(server.requests)


@pytest.mark.parametrize(("page", "calls"), [("migrate/langchain.md", 2), ("migrate/litellm.md", 1)])
def test_the_second_run_makes_no_call(page: str, calls: int, tmp_path: Path) -> None:
    (program,) = blocks(page, "py")
    again = next(block for block in blocks(page, "sh") if "python chat.py" in block)
    (tmp_path / "chat.py").write_text(program, "utf-8")
    with ProviderServer() as server:
        first = shell("python chat.py", tmp_path, **surroundings(server))
        second = shell(again, tmp_path, **surroundings(server))
    assert server.text in first
    assert second == first
    assert len(server.requests) == calls


def test_an_agent_and_a_stream_of_langchain_replay(tmp_path: Path) -> None:
    """Under its own cache streams go live again, and an agent's second turn, as its messages have new ids."""
    ours = "import replaycache\nreplaycache.install()\nfrom langchain_openai import ChatOpenAI\n"
    assert asked(ours + AGENT_OF_LANGCHAIN, tmp_path) == 3
    assert asked(THEIRS + AGENT_OF_LANGCHAIN, tmp_path) == 5


def test_what_litellm_passes_on_counts(tmp_path: Path) -> None:
    (program,) = blocks("migrate/litellm.md", "py")
    assert asked(program + EXTRA_BODY, tmp_path) == 3
    assert asked(CACHE_OF_LITELLM + EXTRA_BODY, tmp_path) == 1
