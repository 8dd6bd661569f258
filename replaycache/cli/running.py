"""Running a script or a module in this process as `python` would, from `__main__` on.

    status = run_program(program_of(["chat.py", "--fast"], None))

`sys.argv`, `sys.path[0]`, `__name__`, `__file__` and `__spec__` are as in `python chat.py --fast` and
`python -m chat --fast`, and so is what an uncaught exception leaves: its traceback, without frames of ours, on
standard error, and the status 1.
"""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pkgutil import get_importer
from types import CodeType, ModuleType, TracebackType
from typing import Any

from .._errors import ReplayCacheError


class CannotRun(ReplayCacheError):
    """There is no such script or module, or it cannot be read."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run.

    Attributes:
        name: the path of a script, of a directory or an archive with a `__main__.py`; or the name of a module.
        is_module: whether it is a module.
        arguments: for the program.
    """

    name: str
    is_module: bool
    arguments: tuple[str, ...]


def run_program(program: Program) -> int:
    """Runs a program to its end and returns its exit status.

    Threads that it leaves behind go on; the interpreter waits for them as usual.

    Raises:
        CannotRun: there is no such program.
        SystemExit: the program ends so.
        KeyboardInterrupt: nobody handled it; its traceback is on standard error.
    """
    # as `python -m` has it while it looks for the module
    sys.argv = ["-m" if program.is_module else program.name, *program.arguments]
    try:
        code, module = _module(program.name) if program.is_module else _script(program.name)
    except (CannotRun, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  # what a package raises that is imported on the way
        return _show(error, None if isinstance(error, SyntaxError) else _beyond(error.__traceback__))
    if program.is_module:
        sys.argv[0] = module.__file__ or program.name
    before = sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        exec(code, module.__dict__)  # noqa: S102  # the user's own program
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  # told as the interpreter tells it
        traceback = error.__traceback__
        return _show(error, traceback.tb_next if traceback is not None else None)
    finally:
        # it is looked at no more, but its globals must outlive what runs at exit
        _kept.append(before)
    return 0


_kept: list[ModuleType] = []


def _show(error: BaseException, traceback: TracebackType | None) -> int:
    """Tells of an uncaught exception as the interpreter does."""
    error = error.with_traceback(traceback)
    sys.excepthook(type(error), error, traceback)
    if isinstance(error, KeyboardInterrupt):
        raise error
    return 1


def _beyond(traceback: TracebackType | None) -> TracebackType | None:
    """What of a traceback is behind the frames of this file and of the import system."""
    while traceback is not None and (
        traceback.tb_frame.f_code.co_filename == __file__ or "importlib" in traceback.tb_frame.f_code.co_filename
    ):
        traceback = traceback.tb_next
    return traceback


def _path_begins_with(path: str) -> None:
    if not sys.flags.safe_path:
        sys.path[0] = path


def _script(name: str) -> tuple[CodeType, ModuleType]:
    if not os.path.exists(name):
        raise CannotRun(f"{name} does not exist. Name a script, or a module with -m MODULE.")
    importer = get_importer(os.path.abspath(name))
    if importer is not None:
        return _container(name, importer)
    _path_begins_with(os.path.dirname(os.path.realpath(name)))
    path = os.path.abspath(name)
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        raise CannotRun(f"{name} cannot be read: {error.strerror}.") from error
    module = _main_module(path, SourceFileLoader("__main__", path), None, None)
    return compile(source, path, "exec", dont_inherit=True), module


def _container(name: str, importer: Any) -> tuple[CodeType, ModuleType]:
    """A directory or an archive, whose `__main__` runs."""
    path = os.path.abspath(name)
    spec = importer.find_spec("__main__")
    if spec is None:
        raise CannotRun(f"there is no __main__.py in {name}.")
    if sys.flags.safe_path:
        sys.path.insert(0, path)
    else:
        sys.path[0] = path
    return _of_spec(spec, name)


def _module(name: str) -> tuple[CodeType, ModuleType]:
    _path_begins_with(os.getcwd())
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            if importlib.util.find_spec(f"{name}.__main__") is None:
                raise CannotRun(f"{name} is a package without a __main__ module, and cannot be run.")
            spec = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            spec = None
        else:
            raise
    except ValueError:
        spec = None
    if spec is None:
        raise CannotRun(f"there is no module {name}. Is it installed, or in {os.getcwd()}?")
    return _of_spec(spec, name)


def _of_spec(spec: ModuleSpec, name: str) -> tuple[CodeType, ModuleType]:
    loader: Any = spec.loader
    code: CodeType | None = loader.get_code(spec.name) if hasattr(loader, "get_code") else None
    if code is None:
        raise CannotRun(f"{name} has no code of Python, and cannot be run.")
    return code, _main_module(spec.origin, loader, spec, spec.parent)


def _main_module(path: str | None, loader: Any, spec: ModuleSpec | None, package: str | None) -> ModuleType:
    module = ModuleType("__main__")
    module.__file__ = path
    module.__loader__ = loader
    module.__spec__ = spec
    module.__package__ = package
    module.__dict__["__cached__"] = spec.cached if spec is not None else None
    module.__dict__["__builtins__"] = builtins
    return module


def program_of(script: Sequence[str], module: str | None) -> Program | None:
    """The program that a command line names; None where it names none."""
    if module is not None:
        return Program(module, True, tuple(script))
    return Program(script[0], False, tuple(script[1:])) if script else None
