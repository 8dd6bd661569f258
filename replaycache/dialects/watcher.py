"""Reads along with an answer and tells what it is: whole, unfinished or failed.

Its framing is told by the first bytes, for media types are wrong or missing; its form by its events. What its
dialect says of its end then holds, however it was labelled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import orjson

from .._models import Verdict
from .framing.aws_event_stream import PRELUDE, FrameDecoder, is_prelude
from .framing.json_values import ArrayDecoder, ObjectDecoder
from .framing.repeats import Repeats
from .framing.sse import Event, EventDecoder, begins_with_a_field, spelled
from .progress import Document, Progress, tells_failure

MOST_TELLING = 256 << 10
"""Bytes of events of which the data is kept, decoded, for who asks what they told."""

_BOM = b"\xef\xbb\xbf"
_REMARK = re.compile(rb'\{\s*[^\s"}]|\[\s*[^\s\]\[{"\dtfn-]')
"""How a text begins with a remark in brackets, which no JSON does: `[Music]`."""
_LINES = re.compile(r"ndjson|jsonl|json-lines|stream\+json")
_TELLING = re.compile(r"json|event-?stream")
"""Media types of bodies that tell their end themselves, so that nothing at all is none of them."""
_FRAMES = "application/vnd.amazon.eventstream"


def _decoded(data: bytes) -> Any:
    """A JSON value, also one that only Python's decoder reads: NaN, a lone surrogate, a thousand levels."""
    try:
        return orjson.loads(data)
    except ValueError:
        try:
            return json.loads(data)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error


class Answering(NamedTuple):
    """How a call is answered.

    Attributes:
        forms: in which its dialect answers. A stream in none of them is no answer of it; a JSON document is, as
            long as it is whole.
        other_media: whether it may answer in none of them: text, sound, an image.
        is_known: whether a dialect knows the call. Of another, what is in no form is told by its framing alone,
            and so is a document.
    """

    forms: tuple[type[Progress], ...]
    other_media: bool
    is_known: bool


class AnswerWatcher:
    """Reads along with the body of a response.

    Args:
        content_type: of the response; only where the first bytes leave a doubt does it tell.
        asked: gives the members of the request's body, where they are needed.
        told: receives what `telling` has, however much it is.

    Attributes:
        ends_soon: whether the answer has said why the model stopped, from when on nothing of it but its terminal
            event and its usage is to come.
    """

    def __init__(
        self,
        answering: Answering,
        content_type: str,
        asked: Callable[[], Mapping[str, Any]] = dict,
        told: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._answering = answering
        self._media_type = content_type.partition(";")[0].strip().lower()
        self._asked = asked
        self._head = b""
        self._decoder: EventDecoder | ObjectDecoder | ArrayDecoder | FrameDecoder | None = None
        self._framing: Literal["", "events", "objects", "array", "frames", "other"] = ""
        self._progress: Progress | None = None
        self._repeats = Repeats()
        self._telling: list[dict[str, Any]] = []
        self._left = MOST_TELLING
        self._told = told
        self._first: Event | None = None
        self._is_document = False
        self._marker = False
        self._junk = False
        self._failed = False
        self._ended = False

    def feed(self, data: bytes) -> None:
        """Looks at the next piece of the body, content-encoding undone."""
        decoder = self._decoder
        if decoder is None:
            if self._framing or not self._begin(data):
                return
            decoder, data, self._head = self._decoder, self._head, b""
            if decoder is None:
                return
        if self.is_over:
            return
        repeats = self._repeats
        if isinstance(decoder, EventDecoder):
            events: Iterable[Event] = decoder.new(data, repeats)
        else:
            events = (event for event in decoder.feed(data) if not self._is_repeat(event))
        for event in events:
            self._take_doubtful()
            self._take(event)
            if self.is_over:
                break
        self._take_doubtful()

    def end(self) -> None:
        """Says that the body is over. An event in the middle of which it ends counts only if its data is whole."""
        if self._ended:
            return
        self._ended = True
        if not self._framing and self._head:
            self._begin(b"", is_all=True)
            if self._decoder is not None:
                for event in self._decoder.feed(self._head):
                    self._take(event)
        decoder = self._decoder
        if self.is_over or decoder is None:
            return
        if isinstance(decoder, EventDecoder):
            rest = decoder.flush()
            self._junk = self._junk or (decoder.was_torn and not rest)
            for event in rest:
                self._take(event)
        elif isinstance(decoder, ObjectDecoder):
            rest = decoder.flush()
            if self._first is not None or rest:
                self._is_document = self._is_document or decoder.count == 1
            for event in rest:
                self._take(event)
            self._resolve_first()
            if decoder.passed_over and not decoder.count and not decoder.broken:
                self._is_document = True
                self._take_document()
            self._junk = self._junk or decoder.broken
        else:
            self._junk = self._junk or decoder.broken or decoder.is_open

    @property
    def progress(self) -> Progress | None:
        """What follows the answer; None until its form is known."""
        return self._progress

    @property
    def is_stream(self) -> bool:
        """Whether it is framed, and not one document; to be asked once `end` was told."""
        return self._framing not in ("", "other") and not self._is_document

    @property
    def is_over(self) -> bool:
        """Whether the terminal event has come, or the answer has failed: who closes now has had all of it."""
        if self._is_document:
            return False  # its end is that of the body
        return self._failed or self._marker or (self._progress is not None and self._progress.terminal)

    @property
    def ends_soon(self) -> bool:
        return not self.is_over and self._progress is not None and self._progress.stopped

    @property
    def failed(self) -> bool:
        """Whether the answer has said that it failed."""
        return self._failed

    @property
    def finish_reasons(self) -> tuple[str, ...]:
        """Why the parts of the answer finished, as the API calls it, in their order."""
        reasons = self._progress.reasons if self._progress is not None else {}
        return tuple(reason for reason in reasons.values() if reason)

    @property
    def tells_its_end(self) -> bool:
        """Whether the answer itself says that it is all there; bytes that nothing frames have no end to tell.

        To be asked once `end` was told.
        """
        if self.is_over or self._framing == "other":
            return True
        if not self._framing:
            return not _TELLING.search(self._media_type)
        if self._framing == "array" or (self._framing == "objects" and self._is_document):
            return not self._is_spoilt
        return not self._answering.is_known and self._progress is None and not self._is_spoilt

    @property
    def _is_spoilt(self) -> bool:
        """Whether something in it is of no form; of a call that no dialect knows, JSON that is none spoils it."""
        if self._answering.is_known or self._progress is not None:
            return self._junk or (self._progress is not None and self._progress.broken)
        return self._junk and self._framing == "objects" and "json" in self._media_type

    @property
    def verdict(self) -> Verdict:
        """What the answer is, once `end` was told or its terminal event has come."""
        progress = self._progress
        if self._failed:
            return "failed"
        if self._is_spoilt:
            return "unfinished"
        if progress is not None:
            return "whole" if progress.terminal or self._marker or progress.finished else "unfinished"
        # in no form of its dialect
        answering = self._answering
        is_other = answering.other_media and self._framing in ("other", "frames")
        is_one = not answering.is_known or (is_other and self._media_type != "text/html")  # a page to log in
        return "whole" if is_one else "unfinished"

    def _begin(self, data: bytes, *, is_all: bool = False) -> bool:
        """Tells the framing by the first bytes; False where there are too few of them."""
        head = self._head = self._head + data
        shown = head.removeprefix(_BOM).lstrip(b" \t\r\n")
        if (head and self._media_type == _FRAMES) or is_prelude(head[:PRELUDE]):
            self._framing, self._decoder = "frames", FrameDecoder()
        elif not shown or (len(shown) < PRELUDE and not is_all and shown[:1] not in b"{["):
            if not shown:
                self._head = b""  # white space while the server works: however much, it is not kept
            return False
        elif self._may_be_text and shown[:1] in b"{[" and len(shown.rstrip()) < 2 and not is_all:
            return False
        elif self._may_be_text and _REMARK.match(shown):
            self._framing, self._head = "other", b""
        elif shown[:1] == b"{":
            self._framing, self._decoder, self._head = "objects", ObjectDecoder(), shown
        elif shown[:1] == b"[" and any(form.is_array for form in self._answering.forms):
            self._framing, self._decoder, self._head = "array", ArrayDecoder(), shown
        elif begins_with_a_field(shown):
            self._framing, self._decoder = "events", EventDecoder()
        elif shown[:1] == b"[" or "json" in self._media_type:
            self._framing, self._decoder, self._head = "objects", ObjectDecoder(), shown
        else:
            self._framing, self._head = "other", b""
        return True

    @property
    def _may_be_text(self) -> bool:
        """Whether it may be what somebody said, as of a transcription."""
        return self._answering.other_media and "json" not in self._media_type

    def _take(self, event: Event) -> None:
        if self._framing == "objects" and not _LINES.search(self._media_type):
            # one object may be a document: only what follows tells
            if self._first is None and not self._progress:
                self._first = event
                return
            self._resolve_first()
        self._look_at(event)

    def _resolve_first(self) -> None:
        first, self._first = self._first, None
        if first is not None:
            self._look_at(first)

    def _look_at(self, event: Event) -> None:
        if self.is_over:
            return
        data = event.data
        if data is not None and data.strip() == b"[DONE]":
            self._marker = self._progress is None or self._progress.has_done_marker
            return
        if not data:
            self._junk = self._junk or data is None
            if event.event == "error":
                self._failed = True
            return
        try:
            value = _decoded(data)
        except ValueError:
            self._junk = self._junk or not self._is_of_any_form
            self._failed = event.event == "error"
            return
        if isinstance(value, dict):
            self._look_into(event.event, value)
            if not self._is_document:
                self._repeats.learn(spelled(event))
            if self._told is not None:
                self._told(value)
            self._left -= len(data)
            if self._left >= 0:
                self._telling.append(value)
            else:
                self._telling.clear()
        elif self._is_document and (
            isinstance(value, list) or not (self._answering.is_known and self._answering.forms)
        ):
            self._look_into_list(value if isinstance(value, list) else [])
        else:
            self._junk = self._junk or not self._is_of_any_form

    def _is_repeat(self, event: Event) -> bool:
        if not event.data or not self._repeats.pass_over([spelled(event)], 0):
            return False
        return not self._repeats.doubtful()

    def _take_doubtful(self) -> None:
        """Takes those server-sent events that were passed over and may say something else after all."""
        for passed in self._repeats.doubtful():
            for event in EventDecoder().feed(passed + b"\n\n"):
                self._take(event)

    @property
    def _is_of_any_form(self) -> bool:
        """Whether its frames hold parts of what only its reader puts together."""
        return self._framing == "frames" and self._answering.other_media

    @property
    def telling(self) -> list[dict[str, Any]]:
        """The document; or the data of a stream's events, without those that only repeat what one before told.
        Empty where they are too many."""
        return self._telling if self._left >= 0 else []

    def _look_into(self, name: str, value: dict[str, Any]) -> None:
        if not name or name == "message":
            kind = value.get("type")
            name = kind if isinstance(kind, str) else ""
        progress = self._progress
        if progress is None:
            progress = self._progress = self._form_of(name, value)
            self._repeats.members = progress.fillers if progress is not None else ()
        if progress is not None:
            if self._is_document:
                progress.document(value)
            else:
                before = progress.state
                progress.take(name, value)
                if progress.state != before:
                    # what came before it told nothing new until now
                    self._repeats.forget()
            self._failed = progress.failed
        self._failed = self._failed or tells_failure(name, value)

    def _look_into_list(self, values: list[Any]) -> None:
        """A document that is a list: embeddings, classifications, or one failure in brackets."""
        self._failed = any(isinstance(value, dict) and tells_failure("", value) for value in values)
        self._take_document()

    def _take_document(self) -> None:
        """A document that has nothing to say of its end."""
        self._progress = Document(self._asked)
        self._progress.terminal = True

    def _form_of(self, name: str, value: dict[str, Any]) -> Progress | None:
        if self._answering.is_known or not self._is_document:
            for form in self._answering.forms:
                if form.fits(name, value):
                    return form(self._asked)
        return Document(self._asked) if self._is_document else None
