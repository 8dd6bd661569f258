"""Refuses connections while a test, its fixtures or their threads run: not between tests, nor what collects them.

So what other plugins report, on the way from one phase to the next, goes out, and what a module fetches when it is
imported. What is refused is told in the test's report and in the summary.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Generator, Iterable
from contextlib import contextmanager, nullcontext
from typing import Any

from .._errors import ConfigurationError
from ..session.connections import listen, unlisten
from ..session.guard import Guard
from ..wire.hosts import HostPattern
from ..wire.url import parse

__all__ = ["NetworkGuard"]

_EVERY = re.compile(".*", re.DOTALL)


class NetworkGuard:
    """What connections the tests of a run may make.

    Args:
        blocks: whether `--block-network` holds in this process.
        allowed: what `--allowed-hosts` says.
        is_regular: whether that are regular expressions, as pytest-recording has them.

    Raises:
        ConfigurationError: `allowed` is wrong.
    """

    def __init__(self, *, blocks: bool, allowed: str, is_regular: bool = False) -> None:
        items = [item for item in map(str.strip, allowed.split(",")) if item]
        self._allowed = tuple(map(_regular if is_regular else _plain, items))
        self._guards: list[Guard] = []
        self._told: list[str] = []
        self._is_on = False
        self._block = Guard(
            self._allowed,
            why="--block-network was given",
            way_out="Mark the test with @pytest.mark.replay, so that a cassette answers, or allow the host: "
            "--allowed-hosts={host}",
            loopback=False,
            live_calls=False,
        )
        self._blocks = blocks

    @contextmanager
    def running(self) -> Generator[None]:
        """For the time of all tests."""
        with self._holding(self._block) if self._blocks else nullcontext():
            yield

    @contextmanager
    def phase(self) -> Generator[None]:
        """For one phase of a test."""
        self._is_on = True
        try:
            yield
        finally:
            self._is_on = False

    @contextmanager
    def replaying(self, ignored: Iterable[str], why: str) -> Generator[None]:
        """For a test in which nothing goes live but calls of ours that are to.

        Args:
            ignored: the option `ignore_hosts`.
            why: of a refusal, for its text.
        """
        guard = Guard(
            (*self._allowed, *map(HostPattern.parse, ignored)),
            why=why,
            way_out="Allow the host: ignore_hosts=['{host}'] in the mark or in the fixture replay_options, or "
            "--allowed-hosts={host}",
        )
        with self._holding(guard):
            yield

    @contextmanager
    def _holding(self, guard: Guard) -> Generator[None]:
        if not self._guards:  # runs that refuse nothing are left as they are
            listen(self._hear)
        self._guards.append(guard)
        try:
            yield
        finally:
            self._guards.remove(guard)
            if not self._guards:
                unlisten(self._hear)
            self._told += _refused(guard)

    def note_live(self, origin: str) -> None:
        """Tells of an origin to which a call was sent live by its own word, if that was not refused."""
        url = parse(origin)
        if not self._blocks or self._block.admits(url.host.strip("[]"), url.port_number):
            self._told.append(f"{origin} was called live, as the call's x-replaycache-mode says")

    def take(self) -> list[str]:
        """What there is to tell since it was asked last: where to, and who asked."""
        told, self._told = self._told, []
        for guard in self._guards:
            told += _refused(guard)
        return told

    def _hear(self, event: str, connecting: socket.socket | None, address: Any) -> None:
        if self._is_on:
            for guard in self._guards:
                guard.hear(event, connecting, address)


def _refused(guard: Guard) -> list[str]:
    """What it refused since then."""
    refused, guard.refused = guard.refused, []
    return [f"refused: {one}" for one in refused]


def _plain(text: str) -> HostPattern:
    name, _, port = text.partition(":")
    if name == "*" and (not port or (port.isdecimal() and 0 < int(port) < 65536)):
        return HostPattern(_EVERY, int(port) if port else None)
    try:
        return HostPattern.parse(text)
    except ValueError:
        raise ConfigurationError(
            f"--allowed-hosts={text!r} is no host; write api.example.com, 127.0.0.1:8080, [::1]:8080 or "
            f"*.example.com, separated by commas"
        ) from None


def _regular(text: str) -> HostPattern:
    try:
        return HostPattern(re.compile(f"(?:{text}).*", re.DOTALL), None)  # where the host begins so
    except re.error as error:
        raise ConfigurationError(f"--allowed-hosts={text!r} is no regular expression: {error}") from None
