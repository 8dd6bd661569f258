"""What counts as the same request.

`Match` turns a request into its canonical form, in which two requests that mean the same are the same
bytes, and hashes that to the key. The canonical form is one line of JSON (method, origin, path, query,
headers that matter, sample, scope, kind of body), a line feed, and the body in the form of its kind.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import xxhash

from .._errors import ConfigurationError
from .._models import Request, Value, value
from ..dialects.dialect import Kind
from ..dialects.registry import generates, kind_of
from ..dialects.request_body import members
from ..redaction.redact import Redact
from ..redaction.redactor import Redactor
from ..redaction.used_paths import UsedPaths
from ..wire import json_path as _json_path
from ..wire import url as _url
from ..wire.unicode_text import is_unicode
from .canonical import KEY_HEADERS, SCHEME, Applied, Canonical, Rules
from .fingerprint import INCOMPARABLE, fingerprint

if TYPE_CHECKING:
    from .explanation import Explanation
    from .scrubs import CompiledScrub

__all__ = ["INCOMPARABLE", "KEY_HEADERS", "SCHEME", "Applied", "Identified", "Identity", "Match"]

_HEADER = "headers."
"""With it begins what `Match(ignore=...)` takes for a header of the request."""

Scrub = str | tuple[str | re.Pattern[str], str]
"""The name of a ready-made one, or a pattern and what takes its place."""


class Identity(NamedTuple):
    """What a request is looked up by and what a hit is confirmed by.

    `key` is xxh3_128 of the canonical request, 32 hexadecimal digits; `digest` is SHA-256 of the same bytes,
    64 hexadecimal digits.
    """

    key: str
    digest: str


class Identified(NamedTuple):
    """What was found out about a request on the way to its identity.

    Attributes:
        identity: the same for all requests that count as one.
        is_cacheable: whether a cache may answer it; None where that was not found out.
        keeps_body: whether its body is stored as it came, for nothing in it is redacted.
    """

    identity: Identity
    is_cacheable: bool | None = None
    keeps_body: bool = False


@value(frozen=True, kw_only=True)
class Match(Value):
    """The rules by which a request becomes its canonical form.

    Args:
        ignore: paths into a JSON body that do not count, such as `metadata.run_id` or `messages[*].name`;
            of a form, names of fields; a name with other characters is quoted: `["image[]"]`; of a request,
            a header: `headers.anthropic-beta`.
        scrub: pairs of a regular expression and what takes the place of its matches in the text that people wrote
            (prompts, instructions, what tools got and gave, file names; never a model's name, an id or encoded
            data); or names of ready-made ones, `"uuid"`, `"datetime"`, `"date"`, `"epoch"`, `"hex_id"`,
            `"tmp_path"`.
        normalize: receives the `Request` first of all and returns the one that counts. Must depend on
            nothing else, for its results are remembered.
        hosts: other names for hosts: `{"localhost:8080": "api.openai.com"}`. Left, `host`, `host:port` or
            `scheme://host:port`, with `*` for any text; right, a host (then over https) or an origin.
        headers: further request headers that count; of one that by its name carries a credential, or may, a salted
            hash, so that accounts are told apart and nothing of it is written.
        fold_defaults: whether parameters that are no-ops by the provider's documentation are left out.
        cacheable: receives a `Request`; says whether it may be stored, and answered from a store. None: a cache
            takes the calls that generate, as their path and the shape of their body tell; a cassette every call.
        scope: keeps keys apart that would be equal.

    Raises:
        ConfigurationError: an argument has another form.
    """

    ignore: Sequence[str] = ()
    scrub: Sequence[Scrub] = ()
    normalize: Callable[[Request], Request] | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)
    headers: Sequence[str] = ()
    fold_defaults: bool = True
    cacheable: Callable[[Request], bool] | None = None
    scope: str = ""

    key_headers: tuple[str, ...] = field(init=False, repr=False, compare=False)
    ignored: tuple[_json_path.Path, ...] = field(init=False, repr=False, compare=False)
    _rules: Rules = field(init=False, repr=False, compare=False)
    # of two that mean a host the first counts, and dicts are equal in any order
    _in_order: tuple[tuple[str, str], ...] = field(init=False, repr=False)

    def __init__(
        self,
        *,
        ignore: Sequence[str] = (),
        scrub: Sequence[Scrub] = (),
        normalize: Callable[[Request], Request] | None = None,
        hosts: Mapping[str, str] = MappingProxyType({}),
        headers: Sequence[str] = (),
        fold_defaults: bool = True,
        cacheable: Callable[[Request], bool] | None = None,
        scope: str = "",
    ) -> None:
        vars(self).update(
            ignore=ignore,
            scrub=scrub,
            normalize=normalize,
            hosts=dict(hosts) if isinstance(hosts, Mapping) else hosts,
            headers=headers,
            fold_defaults=fold_defaults,
            cacheable=cacheable,
            scope=scope,
        )
        self._read()

    def _read(self) -> None:
        for name in ("ignore", "headers"):
            value = getattr(self, name)
            is_list = isinstance(value, Iterable) and not isinstance(value, str)
            if not is_list or not all(isinstance(item, str) for item in value):
                raise ConfigurationError(f"Match({name}=...) takes a list of texts, not {value!r}")
        for name in ("normalize", "cacheable"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise ConfigurationError(f"Match({name}=...) takes a callable, not {value!r}")
        if not isinstance(self.hosts, Mapping) or not all(
            isinstance(v, str) for kv in self.hosts.items() for v in kv
        ):
            raise ConfigurationError(f"Match(hosts=...) takes a dict of texts, not {self.hosts!r}")
        for name, counts_as in self.hosts.items():
            _check_alias(name, counts_as)
        if not isinstance(self.scope, str):
            raise ConfigurationError(f"Match(scope=...) takes a text, not {self.scope!r}")
        for name, texts in (
            ("ignore", self.ignore),
            ("headers", self.headers),
            ("hosts", [text for pair in self.hosts.items() for text in pair]),
            ("scope", [self.scope]),
        ):
            if not all(map(is_unicode, texts)):
                raise ConfigurationError(
                    f"Match({name}=...): a lone surrogate stands in a text, which none can hold"
                )
        ignored = {path[len(_HEADER) :].lower() for path in self.ignore if path.lower().startswith(_HEADER)}
        named = {name.lower() for name in self.headers}
        if named & ignored:
            name = min(named & ignored)
            raise ConfigurationError(
                f"Match(headers=[{name!r}]) has the header count, and ignore=['{_HEADER}{name}'] has it not; "
                f"remove one of them"
            )
        try:
            paths = tuple(_json_path.parse(path) for path in self.ignore if not path.lower().startswith(_HEADER))
        except ValueError as error:
            raise ConfigurationError(f"Match(ignore=...): {error}") from None
        headers = tuple(sorted({*KEY_HEADERS, *named} - ignored))
        rules = Rules(
            paths,
            tuple(sorted(ignored)),
            () if self.scrub == () else _compiled(self.scrub),
            self.normalize,
            dict(self.hosts),
            headers,
            self.fold_defaults,
            self.scope,
            # a header that is known is not misspelt
            UsedPaths(
                (*(path.text for path in paths), *(f"{_HEADER}{n}" for n in ignored if n not in KEY_HEADERS))
            ),
        )
        in_order = tuple(self.hosts.items())
        vars(self).update(key_headers=headers, ignored=paths, _rules=rules, _in_order=in_order)

    def key(self, request: Request, *, sample: int = 0, redact: Redact = Redact()) -> str:  # noqa: B008  # frozen
        """The key of a request: 32 hexadecimal digits. That of a store differs where what is redacted counts, for
        there it is salted."""
        return self.identity(request, sample=sample, redactor=Redactor(redact)).key

    def identity(
        self,
        request: Request,
        *,
        sample: int = 0,
        redactor: Redactor | None = None,
        unknown: Sequence[str] = (),
    ) -> Identity:
        """The key of a request, and the digest that confirms a hit."""
        return _hashed(self.canonical(request, sample=sample, redactor=redactor, unknown=unknown))

    def identified(self, request: Request, *, sample: int, redactor: Redactor) -> Identified:
        """The identity of a request, and what is found out on the way, for which its body is decoded once."""
        if type(self) is not Match or self.normalize is not None or self.cacheable is not None:
            return Identified(self.identity(request, sample=sample, redactor=redactor))
        work = Canonical(self._rules, redactor, sample)
        identity = _hashed(work.of(request))
        if work.members is None or request.header("content-encoding") is not None:
            return Identified(identity)
        kind = kind_of(request.method, _url.parse(request.url).path, work.members)
        return Identified(identity, kind == "generates", work.keeps_body)

    def canonical(
        self,
        request: Request,
        *,
        sample: int = 0,
        redactor: Redactor | None = None,
        unknown: Sequence[str] = (),
    ) -> bytes:
        """The canonical form of a request.

        Args:
            request: as sent, or as stored: both give the same.
            sample: the option of that name.
            redactor: takes out what may not be written; None for one without a store.
            unknown: what nobody knows of the request that this one is compared with, as in `Request.unknown`. The
                form has in its place that it is unknown, and never meets one in which it is known, or absent.
        """
        return Canonical(self._rules, redactor or Redactor(), sample, unknown).of(request)

    def explain(
        self,
        request: Request,
        *,
        sample: int = 0,
        redact: Redact = Redact(),  # noqa: B008  # frozen
        redactor: Redactor | None = None,
    ) -> "Explanation":
        """The canonical form of a request, its key, and each rule that changed something.

        Args:
            request: as sent, or as stored.
            sample: the option of that name.
            redact: what users added to the built-in rules about credentials.
            redactor: with these rules, of a store whose salt is to be used.
        """
        from .explanation import Explanation  # no call has use for it

        work = Canonical(self._rules, redactor or Redactor(redact), sample)
        canonical = work.of(request)
        return Explanation(xxhash.xxh3_128_hexdigest(canonical), canonical, tuple(work.applied))

    def fingerprint(self, redact: Redact) -> str:
        """Tells these rules from others by which requests may count as the same, see `match/fingerprint.py`."""
        if type(self) is not Match:
            return INCOMPARABLE  # what a class of the user makes of a request is in none of the rules
        return fingerprint(self._rules, redact)

    @property
    def used(self) -> UsedPaths:
        """Which of the paths in `ignore` led somewhere, in the requests so far."""
        return self._rules.used

    def is_cacheable(self, request: Request) -> bool:
        """Whether a cache may answer the request; a cassette may answer every one, where `cacheable` is None."""
        if self.cacheable is not None:
            return bool(self.cacheable(request))
        return self.kind_of(request) == "generates"

    def kind_of(self, request: Request) -> Kind:
        """What a call is, by its path and the shape of its body: see `dialects/dialect.py`."""
        path = _url.parse(request.url).path
        media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
        if media_type == "application/x-www-form-urlencoded":
            return "other"  # no dialect takes such forms; other services behind like paths do
        return kind_of(request.method, path, members(request) if generates(request.method, path) else None)


def _hashed(canonical: bytes) -> Identity:
    # of the cryptographic hashes the one that processors help with
    return Identity(xxhash.xxh3_128_hexdigest(canonical), hashlib.sha256(canonical).hexdigest())


def _compiled(scrubs: Any) -> "tuple[CompiledScrub, ...]":
    from .scrubs import compiled  # most scrub nothing

    return compiled(scrubs)


def _check_alias(name: str, counts_as: str) -> None:
    """Looks at one pair of `Match(hosts=...)`.

    Raises:
        ConfigurationError: it names no host, or every one.
    """
    told = f"Match(hosts={{{name!r}: {counts_as!r}}})"
    host = name.rpartition("://")[2]
    if not re.search(r"[^*.:\s]", host) or "/" in host:
        raise ConfigurationError(
            f"{told} does not say which host is meant: left stands one such as localhost:8080 or "
            f"*.example.com, and no path"
        )
    host = counts_as.rpartition("://")[2].strip("/")
    if not host or re.search(r"[*\s]", host):
        raise ConfigurationError(
            f"{told} does not say what it counts as: right stands one host, such as api.openai.com"
        )
