"""What holds inside a `with` block, for its context and the tasks and threads that are started in it."""

from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Self

from ..system.inheritance import Inherited

__all__ = ["Block", "Held"]


class Held(NamedTuple):
    """What holds in a context.

    Attributes:
        value: that holds.
        entered: the block that says so.
        outer: what holds around it.
    """

    value: Any
    entered: "Block"
    outer: "Held | None"


def _without(entered: "Block", held: Held | None) -> Held | None:
    """What holds around, but for the innermost that `entered` began: generators leave theirs in any order."""
    if held is None or held.entered is entered:
        return None if held is None else held.outer
    return held._replace(outer=_without(entered, held.outer))


class Block:
    """A context manager, for synchronous and asynchronous code, whose value holds inside.

    The jobs of a `ThreadPoolExecutor` have what holds where they were submitted, those of a
    `multiprocessing.pool.ThreadPool` what holds where the pool was made.
    """

    _here: ClassVar[Inherited[Held]]

    def _value(self) -> Any:
        """What holds from now on."""
        raise NotImplementedError

    def _left(self, value: Any, error: BaseException | None) -> None:
        """It holds no longer."""

    def __enter__(self) -> Self:
        Inherited.hold()
        self._here.set(Held(self._value(), self, self._here.here()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # no token of ours: one object may be entered in several tasks at once, and left elsewhere than entered
        before = held = self._here.here()
        while held is not None and held.entered is not self:
            held = held.outer
        self._here.set(_without(self, before))
        Inherited.release()
        if held is not None:
            self._left(held.value, error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)
