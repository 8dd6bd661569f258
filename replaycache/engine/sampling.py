"""Several answers to one and the same request, told apart by a number."""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple, Self

from ..options import parse_sample
from ..system.inheritance import Inherited

__all__ = ["current_sample", "sample"]


class _Block(NamedTuple):
    number: int
    entered: sample
    outer: _Block | None


def _without(entered: sample, block: _Block | None) -> _Block | None:
    """The blocks around, but for the innermost that `entered` began: generators leave theirs in any order."""
    if block is None or block.entered is entered:
        return None if block is None else block.outer
    return block._replace(outer=_without(entered, block.outer))


_innermost: Inherited[_Block] = Inherited("replaycache_sample")


def current_sample() -> int | None:
    """The number of the innermost `sample` that holds here; None outside."""
    block = _innermost.here()
    return None if block is None else block.number


class sample:  # noqa: N801  # used as a function is
    """Asks, inside, for the answer with this number to each request; it goes into the key and is never sent.

        for number in range(5):
            with replaycache.sample(number):
                client.chat.completions.create(...)  # five answers, the same five in every run

    It holds for its own context, for tasks and threads that are started inside, and goes before the option of
    that name; the header `x-replaycache-sample` of one call goes before it. `sample(0)` is the answer that is
    given without any. The jobs of a `ThreadPoolExecutor` have the number of where they were submitted, those of
    a `multiprocessing.pool.ThreadPool` that of where the pool was made.

    Args:
        number: an integer from 0 on.

    Raises:
        ConfigurationError: it is none.
    """

    def __init__(self, number: int) -> None:
        self._number = parse_sample(number, "sample")

    def __enter__(self) -> Self:
        Inherited.hold()
        _innermost.set(_Block(self._number, self, _innermost.here()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # no token of ours: one object may be entered in several tasks at once, and left elsewhere than entered
        _innermost.set(_without(self, _innermost.here()))
        Inherited.release()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)
