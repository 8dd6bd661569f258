"""What users add to the rules about what may never reach a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Literal

from .._errors import ConfigurationError
from .._models import Value, value
from ..wire import json_path as _json_path
from ..wire.unicode_text import is_unicode
from .headers import is_credential_header
from .used_paths import UsedPaths


@value(frozen=True)
class Redact(Value):
    """What is kept out of stores, on top of the built-in rules; nothing here takes one of those away.

    What is replaced by `query` and `body` still counts: a salted hash stands in its place, so that two requests
    that differ there stay two. What is not to count either is named in `Match(ignore=...)`.

    Args:
        request_headers: further request headers to store (the built-in list names those that are).
        response_headers: further response headers to store.
        query: further query parameters whose values are replaced.
        body: paths into JSON bodies whose values are replaced, such as `user_token` or `messages[*].name`, as
            `Match(ignore=...)` takes them, with names in any case; of a form, names of fields.
        secrets: what a cassette does about text that looks like a credential, wherever else it stands:
            `"refuse"` to write the recording, or `"replace"` it by a stable placeholder that still matches.

    Raises:
        ConfigurationError: an argument is not a list of names, or names what may never be stored.
    """

    request_headers: Sequence[str] = ()
    response_headers: Sequence[str] = ()
    query: Sequence[str] = ()
    body: Sequence[str] = ()
    secrets: Literal["refuse", "replace"] = "refuse"
    used: UsedPaths = field(init=False, repr=False, compare=False)
    paths: tuple[_json_path.Path, ...] = field(init=False, repr=False, compare=False)

    def __init__(
        self,
        request_headers: Sequence[str] = (),
        response_headers: Sequence[str] = (),
        query: Sequence[str] = (),
        body: Sequence[str] = (),
        secrets: Literal["refuse", "replace"] = "refuse",
    ) -> None:
        lists = {
            "request_headers": request_headers,
            "response_headers": response_headers,
            "query": query,
            "body": body,
        }
        for name, items in lists.items():
            is_list = isinstance(items, Iterable) and not isinstance(items, str)
            if not is_list or not all(isinstance(item, str) for item in items):
                raise ConfigurationError(f"Redact({name}=...) takes a list of names, not {items!r}")
            if not all(map(is_unicode, items)):
                raise ConfigurationError(
                    f"Redact({name}=...): a lone surrogate stands in a name, which none can hold"
                )
            # of a path only names are the same in any case
            lists[name] = tuple(item if name == "body" else item.lower() for item in items)
        for name in (*lists["request_headers"], *lists["response_headers"]):
            if is_credential_header(name):
                raise ConfigurationError(f"the header {name!r} carries a credential and may never be stored")
        if secrets not in ("refuse", "replace"):
            raise ConfigurationError(f"Redact(secrets={secrets!r}) is wrong; it takes 'refuse' or 'replace'")
        try:
            # those that lead to the outside of others first: what is sealed as a whole is sealed as it was
            paths = sorted(
                (_json_path.parse(path, any_case=True) for path in lists["body"]), key=lambda path: len(path.steps)
            )
        except ValueError as error:
            raise ConfigurationError(f"Redact(body=...): {error}") from None
        vars(self).update(lists, secrets=secrets, paths=tuple(paths), used=UsedPaths(lists["body"]))
