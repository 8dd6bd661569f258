"""What is asked: a request on its way, its identity, and what its own headers say of how it is answered."""

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from .._errors import ConfigurationError
from .._models import Headers, Request
from ..dialects.registry import generates as _generates
from ..match import Identity
from ..options import Mode, Options, parse_duration, parse_sample
from ..system.forking import postponed
from ..wire import url as _url
from .blocks import Held, held
from .sequence import Place

if TYPE_CHECKING:
    from .numbers import Number
    from .plan import Met

CALL_HEADERS = frozenset(
    {"x-replaycache-fault", "x-replaycache-mode", "x-replaycache-sample", "x-replaycache-ttl"}
)
"""Options of one call, through any SDK's extra headers. They are never sent upstream."""

NOT_CACHEABLE = "a cache keeps only calls that generate, and this is none"
LEFT_OUT = "Match(cacheable=...) leaves it out"

PREFIX = b"x-replaycache-"


class Endpoint(NamedTuple):
    """What a request's method and URL tell."""

    origin: str
    netloc: bytes
    path: str
    generates: bool


@lru_cache(maxsize=1024)
def endpoint(method: str, url: str) -> Endpoint:
    """What a request's method and URL tell."""
    parsed = _url.parse(url)
    generates = _generates(method, parsed.path)
    return Endpoint(parsed.origin, parsed.netloc.encode("latin-1", "replace"), parsed.path, generates)


class Asked:
    """A request on its way.

    Attributes:
        method: in upper case.
        url: absolute.
        found: of its headers, in lower case, those that may count.
        said: the mode in which it is asked, by its own word or by the options.
        mode: the same, until it is known what `once` comes to.
        names_mode: whether it says that itself.
        sample: which of several answers is asked for.
        names_sample: whether its header says that, or a block around it.
        number: which of the identical requests it is, where they are numbered, until it is given back.
        ttl: the age in seconds beyond which a recording does not answer it; None for no limit.
        fault: what goes wrong with its answer where that is replayed; empty for nothing.
        met: how many calls of a key faults have met; None where the transport counts them.
        needs_body: whether its body has to be read.
        body: once it was read.
        identity: once it is known.
        keeps_body: whether its body is known to be stored as it is.
        place: in a cassette, from when it was looked up on.
        stored: in the form in which it is stored, and at which version of what the session has seen; None until
            somebody asks.
        unstorable: why nothing of it is stored or answered from a store; empty where it may be.

    Args:
        options: where its own headers say nothing.
        method: in upper case.
        url: absolute.
        headers: as the client library has them.
        found: of those, in lower case, the ones that may count.
        reads_every: whether every body is read, not only that of a call that generates.

    Raises:
        ConfigurationError: one of `CALL_HEADERS` has a wrong value.
    """

    __slots__ = (
        "_headers",
        "_request",
        "body",
        "fault",
        "found",
        "identity",
        "keeps_body",
        "met",
        "method",
        "mode",
        "names_mode",
        "names_sample",
        "needs_body",
        "number",
        "place",
        "said",
        "sample",
        "stored",
        "ttl",
        "unstorable",
        "url",
    )

    def __init__(
        self,
        options: Options,
        method: str,
        url: str,
        headers: Iterable[tuple[bytes, bytes]],
        found: list[tuple[bytes, bytes]],
        reads_every: bool,
    ) -> None:
        self.method = method
        self.url = url
        self._headers = headers
        self.found = found
        self.mode = options.mode
        self.names_mode = False
        self.sample = options.sample
        self.names_sample = False
        self.number: Number | None = None
        self.ttl = options.ttl
        self.fault = options.fault
        self.met: Met | None = None
        block = held.here()
        if block is not None:
            self._read_blocks(block)
        for name, _ in found:
            if name.startswith(PREFIX):
                self._read_call_headers()
                break
        self.said = self.mode
        self.body = b""
        self._request: Request | None = None
        self.identity: Identity | None = None
        self.keeps_body = False
        self.place: Place | None = None
        self.stored: tuple[int, Request] | None = None
        self.unstorable = ""
        if self.mode is Mode.OFF:
            self.unstorable = "the mode is off"
            self.needs_body = False
        elif reads_every or endpoint(method, url).generates:
            self.needs_body = True
        else:
            self.unstorable = NOT_CACHEABLE
            self.needs_body = False

    def _read_blocks(self, block: Held) -> None:
        number, faulty = block.of("sample"), block.of("fault")
        if number is not None:
            self.sample, self.names_sample = number, True
        if faulty is not None:
            self.fault, self.met = faulty

    def _read_call_headers(self) -> None:
        for name, value in self.found:
            if name.startswith(PREFIX):
                where, text = name.decode(), value.decode("latin-1").strip()
                if name == b"x-replaycache-mode":
                    self.mode = Mode.parse(text, where)
                    self.names_mode = True
                elif name == b"x-replaycache-sample":
                    self.sample, self.names_sample = parse_sample(text, where), True
                elif name == b"x-replaycache-fault":
                    self.fault, self.met = _read_fault(text, where), None
                elif name == b"x-replaycache-ttl":
                    self.ttl = parse_duration(text, where)
                else:
                    check_spelling(where, CALL_HEADERS)
        self.found = [item for item in self.found if not item[0].startswith(PREFIX)]

    @property
    def has_call_headers(self) -> bool:
        """Whether the request carries headers that must not be sent upstream."""
        return any(name.lower().startswith(PREFIX) for name, _ in self._headers)

    @property
    def key(self) -> str:
        """Of its identity; empty where none is known."""
        return self.identity.key if self.identity is not None else ""

    @property
    def endpoint(self) -> Endpoint:
        """What its method and URL tell."""
        return endpoint(self.method, self.url)

    @property
    def request(self) -> Request:
        """It as a value, with its body once that was read."""
        if self._request is None:
            headers: Headers = tuple(
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in self._headers
                if not name.lower().startswith(PREFIX)
            )
            self._request = Request(self.method, self.url, headers, self.body)
        return self._request

    @property
    def headers(self) -> Iterable[tuple[bytes, bytes]]:
        """All of them, as the client library has them."""
        return self._headers

    def become(self, request: Request) -> None:
        """From now on it is told, stored and found as `request`; what is sent upstream is another's concern."""
        self._request = request
        self.stored = None
        self.keeps_body = False
        self.url = request.url
        self.body = request.body

    def pass_by(self, reason: str) -> None:
        """It goes upstream as if there were no store."""
        self.mode = Mode.OFF
        self.unstorable = reason


def check_spelling(name: str, known: Iterable[str]) -> None:
    """Looks at a header whose name begins as ours do: a call that is answered as if it had none might go live.

    Args:
        name: in lower case, and none of those that are known.
        known: names in lower case.

    Raises:
        ConfigurationError: it is close to one of them.
    """
    import difflib  # nobody waits for it who makes no mistake

    begin = PREFIX.decode()
    names = {header.removeprefix(begin): header for header in sorted(known)}
    close = difflib.get_close_matches(name.removeprefix(begin), names, n=1, cutoff=0.65)
    if close:
        raise ConfigurationError(f"there is no header {name}; did you mean {names[close[0]]}?")


def _read_fault(text: str, where: str) -> str:
    with postponed():
        from .._faults import parse_fault  # most calls name none

    parse_fault(text, where)
    return text
