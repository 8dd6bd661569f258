"""Modules of others, met when they are imported and not imported in order to be met."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from .inheritance import Inherited


def is_importing() -> bool:
    """Whether what happens here is part of importing a module, also in a thread that was started for that."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "_load_unlocked" and frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back  # type: ignore[assignment]  # None above the outermost
    return _imports.here() or False


_imports: Inherited[bool] = Inherited("replaycache_imports", lambda: is_importing() or None)


def when_imported(name: str, meet: Callable[[], None]) -> Callable[[], None]:
    """Calls `meet` when the module has been imported; it has not been yet.

    What `meet` raises goes to whoever imports it.

    Args:
        name: of the module; its package, if it has one, is imported before it.
        meet: is called with no lock held but the module's own.

    Returns:
        What waits for it no more.
    """
    finder = _Finder(name, meet)
    sys.meta_path.insert(0, finder)
    return finder.leave


class _Finder(MetaPathFinder):
    """Finds what the others find, and tells when it has been executed."""

    def __init__(self, name: str, meet: Callable[[], None]) -> None:
        self._name = name
        self._meet = meet
        self._is_finding = False

    def leave(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name or self._is_finding:
            return None
        self._is_finding = True
        try:
            spec = find_spec(fullname)
        finally:
            self._is_finding = False
        if spec is None or spec.loader is None:
            return spec
        loader = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            execute(module)
            self.leave()
            self._meet()

        loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one loader, for this one module
        return spec
