"""Mistral; on Vertex and Bedrock its models speak the same."""

from __future__ import annotations

from ...dialect import BaseUrl, CredentialPlace, Dialect, Endpoint, no_op_rows, stop_as_list
from ..openai_chat import ChatProgress

_API = "https://docs.mistral.ai/api"
_CONNECTORS = f"{_API}: connectors"
_SPEC = f"{_API}: *"

DIALECT = Dialect(
    name="mistral",
    provider="mistral",
    base_url=BaseUrl("mistral", "https://api.mistral.ai", "https://docs.mistral.ai/api"),
    hosts=("api.mistral.ai", "codestral.mistral.ai"),
    endpoints=(
        Endpoint(("/fim/completions", "/agents/completions"), _API, ("prompt", "messages"), forms=(ChatProgress,)),
        Endpoint(
            ("/chat/moderations", "/classifications", "/chat/classifications", "/ocr"),
            _API,
            ("input", "inputs", "document"),
        ),
    ),
    # temperature depends on the model
    no_ops=(
        *no_op_rows(
            r"/v1/chat/completions",
            _SPEC,
            {"parallel_tool_calls": True, "safe_prompt": False, "stream": False, "tool_choice": "auto"},
        ),
        *no_op_rows(r"/v1/fim/completions", _SPEC, {"stream": False}),
        *no_op_rows(r"/v1/agents/completions", _SPEC, {"stream": False}),
        *no_op_rows(r"/v1/embeddings", _SPEC, {"encoding_format": "float"}),
    ),
    credentials=(
        CredentialPlace("tools[type=connector].authorization.value", _CONNECTORS, chooses_data=True),
        CredentialPlace("credentials.bearer_token", _CONNECTORS, chooses_data=True),
        CredentialPlace("credentials.headers.*", _CONNECTORS, chooses_data=True),
        CredentialPlace("credentials.oauth.client_secret", _CONNECTORS, chooses_data=True),
        CredentialPlace("credentials.oauth.client_private_key", _CONNECTORS, chooses_data=True),
        # of answers
        CredentialPlace("participant_token", f"{_API}: audio sessions"),
    ),
    equivalents=(stop_as_list(r"/v1/(chat|fim|agents)/completions", _SPEC.replace("*", "stop")),),
    encoded=("image_base64", "input_audio"),  # _API: pages of OCR, sounds
    texts=("content", "prompt", "suffix", "text"),
)
