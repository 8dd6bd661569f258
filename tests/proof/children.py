"""Work in forked processes: what it gives, or that it does not end."""

from __future__ import annotations

import faulthandler
import json
import os
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any

from .tally import Tally

__all__ = ["Child", "Failed", "Hung"]


class Failed(Exception):
    """The work raised, or its process was ended by something else."""


class Hung(Exception):
    """It did not end in time; the text is where its threads stood."""


class Child:
    """A forked process that does some work.

    Args:
        work: gives what JSON can say.
    """

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        self._errors = tempfile.TemporaryFile("w+b")  # noqa: SIM115  # it is read when the child has ended
        self._reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(writing)
            return
        code = 1
        try:
            os.dup2(self._errors.fileno(), 2)
            sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115  # until the child ends
            faulthandler.enable(sys.stderr)
            os.close(self._reading)
            told = json.dumps(work(*arguments)).encode()
            while told:
                told = told[os.write(writing, told) :]
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Until it has ended, as it does soon."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self._reading)
        return os.waitstatus_to_exitcode(status)

    def errors(self) -> str:
        self._errors.seek(0)
        with self._errors:
            return self._errors.read().decode(errors="replace")

    def result(self, seconds: float) -> Any:
        """What the work gave.

        Raises:
            Failed: it raised, or printed an error.
            Hung: it is not done in time.
        """
        ends, told = time.monotonic() + seconds, b""
        while True:
            if not select.select([self._reading], [], [], max(0.0, ends - time.monotonic()))[0]:
                self.kill(signal.SIGABRT)
                self.wait()
                raise Hung(self.errors()[-3000:])
            data = os.read(self._reading, 1 << 16)
            if not data:
                break
            told += data
        code, errors = self.wait(), self.errors()
        if code or errors:
            raise Failed(f"it ended with {code}: {errors[-3000:]}")
        return json.loads(told)

    def counted(self, tally: Tally, seconds: float) -> Any:
        """The same; None where it failed or hangs, which is counted."""
        try:
            return self.result(seconds)
        except Failed as error:
            tally.count("foreign", str(error))
        except Hung as error:
            tally.count("hangs", str(error))
        return None
