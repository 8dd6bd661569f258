"""What holds inside a `with` block, for its context and the tasks and threads that are started in it.

Blocks of all kinds stand in one place: a call that is in none looks once.
"""

from types import TracebackType
from typing import Any, ClassVar, Self

from ..system.inheritance import Inherited


class Held:
    """What holds in a context.

    Attributes:
        kind: of the innermost block.
        value: that it says.
        entered: the block.
        outer: what holds around it.
    """

    __slots__ = ("entered", "kind", "outer", "value")

    def __init__(self, kind: str, value: Any, entered: "Block", outer: "Held | None") -> None:
        self.kind, self.value = kind, value
        self.entered, self.outer = entered, outer

    def of(self, kind: str) -> Any:
        """What the innermost block of a kind says; None where there is none."""
        found: Held | None = self
        while found is not None and found.kind != kind:
            found = found.outer
        return None if found is None else found.value


held: Inherited[Held] = Inherited("replaycache_blocks")


def _without(entered: "Block", here: Held | None) -> Held | None:
    """What holds around, but for the innermost that `entered` began: generators leave theirs in any order."""
    if here is None or here.entered is entered:
        return None if here is None else here.outer
    return Held(here.kind, here.value, here.entered, _without(entered, here.outer))


class Block:
    """A context manager, for synchronous and asynchronous code, whose value holds inside.

    The jobs of a `ThreadPoolExecutor` have what holds where they were submitted, those of a
    `multiprocessing.pool.ThreadPool` what holds where the pool was made.
    """

    kind: ClassVar[str]

    def _value(self) -> Any:
        """What holds from now on."""
        raise NotImplementedError

    def _left(self, value: Any, error: BaseException | None) -> None:
        """It holds no longer."""

    def __enter__(self) -> Self:
        Inherited.hold()
        held.set(Held(self.kind, self._value(), self, held.here()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # no token of ours: one object may be entered in several tasks at once, and left elsewhere than entered
        before = left = held.here()
        while left is not None and left.entered is not self:
            left = left.outer
        held.set(_without(self, before))
        Inherited.release()
        if left is not None:
            self._left(left.value, error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)
