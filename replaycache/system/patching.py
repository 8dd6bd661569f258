"""Attributes of others' classes and modules, replaced for a while."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_PATCH = "_replaycache_patch"


class Patches:
    """Replaced attributes, and what they were before. Calls are not synchronised: whoever patches holds a lock."""

    def __init__(self) -> None:
        self._patches: list[_Patch] = []

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Puts what `make` makes of the callable `owner.name` in its place, under its name and docstring.

        Raises:
            AttributeError: `owner` has no such attribute.
        """
        # an attribute that is inherited is taken away again, not written into the heir
        original, own = getattr(owner, name), vars(owner).get(name)
        while (left := _made_by(original)) is not None and not left.is_on:  # somebody put it back
            original, own = left.original, left.own
        patch = _Patch(owner, name, original, own, make(original))
        self._patches.append(patch)
        setattr(owner, name, patch.replacement)

    def restore(self) -> None:
        """Puts back what was there before, the last replaced first.

        What others put there in the meantime stays; what they got there does what the original does.
        """
        while self._patches:
            self._patches.pop().take_back()


class _Patch:
    """One replaced attribute."""

    def __init__(self, owner: Any, name: str, original: Any, own: Any, made: Any) -> None:
        self.is_on = True
        self.original = original
        self.own = own
        self._owner = owner
        self._name = name

        @functools.wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            return (made if self.is_on else original)(*args, **kwargs)

        setattr(replacement, _PATCH, self)
        self.replacement = replacement

    def take_back(self) -> None:
        self.is_on = False
        if vars(self._owner).get(self._name) is not self.replacement:
            return
        if self.own is None:
            delattr(self._owner, self._name)
        else:
            setattr(self._owner, self._name, self.own)


def _made_by(function: Any) -> _Patch | None:
    """The patch whose replacement this is; others' wrappers take over its attributes."""
    patch = getattr(function, _PATCH, None)
    return patch if isinstance(patch, _Patch) and patch.replacement is function else None
