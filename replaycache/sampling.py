"""Several answers to one and the same request, told apart by a number."""

from __future__ import annotations

from contextvars import Token
from types import TracebackType
from typing import Self

from .inheritance import Inherited
from .options import parse_sample

__all__ = ["current_sample", "sample"]

_sample: Inherited[int] = Inherited("replaycache_sample")


def current_sample() -> int | None:
    """The number of the innermost `sample` that holds here; None outside."""
    return _sample.get()


class sample:  # noqa: N801  # used as a function is
    """Asks, inside, for the answer with this number to each request; it goes into the key and is never sent.

        for number in range(5):
            with replaycache.sample(number):
                client.chat.completions.create(...)  # five answers, the same five in every run

    It holds for its own context, for tasks and threads that are started inside, and goes before the option of
    that name; the header `x-replaycache-sample` of one call goes before it. `sample(0)` is the answer that is
    given without any.

    Args:
        number: an integer from 0 on.

    Raises:
        ConfigurationError: it is none.
    """

    def __init__(self, number: int) -> None:
        self._number = parse_sample(number, "sample")
        self._tokens: list[Token[int | None]] = []

    def __enter__(self) -> Self:
        Inherited.hold()
        self._tokens.append(_sample.set(self._number))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _sample.reset(self._tokens.pop())
        Inherited.release()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)
