"""A recorded request as text that people run: a curl command, a pytest test. Pure.

What stands in a recording is quoted, and nothing of it is run by whoever pastes it: what a terminal or curl would
take for more than text is left for a file beside it.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from typing import Any, NamedTuple

from ..._models import Request
from ..._printable import printable
from ...dialects.usage import provider_of
from ...maintenance.facts import endpoint
from ...maintenance.verifying import CREDENTIALS
from ...redaction.headers import is_credential_header
from ...wire.multipart import NotMultipart, from_listing

LARGEST = 96 << 10
"""Bytes of a body that stand in a command or a test: a system takes 128 KiB as one argument."""
WIDTH = 100
_HEADER = re.compile(r"[A-Za-z0-9-]+")


class Copy(NamedTuple):
    """Text to be copied.

    Attributes:
        text: the command or the test.
        note: what is to be done beside it, for people; empty where nothing is.
    """

    text: str
    note: str = ""


def curl_of(request: Request) -> Copy:
    """A curl command that sends a request as it was stored."""
    notes: list[str] = []
    lines = [f"curl --globoff --url {_quoted(request.url)}"]
    if request.method != ("POST" if request.body else "GET"):
        lines.append(f"--request {shlex.quote(request.method)}")
    is_form = _is_form(request)
    for name, value in request.headers:
        if not _HEADER.fullmatch(name) or printable(value) != value or (is_form and name == "content-type"):
            continue
        lines.append(f"--header {shlex.quote(f'{name}: {value}' if value else f'{name};')}")
    for name, variable in _credentials(request):
        lines.append(f'--header "{name}: {_credential(name, f"${variable}")}"')
    if provider_of(request) == "aws":
        notes.append("AWS wants requests signed: add --aws-sigv4 and --user.")
    if is_form:
        lines += _form(request, notes)
    elif request.body:
        if request.header("content-type") is None:
            lines.append("--header 'content-type;'")  # curl would send that of a form
        text = _as_argument(request.body)
        if text is None:
            notes.append("Download the request's body beside it, as request-body.")
            lines.append("--data-binary @request-body")
        else:
            lines.append(f"--data-raw {shlex.quote(text)}")
    return Copy(" \\\n  ".join(lines) + "\n", " ".join(notes))


def pytest_of(request: Request, cassette: str, *, status: int = 200, is_stream: bool = False) -> Copy:
    """A pytest test that makes a request, answered by a cassette.

    Args:
        cassette: the name of its file.
        is_stream: whether the answer came in pieces.
    """
    notes = [f"Export the recording, and put {cassette} into cassettes/<name of the test's file>/ beside that."]
    arguments = [repr(request.method), repr(request.url)]
    headers = {name: repr(value) for name, value in request.headers if _HEADER.fullmatch(name)}
    credentials = _credentials(request)
    for name, variable in credentials:
        told = _credential(name, "{key}")
        headers[name] = f"f{told!r}" if told != "{key}" else "key"
        notes.append(f"With the cassette there, ${variable} may be empty.")
    body, is_json = _as_python(request, notes)
    if is_json:
        headers.pop("content-type", None)
    if headers:
        arguments.append("headers={" + ", ".join(f"{name!r}: {value}" for name, value in headers.items()) + "}")
    if body:
        arguments.append(body)
    arguments.append("timeout=120")
    called = "".join(f"        {argument},\n" for argument in arguments)
    name = re.sub(r"\W+", "_", endpoint(request).lower(), flags=re.ASCII).strip("_")[:40] or "call"
    lines = ["import os\n"] * bool(credentials) + ["import httpx", "import pytest", "", ""]
    lines += [f"@pytest.mark.replay({cassette!r})", f"def test_{name}() -> None:"]
    lines += [f'    key = os.environ.get("{variable}", "")' for _, variable in credentials[:1]]
    if is_stream:
        lines += [f"    with httpx.stream(\n{called}    ) as response:"]
        lines += ["        lines = list(response.iter_lines())"]
    else:
        lines += [f"    response = httpx.request(\n{called}    )"]
    lines += ["", f"    assert response.status_code == {status}"]
    lines += ["    assert lines" if is_stream else "    assert response.content"]
    return Copy("\n".join(lines) + "\n", " ".join(dict.fromkeys(notes)))


# -- what stands in for credentials ------------------------------------------------------------------------


def _credentials(request: Request) -> list[tuple[str, str]]:
    """The headers that carried a credential, and the variables that hold one."""
    provider = provider_of(request)
    known, made = CREDENTIALS.get(provider), re.sub(r"[^A-Z0-9]+", "_", provider.upper()).strip("_")
    variable = known.variables[0] if known is not None else f"{made}_API_KEY" if made else "API_KEY"
    names = dict.fromkeys(name.lower() for name in request.left_out)
    return [
        (name, variable)
        for name in names
        if is_credential_header(name) and _HEADER.fullmatch(name) and _is_sent(name)
    ]


def _is_sent(name: str) -> bool:
    """Whether a client sends it to say who asks; what else is left out for it may be one, is not made up."""
    return name in ("authorization", "api-key") or name.endswith("api-key")


def _credential(name: str, value: str) -> str:
    return f"Bearer {value}" if name == "authorization" else value


# -- bodies ------------------------------------------------------------------------------------------------


def _is_plain(text: str) -> bool:
    """Whether a terminal into which it is pasted takes it as it is."""
    return printable(text, lines=True) == text


def _quoted(text: str) -> str:
    return shlex.quote(printable(text))


def _as_argument(body: bytes) -> str | None:
    if len(body) > LARGEST:
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if _is_plain(text) else None


def _is_form(request: Request) -> bool:
    return (request.header("content-type") or "").partition(";")[0].strip().lower() == "multipart/form-data"


def _form(request: Request, notes: list[str]) -> list[str]:
    """The options for a form; its files are not stored, and are named."""
    lines = []
    try:
        listing = from_listing(request.body)
    except NotMultipart:
        notes.append("The form could not be read when it was recorded.")
        return []
    for part in listing:
        if not re.fullmatch(r"[\w.\[\]-]+", part.name, re.ASCII):
            notes.append("A field of the form is left out: its name is no plain word.")
        elif part.text is None:
            name = re.sub(r"[^A-Za-z0-9._-]+", "_", part.filename or part.name).lstrip(".-") or "file"
            lines.append(f"--form {shlex.quote(f'{part.name}=@{name}')}")
            notes.append(f"The file {name} is not stored: it has to lie here.")
        elif _is_plain(part.text):
            lines.append(f"--form-string {shlex.quote(f'{part.name}={part.text}')}")
        else:
            notes.append(f"The field {part.name} is left out: it holds control characters.")
    return lines


def _as_python(request: Request, notes: list[str]) -> tuple[str, bool]:
    """The argument that gives the body, and whether it is JSON."""
    if not request.body:
        return "", False
    if _is_form(request):
        notes.append("The form's files are not stored: give it data= and files= of your own.")
        return "", False
    if len(request.body) > LARGEST:
        notes.append("Download the request's body beside the test, as request-body.")
        return 'content=open("request-body", "rb").read()', False
    value = _literal(request.body)
    return (f"content={request.body!r}", False) if value is None else (f"json={value}", True)


def _literal(body: bytes) -> str | None:
    """A JSON body as Python's literal; None where that would not give the same."""
    try:
        value: Any = json.loads(body, parse_constant=_refuse)
        if not isinstance(value, (dict, list)):
            return None
        text = _laid_out(value, 8)
        return text if ast.literal_eval(text) == value and json.loads(json.dumps(value)) == value else None
    except (ValueError, RecursionError, SyntaxError, MemoryError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _laid_out(value: Any, indent: int) -> str:
    """A literal as a formatter would lay it out: on one line where it fits."""
    line = repr(value)
    if not value or not isinstance(value, (dict, list)) or len(line) + indent <= WIDTH:
        return line
    inner = " " * (indent + 4)
    if isinstance(value, dict):
        lines = [f"{inner}{name!r}: {_laid_out(item, indent + 4)},\n" for name, item in value.items()]
        return "{\n" + "".join(lines) + " " * indent + "}"
    return "[\n" + "".join(f"{inner}{_laid_out(item, indent + 4)},\n" for item in value) + " " * indent + "]"
