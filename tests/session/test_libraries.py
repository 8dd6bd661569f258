"""Which libraries a session gets under, and when: each process that asks imports what it imports itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripted_server import ScriptedServer, counting_answers


def run(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("used", "other"), [("httpx2", "httpx"), ("httpx", "httpx2")])
def test_a_library_is_not_imported_in_order_to_be_patched(tmp_path: Path, used: str, other: str) -> None:
    code = f"""
import sys, {used}, replaycache
with replaycache.use_cassette(sys.argv[1]):
    pass
replaycache.install(store=":memory:")
replaycache.uninstall()
print({other!r} in sys.modules, len([finder for finder in sys.meta_path if "replaycache" in repr(finder)]))
"""
    assert run(code, str(tmp_path / "c.json")) == "False 0\n"


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_library_is_patched_when_it_is_imported(tmp_path: Path, library: str) -> None:
    code = f"""
import sys, replaycache
for mode in ("once", "replay"):
    with replaycache.use_cassette(sys.argv[1], mode=mode):
        import {library}
        with {library}.Client() as client:
            answer = client.post(sys.argv[2] + "/v1/chat/completions", json={{"messages": []}})
        print(answer.json(), answer.extensions["replaycache"].status)
print(hasattr({library}.Client._transport_for_url, "__wrapped__"))
"""
    with ScriptedServer(counting_answers()) as server:
        told = run(code, str(tmp_path / "c.json"), server.url)

    assert told == "{'answer': 1} miss\n{'answer': 1} hit\nFalse\n"


def test_a_library_that_cannot_be_imported_says_so_itself() -> None:
    code = """
import replaycache
replaycache.install(store=":memory:")
import sys
sys.path.insert(0, sys.argv[1])
try:
    import httpx2
except ImportError as error:
    print(error)
"""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        Path(place, "httpx2.py").write_text("raise ImportError('broken on purpose')\n")
        assert run(code, place) == "broken on purpose\n"


@pytest.mark.parametrize("is_first", [True, False])
def test_one_library_under_two_names_is_patched_once(tmp_path: Path, is_first: bool) -> None:
    """`httpx2.alias_httpx()` is how it says to migrate; every call was recorded twice."""
    alias = "import httpx2; httpx2.alias_httpx()"
    code = f"""
import sys, replaycache
{alias if is_first else ""}
seen = []
for mode in ("once", "replay"):
    with replaycache.use_cassette(sys.argv[1], mode=mode) as cassette:
        {alias if not is_first else ""}
        import httpx
        with httpx.Client() as client:
            for number in range(2):
                body = {{"messages": [number]}}
                seen.append(client.post(sys.argv[2] + "/v1/chat/completions", json=body).json()["answer"])
        print(len(cassette.store.all()))
print(seen)
"""
    with ScriptedServer(counting_answers()) as server:
        assert run(code, str(tmp_path / "c.json"), server.url) == "2\n2\n[1, 2, 1, 2]\n"
        assert len(server.requests) == 2
