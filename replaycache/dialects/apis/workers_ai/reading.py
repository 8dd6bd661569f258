"""What Cloudflare's Workers AI says: https://developers.cloudflare.com/api/resources/ai/methods/run/."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from ...fold import TextFold
from ...reading import Contents, Reading
from ...values import Turn, as_dict, text_part
from . import RunProgress


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    yield Turn("assistant", tuple(text_part(as_dict(value.get("result")).get("response"))))


READING = Reading(
    envelopes=("result",),
    folds=((RunProgress, partial(TextFold, "response")),),
    turns=_turns,
)
