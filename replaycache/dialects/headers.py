"""Request headers that change what is answered, as their providers document them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ANSWER_HEADERS", "AnswerHeader", "canonical_value"]


class AnswerHeader(NamedTuple):
    """One such header.

    Attributes:
        name: in lower case.
        source: where it is documented.
        is_set: whether its value is a set of names, of which neither the order nor a repetition says anything.
    """

    name: str
    source: str
    is_set: bool = False


_BEDROCK = "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html"

ANSWER_HEADERS: tuple[AnswerHeader, ...] = (
    AnswerHeader("accept-language", "https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4"),
    AnswerHeader("accepts", "https://docs.cohere.com/v1/reference/chat"),
    AnswerHeader("anthropic-beta", "https://docs.claude.com/en/api/beta-headers", is_set=True),
    AnswerHeader("anthropic-version", "https://docs.claude.com/en/api/versioning"),
    AnswerHeader("groq-model-version", "https://console.groq.com/docs/compound"),
    AnswerHeader("openai-beta", "https://platform.openai.com/docs/assistants/migration", is_set=True),
    AnswerHeader("range", "https://www.rfc-editor.org/rfc/rfc9110#section-14.2"),
    AnswerHeader("x-amzn-bedrock-guardrailidentifier", _BEDROCK),
    AnswerHeader("x-amzn-bedrock-guardrailversion", _BEDROCK),
    AnswerHeader("x-amzn-bedrock-performanceconfig-latency", _BEDROCK),
    AnswerHeader("x-amzn-bedrock-service-tier", _BEDROCK),
    AnswerHeader("x-amzn-bedrock-trace", _BEDROCK),
)
"""Their names belong to nobody else, so that they count on every host: gateways hand them on."""

_SETS = frozenset(header.name for header in ANSWER_HEADERS if header.is_set)


def canonical_value(name: str, value: str) -> str:
    """The value of a header in one spelling: without spaces around commas, and a set in order."""
    parts = [part.strip() for part in value.split(",")]
    return ",".join(sorted(set(parts)) if name in _SETS else parts)
