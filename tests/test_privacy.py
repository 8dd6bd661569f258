"""What replaycache writes for its user is that user's alone, whatever his umask: everything is looked at that is
written, while it is being written and when it is done."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.recorded import answer_json
from tests.scripted_server import Received, ScriptedServer, Wire

ROOT = str(Path(__file__).resolve().parent.parent)
PAGE = Path(ROOT, "docs", "privacy.md").read_text("utf-8")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files belong to users as POSIX has it")

DOES_EVERYTHING = """
import json, os, stat, sys, tempfile
from pathlib import Path

umask, url = sys.argv[1:]
os.umask(int(umask, 8))
HERE = Path.cwd()
os.environ |= {"HOME": str(HERE / "home"), "TMPDIR": str(HERE / "temporary")}
os.environ["REPLAYCACHE_DIR"] = cache = str(HERE / "new" / "and-new" / "cache")
for name in ("home", "temporary", "shared"):
    (HERE / name).mkdir()

found = {}

def look(path):
    name = os.path.relpath(path, HERE)
    if not name.startswith("."):
        try:
            found.setdefault(name, set()).add(os.lstat(path).st_mode)
        except OSError:
            pass

pending = set()

def hook(event, arguments):
    # what was opened or renamed before this event stands there now, under its temporary name too
    if event in ("open", "os.rename", "os.remove", "os.link", "sqlite3.connect"):
        for path in pending:
            look(path)
        pending.clear()
        if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(str(HERE)):
            pending.add(arguments[0])

sys.addaudithook(hook)

def look_at_all():
    for top, _, names in os.walk(HERE):
        for path in (top, *(os.path.join(top, name) for name in names)):
            look(path)

import httpx2
import replaycache
from replaycache.stores.cassette.journal import Journal
from tests.cli.recorded import replaycache as command

def ask(client, what):
    return client.post(url + "/v1/chat/completions", json={"model": "m", "messages": [what]}).read()

replaycache.install()
with httpx2.Client() as client:
    for what in ("small", "large", "stream", "small"):
        ask(client, what)
        look_at_all()
pid = os.fork()
if not pid:
    with httpx2.Client() as client:
        ask(client, "in a child")
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
replaycache.uninstall()
look_at_all()

cassette = str(HERE / "shared" / "c.json")
with replaycache.use_cassette(cassette, mode="auto"), httpx2.Client() as client:
    for what in ("large", "second", "third"):
        ask(client, what)
        look_at_all()
    assert Journal.beside(cassette).size, "there is no journal to look at"
look_at_all()

script = HERE / "shared" / "script.py"
asked = {"messages": ["in a script"]}
script.write_text(f"import httpx2; httpx2.post({url!r} + '/v1/chat/completions', json={asked})")
for arguments in (
    ("export", str(HERE / "shared" / "exported.json")),
    ("export", str(HERE / "shared" / "exported.yaml")),
    ("prune", "--all", "--yes"),
):
    done = command(*arguments)
    assert done.exit_code == 0, (arguments, done.stdout, done.stderr)
    look_at_all()
import subprocess
subprocess.run([sys.executable, "-m", "replaycache", "run", str(script)], check=True)
look_at_all()
print(json.dumps({name: sorted(modes) for name, modes in found.items()}))
"""


def _answer(request: Received, wire: Wire) -> None:
    asked = request.json()["messages"][0]
    if asked == "stream":
        wire.start_chunks()
        piece = {"choices": [{"index": 0, "delta": {"content": "x" * 4000}, "finish_reason": None}]}
        for _ in range(600):
            wire.chunk(b"data: %s\n\n" % json.dumps(piece).encode())
        piece["choices"][0]["finish_reason"] = "stop"
        wire.chunk(b"data: %s\n\ndata: [DONE]\n\n" % json.dumps(piece).encode())
        wire.end_chunks()
    else:
        wire.answer(answer_json("x" * 600_000 if asked == "large" else asked))


def _files_with(directory: Path, text: str) -> list[str]:
    return [path.name for path in directory.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("umask", ["000", "077"])
def test_whatever_is_written_is_for_the_user_alone(umask: str, tmp_path: Path) -> None:
    with ScriptedServer(_answer) as server:
        done = subprocess.run(
            [sys.executable, "-c", DOES_EVERYTHING, umask, server.url],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": ROOT},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    found = {
        name: {f"{stat.filemode(mode)[0]}{stat.S_IMODE(mode):04o}" for mode in modes}
        for name, modes in json.loads(done.stdout.splitlines()[-1]).items()
    }
    below = {
        first: {name: modes for name, modes in found.items() if name.split("/")[0] == first}
        for first in ("new", "home", "temporary", "shared")
    }

    names = {os.path.basename(name) for name in below["new"]}
    assert {"cache.db", "cache.db-wal", "cache.db-shm", "usage.db", "claims.lock", "new", "and-new"} <= names
    assert sum(name.endswith(".val") for name in names) == 2
    assert {mode for modes in below["new"].values() for mode in modes} == {"-0600", "d0700"}
    files = {os.path.basename(name) for name, modes in below["new"].items() if modes == {"-0600"}}
    assert [name for name in files if f"`{name}`" not in PAGE and not name.endswith(".val")] == []
    # it was removed, and what was asked after that was not
    assert _files_with(tmp_path / "new", "in a child") == []
    assert _files_with(tmp_path / "new", "in a script") == ["cache.db"]

    # what is in them is named by the user, who shares it as he likes
    public = f"-{0o666 & ~int(umask, 8):04o}"
    del below["shared"]["shared"]
    assert {"shared/c.json", "shared/.c.json.journal", "shared/exported.json"} <= set(below["shared"])
    assert {mode for modes in below["shared"].values() for mode in modes} <= {public, "-0600"}

    assert set(below["home"]) == {"home"}
    del below["temporary"]["temporary"]
    assert {mode for modes in below["temporary"].values() for mode in modes} <= {"-0600"}
    assert os.listdir(tmp_path / "temporary") == []
