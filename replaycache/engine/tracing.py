"""What a trace is told of a call, where OpenTelemetry is in use: attributes of the span around it."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from .._models import Outcome

__all__ = ["current_span", "tell"]


def current_span() -> Any:
    """The span in which a call is made; None where none is recorded. OpenTelemetry is never imported for it."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is not None:
        with suppress(Exception):  # a module that is being imported, a provider of the user's
            span = trace.get_current_span()
            return span if span.is_recording() else None
    return None


def tell(span: Any, outcome: Outcome, status: str = "") -> None:
    """Tells a span of an outcome; does nothing where it has ended.

    Args:
        span: as `current_span` gave it.
        outcome: of the call.
        status: instead of the outcome's, as long as that is not final.
    """
    told = {"status": status or outcome.status, "key": outcome.key, "reason": "" if status else outcome.reason}
    with suppress(Exception):  # nothing of it fails the caller's call
        if span is not None and span.is_recording():
            span.set_attributes({f"replaycache.{name}": value for name, value in told.items() if value})
