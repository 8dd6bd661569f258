"""The table of SDKs, held to what tests/sdks runs: the lines of code, the versions, the transports."""

from __future__ import annotations

import ast
import re

import pytest

from tests.sdks.table import HERE, NOTES, SDKS, Row, rows


def stands_for(shown: ast.AST, run: ast.AST) -> bool:
    """Whether `run` is the code that is shown, with a test's transport in it and perhaps more arguments."""
    match shown, run:
        case ast.Call(func=ast.Name("ReplayTransport" | "AsyncReplayTransport")), ast.Name("transport"):
            return True
        case ast.Name(), ast.Name():
            return shown.id == run.id
        case ast.Call(), ast.Call():
            named = {keyword.arg: keyword.value for keyword in run.keywords}
            return (
                ast.dump(shown.func) == ast.dump(run.func)
                and len(shown.args) == len(run.args)
                and all(map(stands_for, shown.args, run.args))
                and all(word.arg in named and stands_for(word.value, named[word.arg]) for word in shown.keywords)
            )
        case ast.Dict(), ast.Dict():
            entries = {ast.dump(key): value for key, value in zip(run.keys, run.values, strict=True) if key}
            return all(
                key is not None and ast.dump(key) in entries and stands_for(value, entries[ast.dump(key)])
                for key, value in zip(shown.keys, shown.values, strict=True)
            )
        case ast.Lambda(), ast.Lambda():
            return stands_for(shown.body, run.body)
        case ast.Assign(), ast.Assign():
            return ast.dump(shown.targets[0]) == ast.dump(run.targets[0]) and stands_for(shown.value, run.value)
    return False


def parse(code: str) -> ast.AST:
    [statement] = ast.parse(code).body
    return statement.value if isinstance(statement, ast.Expr) else statement


def test_the_table_has_every_sdk_in_the_tested_version() -> None:
    tested = {}
    for name, environment in SDKS.items():
        if "file" not in environment:
            [tested[name]] = [wanted.partition("==")[2] for wanted in environment["install"]]
    assert {row.environment: row.version for row in rows()} == tested


@pytest.mark.parametrize("row", rows(), ids=str)
def test_a_line_is_what_its_test_runs(row: Row) -> None:
    decorators = {
        ast.unparse(decorator.args[0])
        for function in row.source.body
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "replays"
    }
    assert row.installed.startswith("yes")
    if row.code is None:
        assert (decorators, row.module) == ({"None"}, "")
        return
    # what needs a server of its own imports its transport by itself
    imported = {node.module for node in row.source.body if isinstance(node, ast.ImportFrom)}
    assert decorators == {repr(row.module.removeprefix("replaycache."))} or (
        not decorators and row.module in imported
    )
    assert any(stands_for(parse(row.code), node) for node in ast.walk(row.source)), row.code


def test_the_notes_are_what_the_tests_run() -> None:
    """What other arguments and classes they name stands in the tests of that SDK."""
    sources = "".join(path.read_text("utf-8") for path in sorted(HERE.glob("test_*.py")))
    for quoted in re.findall(r"`([^`]+)`", " ".join(NOTES.values())):
        code = re.sub(r"(Async)?ReplayTransport\(\)", "transport", quoted.removeprefix("client=").rstrip("="))
        assert code in sources or code == "install()", quoted


def test_each_environment_has_its_tests() -> None:
    named = {entry.get("file", f"test_{name.replace('-', '_')}.py") for name, entry in SDKS.items()}
    assert named == {path.name for path in HERE.glob("test_*.py")}


def test_continuous_integration_runs_the_main_five() -> None:
    main = {name for name, entry in SDKS.items() if entry.get("main")}
    assert main == {"openai2", "openai3", "anthropic", "google-genai", "litellm"}
