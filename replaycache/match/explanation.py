"""How a request came to its key, for people."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from .canonical import Applied


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a request came to its key: `print(match.explain(request))`."""

    key: str
    canonical: bytes
    applied: tuple[Applied, ...]

    def __str__(self) -> str:
        head, _, body = self.canonical.partition(b"\n")
        lines = [f"key        {self.key}", f"request    {head.decode()}", f"body       {_show(body)}"]
        for index, (rule, detail) in enumerate(self.applied):
            lines.append(f"{'rules' if index == 0 else '':<10} {rule}: {detail}")
        return "\n".join(lines)


def _show(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return f"{len(body)} bytes, BLAKE2b {hashlib.blake2b(body, digest_size=8).hexdigest()}"
