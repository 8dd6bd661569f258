"""`[tool.replaycache]` of the nearest pyproject.toml: where it is looked for, who has it, and who wins."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from replaycache import ConfigurationError, Match, Redact, install, uninstall
from replaycache.configuration import OPTIONS, VARIABLES, defaults, read_configuration
from replaycache.stores import DiskStore
from tests.cli.recorded import answer_json, chat, put, replaycache
from tests.cli.terminal import run_in_terminal
from tests.scripted_server import Received, ScriptedServer, Wire

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLAYCACHE_DIR")


def write(directory: Path, text: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "pyproject.toml").write_text(text, "utf-8")


# -- which file --------------------------------------------------------------------------------------------


def test_the_nearest_file_counts_and_ends_the_search(tmp_path: Path) -> None:
    write(tmp_path, '[tool.replaycache]\nmode = "off"')
    (tmp_path / "plain" / "src").mkdir(parents=True)
    write(tmp_path / "named", '[tool.replaycache]\nttl = "1d"')
    write(tmp_path / "other", '[project]\nname = "x"')

    assert dict(read_configuration(tmp_path / "plain" / "src").options) == {"mode": "off"}
    assert dict(read_configuration(tmp_path / "named").options) == {"ttl": "1d"}
    assert dict(read_configuration(tmp_path / "other").options) == {}


@pytest.mark.parametrize("name", [".git", ".hg"])
def test_nothing_above_a_project_is_its_own(tmp_path: Path, name: str) -> None:
    write(tmp_path, '[tool.replaycache]\nmode = "off"')
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / name).mkdir()

    assert read_configuration(tmp_path / "project" / "src").path is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives a file to somebody else")
def test_what_others_put_where_everybody_writes_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, '[tool.replaycache]\nstore = "redis://elsewhere"')
    os.chown(tmp_path / "pyproject.toml", 12345, -1)
    assert read_configuration(tmp_path).options["store"] == "redis://elsewhere"  # as in a container

    tmp_path.chmod(0o1777)
    assert read_configuration(tmp_path).path is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives a link to somebody else")
def test_nor_does_a_link_of_others_lead_to_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    write(tmp_path / "mine", '[tool.replaycache]\nmode = "off"')
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "pyproject.toml").symlink_to(tmp_path / "mine" / "pyproject.toml")
    assert read_configuration(shared).options["mode"] == "off"

    os.chown(shared / "pyproject.toml", 12345, -1, follow_symlinks=False)
    shared.chmod(0o777)  # nor sticky: there the system follows no such link
    assert read_configuration(shared).path is None


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the directory of a process")
def test_where_there_is_no_directory_there_is_no_file(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    done = run(
        gone, f"import os, replaycache; os.rmdir({str(gone)!r}); replaycache.install(store=':memory:'); print(1)"
    )

    assert done.stdout == "1\n", done.stderr


FOREIGN = [
    "",
    "[tool",
    '[project]\nname = "x"\n[tool.ruff',
    '[project]\ndependencies = ["replaycache"]',
    '[project]\ndependencies = ["replaycache"]\n[tool.ruff\n',
    "[tool.replaycache_other]\nmode = 1",
    'tool = "replaycache"',
]


@pytest.mark.parametrize("text", FOREIGN)
def test_a_file_that_is_not_meant_for_us_never_fails(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)

    assert dict(read_configuration(tmp_path).options) == {}


def test_nor_does_one_that_is_no_text_or_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe replaycache")

    assert dict(read_configuration(tmp_path).options) == {}


@pytest.mark.parametrize(
    "text",
    [
        "[tool.replaycache]\nmode =",
        "[ tool . 'replaycache' ]\nmode =",
        'tool.replaycache.mode = "off"\n[',
        '[tool]\nreplaycache.mode = "replay"\n[',
        'tool = { replaycache = { mode = "replay" } }\n[',
        b"[tool.replaycache]\nfault = '\xff'",
        '[tool.replaycache]\nmode = "replay"'.encode("utf-16"),
    ],
)
def test_one_that_is_meant_for_us_is_told(tmp_path: Path, text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    (tmp_path / "pyproject.toml").write_bytes(data)

    with pytest.raises(ConfigurationError, match=r"pyproject\.toml cannot be read: "):
        read_configuration(tmp_path)


@pytest.mark.skipif(not os.path.isfile("/proc/self/mem"), reason="there is no file that nobody can read")
def test_one_that_cannot_be_opened_is_told_for_it_may_forbid_live_calls(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").symlink_to("/proc/self/mem")

    with pytest.raises(ConfigurationError, match=r"pyproject\.toml cannot be read, so that nobody knows"):
        read_configuration(tmp_path)


@pytest.mark.parametrize("text", ["tool = { replaycache = { mode = 'off' } }", "[tool]\nreplaycache.mode = 'off'"])
def test_the_table_may_be_written_in_any_way(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)

    assert dict(read_configuration(tmp_path).options) == {"mode": "off"}


@pytest.mark.parametrize(
    ("table", "name"),
    [("", "keep"), ("", "on_hit"), (".match", "normalize"), (".match", "cacheable")],
)
def test_functions_are_given_in_code(tmp_path: Path, table: str, name: str) -> None:
    write(tmp_path, f"[tool.replaycache{table}]\n{name} = 'x'")

    with pytest.raises(ConfigurationError, match=rf"\[tool.replaycache{table}\]: {name} is a function, and can"):
        read_configuration(tmp_path)


def test_a_budget_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path, "[tool.replaycache]\nbudget = 'much'")

    with pytest.raises(ConfigurationError, match="budget='much' is no budget"):
        read_configuration(tmp_path)


def test_the_environment_goes_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[tool.replaycache]\nmode = "off"\nstore = "c"\nbudget = 1\nignore_hosts = ["a"]\nttl = "1d"')
    for name in ("MODE", "DIR", "BUDGET", "IGNORE_HOSTS"):
        monkeypatch.setenv(f"REPLAYCACHE_{name}", "")
    assert set(defaults(tmp_path).options) == {"mode", "store", "budget", "ignore_hosts", "ttl"}

    for name, value in (("MODE", "auto"), ("DIR", "x"), ("BUDGET", "2"), ("IGNORE_HOSTS", "b")):
        monkeypatch.setenv(f"REPLAYCACHE_{name}", value)
    assert set(defaults(tmp_path).options) == {"ttl"}


# -- install() ---------------------------------------------------------------------------------------------

SHOWS = """
import sys, httpx, replaycache
from replaycache.session import session
replaycache.install({arguments})
options = session._installed._blocking.options
print(options.mode, options.ttl, session._installed.store.location)
"""


def run(directory: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("REPLAYCACHE")}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=directory, capture_output=True, text=True, timeout=60,
        env=variables | {"PYTHONPATH": str(ROOT)} | environment,
    )  # fmt: skip


FILE = '[tool.replaycache]\nmode = "replay"\nttl = "1h"\nstore = "cache"\n'


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        ("", {}, "replay 3600.0 {root}/cache"),
        ("mode=None, store=None", {}, "replay 3600.0 {root}/cache"),
        ("mode='off', ttl='2h', store='other'", {}, "off 7200.0 {root}/src/other"),
        ("ttl=None", {}, "replay None {root}/cache"),
        ("", {"REPLAYCACHE_MODE": "record", "REPLAYCACHE_DIR": "mine"}, "record 3600.0 {root}/src/mine"),
        ("mode='off'", {"REPLAYCACHE_MODE": "record"}, "off 3600.0 {root}/cache"),
    ],
)
def test_code_wins_then_the_environment_then_the_file(
    tmp_path: Path, arguments: str, environment: dict[str, str], told: str
) -> None:
    write(tmp_path, FILE)
    (tmp_path / "src").mkdir()

    done = run(tmp_path / "src", SHOWS.format(arguments=arguments), **environment)

    assert done.stdout == told.format(root=tmp_path) + "\n", done.stderr


def test_what_is_redacted_adds_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[tool.replaycache]\nredact = { body = ["of_file"] }\nstore = "cache"')
    monkeypatch.chdir(tmp_path)

    def answer(request: Received, wire: Wire) -> None:
        wire.answer(answer_json())

    import httpx

    with ScriptedServer(answer) as server:
        install(redact=Redact(body=["of_code"]))
        try:
            body = {"model": "m", "messages": ["hi"], "of_file": "secret one", "of_code": "secret two"}
            httpx.post(f"{server.url}/v1/chat/completions", json=body)
        finally:
            uninstall()

    [(_, recording)] = DiskStore(tmp_path / "cache").newest(9)
    assert b"secret" not in recording.request.body
    assert b"hi" in recording.request.body


def test_a_miss_names_the_file_that_said_the_mode(tmp_path: Path) -> None:
    write(tmp_path, FILE)
    code = "import replaycache, httpx; replaycache.install(); "
    code += "httpx.post('http://127.0.0.1:9/v1/chat/completions', json={'model': 'm', 'messages': ['hi']})"

    done = run(tmp_path, code)

    assert f'  next     record it with mode = "auto" in {tmp_path / "pyproject.toml"}\n' in done.stderr


def test_a_broken_file_fails_install_and_nobody_else(tmp_path: Path) -> None:
    write(tmp_path, "[tool.replaycache]\nmoed = 'off'")
    others = "import replaycache.httpx as r; r.ReplayTransport(); replaycache.use_cassette('x.json').__enter__()"

    done = run(tmp_path, f"import replaycache; {others}; print('fine'); replaycache.install()")

    assert done.stdout == "fine\n"
    assert "ConfigurationError" in done.stderr
    assert "there is no 'moed'; did you mean 'mode'?" in done.stderr


def test_a_file_that_names_us_nowhere_is_not_parsed(tmp_path: Path) -> None:
    write(tmp_path, '[project]\nname = "x"')
    told = "print([name for name in ('tomllib', 'difflib') if name in sys.modules])"

    assert run(tmp_path, f"import sys, replaycache; replaycache.install(); {told}").stdout == "[]\n"
    assert run(tmp_path, f"import sys, replaycache.httpx as r; r.ReplayTransport(); {told}").stdout == "[]\n"


# -- the command line --------------------------------------------------------------------------------------


def test_commands_look_where_the_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[tool.replaycache]\nstore = ".cache/llm"')
    monkeypatch.chdir(tmp_path)
    before = replaycache("ls")
    (key,) = put(DiskStore(tmp_path / ".cache" / "llm"), [chat("hello")])

    assert (before.exit_code, before.stdout) == (0, "")
    assert str(tmp_path / ".cache" / "llm") in before.stderr
    assert replaycache("ls").stdout.startswith(key)
    assert "hello" in replaycache("show", key[:8]).stdout
    assert replaycache("stats", "--recordings").stdout.startswith("total\t")
    assert "1" in replaycache("prune", "--all", "--yes").stderr
    assert not replaycache("ls").stdout


def test_import_writes_there_what_the_file_lets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[tool.replaycache]\nstore = "all.json"\nredact = { body = ["user"] }')
    monkeypatch.chdir(tmp_path)
    put(DiskStore(tmp_path / "from"), [chat("hello", user="Ada Lovelace")])

    done = replaycache("import", "from")

    assert done.exit_code == 0, done.stderr
    text = (tmp_path / "all.json").read_text()
    assert "hello" in text
    assert "Lovelace" not in text
    assert replaycache("ls").stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("store", "command", "status", "told"),
    [
        ("'all.json'", ["prune", "--all"], 2, "is a file of recordings, and prune works on a cache"),
        ("'redis://h'", ["prune", "--all"], 2, "a shared store forgets by itself"),
        ("['a', 'b']", ["prune", "--all"], 2, "which of these is meant? Name one with --store"),
        ("':memory:'", ["ls"], 2, "ends with each process; name another with --store"),
        ("1", ["ls"], 3, "pyproject.toml: [tool.replaycache]: store=1 is wrong"),
    ],
)
def test_a_store_of_the_file_that_does_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, command: list[str], status: int, told: str
) -> None:
    write(tmp_path, f"[tool.replaycache]\nstore = {store}")
    monkeypatch.chdir(tmp_path)

    done = replaycache(*command)

    assert done.exit_code == status
    assert told in " ".join(done.stderr.split())


def test_several_stores_are_read_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[tool.replaycache]\nstore = [":memory:", "a", "b"]')
    monkeypatch.chdir(tmp_path)
    put(DiskStore(tmp_path / "a"), [chat("one")])
    put(DiskStore(tmp_path / "b"), [chat("two")])

    told = replaycache("ls").stdout

    assert "one" in told
    assert "two" in told


def test_explain_goes_by_its_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[tool.replaycache]\nmatch = { ignore = ["run_id"] }\nignore_hosts = ["h"]')
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.json").write_text('{"model": "m", "messages": [], "run_id": 1}')
    asked = ["explain", "--url", "https://h/v1/chat/completions", "one.json"]

    told, otherwise = (
        replaycache(*asked).stdout,
        replaycache(*asked, "--ignore", "x", "--ignore-hosts", "i").stdout,
    )

    assert "ignored" in told
    assert '"run_id":1' not in told.partition("rules")[0]
    assert '"run_id":1' in otherwise.partition("rules")[0]
    assert "one of ignore_hosts" not in otherwise


def test_a_store_that_is_named_needs_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "[tool.replaycache]\nstore = 1")
    monkeypatch.chdir(tmp_path)
    put(DiskStore(tmp_path / "a"), [chat("one")])

    assert "one" in replaycache("ls", "a").stdout


# -- docs/configuration.md -----------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")


def test_the_file_that_the_page_shows_is_one(tmp_path: Path) -> None:
    write(tmp_path, PAGE.partition("```toml\n")[2].partition("```")[0])
    options: dict[str, Any] = dict(read_configuration(tmp_path).options)

    assert options["store"] == str(tmp_path / ".cache" / "llm")
    assert options["match"] == Match(ignore=["metadata.run_id"], scrub=["uuid", (r"build \d+", "build N")])


def test_the_page_has_every_option_and_variable() -> None:
    listed = PAGE.partition("The options are ")[2].partition(";")[0]

    assert re.findall(r"`(\w+)`", listed) == list(OPTIONS)
    assert all(f"`{variable}`" in PAGE for variable in VARIABLES.values())


def test_what_config_prints_is_what_the_page_shows(tmp_path: Path) -> None:
    write(tmp_path, "[tool.replaycache]\nmode = 'auto'\nttl = '7d'\nmatch = { ignore = ['metadata.run_id'] }")
    shown = PAGE.partition("replaycache config --pace 1\n")[2].partition("```")[0]

    screen = run_in_terminal("config", "--pace", "1", cwd=tmp_path, REPLAYCACHE_IGNORE_HOSTS="localhost")

    assert screen.text == shown


# -- values --------------------------------------------------------------------------------------------------


def test_tables_become_objects(tmp_path: Path) -> None:
    write(
        tmp_path,
        '[tool.replaycache]\nstore = "~/c"\n[tool.replaycache.match]\nscrub = ["uuid", ["a+", "A"]]\n'
        '[tool.replaycache.redact]\nsecrets = "replace"',
    )
    options: dict[str, Any] = dict(read_configuration(tmp_path).options)
    write(tmp_path, '[tool.replaycache]\nstore = "~nobody-who-is-here/c"')
    others = read_configuration(tmp_path).options["store"]

    assert others == str(tmp_path / "~nobody-who-is-here" / "c")
    assert options["match"] == Match(scrub=["uuid", ("a+", "A")])
    assert options["redact"] == Redact(secrets="replace")
    assert options["store"] == str(Path.home() / "c")
