"""What a dialect is: one API as its documentation describes it, as rows of data, each with its source."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from .progress import Progress

Kind = Literal["generates", "state", "ticket", "action", "other"]
"""`generates`: it may be answered again. `state`: it continues what the server keeps. `ticket`: its answer is
fetched later. `action`: it loads, sends or starts something. `other`: no row knows it."""


class Endpoint(NamedTuple):
    """Calls of some paths.

    A path is told by its end: `/chat/completions` fits behind anything. `*` stands for any text in a segment,
    `**` at the end for any segments, `^` before it says that nothing is before it, and `:verb` is the end of a
    segment.

    Attributes:
        paths: of the calls, without a slash at the end.
        source: where the provider documents it.
        members: one of these is in the body; any body will do where there are none.
        states: members that name what the server keeps and this call changes, unless they are null.
        tickets: members that are true where the answer is only a ticket.
        kind: what the call is where none of that says otherwise.
        empty: what it is where the members say nothing, or are missing.
        needs: members of which one is in every such call, which tells it from a stranger's; where there are any,
            `members` must say something.
        forms: in which it answers; a JSON document of any form where there are none.
        other_media: whether an answer may be none of them: text, sound, an image.
        method: in upper case.
    """

    paths: tuple[str, ...]
    source: str
    members: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    kind: Kind = "generates"
    empty: Kind = "other"
    needs: tuple[str, ...] = ()
    forms: tuple[type["Progress"], ...] = ()
    other_media: bool = False
    method: str = "POST"

    def kind_of(self, body: Mapping[str, Any] | None) -> Kind:
        """What a call with this body is; the members of the body, None where it has none."""
        if not self.members and not self.states and not self.tickets:
            return self.kind
        if body is None:
            return "other" if self.members else self.kind
        if any(body.get(name) is not None for name in self.states):
            return "state"
        if any(body.get(name) is True for name in self.tickets):
            return "ticket"
        if self.needs and not any(name in body for name in self.needs):
            return "other"
        nothing: tuple[Any, ...] = (None, "", []) if self.needs else (None,)
        if self.members and not any(body.get(name) not in nothing for name in self.members):
            return self.empty
        return self.kind


class AnswerHeader(NamedTuple):
    """A request header that changes what is answered.

    Attributes:
        name: in lower case.
        source: where it is documented.
        is_set: whether its value is a set of names, of which neither the order nor a repetition says anything.
    """

    name: str
    source: str
    is_set: bool = False


class BaseUrl(NamedTuple):
    """Where an API is, as its documentation tells clients.

    Attributes:
        name: of the API, as it may stand in a path: lower case, digits, hyphens.
        url: absolute, without a slash at the end.
        source: where the provider documents it.
    """

    name: str
    url: str
    source: str


class CredentialPlace(NamedTuple):
    """A place inside a body, of a request or of an answer, where an API has a credential.

    Attributes:
        path: as `wire/json_path.py` reads it: `tools[type=mcp].headers.*`.
        source: where the provider documents it.
        chooses_data: whether it chooses whose data is read, such as what a connector is opened with: then it
            counts for the key of a cache, by a salted hash. What authenticates the caller does not.
        is_url: whether a URL stands there, in which there may be one.
    """

    path: str
    source: str
    chooses_data: bool = False
    is_url: bool = False


class CredentialParameter(NamedTuple):
    """A query parameter that authenticates the caller: on the API's own hosts, and in paths of its calls.

    Attributes:
        name: in lower case.
        source: where it is documented.
    """

    name: str
    source: str


class NoOp(NamedTuple):
    """A documented no-op: sending this parameter with this value is the same as leaving it out.

    Where the documentation leaves a doubt (the default depends on the model, on the project, on another parameter,
    or is inherited) there is no row: folding wrongly would give the answer to another question.

    Attributes:
        path: a pattern for the whole path.
        parameter: a member of the body (a dot leads into an object), or a field of the form.
        value: the value that means the same as leaving it out.
        source: where the provider documents it.
        models: a pattern for the models for which it holds; any model where it is empty.
        unless: members that make the default uncertain; where one of them is present nothing is folded.
    """

    path: str
    parameter: str
    value: Any
    source: str
    models: str = ""
    unless: tuple[str, ...] = ()

    @property
    def member(self) -> str:
        """The member at the top level of the body in which the parameter stands."""
        return self.parameter.partition(".")[0]

    def fold(self, body: dict[str, Any]) -> bool:
        """Takes the parameter out of a JSON body, in place, where it stands there with the no-op value."""
        *parents, name = self.parameter.split(".")
        container: Any = body
        for parent in parents:
            container = container.get(parent) if isinstance(container, dict) else None
        if not isinstance(container, dict) or name not in container:
            return False
        value = container[name]
        if type(value) is not type(self.value) or value != self.value or not self._holds(body):
            return False
        del container[name]
        return True

    def holds_in_form(self, fields: Mapping[str, str | None]) -> bool:
        """Whether a form sends the parameter with the no-op value, written as text."""
        return (
            self.value is not None and fields.get(self.parameter) in _as_texts(self.value) and self._holds(fields)
        )

    def _holds(self, fields: Mapping[str, Any]) -> bool:
        if any(fields.get(name) is not None for name in self.unless):
            return False
        return not self.models or re.fullmatch(self.models, str(fields.get("model", ""))) is not None

    def describe(self) -> str:
        """The rule in one line."""
        return f"{self.parameter}={self.value!r} is the default ({self.source})"


def _as_texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return (str(value).lower(),)
    if isinstance(value, int):
        return (str(value), f"{value}.0")
    return (str(value),)


class Equivalent(NamedTuple):
    """Two documented ways to write the same thing; `rewrite` puts the body into one of them, in place."""

    path: str
    what: str
    source: str
    rewrite: Callable[[dict[str, Any]], bool]

    def describe(self) -> str:
        """The rule in one line."""
        return f"{self.what} ({self.source})"


class Dialect(NamedTuple):
    """One API.

    Attributes:
        name: of the API, for people.
        provider: its name in genai-prices, where it has one there.
        base_url: where it is, where that is one place for everybody; not that of a region or of one customer.
        hosts: patterns of its own hosts; what depends on nothing but the path or the body counts on every host,
            so that gateways and local servers are known too.
        endpoints: its calls.
        model_paths: patterns of paths that name the model.
        headers: of requests, that change what is answered.
        response_headers: that steer its clients; `*` at the end stands for any text.
        no_ops: parameters that change nothing, on its own hosts.
        equivalents: spellings that mean the same, on its own hosts.
        credentials: the places inside a body where it has a credential.
        credential_parameters: of a URL, where the name alone does not say so on every host.
        pieces: names of members that come in pieces in a stream: texts that add up to one, lists that go on.
        noise: names of members whose values differ each time and say nothing, where the name does not tell it as
            those of ids, times and durations do; and of events that only keep a connection open.
        ids: patterns of texts that do.
        encoded: names of members that hold encoded data: media in base64, what is encrypted or signed. Texts of
            another form may stand under the same names.
        texts: names of members in which requests have what people wrote: prompts, instructions, what tools got and
            gave, names of files; whatever else is text chooses something.
        text_objects: those under which every text is one, whatever its name, where they are an object. `name[]`
            stands for the objects in a list, `outer.name` for those inside of an `outer`, and `name.*` for the
            texts directly inside: what is an object there is one of the API.
    """

    name: str
    provider: str = ""
    base_url: BaseUrl | None = None
    hosts: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    model_paths: tuple[str, ...] = ()
    headers: tuple[AnswerHeader, ...] = ()
    response_headers: tuple[str, ...] = ()
    no_ops: tuple[NoOp, ...] = ()
    equivalents: tuple[Equivalent, ...] = ()
    credentials: tuple[CredentialPlace, ...] = ()
    credential_parameters: tuple[CredentialParameter, ...] = ()
    pieces: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    encoded: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    text_objects: tuple[str, ...] = ()


def no_op_rows(
    path: str,
    source: str,
    defaults: dict[str, Any],
    *,
    nullable: Iterable[str] = (),
    models: str = "",
    unless: tuple[str, ...] = (),
) -> Iterator[NoOp]:
    """Rows of one endpoint. In `source`, `*` stands for the parameter's name."""
    for parameter, value in defaults.items():
        yield NoOp(path, parameter, value, source.replace("*", parameter), models, unless)
    for parameter in nullable:
        yield NoOp(path, parameter, None, source.replace("*", parameter), "", unless)


def stop_as_list(path: str, source: str) -> Equivalent:
    """That `stop` as a text means the same as a list of one."""
    return Equivalent(path, "stop as a text is a list of one", source, _stop_list)


def _stop_list(body: dict[str, Any]) -> bool:
    if not isinstance(body.get("stop"), str):
        return False
    body["stop"] = [body["stop"]]
    return True
