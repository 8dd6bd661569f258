"""Several answers to one and the same request, told apart by a number."""

from __future__ import annotations

from ..options import parse_sample
from .blocks import Block


class sample(Block):  # noqa: N801  # used as a function is
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

    kind = "sample"

    def __init__(self, number: int) -> None:
        self._number = parse_sample(number, "sample")

    def _value(self) -> int:
        return self._number
