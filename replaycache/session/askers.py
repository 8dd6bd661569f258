"""Who asks for a connection: a module, beyond the libraries that only carry it out."""

from __future__ import annotations

import sys
import threading

from ..system.inheritance import Inherited

_CARRIERS = frozenset(
    {
        "aiohappyeyeballs",
        "aiohttp",
        "anyio",
        "h11",
        "h2",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "outcome",
        "replaycache",
        "requests",
        "sniffio",
        "trio",
        "urllib3",
        "websocket",
        "websockets",
    }
)
"""Packages that connect for others."""

_RUNNERS = frozenset({"_pytest", "pluggy", "pytest_asyncio", "xdist"})
"""Packages that run everything, whoever asks."""


def who_asks() -> str:
    """The name of the nearest module that is neither of the standard library nor one that connects for others.

    Where there is none, that of a thread's or job's maker; else the library's that connects, and the thread, whose
    name may tell more.
    """
    carrier = ""
    frame = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        package = module.partition(".")[0]
        if package in _RUNNERS:
            break
        if package not in sys.stdlib_module_names:
            if package not in _CARRIERS:
                return module
            if package != "replaycache":
                carrier = carrier or module
        frame = frame.f_back  # type: ignore[assignment]  # None above the outermost
    if (maker := _maker.here()) is not None:
        return maker
    thread = threading.current_thread()
    if carrier and thread is threading.main_thread():
        return carrier
    return f"{carrier} in the thread {thread.name}" if carrier else f"the thread {thread.name}"


_maker: Inherited[str] = Inherited("replaycache_asker", who_asks)
"""Who started this thread, or asked for this job."""
