"""What a transport keeps between requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from .._errors import ConfigurationError, DriftFound, SecretFound
from ..dialects.registry import TEXT_MEMBERS
from ..options import Mode, Options, combined
from ..system.calling_upstream import calling_upstream
from ..system.forking import postponed
from ..system.importing import is_importing
from ..wire.hosts import HostPattern, are_meant
from ..wire.patterns import lazy_pattern
from .call import Call, Shared
from .decider import Decider
from .diagnosis import ADVICE
from .flights import Owner
from .held_back import is_held_back
from .identifier import Identifier
from .keeper import Keeper
from .lead import Neighbours
from .lookup import Lookup
from .reporting import Reporter
from .sealing import redactor_of
from .seen_credentials import SeenCredentials
from .sequence import Identify, Sequence, SequenceStore
from .tally import Tally

if TYPE_CHECKING:
    from ..stores import Store
    from .numbers import Numbers
    from .spool import Spool

IS_MISSPELT = "is the path misspelt?"

_told_idle: set[str] = set()
"""Rules that led nowhere, and of which the user of this process was told."""

_SAFE = ("GET", "HEAD")
"""RFC 9110, 9.2.1: these only fetch."""

_in_body = lazy_pattern(r" in request\.body\.?((?:[A-Za-z_][\w-]*|\[[0-9]+\]|\.)+)(?=,|$)")


def _way_out(found: Iterable[str]) -> str:
    """How to keep credentials out of a cassette, given where they were found."""
    found = list(found)
    every = "have a placeholder written for all that looks so: Redact(secrets='replace')"
    paths = dict.fromkeys(re.sub(r"\[[0-9]+\]", "[*]", path) for one in found for path in _in_body().findall(one))
    # of a prompt nothing would be left to read
    fields = [path for path in paths if re.split(r"[.\[]", path.replace("[*]", ""))[-1] not in TEXT_MEMBERS]
    ways = [f"have its field replaced: Redact(body={fields[:5]})"] if fields else []
    if any(" in request." in one for one in found):
        ways.insert(0, "take it out of what is sent")
    told = ",\nor ".join([*ways, every])
    return f"{told[0].upper()}{told[1:]}, and record it again."


def _new_numbers() -> Numbers:
    with postponed():
        from .numbers import Numbers  # most count nothing

    return Numbers()


class Exchange(Shared):
    """What a transport keeps between requests: the parts that each call goes through.

    Attributes:
        responses: those that nobody has closed.
        is_mode_named: whether anybody named the mode that its options have.
        leaves_imports_alone: whether what a module fetches while it is imported is none of its requests.
        is_prepared: whether requests are identified without waiting for the store.

    Args:
        options: checked.
        store: where recordings are.
        spool: makes a place for a body that is too large for memory.
        owner: says who asks.
        beside: an exchange with the same store, in the same session: its place in a cassette is shared, and so is
            what is told.

    Raises:
        ConfigurationError: an option does not go together with the store.
    """

    def __init__(
        self,
        options: Options,
        store: Store,
        spool: Callable[[], Spool],
        owner: Callable[[], Owner],
        *,
        beside: Exchange | None = None,
    ) -> None:
        repeats = options.repeats or store.repeats
        is_cache = store.repeats == "same"
        self.options = options
        self.store = store
        self.advice = ADVICE
        self.neighbours = None
        self.is_mode_named = True
        self.leaves_imports_alone = False
        self.is_prepared = bool(getattr(store, "is_salted", True))
        self._ignored = tuple(map(HostPattern.parse, options.ignore_hosts))
        self._sequence: Sequence | None = None
        identify = Identify(options.match, redactor_of(options, store))
        self._numbers: Numbers | None = None
        if is_cache:
            if repeats == "sequence":
                raise ConfigurationError(
                    "repeats='sequence' needs a store that keeps recordings in order (a cassette), and "
                    f"{store.location} is a cache; there, repeats='numbered' gives the n-th identical request the "
                    f"n-th answer"
                )
            if repeats == "numbered":
                self._numbers = (beside and beside._numbers) or _new_numbers()
            self.neighbours = Neighbours(store, owner, getattr(store, "claims", None))
        elif beside is not None and beside._sequence is not None:
            self._sequence = beside._sequence.under(repeats == "same", identify)
            identify = self._sequence.identify  # the one with which the cassette was gone through
        else:
            self._sequence = Sequence(cast("SequenceStore", store), repeats == "same", identify)
        self.reporter = (
            beside.reporter
            if beside is not None and beside.options is options
            else Reporter(options, store, is_cache, Tally() if beside is None else beside.tally)
        )
        self._seen: SeenCredentials = SeenCredentials(identify.redactor) if beside is None else beside._seen
        self.identifier = Identifier(options, identify, self._sequence, self._numbers, self._seen)
        self.keeper = Keeper(options, store, self._sequence, identify.redactor, self._seen, spool, self.reporter)
        self.lookup = Lookup(store, self._sequence, self.keeper.accepts, self.reporter, self.identifier.apart_from)
        self.decider = Decider(store.location, options.pace)
        self.responses = self.keeper.responses
        self.met = {} if beside is None else beside.met
        self._spool, self._owner = spool, owner

    def with_options(self, named: Mapping[str, Any]) -> Exchange:
        """One of the same session, for a transport that has options of its own.

        Args:
            named: those, checked; they win, and what is redacted adds up.
        """
        options = replace(self.options, **combined({"redact": self.options.redact}, named))
        exchange = Exchange(options, self.store, self._spool, self._owner, beside=self)
        exchange.advice = self.advice
        exchange.is_mode_named, exchange.leaves_imports_alone = self.is_mode_named, self.leaves_imports_alone
        exchange.keeper.responses = exchange.responses = self.responses  # the session ends, and they with it
        return exchange

    @property
    def tally(self) -> Tally:
        """What the session came to."""
        return self.reporter.tally

    def prepare(self) -> None:
        """Asks the store for what requests are sealed with; it may be to be asked once more, later."""
        self.store.salt()  # type: ignore[attr-defined]  # it has one where it says whether it is known
        self.is_prepared = bool(getattr(self.store, "is_salted", True))

    def leaves_alone(self, method: str, url: str) -> AbstractContextManager[None] | None:
        """Around calling upstream where a request is none of ours; None where it is one.

        Args:
            method: in upper case.
            url: absolute.
        """
        if self._ignored and are_meant(self._ignored, url):
            return calling_upstream.begun()
        if self.leaves_imports_alone and method in _SAFE and is_importing():
            return nullcontext()  # it goes past us, as other clients' calls do
        return None

    def call(
        self, method: str, url: str, headers: Iterable[tuple[bytes, bytes]], target: bytes | None = None
    ) -> Call:
        """The next request.

        Args:
            method: in upper case.
            url: absolute.
            headers: as the client library has them.
            target: what is asked for instead of the URL's path and query, if anything.

        Raises:
            ConfigurationError: one of `CALL_HEADERS` has a wrong value.
        """
        asked = self.identifier.read(method, url, headers, target)
        if not (self.is_mode_named or asked.names_mode) and is_held_back():
            asked.mode = Mode.REPLAY
        return Call(self, asked)

    def close(self, *, warns: bool = True) -> None:
        """The session is over; warns of what is not kept, and raises what it is told at its end.

        Args:
            warns: whether it does; not where somebody else tells of it.

        Raises:
            SecretFound: recordings held what looks like a credential and were not written.
            DriftFound: answers differ in shape from what was recorded, and `on_drift` is `"raise"`.
        """
        try:
            self.end(warns=warns)
        finally:  # where warnings are errors, that is the lesser one
            self._raise_told()

    def end(self, *, warns: bool = True) -> None:
        """The session is over; warns of what is not kept.

        Args:
            warns: as in `close`.
        """
        self.keeper.end()
        for rule, used in (("Match(ignore", self.options.match.used), ("Redact(body", self.options.redact.used)):
            self.tally.idle_rules += [f"{rule}=[{path!r}])" for path in used.idle]
            self.tally.met_rules += [f"{rule}=[{path!r}])" for path in used.met]
        if warns:
            self._warn_of_idle_rules()
        if self.options.fault and not self.tally.disturbed:
            self.tally.disturbed = 1  # it is told once
            self.reporter.warn(
                f"fault={self.options.fault!r} disturbed no call: only what is replayed is disturbed, and "
                f"{'no call that was replayed met it' if self.tally.replayed else 'nothing was replayed'}"
            )
        not_kept, self.tally.not_kept = self.tally.not_kept, []
        if not_kept and warns:
            listed = "".join(f"\n  {told}" for told in not_kept)
            self.reporter.warn(f"answered live, and not in {self.store.location}:{listed}")

    def _warn_of_idle_rules(self) -> None:
        idle, self.tally.idle_rules = self.tally.idle_rules, []
        for rule in idle:
            if rule not in _told_idle:
                _told_idle.add(rule)
                self.reporter.warn(f"{rule} led nowhere in all that was asked: {IS_MISSPELT}")

    def _raise_told(self) -> None:
        secrets, self.tally.secrets = self.tally.secrets, []
        if secrets:
            listed = "".join(f"\n  {found}" for found in secrets)
            raise SecretFound(
                f"not written to {self.store.location}, for it holds what looks like a credential:{listed}\n"
                f"{_way_out(secrets)}"
            )
        drifts, self.tally.drifts = self.tally.drifts, []
        if drifts and self.tally.raises_drifts:
            raise DriftFound("upstream no longer answers as recorded:\n" + "\n".join(drifts))
