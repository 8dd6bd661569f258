"""The events of a streamed answer, put together to the answer that the same endpoint gives without a stream."""

from __future__ import annotations

from typing import Any

from .values import as_dict, as_list, as_text


class Fold:
    """The answer so far; it raises on no JSON whatever."""

    def take(self, name: str, event: dict[str, Any]) -> None:
        """Takes the next event.

        Args:
            name: of the event, or the `type` in its data where it has none.
        """
        raise NotImplementedError

    @property
    def answer(self) -> dict[str, Any]:
        """What the events add up to; empty where they say nothing."""
        raise NotImplementedError


class TextFold(Fold):
    """Pieces of a text, under the name under which all of it stands without a stream."""

    def __init__(self, member: str) -> None:
        self._member = member
        self._text: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        add(self._text, self._member, event.get(self._member))

    @property
    def answer(self) -> dict[str, Any]:
        return self._text


def add(target: dict[str, Any], name: str, text: Any) -> None:
    """Adds to the text of a member."""
    if isinstance(text, str) and text:
        target[name] = as_text(target.get(name)) + text


def place(index: Any) -> int:
    """A number by which a part of an answer is known."""
    return index if isinstance(index, int) else 0


def add_call(message: dict[str, Any], index: Any, call: dict[str, Any]) -> None:
    """Adds what a delta brings of a tool call: OpenAI's chat and runs, and who speaks alike."""
    calls = message.setdefault("tool_calls", [])
    known = next((known for known in calls if known["index"] == index), None)
    if known is None:
        known = {"index": index}
        calls.append(known)
    kind = as_text(call.get("type")) or as_text(known.get("type")) or "function"
    known |= {name: call[name] for name in ("id", "type") if as_text(call.get(name))}
    about, brought = known.setdefault(kind, {}), as_dict(call.get(kind))
    for name in ("name", "arguments", "input"):
        add(about, name, brought.get(name))
    if as_list(brought.get("outputs")):
        about.setdefault("outputs", []).extend(brought["outputs"])
