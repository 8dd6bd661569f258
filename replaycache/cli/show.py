"""`replaycache show`."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .._errors import ReplayCacheError
from .._models import Headers, Recording, Usage, Verdict
from .._printable import one_line, printable
from ..accounts.amounts import human_age, human_duration, human_money, human_size, human_units, iso_time
from ..dialects.answers import answer_end
from ..dialects.conversation import Conversation, Part, Turn, conversation
from ..maintenance.facts import chunks_of, settings, usage_told
from ..maintenance.timeline import ASCII_BARS, BARS, timeline
from .choosing import prices_of_project
from .errors import CommandFailed, NothingMatches
from .fitting import width, wrapped
from .opening import (
    Entry,
    complete_key,
    existing_store,
    in_order,
    is_cassette,
    named_entry,
    names_a_store,
    store_option,
)
from .output import FIELD, can_write, is_terminal, json_option, write, write_field, write_json, write_json_line

if TYPE_CHECKING:
    from ..accounts.prices import Prices

DATA = 2000
"""Characters of JSON in an unknown form that are shown; `--raw` has all of it."""
SLICES = 60
"""Slices of time in a timeline, at most."""


@click.command("show")
@click.argument("name", metavar="KEY|FILE", shell_complete=complete_key)
@store_option
@click.option("--request", "side", flag_value="request", help="Only the request.")
@click.option("--response", "side", flag_value="response", help="Only the response.")
@click.option("--raw", is_flag=True, help="The bytes of the response's body (or of the request's).")
@json_option
@click.option("--textconv", is_flag=True, help="As git's diff wants it: FILE, or its text if it is no cassette.")
def command(name: str, store: str | None, side: str | None, raw: bool, as_json: bool, textconv: bool) -> None:
    """Show a recording: conversation, stream, usage, price.

    KEY is a key or the beginning of one (4 characters or more). FILE is a
    cassette or a file of another recorder: all of its recordings, or one of
    them as FILE#3 or FILE#KEY.

    Images, sounds and files are named and not shown. The timeline has a bar
    for each slice of time, by the bytes that came in it.
    """
    if raw and as_json:
        raise click.UsageError("--raw and --json exclude each other")
    if textconv:
        if raw or as_json or side or store is not None:
            raise click.UsageError("--textconv takes a FILE, and no other option")
        _write_for_diff(name)
        return
    found = list(_named(name, store, one=raw))
    if raw:
        _write_raw(found[0].recording, side)
    elif as_json:
        prices = prices_of_project()
        write_one = write_json if len(found) == 1 else write_json_line
        for entry in found:
            write_one(_as_json(entry, side, prices))
    else:
        _Page(prices_of_project()).write(found, side)


def _named(name: str, store: str | None, *, one: bool) -> Iterator[Entry]:
    """The recording of this name, or all of a file, in its order."""
    if one or store is not None or "#" in name or not names_a_store(name):
        yield named_entry(name, store)
        return
    opened = existing_store(name)
    if not is_cassette(opened):
        yield named_entry(name)
        return
    found = in_order(opened)
    if not found:
        raise NothingMatches(f"there are no recordings in {opened.location}.")
    yield from found


def _write_for_diff(name: str) -> None:
    """A file's recordings; what is no cassette, or a broken one, as it stands: an error would end git."""
    data = Path(name).read_bytes()
    try:
        opened = existing_store(name)
        found = in_order(opened) if is_cassette(opened) else []
        for entry in found:
            entry.recording.body.read()  # nonsense in it shows now, not in the middle of the text
    except (ReplayCacheError, click.ClickException):
        found = []
    if found:
        _Page().write(found, None)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


# -- for people --------------------------------------------------------------------------------------------

_ROLES = {"system": "magenta", "developer": "magenta", "user": "green", "tool": "cyan", "function": "cyan"}


_VERDICTS: dict[Verdict, str] = {
    "whole": "",
    "unfinished": "unfinished: it ended before the API said that this was all of it",
    "failed": "failed: the answer tells of a failure",
}


class _Page:
    """Recordings as text. Piped, lines are not wrapped, and the same recording is the same text at any time.

    Args:
        prices: by which money is told; None for a diff, where what changes without the conversation is left out:
            numbers, prices, timelines.
    """

    def __init__(self, prices: Prices | None = None) -> None:
        self._prices = prices
        self._wraps = is_terminal() and prices is not None
        self._width = width() if self._wraps else 80
        self._arrows = ("→", "←") if can_write("→←") else ("->", "<-")

    def write(self, found: Iterable[Entry], side: str | None) -> None:
        for number, entry in enumerate(found):
            if number:
                write()
                write(("─" if can_write("─") else "-") * min(self._width, 80), "dim")
                write()
            self._recording(entry, side)

    def _recording(self, entry: Entry, side: str | None) -> None:
        recording = entry.recording
        read = conversation(recording)
        if side != "response":
            self._asked(entry, read)
        if side is None:
            write()
        if side != "request":
            for turn in read.answered:
                self._turn(turn)
            self._answered(recording)

    def _asked(self, entry: Entry, read: Conversation) -> None:
        recording, request = entry.recording, entry.recording.request
        number = f"  #{entry.number}" if entry.number is not None and self._prices is not None else ""
        write_field("key", f"{entry.key}{number}", "yellow")
        write_field("request", f"{request.method} {one_line(request.url, 1000)}")
        if recording.recorded_at:
            when = iso_time(recording.recorded_at).replace("T", " ")
            write_field("recorded", f"{when}{self._age(recording)}")
        write_field("model", one_line(read.model), "cyan")
        write_field("tools", one_line(", ".join(read.tools), 1000))
        write_field("settings", one_line(settings(recording.request), 1000))
        write_field("sample", str(recording.sample) if recording.sample else "")
        write_field("left out", _names(request.left_out))
        write_field("unknown", _names(request.unknown))
        for turn in read.asked:
            write()
            self._turn(turn)

    def _age(self, recording: Recording) -> str:
        if not self._wraps:
            return ""
        age = human_age(time.time() - recording.recorded_at)
        return f", {age} ago" if age != "now" else ", just now"

    def _answered(self, recording: Recording) -> None:
        write()
        chunks = chunks_of(recording)
        pieces = f" in {chunks:,} chunks" if chunks > 1 else ""
        first = f", head after {human_duration(recording.latency)}" if recording.latency else ""
        last = f", last chunk after {human_duration(recording.duration)}" if recording.duration else ""
        size = human_size(recording.size)
        status = recording.head.status
        write_field("response", f"{status}, {size}{pieces}{first}{last}", "red" if status >= 400 else "")
        if not recording.complete:
            write_field("", "cut short: the caller closed it before its end", "red")
        write_field("finished", one_line(", ".join(answer_end(recording).finish_reasons), 200))
        write_field("", _VERDICTS[recording.verdict], "red")
        if chunks > 1 and recording.body.duration and self._prices is not None:
            self._timeline(recording)
        write_field("left out", _names(recording.head.left_out))
        usage = usage_told(recording)
        if usage is not None:
            write_field("tokens", _tokens(usage))
            write_field("units", human_units(usage.units, has_tokens=bool(_tokens(usage))))
            if self._prices is not None:
                price = human_money(self._prices.price_of(usage, recording.recorded_at))
                write_field("price", price or f"not known: {one_line(self._prices.why_unknown(usage), 120)}")

    def _timeline(self, recording: Recording) -> None:
        line = timeline(recording.body, max(10, min(SLICES, self._width - FIELD)))
        write_field("timeline", line.bars(BARS if can_write(BARS) else ASCII_BARS), "green")
        end = human_duration(line.last)
        pause = f"longest pause {human_duration(line.longest_pause)}"
        room = max(2, len(line.counts) - len("0 s") - len(pause) - len(end))
        write_field("", f"0 s{' ' * (room // 2)}{pause}{' ' * (room - room // 2)}{end}", "dim")

    def _turn(self, turn: Turn) -> None:
        if turn.role:
            write(one_line(turn.role, 40), f"bold {_ROLES.get(turn.role, 'blue')}")
        for part in turn.parts:
            text, style = self._part(part)
            self._block(text, style, 2 if turn.role else 0)

    def _part(self, part: Part) -> tuple[str, str]:
        text, name = printable(part.text, lines=True), one_line(part.name, 200)
        call, result = self._arrows
        if part.kind == "text":
            return text, ""
        if part.kind == "reasoning":
            return f"(reasoning) {text}", "dim"
        if part.kind == "refusal":
            return f"(refusal) {text}", "red"
        if part.kind == "tool call":
            return f"{call} {name}({text})", "cyan"
        if part.kind == "tool result":
            return f"{result} {name}: {text}" if name else f"{result} {text}", "cyan"
        if part.kind == "error":
            return f"error {name}: {text}" if name else f"error: {text}", "red"
        if part.kind == "data":
            more = f"… and {len(text) - DATA:,} more characters (--raw has all)" if len(text) > DATA else ""
            return f"{text[:DATA]}{more}", ""
        about = ", ".join(item for item in (name, one_line(part.text, 300)) if item)
        return f"[{part.kind}: {about}]" if about else f"[{part.kind}]", "dim"

    def _block(self, text: str, style: str, indent: int) -> None:
        """Text as it was said, wrapped and indented."""
        for paragraph in text.rstrip("\n").split("\n"):
            room = max(10, self._width - indent)
            for line in wrapped(paragraph.expandtabs(4), room) if self._wraps else [paragraph]:
                write(f"{' ' * indent}{line}" if line else "", style)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(one_line(name, 200) for name in names)


def _tokens(usage: Usage) -> str:
    if not usage.input_tokens and not usage.output_tokens:
        return ""
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    reasoning = f" ({usage.reasoning_tokens:,} for reasoning)" if usage.reasoning_tokens else ""
    return f"{usage.input_tokens:,} in{cached}, {usage.output_tokens:,} out{reasoning}"


# -- for programs ------------------------------------------------------------------------------------------


def _write_raw(recording: Recording, side: str | None) -> None:
    if is_terminal():
        data = recording.request.body if side == "request" else recording.body.read()
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if printable(text, lines=True) != text.replace("\r\n", "\n"):
            raise CommandFailed(
                "the body is no text, or holds control characters that a terminal would obey; "
                "write it to a file with `> FILE`, or pipe it."
            )
    output = sys.stdout.buffer
    if side == "request":
        output.write(recording.request.body)
    else:
        for segment in recording.body.segments:
            output.write(segment.data)
    output.flush()


def _as_json(entry: Entry, side: str | None, prices: Prices) -> dict[str, Any]:
    recording, request = entry.recording, entry.recording.request
    read = conversation(recording)
    found = entry.as_json() | {
        "recorded_at": iso_time(recording.recorded_at) or None,
        "sample": recording.sample,
        "model": read.model or None,
    }
    if side != "response":
        found["request"] = {
            "method": request.method,
            "url": request.url,
            "headers": _headers(request.headers),
            "left_out": list(request.left_out),
            "unknown": list(request.unknown),
            **_body(request.body),
            "tools": list(read.tools),
            "turns": list(map(_turn, read.asked)),
        }
    if side != "request":
        usage = usage_told(recording)
        found["response"] = {
            "status": recording.head.status,
            "headers": _headers(recording.head.headers),
            "left_out": list(recording.head.left_out),
            "complete": recording.complete,
            "verdict": recording.verdict,
            "finish_reasons": list(answer_end(recording).finish_reasons),
            "latency": recording.latency,
            "duration": recording.duration,
            "size": recording.size,
            **_body(recording.body.read()),
            "chunks": [
                [offset / 1e6, length]
                for segment in recording.body.segments
                for offset, length in zip(segment.offsets, segment.lengths, strict=True)
            ],
            "turns": list(map(_turn, read.answered)),
        }
        found["usage"] = usage._asdict() if usage else None
        found["price"] = prices.price_of(usage, recording.recorded_at) if usage else None
    return found


def _headers(headers: Headers) -> list[list[str]]:
    return [[name, value] for name, value in headers]


def _body(body: bytes) -> dict[str, Any]:
    """A body under `json`, `text` or `base64`, the first that fits; under nothing where it is empty."""
    if not body:
        return {}
    try:
        return {"json": json.loads(body, parse_constant=_refuse)}
    except (ValueError, RecursionError):
        pass
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _turn(turn: Turn) -> dict[str, Any]:
    parts = [
        {name: value for name in ("kind", "name", "text", "id") if (value := getattr(part, name))}
        for part in turn.parts
    ]
    return {"role": turn.role or None, "parts": parts}
