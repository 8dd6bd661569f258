"""`replaycache run` in processes of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scripted_server import Received, ScriptedServer, Wire

from .recorded import answer_json

ROOT = str(Path(__file__).parents[2])
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("REPLAYCACHE")}

TELLS = """
import json, sys
module = sys.modules["__main__"]
print(json.dumps({
    "argv": sys.argv, "name": __name__, "file": __file__, "path": sys.path[0], "package": __package__,
    "spec": __spec__ and __spec__.name, "main": module.__dict__ is globals(), "errors": sys.stdout.errors,
    "ours": sorted(name for name in globals() if "replay" in name),
}))
"""

ASKS = """
import sys, httpx
def ask(what="hello"):
    body = {"model": "m", "messages": [what]}
    return httpx.post(sys.argv[1] + "/v1/chat/completions", json=body).json()["model"]
"""


def _python(directory: Path, *arguments: str, **others: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=directory, capture_output=True, text=True, timeout=60,
        env=ENVIRONMENT | {"PYTHONPATH": ROOT, "REPLAYCACHE_DIR": str(directory / "cache")} | others,
    )  # fmt: skip


def _run(directory: Path, *arguments: str, **others: Any) -> subprocess.CompletedProcess[str]:
    return _python(directory, "-m", "replaycache", "run", *arguments, **others)


class Upstream:
    """A server that counts what it is asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.url = ""

    def handle(self, request: Received, wire: Wire) -> None:
        self.calls += 1
        wire.answer(answer_json())


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    counted = Upstream()
    with ScriptedServer(counted.handle) as server:
        counted.url = server.url
        yield counted


@pytest.mark.exhaustive
def test_a_miss_says_the_option_that_records_it(tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text(ASKS + "ask()")

    done = _run(tmp_path, "--mode", "replay", "asks.py", "http://127.0.0.1:9", REPLAYCACHE_MODE="auto")
    said = _run(tmp_path, "asks.py", "http://127.0.0.1:9", REPLAYCACHE_MODE="replay")

    assert "  next     record it with --mode auto\n" in done.stderr
    assert "  next     record it with REPLAYCACHE_MODE=auto\n" in said.stderr


def test_what_goes_wrong_with_what_is_replayed(tmp_path: Path, upstream: Upstream) -> None:
    told = "ask(); import httpx; response = httpx.post(sys.argv[1] + '/v1/chat/completions', json={'model': 'm', "
    (tmp_path / "asks.py").write_text(ASKS + told + "'messages': ['hello']}); print(response.status_code)")

    done = _run(tmp_path, "--fault", "status:418", "asks.py", upstream.url)
    wrong = _run(tmp_path, "--fault", "cutt", "asks.py", upstream.url)

    assert done.stdout == "418\n", done.stderr
    assert upstream.calls == 1
    assert wrong.returncode == 2
    assert "--fault='cutt': there is no fault 'cutt'; did you mean 'cut'?" in " ".join(wrong.stderr.split())


# -- as python would ---------------------------------------------------------------------------------------


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "arguments",
    [
        ["sub/tells.py"],
        ["sub/tells.py", "a", "--store", "x", "-q", "--", "-m", "--help"],
        ["-m", "sub.tells", "--mode", "x", "-m", "y"],
        ["-msub.tells", "a"],
        ["-m", "package", "--help"],
        ["folder"],
        ["archive.pyz", "-x"],
    ],
    ids=" ".join,
)
def test_a_program_sees_what_it_would_see_under_python(tmp_path: Path, arguments: list[str]) -> None:
    for path in ("sub/tells.py", "package/__main__.py", "folder/__main__.py", "package/__init__.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("" if path.endswith("__init__.py") else TELLS)
    with zipfile.ZipFile(tmp_path / "archive.pyz", "w") as archive:
        archive.writestr("__main__.py", TELLS)

    expected, done = _python(tmp_path, *arguments), _run(tmp_path, *arguments)

    assert expected.returncode == 0, expected.stderr
    assert done.stdout == expected.stdout
    assert done.returncode == 0


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "ending",
    [
        "pass",
        "raise SystemExit('bye')",
        "import os; os._exit(9)",
        "1 / 0",
        "try: 1 / 0\nexcept ZeroDivisionError as error: raise ValueError('x') from error",
        "def (",
        "import nowhere_at_all",
        "import sys; sys.excepthook = lambda *told: print('mine', told[0].__name__); 1 / 0",
        "import atexit; atexit.register(print, 'bye'); 1 / 0",
        "import threading; threading.Thread(target=print, args=('late',)).start()",
        "import asyncio\nasync def main(): await asyncio.sleep(0); print('in a loop')\nasyncio.run(main())",
        "import signal, os; os.kill(os.getpid(), signal.SIGTERM)",
        "raise KeyboardInterrupt",
        "print('\\ud800')",
    ],
)
def test_a_program_ends_as_it_would_under_python(tmp_path: Path, ending: str) -> None:
    (tmp_path / "ends.py").write_text(ending, encoding="utf-8")

    expected, done = _python(tmp_path, "ends.py"), _run(tmp_path, "-q", "ends.py")

    assert done.returncode == expected.returncode
    assert done.stdout == expected.stdout
    assert done.stderr == expected.stderr


@pytest.mark.parametrize("ending", ["raise SystemExit(7)", "1 / 0", "def (", "import nowhere_at_all"])
def test_a_module_ends_as_it_would_under_python(tmp_path: Path, ending: str) -> None:
    (tmp_path / "ends.py").write_text(ending)

    expected, done = _python(tmp_path, "-m", "ends"), _run(tmp_path, "-q", "-m", "ends")

    assert done.returncode == expected.returncode
    # python shows frames of its own there
    told = re.sub(r'  File "<frozen .*\n', "", expected.stderr)
    assert done.stderr == (told.partition("\n")[2] if ending == "def (" else told)


def test_a_status_that_the_program_gives_is_not_changed_by_the_line_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("raise SystemExit(7)")

    done = _run(tmp_path, "ends.py")

    assert done.returncode == 7
    assert done.stderr == "replaycache: no call was recorded or replayed.\n"


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["nowhere.py"], 3, "does not exist"),
        (["-m", "nowhere_at_all"], 3, "there is no module"),
        (["-m", "email"], 3, "__main__"),
        ([], 2, "name a script"),
        (["--mode", "never", "x.py"], 2, "never"),
        (["--stor", "x"], 2, "--store"),
        (["--ttl", "soon", "x.py"], 2, "soon"),
        (["--ignore-hosts", "http://localhost:8000", "x.py"], 2, "write the host alone"),
        (["--ignore-hosts", "*", "x.py"], 2, "means every host"),
        (["--store", "x.yaml", "x.py"], 2, "replaycache import x.yaml --store x.json"),
    ],
)
def test_what_cannot_be_run(tmp_path: Path, arguments: list[str], status: int, told: str) -> None:
    (tmp_path / "x.py").write_text("print('ran')")

    done = _run(tmp_path, *arguments)

    assert done.returncode == status
    assert told in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "no call was" not in done.stderr


# -- with the cache ----------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_hosts_that_are_ignored_are_called(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "asks.py").write_text(f"{ASKS}\nprint(ask())")

    runs = [_run(tmp_path, "--ignore-hosts", "10.0.0.1, localhost", "asks.py", upstream.url) for _ in range(2)]
    runs.append(_run(tmp_path, "asks.py", upstream.url, REPLAYCACHE_IGNORE_HOSTS="localhost"))

    assert upstream.calls == 3
    assert {run.stderr for run in runs} == {"replaycache: no call was recorded or replayed.\n"}
    assert not (tmp_path / "cache").exists()


def test_the_second_run_calls_nobody(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "asks.py").write_text(f"{ASKS}\nprint(ask())")

    first = _run(tmp_path, "asks.py", upstream.url)
    second = _run(tmp_path, "--mode", "replay", "asks.py", upstream.url)

    assert first.stdout == second.stdout == "gpt-4o-mini-2024-07-18\n"
    assert first.stderr == "replaycache: 0 hits, 1 miss, 1 stored.\n"
    assert re.fullmatch(r"replaycache: 1 hit, 0 misses, 0 stored; saved 46 tokens, [\d.]+ .?s\.\n", second.stderr)
    assert upstream.calls == 1


OWN = """
from replaycache.httpx import ReplayTransport
own = httpx.Client(transport=ReplayTransport(store=":memory:"))
"""
NONE = "no call was recorded or replayed"


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("options", "program", "line"),
    [
        (
            [],
            f"{OWN}\nfor _ in range(2): own.post(sys.argv[1] + '/v1/embeddings', json={{}})",
            f"{NONE}; 2 calls went by transports with a store or mode of their own.",
        ),
        (
            [],
            f"{OWN}\nask()\nown.post(sys.argv[1] + '/v1/embeddings', json={{}})",
            "0 hits, 1 miss, 1 stored; 1 call went by transports with a store or mode of their own.",
        ),
        (
            ["--budget=0"],
            "from replaycache import BudgetExceeded\ntry: ask()\nexcept BudgetExceeded: pass",
            f"{NONE}; 1 not sent, for the budget.",
        ),
        (
            [],
            "httpx.post(sys.argv[1], headers={'x-replaycache-mode': 'off'})",
            f"{NONE}; live, as the calls' x-replaycache-mode says: URL.",
        ),
    ],
    ids=["its own way", "beside others", "over budget", "off"],
)
def test_the_line_at_the_end_tells_of_every_call(
    tmp_path: Path, upstream: Upstream, options: list[str], program: str, line: str
) -> None:
    (tmp_path / "asks.py").write_text(f"{ASKS}\n{program}\n")

    done = _run(tmp_path, *options, "asks.py", upstream.url)

    assert done.stderr == f"replaycache: {line.replace('URL', upstream.url)}\n"


def test_processes_that_have_the_cache_are_not_told(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "asks.py").write_text(
        f"{ASKS}\n"
        "import multiprocessing\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        pool.map(str, ['hello'])\n"
    )

    done = _run(tmp_path, "--mode=replay", "asks.py", upstream.url)

    assert done.stderr == f"replaycache: {NONE}.\n"


@pytest.mark.exhaustive
def test_options_reach_the_cache(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "asks.py").write_text(f"{ASKS}\nprint(ask())")

    for sample in ("0", "1"):
        _run(tmp_path, "--store", "c.json", "--sample", sample, "asks.py", upstream.url)
    refused = _run(tmp_path, "--store=c.json", "--mode=replay", "--sample=2", "-q", "asks.py", upstream.url)

    assert (tmp_path / "c.json").exists()
    assert not (tmp_path / "cache").exists()
    assert upstream.calls == 2
    assert refused.returncode == 1
    assert "CacheMiss" in refused.stderr
    assert "replaycache run" not in refused.stderr


INSTALLS = "import replaycache\nreplaycache.install({})\n"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("named", ["", "pace=0.5"])
def test_a_program_that_installs_by_itself_is_told_what_it_does_not_name(
    named: str, tmp_path: Path, upstream: Upstream
) -> None:
    (tmp_path / "chat.py").write_text(INSTALLS.format(named) + ASKS + "print(ask())")
    recorded = _run(tmp_path, "--store", "a.json", "chat.py", upstream.url)
    assert recorded.stderr == "replaycache: 0 hits, 1 miss, 1 stored.\n"
    assert (tmp_path / "a.json").exists()

    again = _run(tmp_path, "--store", "a.json", "--mode", "replay", "chat.py", upstream.url)
    other = _run(tmp_path, "--mode", "replay", "chat.py", upstream.url)

    assert again.stdout == recorded.stdout
    assert again.stderr.startswith("replaycache: 1 hit, 0 misses, 0 stored;")
    assert other.returncode != 0
    assert "record it with --mode auto" in other.stderr
    assert upstream.calls == 1


def test_what_a_program_names_when_it_installs_holds(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "chat.py").write_text(INSTALLS.format('store="b.json"') + ASKS + "print(ask())")

    _run(tmp_path, "--store", "a.json", "chat.py", upstream.url)

    assert (tmp_path / "b.json").exists()
    assert not (tmp_path / "a.json").exists()


@pytest.mark.exhaustive
def test_the_file_where_it_was_started_holds_in_all_its_processes(tmp_path: Path, upstream: Upstream) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.replaycache]\nmode = 'of nobody'\n")
    (project / "pyproject.toml").write_text(
        "[tool.replaycache]\nstore = 'cache'\nmatch = { ignore = ['run'] }\nmode = 'replay'\n"
    )
    (project / "asks.py").write_text(
        "import multiprocessing, os, sys, httpx\n"
        "def ask(run):\n"
        "    body = {'model': 'm', 'messages': [], 'run': run}\n"
        "    return httpx.post(sys.argv[1] + '/v1/chat/completions', json=body).json()['model']\n"
        "if __name__ == '__main__':\n"
        "    run = int(sys.argv[2])\n"
        "    print(ask(run))\n"
        "    os.chdir('..')\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.apply(ask, (run + 1,)))\n"
    )

    first = _run(project, "--mode", "auto", "asks.py", upstream.url, "1", REPLAYCACHE_DIR="")
    second = _run(project, "asks.py", upstream.url, "3", REPLAYCACHE_DIR="")
    other = _run(project, "--ttl", "0", "asks.py", upstream.url, "3", REPLAYCACHE_DIR="")

    assert first.stdout == second.stdout == "gpt-4o-mini-2024-07-18\n" * 2, second.stderr
    assert upstream.calls == 1
    assert (project / "cache").is_dir()
    assert f'mode = "auto" in {project / "pyproject.toml"}\n' in other.stderr


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork and no forkserver")
def test_processes_of_multiprocessing_have_the_cache(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "asks.py").write_text(
        f"{ASKS}\n"
        "import multiprocessing\n"
        "if __name__ == '__main__':\n"
        "    print(ask())\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        with multiprocessing.get_context(method).Pool(1) as pool:\n"
        "            print(pool.map(ask, ['hello']))\n"
    )

    done = _run(tmp_path, "-q", "asks.py", upstream.url)

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert upstream.calls == 1


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork and no forkserver")
def test_identical_requests_are_counted_by_each_process(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "asks.py").write_text(
        f"{ASKS}\n"
        "import multiprocessing\n"
        "if __name__ == '__main__':\n"
        "    ask(), ask()\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        with multiprocessing.get_context(method).Pool(1) as pool:\n"
        "            pool.map(ask, ['hello'] * 3)\n"
    )

    for _ in range(2):
        done = _run(tmp_path, "-q", "--repeats", "numbered", "asks.py", upstream.url)
        assert (done.returncode, done.stderr) == (0, "")
        assert upstream.calls == 3


@pytest.mark.exhaustive
def test_a_thread_that_outlives_the_script_has_the_cache(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "asks.py").write_text(
        f"{ASKS}\nimport threading\nmain = threading.main_thread()\n"
        "threading.Thread(target=lambda: (main.join(), print(ask()))).start()"
    )

    _run(tmp_path, "asks.py", upstream.url)
    second = _run(tmp_path, "asks.py", upstream.url)

    assert "1 hit" in second.stderr
    assert upstream.calls == 1


def test_a_secret_that_a_cassette_refuses_is_told_at_the_end(tmp_path: Path, upstream: Upstream) -> None:
    secret = "sk-proj-" + "Ab3dE5gH7jK9mN1pQ3sT5vX7zB2dF4hJ6lM8oR0tV2xZ4b6D8fT3BlbkFJ9kL1nP3rS5uW7yA9cE1gI3"
    (tmp_path / "asks.py").write_text(f"{ASKS}\nprint(ask({secret!r}))")

    done = _run(tmp_path, "--store", "c.json", "asks.py", upstream.url)

    assert done.returncode == 0
    assert "looks like a credential" in done.stderr
    assert secret not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="there are no signals to send on Windows")
def test_a_signal_from_outside_ends_the_program_as_it_would(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)")
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(
            [sys.executable, "-m", "replaycache", "run", "waits.py"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT | {"PYTHONPATH": ROOT, "REPLAYCACHE_DIR": str(tmp_path / "cache")},
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(number)
            process.communicate(timeout=30)
            assert process.returncode == -number
