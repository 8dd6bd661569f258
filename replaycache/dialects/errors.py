"""Answers that tell of an error, as each API has them."""

from __future__ import annotations

from typing import Any

from .readings import READINGS
from .registry import names_of


def error_body(method: str, netloc: str, path: str, status: int, told: str) -> dict[str, Any]:
    """The document of an answer that tells of an error, as the API has it whose host or whose call it is.

    Args:
        method: in upper case.
        netloc: the host, with its port where it is not that of the scheme.
        path: of the URL.
        status: of the answer.
        told: for people.
    """
    forms = [reading.errors for reading in READINGS if reading.errors is not None]
    by_name = {name: form for form in forms for name in form.dialects}
    any_other = next(form for form in forms if not form.dialects)
    found = (by_name[name] for name in names_of(method, netloc, path) if name in by_name)
    return next(found, any_other).make(status, told)
