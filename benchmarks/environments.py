"""Environments of their own for those beside whom we are measured and who are not installed here."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from peers import PEERS, missing

__all__ = ["interpreter"]

HERE = Path(__file__).resolve().parent


def interpreter(name: str, *, install: bool) -> str:
    """The Python that has the peer: this one, or that of `out/environments/<name>`.

    Args:
        name: of a peer; for any other name it is this one.
        install: make the environment, if it is missing.
    """
    peer = PEERS.get(name)
    if peer is None or not missing(peer):
        return sys.executable
    directory = HERE / "out" / "environments" / name
    python = directory / "bin" / "python"
    if not install or (directory / "installed").exists():
        return str(python) if (directory / "installed").exists() else sys.executable
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["httpx2"], *peer.requirements]
    print(f"installing {', '.join(peer.requirements)} into {directory.relative_to(HERE.parent)}", flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *required], check=True, stderr=subprocess.PIPE, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        told = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        print(f"it could not be installed: {told}", flush=True)
        return sys.executable
    (directory / "installed").touch()
    return str(python)
