"""What commands that move recordings have in common: rules about credentials, and what became of each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal

import click

from .._printable import printable
from ..accounts.amounts import many
from ..maintenance.moving import Moved
from ..redaction.redact import Redact
from .choosing import all_redacted
from .errors import Status
from .fitting import note
from .output import write_json

LISTED = 10
"""Recordings that are named of each kind; the rest are counted."""


def redact_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command --secrets and --keep-header together as `redact: Redact`."""

    @click.option(
        "--secrets",
        type=click.Choice(["refuse", "replace"]),
        default="refuse",
        help="What looks like a credential: do not write the recording (the default), or replace it.",
    )
    @click.option("--keep-header", metavar="NAME", multiple=True, help="Keep this header beyond those that are.")
    @functools.wraps(command)
    def with_redact(
        *arguments: Any, secrets: Literal["refuse", "replace"], keep_header: tuple[str, ...], **others: Any
    ) -> Any:
        redact = Redact(secrets=secrets, request_headers=keep_header, response_headers=keep_header)
        return command(*arguments, redact=all_redacted(redact), **others)

    return with_redact


def tell(moved: Moved, target: str, as_json: bool) -> Status:
    """Says what became of the recordings, and gives the exit status."""
    if as_json:
        write_json(
            {
                "target": target,
                "written": moved.written,
                "known": moved.known,
                "repeated": moved.repeated,
                "left_out": named(moved.left_out, "reason"),
                "secrets": named(moved.secrets, "found"),
                "damaged": named(moved.damaged, "reason"),
            }
        )
    parts = [f"{many(moved.written, 'recording')} written to {target}"]
    if moved.known:
        parts.append(f"{moved.known:,} there already")
    if moved.repeated:
        parts.append(f"{moved.repeated:,} repeated, of which the last answer counts")
    for which, short, what in (
        (moved.left_out, "left out", "left out"),
        (moved.damaged, "damaged", "cannot be read"),
        (moved.secrets, "not written for a secret", "not written, for it holds what looks like a credential"),
    ):
        _list(what, which)
        if which:
            parts.append(f"{len(which):,} {short}")
    note("; ".join(parts) + ".")
    if moved.secrets:
        note("Take it out of what is sent, or use --secrets=replace.")
    if moved.damaged:
        return Status.FAILED
    return Status.FOUND if moved.secrets or not (moved.written or moved.known) else Status.DONE


def named(which: list[tuple[str, str]], why: str) -> list[dict[str, str]]:
    return [{"recording": name, why: reason} for name, reason in which]


def _list(what: str, which: list[tuple[str, str]]) -> None:
    for name, reason in which[:LISTED]:
        note(printable(f"{name}: {what}: {reason}"))
    if len(which) > LISTED:
        note(f"and {len(which) - LISTED:,} more {what}")
