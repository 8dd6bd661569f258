"""What `vcr_config` and the arguments of a `vcr` mark mean: filters, hooks and matchers of VCR.py."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote_plus, urlencode, urlparse, urlunparse

from .._errors import ConfigurationError, ReplayCacheWarning, did_you_mean
from .messages import VcrRequest, VcrResponse

T = TypeVar("T")

Matcher = Callable[[VcrRequest, VcrRequest], Any]
"""Receives what is asked and what is recorded; returns False, or raises AssertionError, where they differ."""

RECORD_MODES = ("none", "once", "new_episodes", "all", "rewrite")

MATCH_ON = ("method", "scheme", "host", "port", "path", "query")
"""What is compared unless `match_on` says otherwise: never the body."""

_HONOURED = frozenset(
    {
        "additional_matchers",
        "allow_playback_repeats",
        "allowed_hosts",
        "before_record",
        "before_record_request",
        "before_record_response",
        "cassette_library_dir",
        "filter_headers",
        "filter_nested_post_data_parameters",
        "filter_post_data_parameters",
        "filter_query_parameters",
        "ignore_hosts",
        "ignore_localhost",
        "match_on",
        "path_transformer",
        "record_mode",
        "serializer",
    }
)
_ALWAYS_SO = frozenset({"decode_compressed_response", "func_path_generator", "inject_cassette"})
"""Nothing to do: bodies are always decoded, and a fixture's cassette has a path and is injected by name."""
_HIDING = frozenset({"before_save_interaction", "filter_sensitive_data"})
_WITHOUT_EFFECT = frozenset(
    {
        "after_load_interaction",
        "custom_patches",
        "drop_unused_requests",
        "persister",
        "record_on_exception",
        "skip_patchers",
    }
)
_LOCAL = ("localhost", "0.0.0.0", "127.0.0.1", "::1")  # noqa: S104  # names to compare with, nothing is bound


def _uri(request: VcrRequest) -> str:
    parsed = request.parsed_uri
    return urlunparse(parsed if parsed.path else parsed._replace(path="/"))


def _kind(request: VcrRequest) -> str:
    content_type = str(request.headers.get("content-type", "")).lower()
    for name in ("application/json", "application/x-www-form-urlencoded"):
        if name in content_type:
            return name
    return ""


def _bodies(asked: VcrRequest, recorded: VcrRequest) -> bool:
    kind = _kind(asked)
    if kind and kind == _kind(recorded) and asked.body and recorded.body:
        try:
            if kind == "application/json":
                return bool(json.loads(asked.body) == json.loads(recorded.body))
            return parse_qs(asked.body.decode("ascii")) == parse_qs(recorded.body.decode("ascii"))
        except (ValueError, RecursionError):
            pass
    return asked.body == recorded.body


MATCHERS: Mapping[str, Matcher] = {
    "method": lambda asked, recorded: asked.method == recorded.method,
    "uri": lambda asked, recorded: _uri(asked) == _uri(recorded),
    "url": lambda asked, recorded: _uri(asked) == _uri(recorded),
    "scheme": lambda asked, recorded: asked.scheme == recorded.scheme,
    "host": lambda asked, recorded: asked.host == recorded.host,
    "port": lambda asked, recorded: asked.port == recorded.port,
    "path": lambda asked, recorded: (asked.path or "/") == (recorded.path or "/"),
    "query": lambda asked, recorded: asked.query == recorded.query,
    "headers": lambda asked, recorded: asked.headers == recorded.headers,
    "raw_body": lambda asked, recorded: asked.body == recorded.body,
    "body": _bodies,
}
"""VCR.py's own matchers by their names."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How requests are filtered and compared, and responses filtered.

    Args:
        request_hooks: each receives a request and returns it, changed or not, or None: it is no concern of the
            cassette.
        response_hooks: each receives a response and returns it, or None: it is not recorded.
        matchers: all of them must hold; by name.
        repeats: whether a recording may be played more than once.
    """

    request_hooks: Sequence[Callable[[VcrRequest], VcrRequest | None]]
    response_hooks: Sequence[Callable[[VcrResponse], VcrResponse | None]]
    matchers: Mapping[str, Matcher]
    repeats: bool

    @classmethod
    def parse(cls, options: Mapping[str, Any], registered: Mapping[str, Matcher] = MATCHERS) -> Rules:
        """The rules that VCR.py's options make.

        Args:
            options: as `vcr_config` and marks give them.
            registered: the matchers that `match_on` may name.

        Raises:
            ConfigurationError: an option has a value that it cannot have.
        """
        wanted = (*_several(options, "match_on", MATCH_ON), *_several(options, "additional_matchers"))
        hooks = [*_filters(options)]
        hooks += _callables(
            options, "before_record_request" if options.get("before_record_request") else "before_record"
        )
        return cls(
            hooks,
            _callables(options, "before_record_response"),
            dict(_matcher(item, registered) for item in wanted),
            bool(options.get("allow_playback_repeats")),
        )

    def request(self, request: VcrRequest) -> VcrRequest | None:
        """What is left of a request after the filters; None where it is no concern of the cassette."""
        return _through(self.request_hooks, request)

    def response(self, response: VcrResponse) -> VcrResponse | None:
        """What is left of a response after the hooks; None where it is not recorded."""
        return _through(self.response_hooks, response)

    def differing(self, asked: VcrRequest, recorded: VcrRequest) -> list[str]:
        """The names of the matchers that do not hold."""
        return [name for name, matcher in self.matchers.items() if not _holds(matcher, asked, recorded)]

    def match(self, asked: VcrRequest, recorded: VcrRequest) -> bool:
        """Whether all matchers hold."""
        return all(_holds(matcher, asked, recorded) for matcher in self.matchers.values())


def _through(hooks: Iterable[Callable[[T], T | None]], value: T) -> T | None:
    """What hooks, one after the other, leave of a value; None where one of them drops it."""
    found: T | None = value
    for hook in hooks:
        found = None if found is None else hook(found)
    return found


def warn_of_unknown(options: Mapping[str, Any]) -> None:
    """Warns of every option that changes nothing here, or that nobody knows."""
    known = _HONOURED | _ALWAYS_SO | _HIDING | _WITHOUT_EFFECT
    for name, value in options.items():
        if name not in known:
            near = did_you_mean(name, sorted(known))
            message = f"vcr_config has the key {name!r}, which VCR.py does not know{near}"
        elif name in _WITHOUT_EFFECT | _HIDING and value:
            message = f"vcr_config has the key {name!r}, which has no effect under replaycache.vcr"
        else:
            continue
        warnings.warn(message, ReplayCacheWarning, stacklevel=2)


def check_hiding(options: Mapping[str, Any], mode: str) -> None:
    """Refuses to record where an option was to keep something out of the cassette and is not supported.

    Raises:
        ConfigurationError: there is such an option.
    """
    names = sorted(name for name in _HIDING if options.get(name))
    if names and mode != "none":
        raise ConfigurationError(
            f"vcr_config has {', '.join(names)}, which replaycache.vcr does not support: with record mode "
            f"{mode!r} it would write what that was to hide. Use before_record_request or "
            f"--record-mode=none"
        )


def _holds(matcher: Matcher, asked: VcrRequest, recorded: VcrRequest) -> bool:
    try:
        result = matcher(asked, recorded)
    except AssertionError:
        return False
    return result is None or bool(result)


def _matcher(item: Any, registered: Mapping[str, Matcher]) -> tuple[str, Matcher]:
    if isinstance(item, str) and item in registered:
        return item, registered[item]
    if not isinstance(item, str) and callable(item):
        return getattr(item, "__name__", repr(item)), item
    raise ConfigurationError(
        f"match_on names {item!r}, which is no matcher; there are {', '.join(registered)}, and further ones can "
        f"be given as functions or registered in pytest_recording_configure"
    )


def _several(options: Mapping[str, Any], name: str, default: Sequence[Any] = ()) -> Sequence[Any]:
    value = options.get(name, default)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigurationError(f"vcr_config's {name!r} takes a list, not {value!r}")
    return tuple(value)


def _callables(options: Mapping[str, Any], name: str) -> list[Callable[[Any], Any]]:
    value = options.get(name)
    if value is None:
        return []
    found = list(value) if isinstance(value, Iterable) else [value]
    for item in found:
        if not callable(item):
            raise ConfigurationError(f"vcr_config's {name!r} takes a function or a list of them, not {item!r}")
    return found


# -- filters ---------------------------------------------------------------------------------------------

Replacements = dict[str, Any]
"""By name: a text, None to leave it out, or a function of `key`, `value` and `request` that returns either."""


def _replacements(options: Mapping[str, Any], name: str) -> Replacements:
    found: Replacements = {}
    for item in _several(options, name):
        key, value = item if isinstance(item, tuple | list) else (item, None)
        found[key] = value
    return found


def _filters(options: Mapping[str, Any]) -> Iterable[Callable[[VcrRequest], VcrRequest | None]]:
    headers = _replacements(options, "filter_headers")
    if headers:
        yield lambda request: _filter_headers(request, headers)
    query = _replacements(options, "filter_query_parameters")
    if query:
        yield lambda request: _filter_query(request, query)
    fields = _replacements(options, "filter_post_data_parameters")
    if fields:
        nested = bool(options.get("filter_nested_post_data_parameters"))
        yield lambda request: _filter_body(request, fields, nested)
    hosts = {*_several(options, "ignore_hosts"), *(_LOCAL if options.get("ignore_localhost") else ())}
    if hosts:
        yield lambda request: None if _is_ignored(request.host, hosts) else request


def _is_ignored(host: str | None, hosts: set[Any]) -> bool:
    if host is None:
        return False
    return host in hosts or any(item.fullmatch(host) for item in hosts if isinstance(item, re.Pattern))


def _replaced(value: Any, key: str, old: Any, request: VcrRequest) -> Any:
    return value(key=key, value=old, request=request) if callable(value) else value


def _filter_headers(request: VcrRequest, replacements: Replacements) -> VcrRequest:
    for name, value in replacements.items():
        if name in request.headers:
            new = _replaced(value, name, request.headers.pop(name), request)
            if new is not None:
                request.headers[name] = new
    return request


def _filter_query(request: VcrRequest, replacements: Replacements) -> VcrRequest:
    kept = []
    for name, old in request.query:
        new = _replaced(replacements[name], name, old, request) if name in replacements else old
        if new is not None:
            kept.append((name, new))
    request.uri = urlunparse(urlparse(request.uri)._replace(query=urlencode(kept)))
    return request


def _filter_body(request: VcrRequest, replacements: Replacements, nested: bool) -> VcrRequest:
    if request.method != "POST" or not request.body:
        return request
    if _kind(request) == "application/json":
        try:
            value = json.loads(request.body)
        except (ValueError, RecursionError):
            return request
        request.body = json.dumps(_filter_json(value, replacements, nested, request))
    elif not str(request.headers.get("content-type", "")).lower().startswith("multipart/"):
        request.body = b"&".join(_filter_form(request, replacements))
    return request


def _filter_json(value: Any, replacements: Replacements, nested: bool, request: VcrRequest) -> Any:
    if isinstance(value, dict):
        found = {}
        for name, old in value.items():
            if name in replacements:
                new = _replaced(replacements[name], name, old, request)
                if new is not None:
                    found[name] = new
            else:
                found[name] = _filter_json(old, replacements, nested, request) if nested else old
        return found
    if isinstance(value, list) and nested:
        return [_filter_json(item, replacements, nested, request) for item in value]
    return value


def _filter_form(request: VcrRequest, replacements: Replacements) -> Iterable[bytes]:
    for part in request.body.split(b"&"):
        name, equals, old = part.partition(b"=")
        key = name.decode("utf-8", "replace")
        key = key if key in replacements else unquote_plus(key)
        if not equals or key not in replacements:
            yield part
            continue
        new = _replaced(replacements[key], key, old.decode("utf-8", "replace"), request)
        if new is not None:
            yield name + b"=" + (new if isinstance(new, bytes) else str(new).encode("utf-8"))
