"""What a recording is called where people are told of it: by what was asked, for of one URL there are many."""

from __future__ import annotations

from .._models import Request
from .._printable import one_line, printable
from ..dialects.conversation import prompt
from ..dialects.usage import model_of
from ..redaction.credentials import replace_in_request

QUESTION = 70
"""Characters of what was asked that are told."""


def name_of(request: Request) -> str:
    """What was asked last, in short, the model and the URL; a placeholder stands for what looks like a credential.

    Args:
        request: as recorded.
    """
    request = replace_in_request(request)
    call = ", ".join(filter(None, (model_of(request), f"{request.method} {request.url}")))
    question = one_line(prompt(request), QUESTION)
    return f'"{question}" ({printable(call)})' if question else printable(call)
