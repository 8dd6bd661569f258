"""Asks through openai 2.x and anthropic 0.x, the last that use httpx, in the environment that has them.

    python -m tests.upstreams.openai2_session < order > answers

The order is JSON: `asks`, `urls` (by SDK), `store` (a directory), `mode`, `live` (whether upstream may be
called). The answers are JSON: for each ask and kind of client what was heard, or what was raised.
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
    asks: list[Ask],
    *,
    urls: dict[str, str],
    store: Path,
    root: Path,
    mode: str,
    live: bool,
) -> dict[str, Any]:
    """Runs this module under another interpreter and gives its answers, by `"<ask> <kind>"`."""
    order = {
        "asks": [ask.__dict__ for ask in asks],
        "urls": urls,
        "store": str(store),
        "mode": mode,
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
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def main() -> None:
    order = json.load(sys.stdin)
    answers: dict[str, Any] = {}
    for wanted in order["asks"]:
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
                    mode=order["mode"],
                )
            except BaseException as error:
                raised = {
                    "type": f"{type(error).__module__}.{type(error).__name__}",
                    "text": str(error),
                    "cause": repr(error.__cause__) if error.__cause__ else None,
                }
            answers[f"{ask.name} {kind}"] = {**heard.as_dict(), "raised": raised}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
