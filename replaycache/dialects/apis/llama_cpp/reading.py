"""What the server of llama.cpp says where it speaks for itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ...counts import Counts, count, is_count
from ...fold import TextFold
from ...reading import Reading, UsageForm
from ...values import as_dict
from . import CompletionProgress


def _usage(usage: Mapping[str, Any]) -> Counts | None:
    """https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md.

    tokens_evaluated is the whole prompt; of it, timings.cache_n came from the cache and timings.prompt_n did not.
    tokens_cached is not counted: it says what could have come from there.
    """
    timings = as_dict(usage.get("timings"))
    cached = count(timings.get("cache_n"))
    if is_count(usage.get("tokens_evaluated")) or is_count(usage.get("tokens_predicted")):
        return Counts(count(usage.get("tokens_evaluated")), count(usage.get("tokens_predicted")), cached)
    if not is_count(timings.get("predicted_n")):
        return None
    return Counts(count(timings.get("prompt_n")) + cached, count(timings.get("predicted_n")), cached)


READING = Reading(
    usage_forms=(
        UsageForm(("tokens_evaluated", "tokens_predicted"), _usage),
        UsageForm(("timings",), _usage, is_nested=True),
    ),
    usage_in_answer=("tokens_evaluated", "tokens_predicted", "timings"),
    folds=((CompletionProgress, partial(TextFold, "content")),),
    texts={"content": "assistant"},
)
