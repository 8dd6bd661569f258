"""What a reading is: what an API's requests and answers say to people, and what they used.

It is of the form that its documentation describes, whoever speaks it: gateways and local servers are understood by
the members of a value and not by their hosts. All of it is data, and functions that raise on no JSON whatever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from .counts import Counts
from .fold import Fold
from .progress import Progress
from .values import Kind, Part, Turn


class Contents(Protocol):
    """Reads messages and their contents, of whichever API: what a reading meets inside of its own form."""

    def message(self, value: dict[str, Any], role: str = "") -> Turn:
        """A message; `role` is the one it has where it names none."""

    def parts(self, content: Any) -> list[Part]:
        """The parts of a content: text, a part, or a list of parts."""


class UsageForm(NamedTuple):
    """A form of usage objects.

    Attributes:
        names: each of which tells the form.
        read: gives the counts; None where the object tells none.
        is_nested: whether an object or a list stands under these names, and not a count.
    """

    names: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], Counts | None]
    is_nested: bool = False


class ErrorForm(NamedTuple):
    """A form of the documents that tell of an error.

    Attributes:
        dialects: names of those that have it; none where it is the form of all that have no other.
        make: makes one, of its status and a text for people.
    """

    dialects: tuple[str, ...]
    make: Callable[[int, str], dict[str, Any]]


class Reading(NamedTuple):
    """One API's requests and answers, as people read them.

    Attributes:
        usage_forms: of usage objects, the telling ones first.
        usage_members: members of an answer or an event that are usage objects.
        usage_in_answer: counts that stand in the answer itself.
        envelopes: members of an event that hold the answer, or a part of it.
        folds: for the events of a form, what puts them together.
        turns: the turns of an answer; none where it is of another form.
        messages: places in an answer at which its message stands.
        texts: members of an answer that are its text, and the role that says it.
        instructions: members of a request that hold what the model is told before all.
        asked: the turns of a request that is of another form than a list `messages`; none where it is not.
        asked_texts: members that hold what is asked where there are no turns, in their order.
        tool_names: the names of the tools that an item of `tools` offers; none where it is of another form.
        contents: members of a message that are its content.
        reasoning: members of a message that are the model's reasoning.
        beside: the parts that stand beside a message's content.
        part_types: types of the parts of a content, and of what kind they are.
        part_members: members by which a part is known that has no type, and what reads what stands there.
        part: a part of another type; None where it is of another form.
        errors: the form of its errors, where it has one of its own.
    """

    usage_forms: tuple[UsageForm, ...] = ()
    usage_members: tuple[str, ...] = ()
    usage_in_answer: tuple[str, ...] = ()
    envelopes: tuple[str, ...] = ()
    folds: tuple[tuple[type[Progress], Callable[[], Fold]], ...] = ()
    turns: Callable[[dict[str, Any], Contents], Iterable[Turn]] | None = None
    messages: tuple[tuple[str, ...], ...] = ()
    texts: Mapping[str, str] = {}
    instructions: tuple[str, ...] = ()
    asked: Callable[[dict[str, Any], Contents], Iterable[Turn]] | None = None
    asked_texts: tuple[str, ...] = ()
    tool_names: Callable[[dict[str, Any]], list[Any]] | None = None
    contents: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    beside: Callable[[dict[str, Any]], list[Part]] | None = None
    part_types: Mapping[str, Kind] = {}
    part_members: Mapping[str, Callable[[dict[str, Any], Contents], list[Part]]] = {}
    part: Callable[[str, dict[str, Any], Contents], list[Part] | None] | None = None
    errors: ErrorForm | None = None
