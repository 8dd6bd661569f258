"""What providers document, as data: which parameters change nothing, and which are two spellings of one thing.

A row of `NO_OPS` says that on these hosts, at this endpoint, sending this parameter with this value is the
same as leaving it out. Every row names its source. Where the documentation leaves a doubt (the default
depends on the model, on the project, on another parameter, or is inherited) there is no row: folding
wrongly would give the answer to another question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

__all__ = ["EQUIVALENTS", "NO_OPS", "Equivalent", "NoOp", "equivalents", "no_ops"]


@dataclass(frozen=True, slots=True)
class NoOp:
    """One documented no-op.

    Attributes:
        provider: whose documentation says so.
        hosts: patterns of the hosts for which it holds.
        path: a pattern for the whole path.
        parameter: a member of the body (a dot leads into an object), or a field of the form.
        value: the value that means the same as leaving it out.
        source: where the provider documents it.
        models: a pattern for the models for which it holds; any model where it is empty.
        unless: members that make the default uncertain; where one of them is present nothing is folded.
    """

    provider: str
    hosts: tuple[str, ...]
    path: str
    parameter: str
    value: Any
    source: str
    models: str = ""
    unless: tuple[str, ...] = ()

    @property
    def member(self) -> str:
        """The member at the top level of the body in which the parameter stands."""
        return self.parameter.partition(".")[0]

    def fold(self, body: dict[str, Any]) -> bool:
        """Takes the parameter out of a JSON body, in place, where it stands there with the no-op value."""
        *parents, name = self.parameter.split(".")
        container: Any = body
        for parent in parents:
            container = container.get(parent) if isinstance(container, dict) else None
        if not isinstance(container, dict) or name not in container:
            return False
        value = container[name]
        if type(value) is not type(self.value) or value != self.value or not self._holds(body):
            return False
        del container[name]
        return True

    def holds_in_form(self, fields: dict[str, str | None]) -> bool:
        """Whether a form sends the parameter with the no-op value, written as text."""
        return (
            self.value is not None and fields.get(self.parameter) in _as_texts(self.value) and self._holds(fields)
        )

    def _holds(self, fields: Mapping[str, Any]) -> bool:
        if any(fields.get(name) is not None for name in self.unless):
            return False
        return not self.models or re.fullmatch(self.models, str(fields.get("model", ""))) is not None

    def describe(self) -> str:
        """The rule in one line."""
        return f"{self.parameter}={self.value!r} is {self.provider}'s default ({self.source})"


def _as_texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return (str(value).lower(),)
    if isinstance(value, int):
        return (str(value), f"{value}.0")
    return (str(value),)


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Two documented ways to write the same thing; `rewrite` puts the body into one of them, in place."""

    provider: str
    hosts: tuple[str, ...]
    path: str
    what: str
    source: str
    rewrite: Callable[[dict[str, Any]], bool]

    def describe(self) -> str:
        """The rule in one line."""
        return f"{self.what} ({self.source})"


def _stop_list(body: dict[str, Any]) -> bool:
    if not isinstance(body.get("stop"), str):
        return False
    body["stop"] = [body["stop"]]
    return True


def _text_content(body: dict[str, Any]) -> bool:
    found = False
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list) and len(content) == 1:
            block = content[0]
            if (
                isinstance(block, dict)
                and block.keys() == {"type", "text"}
                and block["type"] == "text"
                and isinstance(block["text"], str)
            ):
                message["content"] = block["text"]
                found = True
    return found


def _rows(
    provider: str,
    hosts: tuple[str, ...],
    path: str,
    source: str,
    defaults: dict[str, Any],
    *,
    nullable: Iterable[str] = (),
    models: str = "",
    unless: tuple[str, ...] = (),
) -> Iterator[NoOp]:
    """Rows of one endpoint. In `source`, `*` stands for the parameter's name."""
    for parameter, value in defaults.items():
        yield NoOp(provider, hosts, path, parameter, value, source.replace("*", parameter), models, unless)
    for parameter in nullable:
        yield NoOp(provider, hosts, path, parameter, None, source.replace("*", parameter), "", unless)


_OPENAI = ("api.openai.com", "*.api.openai.com")
_AZURE = ("*.openai.azure.com", "*.cognitiveservices.azure.com")
_COHERE = ("api.cohere.com", "api.cohere.ai")
_OLLAMA = ("localhost:11434", "127.0.0.1:11434")

_REFERENCE = "https://platform.openai.com/docs/api-reference"
_CHAT = f"{_REFERENCE}/chat/create#chat-create-*"
_COMPLETIONS = f"{_REFERENCE}/completions/create#completions-create-*"
_RESPONSES = f"{_REFERENCE}/responses/create#responses-create-*"
_TRANSCRIPTION = f"{_REFERENCE}/audio/createTranscription#audio-createtranscription-*"
_AZURE_SPEC = (
    "https://github.com/Azure/azure-rest-api-specs: AzureOpenAI/inference/stable/2024-10-21/inference.json, *"
)
_MISTRAL_SPEC = "https://docs.mistral.ai/api: *"
_GROQ_REFERENCE = "https://console.groq.com/docs/api-reference: *"
_COHERE_SPEC = "https://docs.cohere.com/reference: *"

_SAMPLES_AT_ONE = (
    r"(ft:)?(gpt-3\.5-turbo|gpt-4|gpt-4-turbo|gpt-4o(-mini)?|gpt-4\.1(-mini|-nano)?)"
    r"(-(\d{4}-\d{2}-\d{2}|\d{4}|16k|16k-0613))?(:.*)?"
)
"""Models that take these parameters and have the defaults that the reference gives. Reasoning models refuse
them or answer with others (a top_p of 0.98 instead of 1)."""

NO_OPS: tuple[NoOp, ...] = (
    # Chat completions: not reasoning_effort and verbosity (they depend on the model), service_tier (a
    # setting of the project), parallel_tool_calls (refused where there are no tools).
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/chat/completions",
        _CHAT,
        {"n": 1, "stream": False, "store": False},
        nullable=(
            "audio",
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "max_completion_tokens",
            "max_tokens",
            "metadata",
            "modalities",
            "n",
            "prediction",
            "presence_penalty",
            "safety_identifier",
            "seed",
            "stop",
            "store",
            "stream",
            "stream_options",
            "temperature",
            "top_logprobs",
            "top_p",
        ),
    ),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/chat/completions",
        _CHAT,
        {"temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0, "logprobs": False},
        models=_SAMPLES_AT_ONE,
    ),
    # Completions: not best_of, whose default gives way to n.
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/completions",
        _COMPLETIONS,
        {
            "echo": False,
            "frequency_penalty": 0,
            "max_tokens": 16,
            "n": 1,
            "presence_penalty": 0,
            "stream": False,
            "temperature": 1,
            "top_p": 1,
        },
        nullable=(
            "best_of",
            "echo",
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "max_tokens",
            "n",
            "presence_penalty",
            "seed",
            "stop",
            "stream",
            "stream_options",
            "suffix",
            "temperature",
            "top_p",
        ),
    ),
    # Responses: store is true here. A stored prompt brings settings of its own.
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/responses",
        _RESPONSES,
        {"background": False, "store": True, "stream": False, "truncation": "disabled"},
        nullable=(
            "background",
            "conversation",
            "include",
            "instructions",
            "max_output_tokens",
            "max_tool_calls",
            "metadata",
            "previous_response_id",
            "prompt",
            "safety_identifier",
            "store",
            "stream",
            "stream_options",
            "temperature",
            "top_logprobs",
            "top_p",
            "truncation",
        ),
        unless=("prompt",),
    ),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/responses",
        _RESPONSES,
        {"temperature": 1, "top_p": 1},
        models=_SAMPLES_AT_ONE,
        unless=("prompt",),
    ),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/embeddings",
        f"{_REFERENCE}/embeddings/create#embeddings-create-*",
        {"encoding_format": "float"},
    ),
    # Images: where model is left out, a parameter that only some models take chooses the model.
    *_rows("OpenAI", _OPENAI, r"/v1/images/generations", f"{_REFERENCE}/images/create#images-create-*", {"n": 1}),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/images/generations",
        f"{_REFERENCE}/images/create#images-create-*",
        {"stream": False, "partial_images": 0},
        models=r"gpt-image.*",
    ),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/images/edits",
        f"{_REFERENCE}/images/createEdit#images-createedit-*",
        {"n": 1},
    ),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/images/edits",
        f"{_REFERENCE}/images/createEdit#images-createedit-*",
        {"stream": False, "partial_images": 0},
        models=r"gpt-image.*",
    ),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/images/variations",
        f"{_REFERENCE}/images/createVariation#images-createvariation-*",
        {"n": 1, "response_format": "url", "size": "1024x1024"},
    ),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/audio/speech",
        f"{_REFERENCE}/audio/createSpeech#audio-createspeech-*",
        {"response_format": "mp3", "speed": 1, "stream_format": "audio"},
    ),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/audio/transcriptions",
        _TRANSCRIPTION,
        {"response_format": "json", "stream": False},
    ),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/audio/transcriptions",
        _TRANSCRIPTION,
        {"temperature": 0},
        models=r"whisper-1",
    ),
    *_rows(
        "OpenAI",
        _OPENAI,
        r"/v1/audio/translations",
        f"{_REFERENCE}/audio/createTranslation#audio-createtranslation-*",
        {"response_format": "json", "temperature": 0},
    ),
    # Azure OpenAI: a deployment's name hides the model, so nothing that depends on it.
    *_rows(
        "Azure OpenAI",
        _AZURE,
        r"/openai/deployments/[^/]+/chat/completions",
        _AZURE_SPEC,
        {"n": 1, "stream": False},
        nullable=("logit_bias", "stop"),
    ),
    *_rows(
        "Azure OpenAI",
        _AZURE,
        r"/openai/deployments/[^/]+/completions",
        _AZURE_SPEC,
        {
            "echo": False,
            "frequency_penalty": 0,
            "max_tokens": 16,
            "n": 1,
            "presence_penalty": 0,
            "stream": False,
            "temperature": 1,
            "top_p": 1,
        },
        nullable=("logit_bias", "logprobs", "stop", "suffix"),
    ),
    *_rows(
        "Azure OpenAI",
        _AZURE,
        r"/openai/deployments/[^/]+/embeddings",
        "https://learn.microsoft.com/azure/ai-foundry/openai/reference: embeddings, *",
        {"encoding_format": "float"},
    ),
    # Anthropic: not temperature, which later models refuse beside other parameters.
    *_rows(
        "Anthropic",
        ("api.anthropic.com",),
        r"/v1/messages",
        "https://docs.anthropic.com/en/api/messages: *",
        {"tool_choice.disable_parallel_tool_use": False},
    ),
    # Gemini: temperature, topP, topK and maxOutputTokens depend on the model.
    *_rows(
        "Gemini",
        ("generativelanguage.googleapis.com",),
        r"/v1(alpha|beta)?/models/[^/]+:(generateContent|streamGenerateContent)",
        "https://ai.google.dev/api/generate-content#generationconfig: *",
        {"generationConfig.candidateCount": 1},
    ),
    # Mistral: temperature depends on the model.
    *_rows(
        "Mistral",
        ("api.mistral.ai",),
        r"/v1/chat/completions",
        _MISTRAL_SPEC,
        {"parallel_tool_calls": True, "safe_prompt": False, "stream": False, "tool_choice": "auto"},
    ),
    *_rows("Mistral", ("api.mistral.ai",), r"/v1/fim/completions", _MISTRAL_SPEC, {"stream": False}),
    *_rows("Mistral", ("api.mistral.ai",), r"/v1/agents/completions", _MISTRAL_SPEC, {"stream": False}),
    *_rows("Mistral", ("api.mistral.ai",), r"/v1/embeddings", _MISTRAL_SPEC, {"encoding_format": "float"}),
    # Groq: its responses are not stored by default, unlike OpenAI's.
    *_rows(
        "Groq",
        ("api.groq.com",),
        r"/openai/v1/chat/completions",
        _GROQ_REFERENCE,
        {"n": 1, "stream": False, "temperature": 1, "top_p": 1},
        nullable=("n", "stream", "temperature", "top_p"),
    ),
    *_rows(
        "Groq",
        ("api.groq.com",),
        r"/openai/v1/responses",
        _GROQ_REFERENCE,
        {"store": False, "stream": False, "temperature": 1, "top_p": 1, "truncation": "disabled"},
        nullable=("store", "stream", "temperature", "top_p", "truncation"),
    ),
    *_rows(
        "Cohere",
        _COHERE,
        r"/v2/chat",
        _COHERE_SPEC,
        {
            "frequency_penalty": 0,
            "k": 0,
            "logprobs": False,
            "p": 0.75,
            "presence_penalty": 0,
            "priority": 0,
            "stream": False,
            "temperature": 0.3,
        },
    ),
    *_rows(
        "Cohere",
        _COHERE,
        r"/v1/chat",
        _COHERE_SPEC,
        {
            "force_single_step": False,
            "frequency_penalty": 0,
            "k": 0,
            "p": 0.75,
            "presence_penalty": 0,
            "search_queries_only": False,
            "stream": False,
            "temperature": 0.3,
        },
    ),
    *_rows("Cohere", _COHERE, r"/v1/embed", _COHERE_SPEC, {"truncate": "END"}),
    *_rows(
        "Cohere",
        _COHERE,
        r"/v2/embed",
        _COHERE_SPEC,
        {"embedding_types": ["float"], "priority": 0, "truncate": "END"},
    ),
    *_rows("Cohere", _COHERE, r"/v1/rerank", _COHERE_SPEC, {"max_chunks_per_doc": 10, "return_documents": False}),
    *_rows("Cohere", _COHERE, r"/v2/rerank", _COHERE_SPEC, {"max_tokens_per_doc": 4096, "priority": 0}),
    # Ollama: it streams unless told not to; options and keep_alive come from the model file.
    *_rows(
        "Ollama",
        _OLLAMA,
        r"/api/(chat|generate)",
        "https://github.com/ollama/ollama/blob/main/docs/api.md: *",
        {"stream": True},
    ),
    *_rows(
        "Ollama",
        _OLLAMA,
        r"/api/embed",
        "https://github.com/ollama/ollama/blob/main/docs/api.md: *",
        {"truncate": True},
    ),
)

_STOP = "stop as a text is a list of one"

EQUIVALENTS: tuple[Equivalent, ...] = (
    Equivalent("OpenAI", _OPENAI, r"/v1/chat/completions", _STOP, _CHAT.replace("*", "stop"), _stop_list),
    Equivalent("OpenAI", _OPENAI, r"/v1/completions", _STOP, _COMPLETIONS.replace("*", "stop"), _stop_list),
    Equivalent(
        "Azure OpenAI",
        _AZURE,
        r"/openai/deployments/[^/]+/(chat/)?completions",
        _STOP,
        _AZURE_SPEC.replace("*", "stop"),
        _stop_list,
    ),
    Equivalent(
        "Mistral",
        ("api.mistral.ai",),
        r"/v1/(chat|fim|agents)/completions",
        _STOP,
        _MISTRAL_SPEC.replace("*", "stop"),
        _stop_list,
    ),
    Equivalent(
        "Anthropic",
        ("api.anthropic.com",),
        r"/v1/messages",
        "a message's content as a text is a list of one text block",
        "https://docs.anthropic.com/en/api/messages: messages.content",
        _text_content,
    ),
)


def _matches(row: NoOp | Equivalent, host: str, path: str) -> bool:
    return any(fnmatchcase(host, pattern) for pattern in row.hosts) and bool(re.fullmatch(row.path, path))


def _host(origin: str) -> str:
    return origin.partition("://")[2]


@lru_cache(maxsize=256)
def no_ops(origin: str, path: str) -> dict[str, tuple[NoOp, ...]]:
    """The rows that hold for an endpoint, by their `member`; none on a host that no row names."""
    found: dict[str, tuple[NoOp, ...]] = {}
    for row in NO_OPS:
        if _matches(row, _host(origin), path):
            found[row.member] = (*found.get(row.member, ()), row)
    return found


@lru_cache(maxsize=256)
def equivalents(origin: str, path: str) -> tuple[Equivalent, ...]:
    """The documented equivalents that hold for an endpoint."""
    return tuple(row for row in EQUIVALENTS if _matches(row, _host(origin), path))
