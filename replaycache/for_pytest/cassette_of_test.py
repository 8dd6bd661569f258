"""The cassette of a test while it runs, and whether its misses were swallowed."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .._errors import Refused, ReplayCacheError
from .._printable import printable
from ..options import Mode
from .advice import advice_for
from .cassette_use import Use
from .held_refusals import inside
from .marks import Marked
from .pytest_private import is_caught_by_pytest, noting_raises

if TYPE_CHECKING:
    from .._models import Request
    from ..engine.tally import Tally
    from ..stores import CassetteStore
    from .cassettes_of_run import CassettesOfRun

PLACEHOLDER = "placeholder-set-by-replaycache"

CREDENTIALS: tuple[tuple[str, ...], ...] = (
    ("OPENAI_API_KEY",),
    ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"),
    ("MISTRAL_API_KEY",),
    ("GROQ_API_KEY",),
    ("CO_API_KEY", "COHERE_API_KEY"),
    ("TOGETHER_API_KEY",),
    ("HF_TOKEN",),
    ("DEEPSEEK_API_KEY",),
    ("XAI_API_KEY",),
    ("FIREWORKS_API_KEY",),
    ("OPENROUTER_API_KEY",),
    ("PERPLEXITY_API_KEY",),
    ("CEREBRAS_API_KEY",),
    ("VOYAGE_API_KEY",),
    ("REPLICATE_API_TOKEN",),
)
"""Where SDKs look for a key. Of those in one row any will do: where one is set, none is added."""

_TOKENS = {"ANTHROPIC_AUTH_TOKEN", "AZURE_OPENAI_AD_TOKEN"}
"""Take the place of a key, and are not set as well."""


@dataclass(frozen=True)
class Cassette:
    """The cassette of a test.

    Attributes:
        path: of the file.
        mode: what holds for the test; `once` has become `replay` or `auto`.
        store: the recordings; what the test records is written when it has passed.
        tally: what the test came to so far.
    """

    path: Path
    mode: Mode
    store: CassetteStore
    tally: Tally

    @property
    def is_replaying(self) -> bool:
        """Whether every answer comes from the file."""
        return self.mode is Mode.REPLAY

    def __len__(self) -> int:
        return len(self.store)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return printable(f"<Cassette {self.path}, mode {self.mode}: {self.tally}>")


class _TestFailed(Exception):
    """Tells a block that what it did is not to be kept."""


@dataclass
class CassetteInUse:
    """A cassette from before a test's fixtures are set up until they are torn down."""

    cassette: Cassette
    stack: ExitStack
    caught: list[BaseException]
    prices: dict[str, Any]
    passed: bool = False
    failed: bool = False
    told: int = 0
    told_over_budget: int = 0
    use: Use | None = None

    @property
    def recorded(self) -> int:
        """How many answers the test and the processes that it forked have recorded."""
        return self.cassette.tally.recorded + self.cassette.store.handed_over

    def close(self, *, keeps_failed: bool = False) -> None:
        """Writes what was recorded, if the test passed.

        Args:
            keeps_failed: whether it is written in any case.

        Raises:
            ReplayCacheError: it cannot or may not be written.
        """
        cassette, tally = self.cassette, self.cassette.tally
        passed = self.passed and not self.failed
        keeps = passed or keeps_failed
        recorded = self.recorded
        elsewhere = cassette.store.played_by_others
        ids = tally.played | set(map(id, elsewhere))
        played = {number: one for number, one in enumerate(cassette.store.all()) if id(one) in ids}
        self.use = Use(
            str(cassette.path),
            judges=passed and not recorded and cassette.mode in (Mode.REPLAY, Mode.AUTO),
            replayed=tally.replayed + len(elsewhere),
            recorded=recorded if keeps else 0,
            missed=len(tally.misses),
            not_kept=tally.not_kept,
            discarded=0 if keeps else recorded,
            own_way=tally.own_way,
            played=list(played),
            stored=len(cassette),
            version=cassette.store.version_read,
            drifts=list(tally.drifts),
            prices=self.prices,
        )
        self.use.note_usage(played.values())
        if keeps and cassette.mode is Mode.RECORD:
            from ..stores.cassette.renewed import RenewedCassette

            assert isinstance(cassette.store, RenewedCassette)
            self.use.renews, self.use.renewed = passed, cassette.store.renewed
        if not keeps:
            self.stack.__exit__(_TestFailed, _TestFailed(), None)
            return
        try:
            self.stack.close()
            self.use.idle_rules, self.use.met_rules = tally.idle_rules, tally.met_rules
        except BaseException:
            self.use.recorded, self.use.judges, self.use.renews = 0, False, False
            self.use.discarded = recorded
            raise

    def swallowed(self, item: pytest.Item) -> list[Refused]:
        """The refusals that somebody caught and the test did not ask for; each is told once."""
        tally = self.cassette.tally
        refused: list[Refused] = [*tally.misses[self.told :], *tally.over_budget[self.told_over_budget :]]
        self.told, self.told_over_budget = len(tally.misses), len(tally.over_budget)
        return [one for one in refused if not self._is_expected(one, item)]

    def _is_expected(self, refused: Refused, item: pytest.Item) -> bool:
        if any(refused is one for error in self.caught for one in inside(error)):
            return True
        trace = refused.__traceback__
        if trace is None:
            # unittest's assertRaises takes the trace away
            return hasattr(getattr(item, "instance", None), "assertRaises")
        if is_caught_by_pytest(trace):
            return True
        code = trace.tb_frame.f_code  # the outermost frame of an error's trace is that of who caught it
        return code.co_name == getattr(item, "originalname", item.name) and code.co_filename == str(item.path)


@contextmanager
def _placeholders() -> Generator[None]:
    """Keys for the SDKs whose constructors demand one."""
    with pytest.MonkeyPatch.context() as patch:
        for names in CREDENTIALS:
            if not any(os.environ.get(name) for name in names):
                for name in names:
                    if name not in _TOKENS:
                        patch.setenv(name, PLACEHOLDER)
        yield


def open_cassette(
    marked: Marked,
    mode: Mode,
    run: CassettesOfRun,
    *,
    is_shared: bool,
    test: str,
    elsewhere: Callable[[Request, str], str],
) -> CassetteInUse:
    """Puts a cassette under what is called from here on.

    Args:
        marked: what the test's marks say.
        mode: what it does; never `once`.
        run: opens the run's cassettes.
        is_shared: whether other tests have this one too.
        test: the node id, as the command line takes it.
        elsewhere: what to do about a miss whose answer is known to stand elsewhere, by its request and its key.

    Raises:
        ReplayCacheError: an option is wrong, or the file cannot be read.
    """
    from ..session.session import use_cassette

    with ExitStack() as stack:
        if mode is Mode.REPLAY:
            stack.enter_context(_placeholders())
        store = stack.enter_context(run.opened(marked.path, mode, is_shared))
        # what another test of the run has recorded anew is played, as it will be ever after
        mode_of_session = Mode.AUTO if mode is Mode.RECORD else mode
        session = use_cassette(store, mode=mode_of_session, **marked.options)
        stack.enter_context(session.everywhere(advice_for(test, elsewhere), refuses=False))
        caught: list[BaseException] = []
        stack.enter_context(noting_raises(caught))
        cassette = Cassette(marked.path, mode, store, session.tally)
        return CassetteInUse(cassette, stack.pop_all(), caught, dict(marked.options.get("prices") or {}))


def has_recordings(path: Path) -> bool:
    """Whether `once` replays this cassette; one that cannot be read has some, and is refused when it is used."""
    try:
        if path.stat().st_size > 200:
            return True
    except OSError:
        return False
    from ..stores import CassetteStore

    try:
        return CassetteStore(path).had_recordings
    except ReplayCacheError:
        return True
