"""Asks through openai 2.x and anthropic 0.x, the last that use httpx, in the environment that has them.

    python -m tests.upstreams.openai2_session < order > answers

The order is JSON: `runs` (each of `asks` and a `mode`), `urls` (by SDK), `store` (a directory), `live` (whether
upstream may be called). The answers are JSON: for each run, ask and kind of client what was heard, or what was
raised.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .asking import KINDS, Ask, Heard, ask_once
from .watched import Unreachable

__all__ = ["run_session"]


def run_session(
    python: str,
    *runs: tuple[list[Ask], str],
    urls: dict[str, str],
    store: Path,
    root: Path,
    live: bool,
) -> list[dict[str, Any]]:
    """Runs this module under another interpreter: asks with a mode, one run after the other in one process.

    Gives the answers of each run, by `"<ask> <kind>"`.
    """
    order = {
        "runs": [{"asks": [ask.__dict__ for ask in asks], "mode": mode} for asks, mode in runs],
        "urls": urls,
        "store": str(store),
        "live": live,
    }
    spec = find_spec("replaycache")
    assert spec is not None
    assert spec.origin is not None
    with tempfile.TemporaryDirectory() as beside:
        # the package under test and nothing that is installed next to it
        os.symlink(Path(spec.origin).parent, Path(beside, "replaycache"))
        done = subprocess.run(
            [python, "-W", "error", "-m", "tests.upstreams.openai2_session"],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            cwd=root,
            env=os.environ | {"PYTHONPATH": beside},
            timeout=120,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the session ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def main() -> None:
    order = json.load(sys.stdin)
    json.dump([answers(run["asks"], run["mode"], order) for run in order["runs"]], sys.stdout)


def answers(asks: list[dict[str, Any]], mode: str, order: dict[str, Any]) -> dict[str, Any]:
    """What each kind of client heard to each of the asks."""
    found: dict[str, Any] = {}
    for wanted in asks:
        ask = Ask(**wanted)
        for kind in KINDS:
            heard = Heard()
            raised: dict[str, Any] | None = None
            try:
                ask_once(
                    ask,
                    order["urls"][ask.sdk],
                    library="httpx",
                    kind=kind,
                    inner=None if order["live"] else Unreachable(),
                    heard=heard,
                    store=f"{order['store']}/{kind}",
                    mode=mode,
                )
            except BaseException as error:
                raised = {
                    "type": f"{type(error).__module__}.{type(error).__name__}",
                    "text": str(error),
                    "cause": repr(error.__cause__) if error.__cause__ else None,
                }
            found[f"{ask.name} {kind}"] = {**heard.as_dict(), "raised": raised}
    return found


if __name__ == "__main__":
    main()
