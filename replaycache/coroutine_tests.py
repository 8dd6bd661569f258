"""A refusal in a coroutine test reaches pytest without stopping the event loop that other tests share.

anyio's plugin ends the task in which tests and their asynchronous fixtures run when a `BaseException` passes
through it, and a fixture of a module or session then fails for every later test.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Generator
from typing import Any

import pytest

from ._errors import Refused

__all__ = ["pytest_pyfunc_call"]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Takes a refusal out of a coroutine, and raises it where the event loop has returned."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return (yield)
    refused: list[BaseException] = []

    @functools.wraps(test)
    async def without_refusals(*args: Any, **kwargs: Any) -> None:
        try:
            await test(*args, **kwargs)
        except (Refused, BaseExceptionGroup) as error:
            if isinstance(error, BaseExceptionGroup) and error.subgroup(Refused) is None:
                raise
            refused.append(error)

    pyfuncitem.obj = without_refusals
    try:
        result = yield
    finally:
        pyfuncitem.obj = test
    if refused:
        raise refused[0]
    return result
