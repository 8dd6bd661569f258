"""The traceback of a refusal as far as it is the user's: what libraries call among themselves says little."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

from .._errors import Refused
from .held_refusals import inside

_LIBRARIES = (os.path.dirname(os.__file__) + os.sep, str(Path(__file__).parents[1]) + os.sep, "<frozen ")
_INSTALLED = {"site-packages", "dist-packages"}


def leave_out_libraries(error: BaseException) -> None:
    """Ends the tracebacks of refusals at the last frame that is not a library's: there the user called an SDK.

    Args:
        error: of a test; a refusal, or a group that has some. Others stay as they are.
    """
    for one in inside(error):
        trace, last = one.__traceback__ if isinstance(one, Refused) else None, None
        while trace is not None:
            name = trace.tb_frame.f_code.co_filename
            if not name.startswith(_LIBRARIES) and _INSTALLED.isdisjoint(PurePath(name).parts):
                last = trace
            trace = trace.tb_next
        if last is not None:
            last.tb_next = None
