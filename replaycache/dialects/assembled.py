"""The text of a streamed answer in one piece, for people who read it: pure, and never used to replay."""

from __future__ import annotations

from .answer_events import answer_events


def assembled(body: bytes) -> str:
    """What the events of a stream say, put together: text, then the arguments of each tool call.

    Empty where the events are of no known form.
    """
    from .conversation.answered import answered  # a process that only replays has no use for it
    from .conversation.streamed import folded

    texts: dict[str, str] = {}
    calls: list[str] = []
    for turn in answered(folded(answer_events([body]).events)):
        for part in turn.parts:
            if part.kind == "text":
                texts[turn.role] = texts.get(turn.role, "") + part.text
            elif part.kind == "tool call":
                calls.append(f"tool call {len(calls)}: {part.text}")
    first = next(iter(texts), "")
    said = [text if role == first else f"{role}: {text}" for role, text in texts.items()]
    # an event may hold half of a character
    return "\n".join([*said, *calls]).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
