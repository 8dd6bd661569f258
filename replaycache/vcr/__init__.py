"""Runs suites that were written for pytest-recording (VCR.py) on replaycache, their cassettes as they stand.

    pytest -p replaycache.vcr

It has pytest-recording's marks (`vcr`, `default_cassette`, `block_network`), fixtures (`vcr`, `vcr_config`,
`vcr_cassette_dir`, `vcr_markers`, `default_cassette_name`, `record_mode`, `disable_recording`, `block_network`,
`allowed_hosts`), flags (`--record-mode`, `--block-network`, `--allowed-hosts`, `--disable-recording`) and hook
(`pytest_recording_configure`), and VCR.py's matching: by `match_on`, in recorded order, each recording once. It is
loaded only when asked for, and never beside pytest-recording or pytest-vcr.

What differs:

- Only httpx and httpx2 are covered. Where something else connects in a marked test, a warning says so, and to the
  ports of HTTP `replaycache.Refused` is raised with record mode `none`.
- A request that nothing answers raises `replaycache.CacheMiss`, which no `except Exception` hides.
- YAML files are read, never written. What is recorded goes into a cassette of replaycache beside the YAML, of the
  same name with `.json`, and is played after the YAML's. With `all` and `rewrite` it takes the YAML's place, whose
  file is removed, unless nothing was recorded.
- A test that fails records nothing: the files stay as they were. What a test records is not played back to it.
- Credentials are never written and never count, whatever the filters say.
- `--record-mode=none` overrides what marks and `vcr_config` say; every other mode is overridden by them.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import nullcontext
from copy import deepcopy
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .._errors import ReplayCacheWarning
from ..for_pytest.held_refusals import HeldRefusals
from .network import blocked
from .rules import MATCHERS, RECORD_MODES, Matcher, Rules, check_hiding, warn_of_unknown

if TYPE_CHECKING:
    from .cassette import VcrCassette
    from .network import OtherClients

__all__ = ["RecordingHooks", "VcrDefaults", "cassette_path"]

_RIVALS = {"pytest_recording.plugin": "pytest-recording", "pytest_vcr": "pytest-vcr"}
_failed = pytest.StashKey[bool]()
_others: pytest.StashKey[OtherClients] = pytest.StashKey()


class VcrDefaults:
    """What `pytest_recording_configure` receives in the place of a `vcr.VCR`.

    An attribute that is set is a default for the key of that name in `vcr_config`: `vcr.match_on = ["uri"]`.
    """

    def __init__(self) -> None:
        self.matchers: dict[str, Matcher] = dict(MATCHERS)

    def register_matcher(self, name: str, matcher: Matcher) -> None:
        """Makes a function known to `match_on`, also in place of a built-in one."""
        self.matchers[name] = matcher

    def register_serializer(self, name: str, serializer: Any) -> None:
        """Does nothing: files are read by replaycache's own reader, bodies under `parsed_body` included."""

    def register_persister(self, persister: Any) -> None:
        """Does nothing but say so: files are found by their paths."""
        warnings.warn(
            f"pytest_recording_configure registers the persister {persister!r}, which has no effect under "
            "replaycache.vcr: cassettes are read from their paths",
            ReplayCacheWarning,
            stacklevel=2,
        )


class RecordingHooks:
    """The hook that pytest-recording has."""

    @pytest.hookspec
    def pytest_recording_configure(self, config: pytest.Config, vcr: VcrDefaults) -> None:
        """Called before each marked test, to register matchers and set defaults on `vcr`."""


# -- the plugin ------------------------------------------------------------------------------------------


def _refuse_rivals(manager: pytest.PytestPluginManager) -> None:
    """Those beside which this one cannot work, loaded or about to be."""
    for module, rival in _RIVALS.items():
        if _is_there(module, manager):
            raise pytest.UsageError(
                f"replaycache.vcr stands in for {rival} and cannot work beside it: uninstall {rival}, or switch "
                f"it off with -p no:{rival.removeprefix('pytest-')}"
            )


def _is_there(module: str, manager: pytest.PytestPluginManager) -> bool:
    """Whether a plugin is loaded, or will be because it is installed."""
    if any(getattr(plugin, "__name__", "") == module for plugin in manager.get_plugins()):
        return True
    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        return False
    installed = entry_points(group="pytest11")
    return any(entry.value == module and not manager.is_blocked(entry.name) for entry in installed)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Adds pytest-recording's options.

    Raises:
        UsageError: pytest-recording or pytest-vcr is there.
    """
    _refuse_rivals(pluginmanager)
    group = parser.getgroup("replaycache-vcr", "suites written for pytest-recording, on replaycache")
    group.addoption(
        "--record-mode",
        choices=RECORD_MODES,
        default=None,
        help="what tests that are marked vcr may record (default: none)",
    )
    group.addoption(
        "--disable-recording", action="store_true", default=False, help="let tests that are marked vcr go live"
    )
    if not _is_there("replaycache.pytest_plugin", pluginmanager):
        _add_network_options(parser)


def _add_network_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("replaycache-vcr")
    group.addoption(
        "--block-network",
        action="store_true",
        default=False,
        help="refuse every connection, but of tests that record, and to --allowed-hosts",
    )
    group.addoption(
        "--allowed-hosts",
        default=None,
        help="what --block-network lets through: regular expressions of hosts and addresses, with commas",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser) -> None:
    """Adds the options that our other plugin, now loaded where it is installed, may have left to this one."""
    if early_config.getoption("--block-network", None) is None:
        _add_network_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Adds pytest-recording's hook."""
    pluginmanager.add_hookspecs(RecordingHooks)


def pytest_configure(config: pytest.Config) -> None:
    """Adds pytest-recording's marks.

    Raises:
        UsageError: pytest-recording or pytest-vcr is there.
    """
    _refuse_rivals(config.pluginmanager)
    for line in (
        "vcr(*cassettes, **vcr_config): answer the test's requests from cassettes",
        "default_cassette(name): the name of the test's own cassette",
        "block_network(allowed_hosts=None): refuse every connection but of recordings and to these hosts",
    ):
        config.addinivalue_line("markers", line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remembers that a test failed, so that it records nothing; says which clients could not be answered."""
    report = yield
    if report.failed:
        item.stash[_failed] = True
        others = item.stash.get(_others, None)
        if others is not None and others.names():
            said = (
                f"a client that is neither httpx nor httpx2 looked up {', '.join(others.names())}: what it asks "
                f"there is not answered from the cassette. Leave such a test to pytest-recording."
            )
            report.sections.append(("replaycache.vcr", said))
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Raises what a coroutine test was refused where its event loop has returned."""
    refusals = HeldRefusals(lambda: False)  # of tests alone, which leave nothing open that a refusal could cancel
    test = pyfuncitem.obj
    pyfuncitem.obj = refusals.holding(test)
    try:
        result = yield
    finally:
        pyfuncitem.obj = test
    refused = refusals.take()
    if refused is not None:
        raise refused
    return result


# -- fixtures --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def record_mode(request: pytest.FixtureRequest) -> str:
    """The record mode of tests whose mark and `vcr_config` name none."""
    return request.config.getoption("--record-mode") or "none"


@pytest.fixture(scope="session")
def disable_recording(request: pytest.FixtureRequest) -> bool:
    """Whether tests that are marked go live."""
    return bool(request.config.getoption("--disable-recording"))


@pytest.fixture
def vcr_config() -> dict[str, Any]:
    """VCR.py's options for every marked test; suites override it, in any scope."""
    return {}


@pytest.fixture
def vcr_markers(request: pytest.FixtureRequest) -> list[pytest.Mark]:
    """The test's `vcr` marks, the closest first."""
    return list(request.node.iter_markers("vcr"))


@pytest.fixture(scope="module")
def vcr_cassette_dir(request: pytest.FixtureRequest) -> str:
    """Where the module's cassettes are: `cassettes/<module>` beside it."""
    path: Path = request.node.path
    return str(path.parent / "cassettes" / path.stem)


@pytest.fixture
def default_cassette_name(request: pytest.FixtureRequest) -> str:
    """The name of the test's own cassette, from its mark `default_cassette` or the test's name."""
    mark = request.node.get_closest_marker("default_cassette")
    if mark is not None:
        if len(mark.args) != 1 or mark.kwargs or not isinstance(mark.args[0], str):
            raise pytest.UsageError(
                f"{request.node.nodeid}: @pytest.mark.default_cassette takes one name, and has {_arguments(mark)}"
            )
        return mark.args[0]
    name = f"{request.cls.__name__}.{request.node.name}" if request.cls else request.node.name
    return "".join("-" if character in r"""<>?%*:|"'/\\""" else character for character in name)


@pytest.fixture
def allowed_hosts(request: pytest.FixtureRequest) -> list[str] | None:
    """Regular expressions of hosts that may be reached: of the mark, the command line, or `vcr_config`."""
    mark = request.node.get_closest_marker("block_network")
    found = (
        (mark.kwargs.get("allowed_hosts") if mark is not None else None)
        or request.config.getoption("--allowed-hosts")
        or request.getfixturevalue("vcr_config").get("allowed_hosts")
    )
    return found.split(",") if isinstance(found, str) else found


@pytest.fixture(autouse=True)
def block_network(
    request: pytest.FixtureRequest, record_mode: str, vcr_markers: list[pytest.Mark]
) -> Iterator[None]:
    """Refuses connections where the mark or the flag says so; a marked test that records may connect."""
    mark = request.node.get_closest_marker("block_network")
    if mark is not None and (mark.args or set(mark.kwargs) - {"allowed_hosts"}):
        raise pytest.UsageError(
            f"{request.node.nodeid}: @pytest.mark.block_network takes allowed_hosts=[...] and nothing else, and "
            f"has {_arguments(mark)}"
        )
    blocks = mark is not None or request.config.getoption("--block-network")
    if blocks and vcr_markers:
        options = _merged(request.getfixturevalue("vcr_config"), vcr_markers)
        blocks = _mode(request, options, record_mode) == "none"
    with blocked(request.getfixturevalue("allowed_hosts")) if blocks else nullcontext():
        yield


@pytest.fixture(autouse=True)
def vcr(
    request: pytest.FixtureRequest,
    block_network: None,
    vcr_markers: list[pytest.Mark],
    vcr_cassette_dir: str,
    record_mode: str,
    disable_recording: bool,
) -> Iterator[VcrCassette | None]:
    """The test's cassette; None where the test is not marked, or recording is disabled."""
    if disable_recording or not vcr_markers:
        yield None
        return
    from .cassette import VcrCassette
    from .transport import playing

    defaults = VcrDefaults()
    request.config.hook.pytest_recording_configure(config=request.config, vcr=defaults)
    options = {name: value for name, value in vars(defaults).items() if name != "matchers"}
    options |= _merged(request.getfixturevalue("vcr_config"), vcr_markers)
    mode = _mode(request, options, record_mode)
    warn_of_unknown(options)
    check_hiding(options, mode)
    cassette = VcrCassette(
        cassette_path(request.getfixturevalue("default_cassette_name"), vcr_cassette_dir, options),
        _further(request.node.nodeid, vcr_markers, vcr_cassette_dir),
        Rules.parse(options, defaults.matchers),
        mode,
    )
    with playing(cassette, request.getfixturevalue("allowed_hosts")) as others:
        request.node.stash[_others] = others
        yield cassette
    if not request.node.stash.get(_failed, False):
        cassette.save()


# -- what they share -------------------------------------------------------------------------------------


def _arguments(mark: pytest.Mark) -> str:
    given = [*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())]
    return f"({', '.join(given)})"


def _merged(config: Any, marks: Sequence[pytest.Mark]) -> dict[str, Any]:
    """`vcr_config` and the arguments of the marks; the closest mark wins."""
    if not isinstance(config, Mapping):
        raise pytest.UsageError(f"the fixture vcr_config returns a dict, not {config!r}")
    options = deepcopy(dict(config))
    for mark in reversed(marks):
        options.update(mark.kwargs)
    return options


def _mode(request: pytest.FixtureRequest, options: Mapping[str, Any], default: str) -> str:
    # an explicit none is a promise that nothing goes live, which a mark must not break
    if request.config.getoption("--record-mode") == "none":
        return "none"
    mode = options.get("record_mode", default)
    text = str(getattr(mode, "value", mode))
    if text not in RECORD_MODES:
        raise pytest.UsageError(f"record_mode={mode!r} is no record mode; they are {', '.join(RECORD_MODES)}")
    return text


def cassette_path(name: str, directory: str, options: Mapping[str, Any]) -> Path:
    """Where pytest-recording has the test's own cassette."""
    suffix = options.get("serializer", ".yaml")
    limit = _longest_name()
    if len(name) + len(suffix) > limit:
        digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        name = f"{name[: limit - len(suffix) - len(digest) - 3]}...{digest}"
    ending = f".{options['serializer']}" if "serializer" in options else ".yaml"
    transform = options.get("path_transformer")
    name = transform(name) if transform is not None else name if name.endswith(ending) else name + ending
    library = os.fspath(options.get("cassette_library_dir") or directory)
    return Path(name if str(name).startswith(library) else os.path.join(library, name))


def _longest_name() -> int:
    try:
        return os.pathconf(".", "PC_NAME_MAX")
    except (AttributeError, ValueError, OSError):
        return 255


def _further(nodeid: str, marks: Sequence[pytest.Mark], directory: str) -> list[Path]:
    """The cassettes that the marks name; relative ones are in the module's directory."""
    found = []
    for mark in marks:
        for name in mark.args:
            if not isinstance(name, str | os.PathLike):
                raise pytest.UsageError(
                    f"{nodeid}: @pytest.mark.vcr takes names of cassettes and options, and has {_arguments(mark)}"
                )
            found.append(Path(directory, name))
    return found
