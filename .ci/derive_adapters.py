"""Derives the synchronous half of replaycache/httpx2.py from the asynchronous one, and httpx.py from the whole.

python .ci/derive_adapters.py           writes both
python .ci/derive_adapters.py --check   exits with 1 if either is not what would be written
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "replaycache"
START = re.compile(r"^# -- asynchronous -+$", re.MULTILINE)
MIDDLE = re.compile(r"^# -- synchronous -+$", re.MULTILINE)

TO_SYNC = (
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bSuspending\b", "Blocking"),
    (r"\bAsyncReplayTransport\b", "ReplayTransport"),
    (r"\b_Async(\w+)\b", r"_\1"),
    (r"\bAsync(BaseTransport|HTTPTransport|Client)\b", r"\1"),
    (r"\bAsyncByteStream\b", "SyncByteStream"),
    (r"-> AsyncGenerator\[bytes, None\]", "-> Iterator[bytes]"),
    (r"\bAsync(Iterator|Generator)\b", r"\1"),
    (r"\b__aiter__\b", "__iter__"),
    (r"\b__anext__\b", "__next__"),
    (r"\banext\b", "next"),
    (r"\bStopAsyncIteration\b", "StopIteration"),
    (r"\baclose\b", "close"),
    (r"\bag_frame\b", "gi_frame"),
    (r"\bhandle_async_request\b", "handle_request"),
    (r"\baread\b", "read"),
    (r"\baiter_(raw|bytes)\b", r"iter_\1"),
    (r"\bfor (\w+) in (super\(\)\.\w+\(\w+\)):\n +yield \1\n", r"yield from \2\n"),
    (r"\b_read_async\b", "_read"),
    (r"\bis_async=True\b", "is_async=False"),
    (r"is not asynchronous, and the client is\b", "is asynchronous, and the client is not"),
    (r"is not asynchronous\b", "is asynchronous"),
)


def to_sync(text: str) -> str:
    """The synchronous twin of a piece of asynchronous code."""
    for pattern, replacement in TO_SYNC:
        text = re.sub(pattern, replacement, text)
    return text


def derive(source: str) -> dict[str, str]:
    """Both modules, by file name, from the text of httpx2.py."""
    start, middle = START.search(source), MIDDLE.search(source)
    if start is None or middle is None:
        raise SystemExit("replaycache/httpx2.py has lost its dividing lines")
    asynchronous = source[start.end() : middle.start()]
    whole = source[: middle.end()] + "\n# fmt: off" + to_sync(asynchronous).rstrip("\n") + "\n"
    return {
        "httpx2.py": whole,
        "httpx.py": whole.replace(
            "which openai >= 3 and anthropic >= 1 use", "which openai < 3 and anthropic < 1 use"
        )
        .replace("`replaycache.httpx`", "`replaycache.HTTPX`")
        .replace("httpx2", "httpx")
        .replace("`replaycache.HTTPX`", "`replaycache.httpx2`"),
    }


def main() -> int:
    derived = derive((PACKAGE / "httpx2.py").read_text("utf-8"))
    if "--check" in sys.argv[1:]:
        wrong = [name for name, text in derived.items() if (PACKAGE / name).read_text("utf-8") != text]
        for name in wrong:
            print(f"replaycache/{name} is not what .ci/derive_adapters.py writes; run it")
        return 1 if wrong else 0
    for name, text in derived.items():
        (PACKAGE / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
