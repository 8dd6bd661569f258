"""Record an LLM call once, replay it for ever.

The transports are in `replaycache.httpx2` and `replaycache.httpx`, the stores in `replaycache.stores`;
importing `replaycache` itself imports no client library and no store.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._errors import (
        BudgetExceeded,
        CacheMiss,
        CassetteError,
        ConfigurationError,
        CorruptRecording,
        DriftFound,
        Refused,
        ReplayCacheError,
        ReplayCacheWarning,
        SecretFound,
        StoreError,
        StoreUnavailable,
    )
    from ._models import AnswerEnd, Body, Chunk, Outcome, Recording, Request, ResponseHead, Usage
    from .accounts.budget import Budget
    from .engine.faulting import fault
    from .engine.sampling import sample
    from .match import Match
    from .match.explanation import Explanation
    from .options import Mode, Options
    from .redaction.redact import Redact
    from .session.session import install, uninstall, use_cassette

__all__ = [
    "AnswerEnd",
    "Body",
    "Budget",
    "BudgetExceeded",
    "CacheMiss",
    "CassetteError",
    "Chunk",
    "ConfigurationError",
    "CorruptRecording",
    "DriftFound",
    "Explanation",
    "Match",
    "Mode",
    "Options",
    "Outcome",
    "Recording",
    "Redact",
    "Refused",
    "ReplayCacheError",
    "ReplayCacheWarning",
    "Request",
    "ResponseHead",
    "SecretFound",
    "StoreError",
    "StoreUnavailable",
    "Usage",
    "__version__",
    "fault",
    "install",
    "sample",
    "uninstall",
    "use_cassette",
]

__version__ = "0.1.0"

_HOMES = {
    "AnswerEnd": "_models",
    "Body": "_models",
    "Budget": "accounts.budget",
    "BudgetExceeded": "_errors",
    "CacheMiss": "_errors",
    "CassetteError": "_errors",
    "Chunk": "_models",
    "ConfigurationError": "_errors",
    "CorruptRecording": "_errors",
    "DriftFound": "_errors",
    "Explanation": "match.explanation",
    "Match": "match",
    "Mode": "options",
    "Options": "options",
    "Outcome": "_models",
    "Recording": "_models",
    "Redact": "redaction.redact",
    "Refused": "_errors",
    "ReplayCacheError": "_errors",
    "ReplayCacheWarning": "_errors",
    "Request": "_models",
    "ResponseHead": "_models",
    "SecretFound": "_errors",
    "StoreError": "_errors",
    "StoreUnavailable": "_errors",
    "Usage": "_models",
    "fault": "engine.faulting",
    "install": "session.session",
    "sample": "engine.sampling",
    "uninstall": "session.session",
    "use_cassette": "session.session",
}


def __getattr__(name: str) -> Any:
    # imported when first asked for: the pytest plugin, which every run loads, needs none of them
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
