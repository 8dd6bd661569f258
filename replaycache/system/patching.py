"""Attributes of others' classes and modules, replaced for a while."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["Patches"]


class Patches:
    """Replaced attributes, and what they were before. Calls are not synchronised: whoever patches holds a lock."""

    def __init__(self) -> None:
        self._originals: list[tuple[Any, str, Any]] = []

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Puts what `make` makes of the callable `owner.name` in its place, under its name and docstring.

        Raises:
            AttributeError: `owner` has no such attribute.
        """
        original = getattr(owner, name)
        replacement = functools.wraps(original)(make(original))
        # an attribute that is inherited is taken away again, not written into the heir
        self._originals.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, replacement)

    def restore(self) -> None:
        """Puts back what was there before, the last replaced first."""
        while self._originals:
            owner, name, original = self._originals.pop()
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
