"""Record an LLM call once, replay it for ever.

The transports are in `replaycache.httpx2` and `replaycache.httpx`, the stores in `replaycache.stores`;
importing `replaycache` itself imports no client library and no store.
"""

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
from ._models import Body, Chunk, Outcome, Recording, Request, ResponseHead
from .match import Explanation, Match
from .options import Mode, Options
from .redact import Redact
from .session import install, uninstall, use_cassette

__all__ = [
    "Body",
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
    "__version__",
    "install",
    "uninstall",
    "use_cassette",
]

__version__ = "0.1.0"
