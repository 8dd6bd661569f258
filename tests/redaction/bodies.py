"""Bodies made for a path."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["body_at"]


def body_at(path: str, value: Any) -> Any:
    """The smallest body in which a value stands at a path, as the rows of dialects write it."""
    for step in reversed(re.findall(r"\[[^\]]*\]|[^.\[]+", path)):
        if step == "[*]":
            value = [value]
        elif step.startswith("["):
            member, _, kind = step[1:-1].partition("=")
            value = [{member: kind, **value}]
        else:
            value = {"any" if step == "*" else step: value}
    return value
