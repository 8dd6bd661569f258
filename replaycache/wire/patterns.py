"""Regular expressions that are compiled when they are first used: to compile all would be much of the import."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import AnyStr


def lazy_pattern(text: AnyStr, flags: int = 0) -> Callable[[], re.Pattern[AnyStr]]:
    """What gives the pattern, compiled once."""
    return cache(partial(re.compile, text, flags))
