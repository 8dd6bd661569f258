"""Writes a page for each SDK, of the table in `sdks/index.md` and of what tests/sdks runs.

`python docs/write_sdk_pages.py`; with `--check` it writes nothing, and exits with 1 where a page is another.
"""

from __future__ import annotations

import ast
import shlex
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.sdks.table import NOTES, SDKS, Row, rows  # noqa: E402  # it stands beside the package

_STORES = {"mcp": "mcp.json"}
"""Where calls that generate nothing are recorded: in a cassette."""

_ASKS = (ast.FunctionDef, ast.AsyncFunctionDef)


class _Shown(ast.NodeTransformer):
    """Turns what a test asks into what a user writes: helpers stand where they are called, its server and key go.

    Args:
        helpers: the functions of its module.
        is_async: whether the transport is the asynchronous one.
        transport: what stands for it; None where `install()` holds.
    """

    def __init__(self, helpers: dict[str, Any], is_async: bool, transport: str | None) -> None:
        self.helpers, self.is_async, self.transport = helpers, is_async, transport
        self.before: list[ast.stmt] = []
        self.is_named = False

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == "transport" and self.transport is not None:
            return ast.parse(self.transport, mode="eval").body
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        node.keywords = [word for word in node.keywords if not _is_of_test(word.value)]
        if isinstance(node.func, ast.Attribute) and node.func.attr == "model_dump":
            return node.func.value
        helper = self.helpers.get(ast.unparse(node.func))
        if not isinstance(helper, ast.FunctionDef):
            return node
        if [each.arg for each in helper.args.args] in (["answer"], ["value"]):
            return node.args[0]  # makes plain values of an answer
        made = self.visit(_chosen(helper.body, self.transport is not None)[-1].value)
        if self.is_named or not helper.name.startswith("make"):
            return made
        self.before.append(ast.Assign([ast.Name("client")], made))
        return ast.Name("client")

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.is_named = True
        self.generic_visit(node)
        self.is_named = False
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.Dict:
        self.generic_visit(node)
        kept = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if not _is_of_test(value)]
        return ast.Dict([key for key, _ in kept], [value for _, value in kept])

    def visit_Expr(self, node: ast.Expr) -> Any:
        """A helper that is called for what it does."""
        helper = self.helpers.get(ast.unparse(node.value.func)) if isinstance(node.value, ast.Call) else None
        return self.generic_visit(node) if helper is None else self.shown(helper)

    def visit_With(self, node: ast.With) -> Any:
        return self._with(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> Any:
        return self._with(node)

    def _with(self, node: Any) -> Any:
        """A helper that is entered does what it does before the block."""
        before: list[ast.stmt] = []
        self.is_named = True
        for item in list(node.items):
            called = item.context_expr
            helper = self.helpers.get(ast.unparse(called.func)) if isinstance(called, ast.Call) else None
            if isinstance(helper, ast.FunctionDef) and helper.decorator_list:
                for statement in _chosen(helper.body, self.transport is not None):
                    is_async = "async" in ast.unparse(statement).lower()
                    if isinstance(statement, ast.Expr) and is_async == self.is_async:
                        before.append(self.visit(statement))
                node.items.remove(item)
            else:
                item.context_expr = self.visit(called)
        self.is_named = False
        body = [line for each in node.body for line in _lines(self.visit(each))]
        if not node.items:
            return [*before, *body]
        node.body = body
        return [*before, node]

    def visit_Return(self, node: ast.Return) -> Any:
        """What is returned is shown, a stream piece by piece."""
        value = node.value
        asked = value.value if isinstance(value, ast.Await) else value
        helper = self.helpers.get(ast.unparse(asked.func)) if isinstance(asked, ast.Call) else None
        if isinstance(helper, ast.AsyncFunctionDef):
            given = ast.Assign([ast.Name(helper.args.args[0].arg)], self.visit(asked.args[0]))
            return [given, *self.shown(helper)]
        parts = value.elts if isinstance(value, ast.Tuple) else [value]
        return [line for part in parts for line in _told(self.visit(part))]

    def shown(self, test: Any) -> list[ast.stmt]:
        """The statements of a function, with the transport or without."""
        found: list[ast.stmt] = []
        for statement in _chosen(test.body, self.transport is not None):
            made = _lines(self.visit(statement))
            found += [*self.before, *made]
            self.before.clear()
        return found


def _lines(made: Any) -> list[ast.stmt]:
    return made if isinstance(made, list) else [made]


def _chosen(body: list[ast.stmt], has_transport: bool) -> list[Any]:
    """What runs with a transport, or without."""
    chosen: list[ast.stmt] = []
    for statement in deepcopy(body):
        asked = ast.unparse(statement.test) if isinstance(statement, ast.If) else ""
        if isinstance(statement, ast.If) and asked in ("transport is None", "transport is not None"):
            holds = has_transport == (asked == "transport is not None")
            chosen += _chosen(statement.body if holds else statement.orelse, has_transport)
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):  # its docstring
            chosen.append(statement)
        if chosen and isinstance(chosen[-1], ast.Return):
            break
    return chosen


def _is_of_test(value: ast.expr) -> bool:
    text = ast.unparse(value)
    return text in ("url", "'a-key'", "{}") or text.startswith("f'{url}")


def _told(value: Any) -> Iterator[ast.stmt]:
    if isinstance(value, ast.ListComp):
        [loop] = value.generators
        kind = ast.AsyncFor if loop.is_async else ast.For
        yield kind(loop.target, loop.iter, [_print(value.elt)], [])
    elif isinstance(value, ast.Call) and ast.unparse(value.func) == "list":
        yield ast.For(ast.Name("chunk"), value.args[0], [_print(ast.Name("chunk"))], [])
    else:
        yield _print(value)


def _print(value: ast.expr) -> ast.Expr:
    return ast.Expr(ast.Call(ast.Name("print"), [value], []))


def _first(source: ast.Module, *, streams: bool, is_async: bool) -> Any:
    """The first test that asks so; None where the SDK does not."""
    for each in source.body:
        if isinstance(each, _ASKS) and [arg.arg for arg in each.args.args] == ["url", "transport"]:
            asks = each.name == "ask" or any("(" in ast.unparse(one) for one in each.decorator_list)
            is_stream = "stream" in each.name or "partial" in each.name
            if asks and is_stream == streams and isinstance(each, ast.AsyncFunctionDef) == is_async:
                return each
    return None


def _program(row: Row, test: Any, *, by_transport: bool) -> str:
    """What a user writes for what a test asks, formatted."""
    source = row.source
    helpers = {each.name: each for each in source.body if isinstance(each, _ASKS)}
    takes_async = isinstance(test, ast.AsyncFunctionDef) or "is_async=True" in ast.unparse(test.decorator_list)
    kind = f"{'Async' * takes_async}ReplayTransport"
    given = f"store={_STORES[row.sdk]!r}" if row.sdk in _STORES else ""
    shown = _Shown(helpers, takes_async, f"{kind}({given})" if by_transport else None)
    asked = ast.Module(shown.shown(test), [])
    if isinstance(test, ast.AsyncFunctionDef):
        program = ast.parse("async def main(): ...\n\nasyncio.run(main())")
        program.body[0].body = asked.body
        asked = program
    text = ast.unparse(ast.fix_missing_locations(asked))
    used = {each.id for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Name)}
    imports, values = [], []
    for each in reversed(source.body):
        if isinstance(each, ast.ImportFrom | ast.Import):
            each.names = [name for name in each.names if (name.asname or name.name).partition(".")[0] in used]
            module = getattr(each, "module", "") or ""
            if each.names and not module.startswith(("tests", "typing", "__future__", "replaycache")):
                imports.append(ast.unparse(each))
            continue
        name = each.target.id if isinstance(each, ast.AnnAssign) else getattr(each, "name", "")
        if isinstance(each, ast.Assign):
            name = ast.unparse(each.targets[0])
        if name in used and not isinstance(each, _ASKS):
            plain = f"{name} = {ast.unparse(each.value)}" if isinstance(each, ast.AnnAssign) else ast.unparse(each)
            values.append(plain)
            used |= {one.id for one in ast.walk(each) if isinstance(one, ast.Name)}
    if isinstance(test, ast.AsyncFunctionDef):
        imports.append("import asyncio")
    if by_transport:
        imports.append(f"from {row.module} import {kind}")
    else:
        imports.append("import replaycache")
        text = f"replaycache.install({given})\n\n{text}"
    return _formatted("\n".join([*sorted(imports), "", *reversed(values), "", text, ""]))


def _formatted(code: str) -> str:
    options = ["--isolated", "--line-length", "84", "-"]
    sort = ["check", "--select", "I", "--fix", "--quiet", "--config", "lint.isort.no-sections=true"]
    for command in (sort, ["format", "--quiet"]):
        code = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *options],
            input=code,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return code


def page(row: Row) -> str:
    """The page of an SDK."""
    source = row.source
    library = row.module.removeprefix("replaycache.")
    extra = "[httpx2]" if library == "httpx2" or row.code is None else ""
    wanted = SDKS[row.environment]["install"][0].partition("==")[0]
    if row.sdk != row.environment:
        wanted = f"{wanted}=={row.sdk.split()[1].replace('x', '*')}"
    install = shlex.join([f"replaycache{extra}", wanted]).replace("'", '"')
    lines = [f"# {row.sdk}", "", "```sh", f"pip install {install}", "```", ""]
    lines += [f"Tested with version {row.version}.", ""]
    if row.code is not None:
        lines += [f"It takes a transport, from `{row.module}`:", "", "```py", row.code, "```", ""]
    else:
        lines += ["It makes its clients itself and takes no transport: `install()` puts the cache under them.", ""]
    lines += [f"{NOTES[mark]}\n" for mark in row.marks]
    by_transport = row.code is not None
    for heading, streams, is_async in (
        ("A call", False, False),
        ("A stream", True, False),
        ("An asynchronous call", False, True),
        ("An asynchronous stream", True, True),
    ):
        test = _first(source, streams=streams, is_async=is_async)
        if test is not None:
            lines += [f"## {heading}", "", "```py", _program(row, test, by_transport=by_transport) + "```", ""]
    if by_transport:
        test = _first(source, streams=False, is_async=False) or _first(source, streams=False, is_async=True)
        lines += [
            "## Under every client",
            "",
            "`install()` changes no line of the client, whenever that was made:",
            "",
            "```py",
            _program(row, test, by_transport=False) + "```",
            "",
        ]
    return "\n".join([*lines, "[All SDKs](index.md)", ""])


def main() -> int:
    """Writes the pages, or tells which are others."""
    wrong = []
    for row in rows():
        path = HERE / "sdks" / f"{row.environment}.md"
        made = page(row)
        if "--check" not in sys.argv:
            path.write_text(made, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != made:
            wrong.append(path.name)
    if wrong:
        print(f"{', '.join(wrong)}: not what `python docs/write_sdk_pages.py` writes", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
