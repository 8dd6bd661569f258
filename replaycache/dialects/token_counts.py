"""What providers' usage objects mean, in one form.

The form of an object is told by the names in it, not by the host it came from, so that gateways and local servers
that speak a provider's format are understood too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .counts import Counts, count, is_count
from .readings import READINGS

_FORMS = tuple(form for reading in READINGS for form in reading.usage_forms)
_NAMES = frozenset(name for form in _FORMS for name in form.names)
_MEMBERS = tuple(name for reading in READINGS for name in reading.usage_members)
_IN_THE_ANSWER = tuple(name for reading in READINGS for name in reading.usage_in_answer)
ENVELOPES = tuple(dict.fromkeys(name for reading in READINGS for name in reading.envelopes))
"""Members of an event that hold the answer, or a part of it."""


def usage_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """The usage object of an answer, or of one event of it; empty where it has none."""
    for holder in (value, *map(value.get, ENVELOPES)):
        if isinstance(holder, Mapping):
            for name in _MEMBERS:
                found = holder.get(name)
                if isinstance(found, dict) and not _NAMES.isdisjoint(found):
                    return found
    return {name: value[name] for name in _IN_THE_ANSWER if value.get(name) is not None}


def counts_of(usage: Mapping[str, Any], *, reasons_apart: bool = False) -> Counts | None:
    """The counts that a usage object tells; None where it tells none.

    Args:
        reasons_apart: whether the total may hold reasoning tokens that are named nowhere else.
    """
    for form in _FORMS:
        if any(usage.get(name) if form.is_nested else is_count(usage.get(name)) for name in form.names):
            counts = form.read(usage)
            if counts is not None:
                return _consistent(_with_unnamed(counts, usage) if reasons_apart else counts)
    return None


def _consistent(counts: Counts) -> Counts:
    """A part is no larger than its whole: where it is told so, it stands beside it and not in it.

    Gateways hand on Anthropic's counts under OpenAI's names, where what was cached stands beside:
    https://docs.litellm.ai/docs/completion/prompt_caching. At xAI reasoning stands beside the answer:
    https://docs.x.ai/docs/guides/reasoning.
    """
    cached = counts.cached + counts.cache_write
    return counts._replace(
        input=counts.input + (cached if cached > counts.input else 0),
        output=counts.output + (counts.reasoning if counts.reasoning > counts.output else 0),
    )


def _with_unnamed(counts: Counts, usage: Mapping[str, Any]) -> Counts:
    """Gemini behind OpenAI's format: thoughts count in the total only, and have the price of output.

    https://discuss.ai.google.dev/t/question-with-usage-in-openai-compatibility/98760
    """
    unnamed = count(usage.get("total_tokens")) - counts.input - counts.output
    if unnamed <= 0 or "completion_tokens" not in usage:
        return counts
    return counts._replace(output=counts.output + unnamed, reasoning=counts.reasoning + unnamed)
