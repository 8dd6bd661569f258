"""Amazon Bedrock: converse, and models that are invoked and answer in the form of their makers."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import orjson

from ...dialect import AnswerHeader, Dialect, Endpoint
from ...progress import Progress, as_dict
from ..anthropic import MessagesProgress
from ..cohere import ChatV1Progress
from ..openai_chat import ChatProgress

_INVOKE = "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html"
_CONVERSE = "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html"
_EVENTS = ("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata")


class ConverseProgress(Progress):
    """`messageStart`, content blocks, `messageStop`, `metadata`; a document has its stop reason beside."""

    name = "bedrock converse"
    fillers = ("input", "p", "signature", "text")

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return name in _EVENTS or "stopReason" in value

    def take(self, name: str, value: dict[str, Any]) -> None:
        self.an_object(value.get("delta"))
        if name == "messageStop" or "stopReason" in value:
            self.finish("", value.get("stopReason"))
        self.terminal = name == "metadata" and self.stopped


class NovaProgress(ConverseProgress):
    """What Nova answers to an invocation: the events of converse, each a member of that name."""

    name = "amazon nova"

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return any(event in value for event in _EVENTS) or "stopReason" in value

    def take(self, name: str, value: dict[str, Any]) -> None:
        for event in _EVENTS:
            if event in value:
                super().take(event, self.an_object(value[event]))
        if "stopReason" in value:
            super().take("messageStop", value)


class TextProgress(Progress):
    """Titan, Llama and Mistral: a text, or pieces of one, of which the last has a reason.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
    """

    name = "bedrock texts"
    _REASONS = ("completionReason", "stop_reason")

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return any(member in value for member in ("outputText", "generation", "outputs", "results"))

    def take(self, name: str, value: dict[str, Any]) -> None:
        outputs = value.get("outputs", value.get("results"))
        for part in self.objects(outputs) if outputs is not None else [value]:
            reason = next((part[member] for member in self._REASONS if part.get(member) is not None), None)
            self.finish("", reason)


class InvokedProgress(Progress):
    """The events of an invoked model: each is wrapped, in base64; the last tells what it took to answer."""

    name = "bedrock invoke"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._inner: Progress | None = None

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return "bytes" in value

    def take(self, name: str, value: dict[str, Any]) -> None:
        event = unwrapped(value)
        if not event:
            self.broken = True
            return
        kind = event.get("type")
        name = kind if isinstance(kind, str) else ""
        if self._inner is None:
            forms = (MessagesProgress, ChatProgress, NovaProgress, ChatV1Progress, TextProgress)
            self._inner = next((form(self.asked) for form in forms if form.fits(name, event)), None)
        inner = self._inner
        if inner is not None:
            inner.take(name, event)
            self.broken = self.broken or inner.broken
            self.failed, self.reasons = inner.failed, inner.reasons
        self.failed = self.failed or bool(event.get("error")) or name == "error"
        self.terminal = "amazon-bedrock-invocationMetrics" in event or (inner is not None and inner.terminal)

    @property
    def finished(self) -> bool:
        return self._inner is not None and self._inner.finished


def unwrapped(value: Mapping[str, Any]) -> dict[str, Any]:
    """The event of an invoked model inside the payload of a frame; empty where there is none."""
    if "bytes" not in value:
        return {}
    try:
        return as_dict(orjson.loads(b64decode(value["bytes"], validate=True)))
    except (TypeError, ValueError):
        return {}


DIALECT = Dialect(
    name="bedrock",
    provider="aws",
    hosts=("bedrock-runtime.*.amazonaws.com", "bedrock-runtime-fips.*.amazonaws.com"),
    endpoints=(
        Endpoint(
            ("/model/*/invoke", "/model/*/invoke-with-response-stream"),
            _INVOKE,
            forms=(InvokedProgress, MessagesProgress, ChatProgress, NovaProgress, ChatV1Progress, TextProgress),
        ),
        Endpoint(("/model/*/converse", "/model/*/converse-stream"), _CONVERSE, forms=(ConverseProgress,)),
    ),
    response_headers=("x-amzn-requestid",),
    model_paths=(r"/model/([^/]+)/(?:invoke|converse)",),
    headers=(
        AnswerHeader("x-amzn-bedrock-guardrailidentifier", _INVOKE),
        AnswerHeader("x-amzn-bedrock-guardrailversion", _INVOKE),
        AnswerHeader("x-amzn-bedrock-performanceconfig-latency", _INVOKE),
        AnswerHeader("x-amzn-bedrock-service-tier", _INVOKE),
        AnswerHeader("x-amzn-bedrock-trace", _INVOKE),
    ),
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlockDelta.html; Titan, Llama
    pieces=("generation", "input", "outputText", "text"),
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
    noise=("p", "signature"),
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html: files, thoughts;
    # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-image.html: images
    encoded=("bytes", "images", "inputImage", "redactedContent", "signature"),
    texts=("description", "inputText", "prompt", "query", "text"),
    text_objects=("input", "content.json"),
)
