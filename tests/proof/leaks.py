"""What a process has, and what it has more afterwards."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
from collections import Counter
from typing import NamedTuple

from .tally import Tally

__all__ = ["Had", "rss"]


def _files() -> Counter[str]:
    found: Counter[str] = Counter()
    for number in os.listdir("/proc/self/fd"):
        try:
            found[os.readlink(f"/proc/self/fd/{number}").partition("[")[0]] += 1
        except OSError:
            continue  # that of the listing
    return found


class Had(NamedTuple):
    """Threads, open files and temporary files at a moment."""

    threads: frozenset[str]
    files: Counter[str]
    temporary: frozenset[str]

    @classmethod
    def now(cls) -> Had:
        gc.collect()
        return cls(
            frozenset(f"{thread.name} {thread.ident}" for thread in threading.enumerate()),
            _files(),
            frozenset(os.listdir(tempfile.gettempdir())),
        )

    def count_more(self, tally: Tally, where: str, *, kept: tuple[str, ...] = ()) -> None:
        """Counts what there is more now; what ends by itself is given a moment for it.

        Args:
            tally: where it is counted.
            where: what was tried.
            kept: what may stay open, by how its name ends.
        """
        ends = time.monotonic() + 20  # trio keeps its threads for 10
        while True:
            now = Had.now()
            threads = sorted(now.threads - self.threads)
            files = [name for name in (now.files - self.files) if not name.endswith(kept)]
            temporary = sorted(now.temporary - self.temporary)
            if not (threads or files or temporary) or time.monotonic() > ends:
                break
            time.sleep(0.05)
        for what in (*threads, *files, *temporary):
            tally.count("leaks", f"{where}: {what}")


def rss() -> int:
    """Bytes of memory that this process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
