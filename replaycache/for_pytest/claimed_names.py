"""The names that this plugin has in pytest, and what happens where another plugin claims one of them.

Whichever comes first, the run ends with a sentence that names both, and not with a traceback or with one of the
two in the other's place. `--block-network` and `--allowed-hosts` are shared with whoever has them already.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from .pytest_private import ini_options_of, options_of, registering

SHARED = ("--block-network", "--allowed-hosts")


class OurNames:
    """Adds the plugin's options, and looks at what other plugins add, before and after.

    Args:
        parser: pytest's.
        manager: pytest's.
        plugin: this one.
        fixtures: its fixtures that no other plugin may have.

    Raises:
        UsageError: from here on, wherever a plugin is registered that claims a name.
    """

    def __init__(
        self,
        parser: pytest.Parser,
        manager: pytest.PytestPluginManager,
        plugin: ModuleType,
        fixtures: tuple[str, ...],
    ) -> None:
        self._parser = parser
        self._manager = manager
        self._plugin = plugin
        self._fixtures = fixtures
        self._group = parser.getgroup("replaycache", "recording and replaying LLM calls")
        self._options: dict[str, str] = {}
        self._inis: dict[str, Any] = {}
        for other in manager.get_plugins():
            self._look_at_fixtures(other)
        registering(manager, self._registered)

    def option(self, name: str, **attributes: Any) -> None:
        """Adds an option.

        Raises:
            UsageError: another plugin has it.
        """
        dest = attributes.get("dest") or name.lstrip("-").replace("-", "_")
        if any(name in names or dest == other for names, other in options_of(self._parser)):
            raise self._claimed("option", name, self._claimant(name, dest))
        self._group.addoption(name, **attributes)
        self._options[name] = dest

    def shared_option(self, name: str, **attributes: Any) -> None:
        """Adds an option, if no other plugin has it yet."""
        if not any(name in names for names, _ in options_of(self._parser)):
            self.option(name, **attributes)

    def ini(self, name: str, text: str, **attributes: Any) -> None:
        """Adds an option of the ini file.

        Raises:
            UsageError: another plugin has it.
        """
        if name in ini_options_of(self._parser):
            raise self._claimed("ini option", name, self._claimant(name))
        self._parser.addini(name, text, **attributes)
        self._inis[name] = ini_options_of(self._parser).get(name)

    # -- what comes later

    def _registered(self, plugin: object, failed: Exception | None) -> None:
        """Another plugin was registered, or failed to be."""
        if isinstance(failed, (ValueError, argparse.ArgumentError)):
            for name, dest in self._options.items():
                if any(repr(own)[1:-1] in str(failed) for own in (name, dest)):
                    raise self._claimed("option", name, plugin) from None
        if failed is not None:
            return
        added = options_of(self._parser)
        for name, dest in self._options.items():
            if sum(name in names or dest == other for names, other in added) > 1:
                raise self._claimed("option", name, plugin)
        for name, ours in self._inis.items():
            if ini_options_of(self._parser).get(name) != ours:
                raise self._claimed("ini option", name, plugin)
        self._look_at_fixtures(plugin)

    def _look_at_fixtures(self, plugin: object) -> None:
        if not isinstance(plugin, ModuleType) or plugin is self._plugin or _is_conftest(plugin):
            return  # a conftest may have one in the place of ours
        for name in self._fixtures:
            theirs = vars(plugin).get(name)
            if theirs is not None and theirs is not vars(self._plugin)[name]:
                raise self._claimed("fixture", name, plugin)

    def _claimant(self, *texts: str) -> object:
        """The plugin whose options these are; None where that cannot be told."""
        for hook in self._manager.hook.pytest_addoption.get_hookimpls():
            if hook.plugin is not self._plugin and not set(texts).isdisjoint(_texts_of(hook.function)):
                return hook.plugin
        return None

    def _claimed(self, kind: str, name: str, plugin: object) -> pytest.UsageError:
        ours = self._manager.get_name(self._plugin) or "replaycache"
        if plugin is None:
            return pytest.UsageError(
                f"another plugin has the {kind} {name}, which is replaycache's; switch one off with -p no:NAME "
                f"(-p no:{ours} for replaycache)"
            )
        theirs = self._manager.get_name(plugin) or getattr(plugin, "__name__", repr(plugin))
        if isinstance(plugin, ModuleType) and _is_conftest(plugin):
            return pytest.UsageError(
                f"{plugin.__file__} has the {kind} {name}, which is replaycache's; name it otherwise there, or "
                f"switch replaycache off with -p no:{ours}"
            )
        if name in SHARED:
            return pytest.UsageError(
                f"another plugin ({theirs}) has the {kind} {name}, which replaycache leaves to it where it is "
                f"loaded first: -p {getattr(plugin, '__name__', theirs)}"
            )
        return pytest.UsageError(
            f"another plugin ({theirs}) has the {kind} {name}, which is replaycache's; switch one off with "
            f"-p no:{theirs}, or -p no:{ours}"
        )


def _is_conftest(plugin: ModuleType) -> bool:
    return os.path.basename(plugin.__file__ or "") == "conftest.py"


def _texts_of(function: object) -> Iterator[str]:
    """The texts that stand in a function."""
    function = getattr(function, "__func__", function)
    if not isinstance(function, FunctionType):
        return
    pending: list[object] = [function.__code__, *map(function.__globals__.get, function.__code__.co_names)]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, CodeType):
            pending += one.co_consts
        elif isinstance(one, tuple):
            pending += one
