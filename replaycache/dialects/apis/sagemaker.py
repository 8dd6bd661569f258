"""Amazon SageMaker: an endpoint answers in whatever form its container has."""

from __future__ import annotations

from ..dialect import AnswerHeader, Dialect, Endpoint
from .anthropic import MessagesProgress
from .openai_chat import ChatProgress
from .text_generation_inference import GenerationProgress

_INVOKE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"

DIALECT = Dialect(
    name="sagemaker",
    hosts=("runtime.sagemaker.*.amazonaws.com",),
    endpoints=(
        Endpoint(
            ("/endpoints/*/invocations", "/endpoints/*/invocations-response-stream"),
            "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html",
            forms=(ChatProgress, MessagesProgress, GenerationProgress),
            other_media=True,
        ),
    ),
    headers=tuple(
        AnswerHeader(f"x-amzn-sagemaker-{name}", _INVOKE)
        for name in (
            "custom-attributes",
            "enable-explanations",
            "inference-component",
            "session-id",
            "target-container-hostname",
            "target-model",
            "target-variant",
        )
    ),
    texts=("inputs", "prompt", "text"),
)
