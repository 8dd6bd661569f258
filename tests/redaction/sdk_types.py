"""Where the types of an SDK have texts whose names are like a credential's.

A place is a path, as the rows of dialects have it: `tools[type=mcp].headers.*`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import typing_extensions

__all__ = ["Place", "places"]

LIKE_A_CREDENTIALS = re.compile(
    r"token|secret|passw|passphrase|authoriz|credential|header|signature|cookie|bearer|assertion|private|cert|jwt|hmac"
    r"|connection_?string|access_key|(?<![a-z])(auth|keys?|pin|otp|pat|sas|env)(?![a-z])",
    re.IGNORECASE,
)
LIKE_A_CREDENTIALS_TYPE = re.compile(r"Secret|Credential|Key|Token")
"""Classes of whose instances a member named `value` is asked about."""

_WRAPPERS = (typing_extensions.Required, typing_extensions.NotRequired, typing.Annotated)
_ITEMS = ("list", "set", "tuple", "Iterable", "Sequence", "SequenceNotStr")


class Place(NamedTuple):
    """A place in the bodies of an API.

    Attributes:
        of: `request` or `answer`.
        path: in the body.
    """

    of: str
    path: str


class _Leaf(NamedTuple):
    """A text below a type.

    Attributes:
        steps: names, `[*]` and `*` that lead there.
        asked: whether some name on the way is like a credential's.
        kind: the value of `type` of the object where the steps begin, where it has one.
    """

    steps: tuple[str, ...]
    asked: bool
    kind: str = ""


@cache
def places(sdk: str) -> dict[Place, str]:
    """The places in the requests and the answers of an SDK, each with a type or a method that has it."""
    found: dict[Place, str] = {}
    walk = _Walk()
    for of, named in (("request", _requests(sdk)), ("answer", _answers(sdk))):
        roots = [(name, root, walk.leaves(root)) for name, root in named]
        for name, root, leaves in roots:
            if of == "request" and root in walk.inner:
                continue  # a part of another
            for leaf in leaves:
                if leaf.asked and leaf.steps:
                    found.setdefault(Place(of, ".".join(leaf.steps).replace(".[", "[")), name)
    return found


def _modules(package: str) -> Iterator[ModuleType]:
    outer = importlib.import_module(package)
    yield outer
    for module in pkgutil.walk_packages(outer.__path__, f"{package}."):
        try:
            yield importlib.import_module(module.name)
        except ImportError:
            continue  # it is for a dependency that is not installed


def _requests(sdk: str) -> Iterator[tuple[str, Any]]:
    """What methods take: the type that has the name of its module."""
    for module in _modules(f"{sdk}.types"):
        wanted = module.__name__.rpartition(".")[2].replace("_", "")
        if wanted.endswith("params"):
            for name, value in list(vars(module).items()):
                if name.lower() == wanted:
                    yield name, value


def _answers(sdk: str) -> Iterator[tuple[str, Any]]:
    """What methods return."""
    seen: set[str] = set()
    for module in _modules(f"{sdk}.resources"):
        for name, value in list(vars(module).items()):
            is_here = inspect.isclass(value) and value.__module__ == module.__name__
            if not is_here or name.startswith("Async") or "With" in name:
                continue
            for method, function in list(vars(value).items()):
                if not inspect.isfunction(function) or method.startswith("_"):
                    continue
                try:
                    returned = typing_extensions.get_type_hints(function).get("return")
                except NameError:
                    continue  # it names what is imported for type checkers alone
                if returned is not None and str(returned) not in seen:
                    seen.add(str(returned))
                    yield f"{name}.{method}", returned


class _Walk:
    """Goes through types, each once.

    Attributes:
        inner: the types that are part of others.
    """

    def __init__(self) -> None:
        self.inner: set[Any] = set()
        self._known: dict[Any, frozenset[_Leaf]] = {}
        self._entered: list[Any] = []

    def leaves(self, of: Any) -> frozenset[_Leaf]:
        """Texts below a type: those that are asked about, and its own."""
        origin, arguments = typing_extensions.get_origin(of), typing_extensions.get_args(of)
        if isinstance(of, typing_extensions.TypeAliasType):
            return self.leaves(of.__value__)
        if origin in _WRAPPERS:
            return self.leaves(arguments[0])
        if origin in (typing.Literal, typing_extensions.Literal):
            return frozenset()
        name = getattr(origin, "__name__", "")
        if name in _ITEMS:
            return frozenset(
                _Leaf((f"[type={leaf.kind}]" if leaf.kind else "[*]", *leaf.steps), leaf.asked)
                for argument in arguments
                for leaf in self.leaves(argument)
            )
        if name in ("dict", "Mapping"):
            return frozenset(_Leaf(("*", *leaf.steps), leaf.asked) for leaf in self.leaves(arguments[-1]))
        if origin is not None:
            return frozenset(leaf for argument in arguments for leaf in self.leaves(argument))
        if of in (int, float, bool, type(None)):
            return frozenset()
        members = _members(of)
        if members is None:
            return frozenset({_Leaf((), asked=False)})
        if self._entered:
            self.inner.add(of)
        if of in self._entered:
            return frozenset()  # what is below it is found from outside
        if of not in self._known:
            self._entered.append(of)
            self._known[of] = frozenset(self._below(of, members))
            self._entered.pop()
        return self._known[of]

    def _below(self, of: Any, members: dict[str, Any]) -> Iterator[_Leaf]:
        kind = _kind(members)
        for name, member in members.items():
            is_named = LIKE_A_CREDENTIALS.search(name) is not None
            is_value = name == "value" and LIKE_A_CREDENTIALS_TYPE.search(of.__name__) is not None
            for leaf in self.leaves(member):
                is_own = not any(step[0] not in "[*" for step in leaf.steps)
                is_next = len([step for step in leaf.steps if step[0] not in "[*"]) == 1
                asked = leaf.asked or is_value or (is_named and (is_own or is_next))
                if asked or is_own:
                    yield _Leaf((name, *leaf.steps), asked, kind)


def _members(of: Any) -> dict[str, Any] | None:
    """The members of an object's type by their names on the wire; None where it is another type."""
    if hasattr(of, "model_fields"):
        return {field.alias or name: field.annotation for name, field in of.model_fields.items()}
    if not typing_extensions.is_typeddict(of):
        return None
    members = {}
    for name, hint in typing_extensions.get_type_hints(of, include_extras=True).items():
        while typing_extensions.get_origin(hint) in _WRAPPERS:
            hint, *extras = typing_extensions.get_args(hint)
            name = next((extra.alias for extra in extras if getattr(extra, "alias", None)), name)
        members[name] = hint
    return members


def _kind(members: dict[str, Any]) -> str:
    """The value of `type`, where it has one."""
    hint = members.get("type")
    if typing_extensions.get_origin(hint) is typing.Union:
        hint = next(iter(typing_extensions.get_args(hint)), None)
    values = typing_extensions.get_args(hint)
    return str(values[0]) if len(values) == 1 and typing_extensions.get_origin(hint) is not typing.Union else ""
