"""Which recordings are meant: by model, time and status."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .._models import Recording
from ..dialects.usage import model_of, usage_of


def models_of(recording: Recording) -> tuple[str, ...]:
    """The names of its model: as it was asked for, and as the answer has it."""
    asked = model_of(recording.request)
    usage = recording.usage = recording.usage or usage_of(recording)
    return tuple(dict.fromkeys(name for name in (asked, usage.model if usage else "") if name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The recordings that keep to all of what is given.

    Args:
        model: a text in the model's name, or a pattern such as `gpt-4*`; case does not count.
        since: recorded then or later, in seconds since 1970 (UTC).
        statuses: of the response.
    """

    model: str | None = None
    since: float | None = None
    statuses: range | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self.model is None and self.since is None and self.statuses is None

    def takes(self, recording: Recording) -> bool:
        """Whether a recording is meant.

        Raises:
            CorruptRecording: its stored entry is damaged.
        """
        if self.since is not None and recording.recorded_at < self.since:
            return False
        if self.statuses is not None and recording.head.status not in self.statuses:
            return False
        if not self.model:
            return True
        pattern = self.model.lower()
        if not re.search(r"[*?\[]", pattern):
            pattern = f"*{pattern}*"
        return any(fnmatchcase(name.lower(), pattern) for name in models_of(recording))
