"""How far an answer has come: whole, unfinished or failed, as what it says itself tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar


class Progress:
    """Follows one answer. A subclass knows the answers of one form; it raises on no JSON whatever.

    Attributes:
        terminal: whether the event has come behind which there is nothing of the answer.
        failed: whether it said that it failed.
        broken: whether something in it is of another form, so that it cannot be told to be whole.
        reasons: by the parts of the answer, why each of them finished; empty text while it has not.

    Args:
        asked: gives the members of the request's body.
    """

    name: ClassVar[str] = ""
    is_array: ClassVar[bool] = False
    """Whether a JSON array is a stream of it."""
    has_done_marker: ClassVar[bool] = True
    """Whether the text `[DONE]` in place of an event ends it."""
    needs_terminal: ClassVar[bool] = False
    """Whether its terminal event is always sent, so that nothing else tells its end."""
    failures: ClassVar[Mapping[str, str]] = {}
    """Reasons for which an answer finishes that tell a failure, and where each is documented."""
    fillers: ClassVar[tuple[str, ...]] = ()
    """Members of its events, at whatever depth, of which no text and no number tells how far it is: `take` does
    the same whatever they say, and nothing more when it is called again with the same in the same state."""

    def __init__(self, asked: Callable[[], Mapping[str, Any]]) -> None:
        self.asked = asked
        self.terminal = False
        self.failed = False
        self.broken = False
        self.reasons: dict[Any, str] = {}

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        """Whether an event with this name and data, or a document, is of this form."""
        raise NotImplementedError

    def take(self, name: str, value: dict[str, Any]) -> None:
        """Takes the next event.

        Args:
            name: of the event, or the `type` in its data where it has none.
        """
        raise NotImplementedError

    def document(self, value: dict[str, Any]) -> None:
        """Takes the answer as one JSON object: whole, unless it says otherwise."""
        self.take(as_text(value.get("type")), value)
        self.terminal = True

    @property
    def state(self) -> dict[str, Any]:
        """All that it knows, so that it can be told whether an event has changed it."""
        return {**vars(self), "reasons": dict(self.reasons)}

    @property
    def stopped(self) -> bool:
        """Whether every part of the answer that was begun has said why it finished."""
        return bool(self.reasons) and all(self.reasons.values())

    @property
    def finished(self) -> bool:
        """Whether nothing is missing if it ends here, cleanly."""
        return self.terminal if self.needs_terminal else self.stopped

    def finish(self, part: Any, reason: object) -> None:
        """Notes why a part finished, if it has."""
        if not isinstance(part, (int, str)):
            self.broken = True
            return
        if isinstance(reason, str) and reason:
            self.reasons[part] = reason
            if reason in self.failures:
                self.failed = True
        else:
            if reason is not None and reason != "":
                self.broken = True
            self.reasons.setdefault(part, "")

    def an_object(self, value: object) -> dict[str, Any]:
        """The object where nothing else is due but null, which is an empty one."""
        self.broken = self.broken or not (value is None or isinstance(value, dict))
        return as_dict(value)

    def objects(self, value: object) -> list[dict[str, Any]]:
        """The objects of a list where nothing else is due."""
        if not isinstance(value, list):
            self.broken = True
            return []
        found = [item for item in value if isinstance(item, dict)]
        self.broken = self.broken or len(found) < len(value)
        return found


class Document(Progress):
    """A JSON document of any form: embeddings, rankings, verdicts, images; never a stream."""

    name = "document"

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return False

    def take(self, name: str, value: dict[str, Any]) -> None:
        """Nothing in it tells more than that it is one."""


def tells_failure(name: str, value: Mapping[str, Any]) -> bool:
    """Whether an event or a document of any dialect says that the answer failed.

    An `error` that is not null, an event of that name or type, or an object called so: OpenAI, Anthropic, Gemini,
    Mistral, Ollama, OpenRouter, Groq, text-generation-inference and vLLM all say it in one of these ways;
    Cloudflare by `success`: https://developers.cloudflare.com/fundamentals/api/reference/responses.
    """
    return bool(
        value.get("error")
        or name == "error"
        or value.get("type") == "error"
        or value.get("object") == "error"
        or value.get("success") is False
    )


def as_dict(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_text(value: object) -> str:
    """The value if it is text, else nothing."""
    return value if isinstance(value, str) else ""
