"""Processes that ask the same: several of them on a host, made by a fork of one that has imported all."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.drivers import ASYNC, Driver
from tests.test_transports import CHAT

__all__ = ["LEASE", "Askers", "asking"]

LEASE = 2.0
"""Seconds: a tenth of the real ones would do where the machine is quiet."""

PROGRAM = """
import anyio, importlib, json, logging, os, sys
library, kind, url, store, body, count, lease = sys.argv[1:]
logging.basicConfig(level=logging.DEBUG, format="%(process)d %(message)s", stream=sys.stdout)
logging.getLogger().handlers[0].addFilter(logging.Filter("replaycache"))
module, adapter = importlib.import_module(library), importlib.import_module(f"replaycache.{library}")
from replaycache.stores.redis import claims
if float(lease):
    claims.LEASE, claims.RENEWED_EVERY = float(lease), float(lease) / 4
anyio.sleep, importlib.import_module("anyio._backends._asyncio")
def tell(response):
    text = " ".join(response.text.split())
    # in one piece: others write to the same pipe
    sys.stdout.write(f"{os.getpid()} answer {response.extensions['replaycache'].status} {text}\\n")
    sys.stdout.flush()
async def ask():
    transport = adapter.AsyncReplayTransport(store=store)
    async with module.AsyncClient(transport=transport, timeout=60) as client:
        tell(await client.post(url, json=json.loads(body)))
def main():
    if kind == "async":
        anyio.run(ask)
    else:
        with module.Client(transport=adapter.ReplayTransport(store=store), timeout=60) as client:
            tell(client.post(url, json=json.loads(body)))
for _ in range(int(count)):
    if not os.fork():
        main()
        sys.exit()
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


class Askers:
    """Those of all hosts. What they say comes in a line each, which begins with who says it."""

    def __init__(self) -> None:
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._programs: list[subprocess.Popen[str]] = []
        self._kept: list[tuple[int, str]] = []
        self.log: list[str] = []

    def start(self, command: Sequence[str]) -> None:
        program = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._programs.append(program)
        threading.Thread(target=self._listen, args=(program,), daemon=True).start()

    def _listen(self, program: subprocess.Popen[str]) -> None:
        assert program.stdout is not None
        with program.stdout as lines:
            for line in lines:
                self._said.put(line.strip())

    def said(self, start: str, count: int, within: float = 30) -> list[tuple[int, str]]:
        """The next `count` lines that begin so: who said them, and the rest of the line."""
        found = [one for one in self._kept if one[1].startswith(start)][:count]
        for one in found:
            self._kept.remove(one)
        while len(found) < count:
            try:
                line = self._said.get(timeout=within)
            except queue.Empty:
                raise AssertionError(f"{len(found)} of {count} said {start!r}: {self.log}") from None
            self.log.append(line)
            who, _, what = line.partition(" ")
            if not who.isdigit():
                continue
            if what.startswith(start):
                found.append((int(who), what[len(start) :].strip()))
            else:
                self._kept.append((int(who), what))
        return found

    def end(self) -> None:
        for program in self._programs:
            try:
                os.killpg(program.pid, signal.SIGCONT)
                os.killpg(program.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            program.wait()


@contextmanager
def asking(
    driver: Driver,
    url: str,
    store: str,
    body: dict[str, Any],
    *,
    count: int,
    hosts: Sequence[Sequence[str]] = ((),),
    lease: float = LEASE,
) -> Iterator[Askers]:
    """`count` processes, as many on each host, that ask the same of a store."""
    kind = "async" if driver in ASYNC else "sync"
    each = str(count // len(hosts))
    arguments = [driver.library, kind, url + CHAT, store, json.dumps(body), each, str(lease)]
    askers = Askers()
    try:
        for host in hosts:
            askers.start([*host, sys.executable, "-c", PROGRAM, *arguments])
        yield askers
    finally:
        askers.end()
