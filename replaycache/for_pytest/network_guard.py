"""Refuses connections while a test, its fixtures or their threads run: not between tests, nor what collects them.

So what other plugins report, on the way from one phase to the next, goes out, and what a module fetches when it is
imported. Threads that were started outside of tests are not theirs, and reach loopback at all times. What is
refused is told in the test's report and in the summary.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from .._errors import ConfigurationError
from ..session.connections import listen, unlisten
from ..session.guard import Guard, destination, is_loopback, started_text
from ..system.inheritance import Inherited
from ..wire import url as _url
from ..wire.hosts import HostPattern

_EVERY = re.compile(".*", re.DOTALL)

_of_tests: Inherited[bool] = Inherited("replaycache_of_tests")
"""True in the phases of tests, and in the threads and tasks that they start."""


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
        self._runs_tests = 0
        self._block = Guard(
            self._allowed,
            why="--block-network was given",
            way_out="Mark the test with @pytest.mark.replay, so that a cassette answers, or allow the host: "
            "--allowed-hosts={host}",
            loopback=False,
            live_calls=False,
        )
        self._blocks = blocks

    def running(self) -> AbstractContextManager[None]:
        """For the time of all tests."""
        return self._holding(self._block) if self._blocks else nullcontext()

    @contextmanager
    def phase(self) -> Generator[None]:
        """For one phase of a test."""
        self._is_on, self._runs_tests = True, threading.get_ident()
        before = _of_tests.here()
        _of_tests.set(True)
        try:
            yield
        finally:
            self._is_on = False
            _of_tests.set(before)

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
            Inherited.hold()
            listen(self._hear)
        self._guards.append(guard)
        try:
            yield
        finally:
            self._guards.remove(guard)
            if not self._guards:
                unlisten(self._hear)
                Inherited.release()
            self._told += _refused(guard)

    def note_named(self, origin: str) -> None:
        """Has it told that a call went out to an origin as it says itself, unless it was refused, too."""
        parsed = _url.parse(origin)
        host = parsed.host.removeprefix("[").removesuffix("]")
        if not self._blocks or self._block.admits(host, parsed.port_number):
            self._told.append(f"{origin} was called live, as the call's x-replaycache-mode says")

    def take(self) -> list[str]:
        """What there is to tell since it was asked last: where to, and who asked."""
        told, self._told = self._told, []
        for guard in self._guards:
            told += _refused(guard)
        return told

    def _hear(self, event: str, connecting: socket.socket | None, address: Any) -> None:
        if self._is_on and not self._is_others(event, connecting, address):
            for guard in self._guards:
                guard.hear(event, connecting, address)

    def _is_others(self, event: str, connecting: socket.socket | None, address: Any) -> bool:
        """Whether another plugin speaks to itself, in a thread of its own."""
        if _of_tests.here() or threading.get_ident() == self._runs_tests:
            return False
        where = destination(event, connecting, address)
        return where is not None and is_loopback(where[0])


def _refused(guard: Guard) -> list[str]:
    """What it refused since then, and what it could not."""
    refused, guard.refused = guard.refused, []
    started, guard.started = guard.started, []
    return [*(f"refused: {one}" for one in refused), *map(started_text, started)]


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
