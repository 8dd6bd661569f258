"""The options that mean the same everywhere, checked once, when they are given."""

import inspect
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from ._errors import ConfigurationError, did_you_mean
from ._models import AnswerEnd, Outcome, Recording, Request, ResponseHead, Value, value
from .accounts import BUDGET_VARIABLE
from .match import Match
from .redaction.redact import Redact
from .wire.hosts import HostPattern

if TYPE_CHECKING:
    from decimal import Decimal

    from .accounts.budget import Budget
    from .accounts.prices import Prices

MODE_VARIABLE = "REPLAYCACHE_MODE"
IGNORE_HOSTS_VARIABLE = "REPLAYCACHE_IGNORE_HOSTS"


class Mode(StrEnum):
    """What may happen to a request."""

    AUTO = "auto"
    """Replay what is stored; otherwise call upstream and store."""
    REPLAY = "replay"
    """Replay what is stored; otherwise raise `CacheMiss`. Never calls upstream."""
    RECORD = "record"
    """Call upstream and store, in place of what was stored."""
    ONCE = "once"
    """As `replay` with a cassette that has recordings, otherwise as `auto`. The default of `use_cassette`."""
    VERIFY = "verify"
    """Call upstream, give the caller its answer, and compare that with the recording; store nothing."""
    OFF = "off"
    """Pass through, as if replaycache were not there."""

    @classmethod
    def parse(cls, value: Any, where: str) -> "Mode":
        """The mode that `value` names.

        Raises:
            ConfigurationError: there is no such mode; `where` says in the message who asked for it.
        """
        try:
            return cls(value)
        except ValueError:
            near = did_you_mean(str(value), [mode.value for mode in cls])
            raise ConfigurationError(
                f"{where}={value!r} is no mode; the modes are {', '.join(cls)}{near}"
            ) from None


ModeName = Literal["auto", "replay", "record", "once", "verify", "off"]
"""A mode, where it is given as text."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(value: Any, where: str) -> float | None:
    """Seconds, from a number or from text such as `90s`, `15m`, `12h`, `7d`, `2w`; None stays None.

    Raises:
        ConfigurationError: it is neither, or negative.
    """
    if value is None:
        return None
    if _is_number(value) and value >= 0:
        try:
            return float(value)
        except OverflowError:
            pass
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw]?)\s*", value)
        if match and len(match[1]) <= 12:
            return float(match[1]) * _UNITS.get(match[2], 1)
    raise ConfigurationError(f"{where}={value!r} is no time; write seconds, or text such as '12h' or '7d'")


def parse_sample(value: Any, where: str) -> int:
    """A sample number, from an integer or its digits.

    Raises:
        ConfigurationError: it is neither, is negative, or has more than 18 digits.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18:
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value):
        return int(value)
    raise ConfigurationError(f"{where}={value!r} is no sample; write an integer from 0 on, of up to 18 digits")


def parse_hosts(value: Any, where: str) -> tuple[str, ...]:
    """Patterns of hosts, from several of them, or from text in which commas stand between them; None for what
    `REPLAYCACHE_IGNORE_HOSTS` says.

    Raises:
        ConfigurationError: it is neither, or one of them is a URL, empty, or means every host.
    """
    if value is None:
        value, where = os.environ.get(IGNORE_HOSTS_VARIABLE) or (), IGNORE_HOSTS_VARIABLE
    hosts = value.split(",") if isinstance(value, str) else value
    if not isinstance(hosts, (list, tuple, set, frozenset)) or not all(isinstance(host, str) for host in hosts):
        raise ConfigurationError(
            f"{where}={value!r} is wrong; it takes hosts, such as ['localhost', '*.example:8443']"
        )
    hosts = tuple(host.strip() for host in hosts)
    for host in hosts:
        try:
            HostPattern.parse(host)
        except ValueError as error:
            raise ConfigurationError(f"{where}={value!r}: {host!r} {error}") from None
    return hosts


def names_mode(mode: Any) -> bool:
    """Whether anybody names a mode: the code, with this one, or the environment."""
    return mode is not None or bool(os.environ.get(MODE_VARIABLE))


Keep = Callable[[ResponseHead, AnswerEnd], bool]
"""Says whether a response is stored, by its head and by how the answer ended."""


Repeats = Literal["same", "sequence", "numbered"]
"""Which answer a repeated request gets."""


class OptionArguments(TypedDict, total=False):
    """The options as keyword arguments; `Options` says what each means."""

    match: Match | None
    redact: Redact | None
    pace: float | None
    repeats: Repeats | None
    keep: Keep | None
    on_abandon: Literal["discard", "drain"] | None
    ttl: float | str | None
    sample: int | None
    on_drift: Literal["warn", "raise"] | None
    max_request_bytes: int | None
    budget: "Budget | float | str | Decimal | None"
    prices: Mapping[str, str | Mapping[str, float]] | None
    ignore_hosts: Iterable[str] | None
    fault: str | None
    on_hit: Callable[[Recording, Outcome], object] | None
    on_miss: Callable[[Request, str], object] | None
    on_store: Callable[[Recording, Outcome], object] | None


@value(frozen=True, kw_only=True)
class Options(Value):
    """Every option but `store`, which decides some of the defaults.

    Args:
        mode: a `Mode` or its name; None for `REPLAYCACHE_MODE`, and `auto` without it.
        match: what counts as the same request.
        redact: what is kept out of the store, on top of the built-in rules.
        pace: how replayed chunks are spaced in time: 0 at once, 1 as recorded, 2 twice as slow. The time that a
            replayed error tells its client to wait (`retry-after`) goes by it, too.
        repeats: `"same"`: a repeated request gets the same answer; `"sequence"`: those of a cassette, in order;
            `"numbered"`: the same in a cassette; of a cache, the n-th identical request in a process gets the n-th
            answer, counted by the transport or session. It asks for sample n - 1 then, or so many behind `sample`;
            a call that names its sample is not counted. None: as the store does.
        keep: receives a response's head (`.status`, `.headers`) and how the answer ended (`.failed`,
            `.finish_reasons`), and says whether the response is stored. None: in a cache what has status 200 and
            did not fail, every one in a cassette. What is unfinished is in no cache.
        on_abandon: what to do when the caller closes a response early: `"discard"` it, or `"drain"`: finish
            reading it within a bound of time and bytes, then store. None: discard in a cache, drain in a
            cassette.
        ttl: seconds, or text such as `"12h"`: older recordings are misses. None: no limit.
        sample: an integer in the key, never sent: asks for further answers to the same request.
        on_drift: in mode `verify`, what to do about a live answer that differs from the recording: `"warn"`, or
            `"raise"` a `DriftFound` when the transport, or the context, is closed, if it differs in shape.
        max_request_bytes: a request with a larger body is neither stored nor replayed.
        budget: US dollars, such as `2` or `"$2"`, that live calls may cost; or a `Budget`, which several
            transports may share. A call that would start beyond it raises `BudgetExceeded` and is not sent. None:
            as `REPLAYCACHE_BUDGET` says for the whole process; without it, no limit.
        prices: what models cost that genai-prices does not know, or that cost something else: by the model as its
            answers name it, US dollars per million tokens (`{"my-model": {"input": 0.15, "output": 0.6}}`, and
            `"cached_input"`), or a model of a provider that costs the same (`"openai/gpt-4o-mini"`); by
            `"https://gateway.example"`, the provider whose models that host sells (`"openai"`).
        ignore_hosts: hosts that are left alone in every mode: neither recorded nor replayed nor counted, and
            upstream's own response is handed on. Each is a name or an address as the URL has it, with or without a
            port; `*` stands for any characters, and `"localhost"` for every loopback name and address. None: as
            `REPLAYCACHE_IGNORE_HOSTS` says for the whole process, with commas between them; without it, none.
        fault: what goes wrong with answers that are replayed, such as `"cut:after=5"` or `"status:429,times=2"`;
            live calls and what is stored are as ever. None: nothing.
        on_hit: receives the recording and the outcome of each call that is answered from the store.
        on_miss: receives the request, as it would be stored, and the reason of each call that is looked for in the
            store and not found, before it is sent or refused.
        on_store: receives the recording and the outcome of each call whose answer has been stored.

    The three hooks may be called in any thread, and where the call is asynchronous they run in its loop's thread
    or beside it: they must be quick. What they raise becomes a warning and does not disturb the call.

    Raises:
        ConfigurationError: a value is not one of these.
    """

    mode: Mode
    match: Match
    redact: Redact
    pace: float
    repeats: Repeats | None
    keep: Keep | None
    on_abandon: Literal["discard", "drain"] | None
    ttl: float | None
    sample: int
    on_drift: Literal["warn", "raise"]
    max_request_bytes: int
    budget: "Budget | None"
    prices: "Prices | None"
    ignore_hosts: tuple[str, ...]
    fault: str
    on_hit: Callable[[Recording, Outcome], object] | None
    on_miss: Callable[[Request, str], object] | None
    on_store: Callable[[Recording, Outcome], object] | None
    mode_as: str = field(init=False, repr=False, compare=False)
    """How a mode is named where this one was, with `{}` for it."""

    def __init__(
        self,
        *,
        mode: Mode | ModeName | None = None,
        match: Match = Match(),  # noqa: B008  # frozen
        redact: Redact = Redact(),  # noqa: B008  # frozen
        pace: float = 0,
        repeats: Repeats | None = None,
        keep: Keep | None = None,
        on_abandon: Literal["discard", "drain"] | None = None,
        ttl: float | str | None = None,
        sample: int | str = 0,
        on_drift: Literal["warn", "raise"] = "warn",
        max_request_bytes: int = 64 << 20,
        budget: "Budget | float | str | Decimal | None" = None,
        prices: "Mapping[str, str | Mapping[str, float]] | Prices | None" = None,
        ignore_hosts: Iterable[str] | None = None,
        fault: str | None = None,
        on_hit: Callable[[Recording, Outcome], object] | None = None,
        on_miss: Callable[[Request, str], object] | None = None,
        on_store: Callable[[Recording, Outcome], object] | None = None,
    ) -> None:
        of_environment = os.environ.get(MODE_VARIABLE) if mode is None else None
        if of_environment:
            mode = Mode.parse(of_environment, MODE_VARIABLE)
        else:
            mode = Mode.AUTO if mode is None else Mode.parse(mode, "mode")
        ttl = parse_duration(ttl, "ttl")
        sample = parse_sample(sample, "sample")
        _check("match", match, isinstance(match, Match), _a("Match", match, "ignore"))
        _check("redact", redact, isinstance(redact, Redact), _a("Redact", redact, "body"))
        _check("pace", pace, _is_number(pace) and 0 <= pace < 1e6, "a number from 0 on")
        _check("repeats", repeats, repeats in (None, *get_args(Repeats)), "'same', 'sequence' or 'numbered'")
        _check(
            "keep",
            keep,
            keep is None or _takes(keep, 2),
            "a callable that takes two arguments: a response's head, and how the answer ended",
        )
        _check("on_abandon", on_abandon, on_abandon in (None, "discard", "drain"), "'discard' or 'drain'")
        _check("on_drift", on_drift, on_drift in ("warn", "raise"), "'warn' or 'raise'")
        size = max_request_bytes
        _check(
            "max_request_bytes",
            size,
            _is_number(size) and isinstance(size, int) and size > 0,
            "a number of bytes above 0",
        )
        hosts = parse_hosts(ignore_hosts, "ignore_hosts")
        if fault:
            _check_fault(fault)
        if prices is not None:
            prices = _prices(prices)
        if budget is not None or os.environ.get(BUDGET_VARIABLE):
            budget = _budget(budget, prices)
        for name, hook, arguments in (
            ("on_hit", on_hit, "the recording and the outcome"),
            ("on_miss", on_miss, "the request and the reason"),
            ("on_store", on_store, "the recording and the outcome"),
        ):
            takes = hook is None or (_takes(hook, 2) and not inspect.iscoroutinefunction(hook))
            wanted = f"a callable that takes two arguments, {arguments}, and is no coroutine function"
            _check(name, hook, takes, f"{wanted}: it is not awaited")
        vars(self).update(
            mode=mode,
            match=match,
            redact=redact,
            pace=pace,
            repeats=repeats,
            keep=keep,
            on_abandon=on_abandon,
            ttl=ttl,
            sample=sample,
            on_drift=on_drift,
            max_request_bytes=max_request_bytes,
            budget=budget,
            prices=prices,
            ignore_hosts=hosts,
            fault=fault or "",
            on_hit=on_hit,
            on_miss=on_miss,
            on_store=on_store,
            mode_as=f"{MODE_VARIABLE}={{}}" if of_environment else "mode='{}'",
        )

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> "Options":
        """Checks options as a user gave them.

        Raises:
            ConfigurationError: a name is misspelt, or a value is wrong.
        """
        names = [option.name for option in fields(cls) if option.init]
        for name in options:
            if name == "store":
                raise ConfigurationError("the store is the first argument here, not an option")
            if name not in names:
                near = did_you_mean(name, [*names, "store"])
                listed = f"he options are store, {', '.join(names)}"
                raise ConfigurationError(f"there is no option {name!r}{f'{near} T' if near else '; t'}{listed}")
        return cls(**{name: value for name, value in options.items() if value is not None})


def combined(options: Mapping[str, Any], nearer: Mapping[str, Any]) -> dict[str, Any]:
    """Options with nearer ones on top, which win; what is redacted adds up: it was wanted on no disk."""
    both = {**options, **nearer}
    first, second = options.get("redact"), nearer.get("redact")
    if isinstance(first, Redact) and second is None:
        both["redact"] = first
    elif isinstance(first, Redact) and isinstance(second, Redact):
        both["redact"] = replace(
            second,
            request_headers=(*first.request_headers, *second.request_headers),
            response_headers=(*first.response_headers, *second.response_headers),
            query=(*first.query, *second.query),
            body=(*first.body, *second.body),
            secrets="replace" if "replace" in (first.secrets, second.secrets) else "refuse",
        )
    return both


def _prices(value: Any) -> "Prices":
    from .accounts.prices import Prices  # decimals take time to import, and most name no prices

    return value if isinstance(value, Prices) else Prices(value)


def _budget(value: Any, prices: "Prices | None") -> "Budget | None":
    from .accounts.budget import Budget, budget_of_environment

    budget = budget_of_environment() if value is None else value if isinstance(value, Budget) else Budget(value)
    if budget is not None:
        budget.check_prices(prices)
    return budget


def _check_fault(fault: Any) -> None:
    from ._faults import parse_fault  # most have none

    _check("fault", fault, isinstance(fault, str), "a text, such as 'cut:after=5' or 'status:429,times=2'")
    parse_fault(fault)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _takes(function: object, count: int) -> bool:
    """Whether something can be called with so many arguments."""
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # built in, and without a signature
        return True
    return True


def _a(kind: str, value: object, example: str) -> str:
    """How to write an option that is given as an object with arguments."""
    if isinstance(value, Mapping) and value and all(isinstance(name, str) for name in value):
        return f"a {kind}; write {kind}({', '.join(f'{name}={one!r}' for name, one in value.items())})"
    return f"a {kind}, such as {kind}({example}=['session_id'])"


def _check(name: str, value: Any, valid: bool, wanted: str) -> None:
    if not valid:
        raise ConfigurationError(f"{name}={value!r} is wrong; it takes {wanted}")
