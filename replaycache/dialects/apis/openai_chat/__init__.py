"""OpenAI's chat completions and completions, and the form of answers that most gateways and servers speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialect import AnswerHeader, BaseUrl, Dialect, Endpoint, no_op_rows, stop_as_list
from ...progress import Progress, as_dict

HOSTS = ("api.openai.com", "*.api.openai.com")
REFERENCE = "https://platform.openai.com/docs/api-reference"
_CHAT = f"{REFERENCE}/chat/create#chat-create-*"
_COMPLETIONS = f"{REFERENCE}/completions/create#completions-create-*"

SAMPLES_AT_ONE = (
    r"(ft:)?(gpt-3\.5-turbo|gpt-4|gpt-4-turbo|gpt-4o(-mini)?|gpt-4\.1(-mini|-nano)?)"
    r"(-(\d{4}-\d{2}-\d{2}|\d{4}|16k|16k-0613))?(:.*)?"
)
"""Models that take these parameters and have the defaults that the reference gives. Reasoning models refuse
them or answer with others (a top_p of 0.98 instead of 1)."""


class ChatProgress(Progress):
    """Chunks with `choices`, ended by `[DONE]`; some servers send none behind the last `finish_reason`.

    A choice that stopped may be a refusal: https://platform.openai.com/docs/guides/structured-outputs#refusals.
    """

    name = "openai chat"
    fillers = ("arguments", "content", "obfuscation", "reasoning", "reasoning_content", "text")
    failures = {  # noqa: RUF012  # never changed
        "error": "https://docs.mistral.ai/api, https://openrouter.ai/docs/api-reference/errors-and-debugging",
        "abort": "https://docs.vllm.ai/en/latest/api/vllm/v1/engine: FinishReason",
        "insufficient_system_resource": "https://api-docs.deepseek.com/api/create-chat-completion",
        "network_error": "https://docs.z.ai/api-reference/llm/chat-completion",
    }

    has_usage = False
    refused: tuple[Any, ...] = ()

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return "choices" in value

    def take(self, name: str, value: dict[str, Any]) -> None:
        choices = value.get("choices")
        for choice in self.objects(choices) if choices is not None else ():
            index, reason = choice.get("index", 0), choice.get("finish_reason")
            parts = self.an_object(choice.get("delta")), self.an_object(choice.get("message"))
            if index not in self.refused and any(part.get("refusal") for part in parts):
                self.refused = (*self.refused, index)
            self.finish(index, "refusal" if reason == "stop" and index in self.refused else reason)
            self.failed = self.failed or bool(choice.get("error"))
        # https://console.groq.com/docs/api-reference: the stream was stopped early
        self.failed = self.failed or bool(self.an_object(value.get("x_groq")).get("error"))
        self.has_usage = self.has_usage or bool(as_dict(value.get("usage")))

    def document(self, value: dict[str, Any]) -> None:
        super().document(value)
        self.broken = self.broken or value.get("choices") is None

    @property
    def finished(self) -> bool:
        """Also whether all choices came that were asked for, and the usage where it was.

        Each of a list of prompts has its choices: https://platform.openai.com/docs/api-reference/completions/create.
        """
        if not self.stopped:
            return False
        asked = self.asked()
        wanted = asked.get("n")
        count = (wanted if isinstance(wanted, int) else 1) * prompts_in(asked)
        if len(self.reasons) < count:
            return False
        return self.has_usage or not as_dict(asked.get("stream_options")).get("include_usage")


def prompts_in(asked: Mapping[str, Any]) -> int:
    """How many prompts a request has; a list of tokens is one."""
    prompts = asked.get("prompt")
    return len(prompts) if isinstance(prompts, list) and prompts and not isinstance(prompts[0], int) else 1


DIALECT = Dialect(
    name="openai chat",
    provider="openai",
    base_url=BaseUrl(
        "openai", "https://api.openai.com/v1", "https://platform.openai.com/docs/api-reference/introduction"
    ),
    hosts=HOSTS,
    endpoints=(
        Endpoint(
            ("/chat/completions",),
            f"{REFERENCE}/chat/create#chat-create-stream: ended by data: [DONE]",
            ("messages", "data_sources"),
            forms=(ChatProgress,),
        ),
        Endpoint(
            ("/completions",),
            f"{REFERENCE}/completions/create",
            ("prompt", "prompt_embeds", "model"),
            forms=(ChatProgress,),
        ),
    ),
    model_paths=(r"/engines/([^/]+)/",),  # formerly
    headers=(AnswerHeader("openai-beta", "https://platform.openai.com/docs/assistants/migration", is_set=True),),
    response_headers=("openai-version", "openai-processing-ms", "openai-model", "x-ratelimit-*"),
    no_ops=(
        # not reasoning_effort and verbosity (they depend on the model), service_tier (a setting of the project),
        # parallel_tool_calls (refused where there are no tools)
        *no_op_rows(
            r"/v1/chat/completions",
            _CHAT,
            {"n": 1, "stream": False, "store": False},
            nullable=(
                *("audio", "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens"),
                *("metadata", "modalities", "n", "prediction", "presence_penalty", "safety_identifier", "seed"),
                *("stop", "store", "stream", "stream_options", "temperature", "top_logprobs", "top_p"),
            ),
        ),
        *no_op_rows(
            r"/v1/chat/completions",
            _CHAT,
            {"temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0, "logprobs": False},
            models=SAMPLES_AT_ONE,
        ),
        # not best_of, whose default gives way to n
        *no_op_rows(
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
                *("best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "n"),
                *("presence_penalty", "seed", "stop", "stream", "stream_options", "suffix", "temperature"),
                "top_p",
            ),
        ),
    ),
    equivalents=(
        stop_as_list(r"/v1/chat/completions", _CHAT.replace("*", "stop")),
        stop_as_list(r"/v1/completions", _COMPLETIONS.replace("*", "stop")),
    ),
    # https://platform.openai.com/docs/api-reference/chat-streaming, and what others that speak it add to a delta
    pieces=(
        *("arguments", "content", "data", "input", "reasoning", "reasoning_content", "refusal", "text"),
        *("tool_calls", "transcript"),
    ),
    noise=("obfuscation",),
    ids=(r"(chatcmpl|cmpl|call|fp)[-_][\w-]{6,}",),
    # https://platform.openai.com/docs/api-reference/chat/create: input_audio.data, audio.data, file.file_data
    encoded=("data", "file_data"),
    texts=(
        *("arguments", "content", "description", "filename", "input", "prompt", "reasoning", "reasoning_content"),
        *("refusal", "suffix", "text"),
    ),
    text_objects=("metadata",),
)
