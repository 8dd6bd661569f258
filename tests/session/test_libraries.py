"""Which libraries a session gets under, and when: each process that asks imports what it imports itself."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from replaycache.engine.wrapping import LIBRARIES
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


@pytest.mark.sampled(1)
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


def test_a_session_entered_while_another_thread_imports_waits_for_that() -> None:
    """And holds nothing for which the other waits; that one began under a session that is over."""
    code = """
import importlib.abc, sys, threading
import replaycache
from replaycache.stores import MemoryStore

importing, entering = threading.Event(), threading.Event()

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "httpx._client":
            importing.set()
            entering.wait(20)

sys.meta_path.insert(0, Finder())
if sys.argv[1] == "met":
    with replaycache.use_cassette(MemoryStore()):
        thread = threading.Thread(target=lambda: __import__("httpx"), daemon=True)
        thread.start()
        importing.wait(20)
else:
    thread = threading.Thread(target=lambda: __import__("httpx"), daemon=True)
    thread.start()
    importing.wait(20)

def enter():
    entering.set()
    with replaycache.use_cassette(MemoryStore()):
        import httpx
        print(hasattr(httpx.Client._transport_for_url, "__wrapped__"))

second = threading.Thread(target=enter, daemon=True)
second.start()
second.join(20)
thread.join(20)
print(second.is_alive(), thread.is_alive())
"""
    assert run(code, "met") == "True\nFalse False\n"
    assert run(code, "not met") == "True\nFalse False\n"


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_library_of_another_shape_is_told_with_the_way_out(tmp_path: Path, library: str, is_first: bool) -> None:
    """httpx 1.0 has other names."""
    (tmp_path / f"{library}.py").write_text("__version__ = '9.1'\nclass Client: ...\n")
    code = f"""
import sys, replaycache
sys.path.insert(0, sys.argv[1])
try:
    if {is_first}:
        import {library}
    replaycache.install(store=":memory:")
    import {library}
except replaycache.ConfigurationError as error:
    print(error)
replaycache.uninstall()
try:
    import replaycache.{library}
except replaycache.ConfigurationError as error:
    print(error)
"""
    told = run(code, str(tmp_path)).splitlines()

    assert len(told) == 2
    for line in told:
        assert line.startswith(f"replaycache works with {library}>=")
        assert "9.1 is imported" in line
        assert f"pip install '{library}>=" in line


def test_the_versions_that_are_told_are_those_that_are_required() -> None:
    required = {Requirement(text) for text in requires("replaycache") or ()}
    for library, versions in LIBRARIES.items():
        found = {str(one.specifier) for one in required if one.name == library}
        assert found
        for specifier in found:
            assert specifier in versions
