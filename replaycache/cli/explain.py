"""`replaycache explain`."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from .._models import Recording, Request
from .._printable import one_line, printable
from ..accounts.amounts import human_age
from ..configuration import defaults
from ..engine.nearest import CANDIDATES, Difference, find_nearest
from ..engine.stored_form import stored_form
from ..maintenance.moving import salt_of
from ..match import Match
from ..match.explanation import Explanation
from ..options import parse_hosts
from ..redaction.redact import Redact
from ..redaction.redactor import Redactor
from ..redaction.seal import Seal, unsalted
from ..stores import Store
from ..wire.hosts import HostPattern, are_meant
from .choosing import all_redacted, pairs
from .differences import as_json as difference_as_json
from .differences import request_differences, write_differences
from .errors import CommandFailed, Status, wrong_use
from .opening import (
    complete_key,
    default_store,
    existing_store,
    holds_recordings,
    named_entry,
    names_a_store,
    store_option,
)
from .output import is_terminal, json_option, write, write_field, write_json
from .request_text import parse_request

LIMIT = 64 << 20
"""Bytes of a file or of standard input that are read."""


@click.command("explain")
@click.argument("requests", metavar="[REQUEST] [REQUEST]", nargs=-1, shell_complete=complete_key)
@store_option
@click.option("--url", metavar="URL", help="Where a body without one is sent.")
@click.option("--header", "headers", metavar="NAME:VALUE", multiple=True, help="A header of the request.")
@click.option("--sample", type=click.IntRange(min=0), help="The sample that is asked for.")
@click.option("--ignore", metavar="PATH", multiple=True, help="As Match(ignore=[PATH]).")
@click.option("--scrub", metavar="NAME", multiple=True, help="As Match(scrub=[NAME]), or REGEX=TEXT for a pair.")
@click.option("--redact", "redacted", metavar="PATH", multiple=True, help="As Redact(body=[PATH]).")
@click.option("--host", "hosts", metavar="NAME=HOST", multiple=True, help="As Match(hosts={NAME: HOST}).")
@click.option("--count-header", metavar="NAME", multiple=True, help="As Match(headers=[NAME]).")
@click.option("--no-folding", is_flag=True, help="As Match(fold_defaults=False).")
@click.option(
    "--ignore-hosts", metavar="HOSTS", help="As ignore_hosts=[HOSTS]; otherwise REPLAYCACHE_IGNORE_HOSTS."
)
@json_option
def command(
    requests: tuple[str, ...],
    store: str | None,
    url: str | None,
    headers: tuple[str, ...],
    sample: int | None,
    ignore: tuple[str, ...],
    scrub: tuple[str, ...],
    redacted: tuple[str, ...],
    hosts: tuple[str, ...],
    count_header: tuple[str, ...],
    no_folding: bool,
    ignore_hosts: str | None,
    as_json: bool,
) -> Status:
    """Say how a request comes to its key, or why two differ.

    A REQUEST is a recording (KEY, FILE.json#3), or a file with a JSON body
    (then with --url), an HTTP message or a curl command; standard input
    where it is - or left out. Shown are its key, its canonical form, each
    rule that changed something, and whether a recording answers it.

    The rules are those of `match`, `redact` and `ignore_hosts` in the nearest
    pyproject.toml, unless options give others.

    Of two, it says at which JSON paths they differ, and which of these
    differences do not count. Exit status 1: their keys differ.
    """
    if len(requests) > 2:
        raise click.UsageError(f"explain takes one request or two, not {len(requests)}")
    match = _match(ignore, scrub, hosts, count_header, no_folding)
    redactor = _redactor(store, match, redacted)
    names = requests or ("-",)
    lines = tuple(pairs(headers, "NAME:VALUE", "--header"))
    asked = [_request(name, store, url, lines, sample, match, redactor) for name in names]
    if len(asked) == 2:
        return _write_two(asked[0], asked[1], as_json)
    _write_one(asked[0], store, match, redactor, _is_ignored(asked[0].request, ignore_hosts), as_json)
    return Status.DONE


def _match(
    ignore: tuple[str, ...],
    scrub: tuple[str, ...],
    hosts: tuple[str, ...],
    headers: tuple[str, ...],
    no_folding: bool,
) -> Match:
    if not any((ignore, scrub, hosts, headers, no_folding)):
        found: Match = defaults().options.get("match", Match())
        return found
    with wrong_use():
        return Match(
            ignore=ignore,
            scrub=[_scrub(text) for text in scrub],
            hosts=dict(pairs(hosts, "NAME=HOST", "--host")),
            headers=headers,
            fold_defaults=not no_folding,
        )


def _scrub(text: str) -> str | tuple[str, str]:
    """A scrub's name, or a pattern and what takes the place of its matches."""
    pattern, equals, placeholder = text.rpartition("=")
    return (pattern, placeholder) if equals else text


def _is_ignored(request: Request, ignore_hosts: str | None) -> bool:
    if ignore_hosts is None:
        ignore_hosts = defaults().options.get("ignore_hosts")
    with wrong_use():
        hosts = parse_hosts(ignore_hosts, "--ignore-hosts")
    return are_meant(map(HostPattern.parse, hosts), request.url)


@dataclass(frozen=True)
class _Asked:
    """A request that is explained.

    Attributes:
        name: as the user named it.
        request: as it would be stored: credentials replaced.
        sample: the option of that name.
        explanation: how it comes to its key.
        recording: that it was taken from; None where it comes from text.
        stored_as: the key under which a cache has it; empty where it comes from text or a file.
    """

    name: str
    request: Request
    sample: int
    explanation: Explanation
    recording: Recording | None
    stored_as: str = ""


# -- where a request comes from ------------------------------------------------------------------------------


def _request(
    name: str,
    store: str | None,
    url: str | None,
    headers: tuple[tuple[str, str], ...],
    sample: int | None,
    match: Match,
    redactor: Redactor,
) -> _Asked:
    text = _text(name)
    if text is None:
        entry = named_entry(name, store)
        recording: Recording | None = entry.recording
        request = entry.recording.request
        number = entry.recording.sample if sample is None else sample
        stored_as = entry.key if entry.number is None else ""
    else:
        recording, number, stored_as = None, sample or 0, ""
        try:
            request = parse_request(text, url=url, headers=headers)
        except ValueError as error:
            what = "standard input" if name == "-" else name
            raise click.UsageError(f"{what}: {error}") from error
    try:
        explanation = match.explain(request, sample=number, redactor=redactor)
        return _Asked(name, stored_form(request, redactor), number, explanation, recording, stored_as)
    except ValueError as error:
        raise CommandFailed(f"{name}: {error}") from error


def _redactor(store: str | None, match: Match, paths: tuple[str, ...]) -> Redactor:
    """Takes out what the store does not keep; its salt is asked for where something is sealed."""

    def salt() -> bytes:
        opened = existing_store(store)
        find = salt_of(opened) if os.path.exists(opened.location) else None
        return unsalted() if find is None else find()

    with wrong_use():
        redact = all_redacted(Redact(body=paths))
    is_file = str(default_store() if store is None else store).lower().endswith(".json")
    return Redactor(redact, Seal(salt, counts_access=not is_file), match.key_headers, match.ignored)


def _text(name: str) -> bytes | None:
    """The text of a request; None where a recording is named."""
    if name == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise click.UsageError("name a request (a key, or a file), or give one on standard input")
        return _bounded(sys.stdin.buffer.read(LIMIT + 1), "standard input")
    if not names_a_store(name) or "://" in name:
        return None
    path = Path(name).expanduser()
    if not path.is_file() or holds_recordings(path):
        return None
    with open(path, "rb") as file:
        return _bounded(file.read(LIMIT + 1), name)


def _bounded(data: bytes, name: str) -> bytes:
    if len(data) > LIMIT:
        raise CommandFailed(f"{name} is larger than {LIMIT >> 20} MiB, which is no request to be explained")
    if not data.strip():
        raise click.UsageError(f"{name} is empty; give a JSON body, an HTTP message or a curl command")
    return data


# -- one -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answer:
    """Whether a recording answers a request; the key of the nearest, where none does."""

    store: str
    found: Recording | None
    nearest: str = ""
    places: tuple[Difference, ...] = ()


def _answer(asked: _Asked, store: Store, match: Match, redactor: Redactor) -> _Answer:
    found = store.get(asked.explanation.key)
    if found is not None:
        return _Answer(store.location, found)
    recordings = (recording for _, recording in store.newest(CANDIDATES))
    nearest, places = find_nearest(asked.request, recordings)
    if nearest is None:
        return _Answer(store.location, None)
    explanation = match.explain(nearest.request, sample=nearest.sample, redactor=redactor)
    recorded = _Asked("", nearest.request, nearest.sample, explanation, nearest)
    counting, _ = _divided(recorded, asked, places)
    return _Answer(store.location, None, explanation.key, tuple(counting))


def _write_one(
    asked: _Asked, store: str | None, match: Match, redactor: Redactor, is_ignored: bool, as_json: bool
) -> None:
    answer = _answer(asked, existing_store(store), match, redactor) if asked.recording is None else None
    cacheable = match.is_cacheable(asked.request)
    if as_json:
        write_json(_one_as_json(asked, answer, cacheable) | {"ignored": is_ignored})
        return
    write_field("key", asked.explanation.key, "yellow")
    if asked.stored_as not in ("", asked.explanation.key):
        write_field(
            "stored as",
            f"{asked.stored_as}: it was recorded with a Match of its own. Give its rules: --host, --ignore, …",
            "red",
        )
    _write_canonical(asked.explanation.canonical)
    _write_rules("rules", asked.explanation)
    if not cacheable:
        write_field(
            "cache", "passes it through: only calls that generate are cached (a cassette records every call)"
        )
    if is_ignored:
        write_field("ignored", "its host is one of ignore_hosts: it is neither recorded nor replayed", "red")
    if answer is None:
        return
    if answer.found is not None:
        recorded_at = answer.found.recorded_at
        age = f"{human_age(time.time() - recorded_at)} ago" if recorded_at else "at an unknown time"
        write_field("recorded", f"{age}, in {answer.store}", "green")
    else:
        write_field("recorded", f"no, not in {answer.store}")
        if answer.nearest:
            write_field("nearest", f"{answer.nearest}, which differs in")
            write_differences(list(answer.places), indent=12)


_HEAD = ("scheme", "method", "origin", "path", "query", "headers", "sample", "scope", "kind")


def _write_canonical(canonical: bytes) -> None:
    head, body = _parts(canonical)
    write_field("request", f"{head['method']} {head['origin']}{head['path']}")
    for name in ("query", "headers", "sample", "scope"):
        if head[name]:
            write_field(name, json.dumps(head[name], ensure_ascii=False))
    kind = head["kind"] if isinstance(head["kind"], str) else ", ".join(filter(None, head["kind"]))
    write_field("body", f"{kind}, {len(body):,} bytes" if body else "none")
    if not body:
        return
    try:
        value = json.loads(body)
        # numbers in canonical form stand as they are
        text = json.dumps(value, ensure_ascii=False, indent=2) if is_terminal() else body.decode()
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "backslashreplace")
    for line in printable(text, lines=True).split("\n"):
        write(f"  {line}")


def _parts(canonical: bytes) -> tuple[dict[str, Any], bytes]:
    head, _, body = canonical.partition(b"\n")
    return dict(zip(_HEAD, json.loads(head), strict=True)), body


def _write_rules(label: str, explanation: Explanation) -> None:
    for number, (rule, detail) in enumerate(explanation.applied):
        write_field(label if number == 0 else "", f"{rule}: {detail}")
    if not explanation.applied:
        write_field(label, "none changed anything", "dim")


def _one_as_json(asked: _Asked, answer: _Answer | None, cacheable: bool) -> dict[str, Any]:
    head, body = _parts(asked.explanation.canonical)
    found: dict[str, Any] = {
        "key": asked.explanation.key,
        "stored_as": asked.stored_as or None,
        "canonical": head | {"body": body.decode("utf-8", "backslashreplace")},
        "rules": _rules(asked.explanation),
        "cacheable": cacheable,
    }
    if answer is not None:
        found["store"] = answer.store
        found["recorded"] = answer.found is not None
        found["nearest"] = list(map(difference_as_json, answer.places)) if answer.nearest else None
    return found


def _rules(explanation: Explanation) -> list[dict[str, str]]:
    return [{"rule": rule, "detail": detail} for rule, detail in explanation.applied]


# -- two -----------------------------------------------------------------------------------------------------


def _write_two(first: _Asked, second: _Asked, as_json: bool) -> Status:
    same = first.explanation.canonical == second.explanation.canonical
    counting, folded = _divided(first, second, request_differences(first.request, second.request))
    if as_json:
        write_json(
            {
                "same": same,
                "keys": [first.explanation.key, second.explanation.key],
                "counts": list(map(difference_as_json, counting)),
                "does_not_count": list(map(difference_as_json, folded)),
                "rules": [_rules(first.explanation), _rules(second.explanation)],
            }
        )
        return Status.DONE if same else Status.FOUND
    for mark, asked in (("-", first), ("+", second)):
        write_field(f"{mark} key", f"{asked.explanation.key}  {one_line(asked.name, 200)}", "yellow")
    write_field("same key", "yes" if same else "no", "green" if same else "red")
    if counting:
        write()
        write("What counts:", "bold")
        write_differences(counting, indent=2)
    if folded:
        write()
        write("What does not count:", "bold")
        write_differences(folded, indent=2)
    write()
    _write_rules("- rules", first.explanation)
    _write_rules("+ rules", second.explanation)
    return Status.DONE if same else Status.FOUND


def _divided(first: _Asked, second: _Asked, found: list[Difference]) -> tuple[list[Difference], list[Difference]]:
    """The differences between two requests: those that count for the key, and those that do not."""
    canonical = _canonical_differences(first, second)
    counting = [item for item in found if any(_touches(item.path, other.path) for other in canonical)]
    return counting or canonical, [item for item in found if item not in counting]


def _canonical_differences(first: _Asked, second: _Asked) -> list[Difference]:
    if first.explanation.canonical == second.explanation.canonical:
        return []
    heads, bodies = zip(*(_parts(asked.explanation.canonical) for asked in (first, second)), strict=True)
    found = [
        Difference(name, heads[0][name], heads[1][name])
        for name in ("method", "sample", "scope", "kind")
        if heads[0][name] != heads[1][name]
    ]
    if any(heads[0][name] != heads[1][name] for name in ("origin", "path", "query")):
        urls = [
            f"{head['origin']}{head['path']}{json.dumps(head['query']) if head['query'] else ''}" for head in heads
        ]
        found.append(Difference("url", *urls))
    lines = [dict(head["headers"]) for head in heads]
    for name in sorted({*lines[0], *lines[1]}):
        if lines[0].get(name) != lines[1].get(name):
            found.append(Difference(f"header {name}", lines[0].get(name), lines[1].get(name)))
    plain = [Request("POST", "any://thing", (), body) for body in bodies]
    return found + request_differences(plain[0], plain[1])


def _touches(path: str, other: str) -> bool:
    """Whether two paths are the same place, or one of them lies inside the other."""
    short, long = sorted((path, other), key=len)
    return long == short or (long.startswith(short) and long[len(short)] in ".[")
