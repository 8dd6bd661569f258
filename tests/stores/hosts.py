"""Two hosts on one machine: network namespaces, each with an address of its own, and a bridge between them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

__all__ = ["Network", "network"]


class Network(NamedTuple):
    """What the hosts are on.

    Attributes:
        address: of this process, which both reach.
        hosts: what the command line of a process begins with that runs on one of them.
    """

    address: str
    hosts: tuple[tuple[str, ...], ...]


def _ip(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=False)


@contextmanager
def network() -> Iterator[Network]:
    """Makes them, and takes them away; skips the test where this user or this system cannot."""
    if shutil.which("ip") is None:
        pytest.skip("two hosts need the program ip, which is not on this machine")
    number = os.getpid() % 60_000
    subnet = f"10.{200 + number // 250 % 50}.{number % 250}"
    bridge, names = f"rcb{number}", [f"rch{number}{letter}" for letter in "ab"]
    try:
        for made in [*(("netns", "add", name) for name in names), ("link", "add", bridge, "type", "bridge")]:
            done = _ip(*made)
            if done.returncode:
                pytest.skip(f"two hosts need network namespaces: ip {' '.join(made)}: {done.stderr.strip()}")
        steps = [("addr", "add", f"{subnet}.1/24", "dev", bridge), ("link", "set", bridge, "up")]
        for at, name in enumerate(names):
            inside = ("netns", "exec", name, "ip")
            steps += [
                ("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name),
                ("link", "set", name, "master", bridge, "up"),
                (*inside, "addr", "add", f"{subnet}.{at + 2}/24", "dev", "eth0"),
                (*inside, "link", "set", "eth0", "up"),
                (*inside, "link", "set", "lo", "up"),
            ]
        for step in steps:
            done = _ip(*step)
            if done.returncode:
                pytest.skip(f"two hosts need a bridge between them: ip {' '.join(step)}: {done.stderr.strip()}")
        yield Network(f"{subnet}.1", tuple(("ip", "netns", "exec", name) for name in names))
    finally:
        for name in names:
            _ip("netns", "del", name)
        _ip("link", "del", bridge)
