"""`replaycache scan`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from .._printable import one_line
from ..accounts.amounts import many
from ..maintenance.scanning import Found, files_in, scan_cache, scan_file
from ..stores import DiskStore
from .errors import CommandFailed, Status
from .fitting import counted, note
from .opening import is_disk_cache
from .output import json_option, write, write_json_line


@click.command("scan")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--exclude", metavar="GLOB", multiple=True, help="Leave out these names or paths, such as *.lock.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what was found.")
@json_option
def command(paths: tuple[Path, ...], exclude: tuple[str, ...], quiet: bool, as_json: bool) -> Status:
    """Look for credentials in files; a pre-commit hook.

    Reads cassettes, files of other recorders, caches and any other text;
    directories are gone through. A finding is told by its place and kind, and
    never by its value. Exits with 1 if there is one.

    A line has the form FILE:LINE: KIND, then the recording and the place in
    it. With --json a line is a JSON object.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise CommandFailed(f"{path} does not exist.")
    count = looked = 0
    failed = False
    for path in counted(files_in(paths, exclude, is_disk_cache), "scanning"):
        looked += 1
        try:
            findings = _scan(path, quiet)
        except OSError as error:
            failed = True
            note(f"Error: {path} cannot be read: {error.strerror}")
            continue
        count += len(findings)
        for found in findings:
            _tell(found, as_json)
    if not quiet:
        note(f"{many(count, 'finding') if count else 'No credential'} in {many(looked, 'file')}.")
    if count:
        return Status.FOUND
    return Status.FAILED if failed else Status.DONE


def _scan(path: Path, quiet: bool) -> list[Found]:
    def unread(why: str) -> None:
        if not quiet:
            note(f"Warning: {why}")

    if path.is_dir():
        store = DiskStore(path)
        try:
            return list(scan_cache(store, unread))
        finally:
            store.close()
    return list(scan_file(path, unread))


def _tell(found: Found, as_json: bool) -> None:
    if as_json:
        write_json_line(
            {
                "path": found.path,
                "line": found.line or None,
                "recording": found.recording or None,
                "where": found.where or None,
                "kind": found.name,
            }
        )
        return
    place = one_line(found.path, 4096) + (f":{found.line}" if found.line else "")
    parts = [f"recording {found.recording}"] * bool(found.recording) + [found.where] * bool(found.where)
    write(one_line(f"{place}: {found.name}" + (f" in {', '.join(parts)}" if parts else ""), 8192))
