"""Cohere, versions 1 and 2 of its API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialect import AnswerHeader, BaseUrl, CredentialPlace, Dialect, Endpoint, no_op_rows
from ...progress import Progress

_REFERENCE = "https://docs.cohere.com/reference/"
_CONNECTORS = f"{_REFERENCE}create-connector"
_SPEC = "https://docs.cohere.com/reference: *"
_HOSTS = ("api.cohere.com", "api.cohere.ai")


class ChatV2Progress(Progress):
    """Events from `message-start` to `message-end`, which says why: https://docs.cohere.com/v2/docs/streaming."""

    name = "cohere v2"
    fillers = ("arguments", "text", "thinking", "tool_plan")
    needs_terminal = True
    failures = {"ERROR": f"{_REFERENCE}chat", "TIMEOUT": f"{_REFERENCE}chat"}  # noqa: RUF012  # never changed
    _EVENTS = ("message-", "content-", "tool-", "citation-")

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return name.startswith(cls._EVENTS) or ("message" in value and "finish_reason" in value)

    def take(self, name: str, value: dict[str, Any]) -> None:
        delta = self.an_object(value.get("delta"))
        self.an_object(delta.get("message"))
        if name == "message-end":
            self.finish("", delta.get("finish_reason"))
            self.failed = self.failed or bool(delta.get("error"))
            self.terminal = True

    def document(self, value: dict[str, Any]) -> None:
        self.an_object(value.get("message"))
        self.finish("", value.get("finish_reason"))
        self.terminal = True


class ChatV1Progress(Progress):
    """Objects of which the last is finished: https://docs.cohere.com/v1/docs/streaming."""

    name = "cohere v1"
    fillers = ("text",)
    needs_terminal = True
    failures = dict.fromkeys(  # never changed
        ("ERROR", "ERROR_TOXIC", "ERROR_LIMIT", "USER_CANCEL"), "https://docs.cohere.com/v1/reference/chat"
    )

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return any(member in value for member in ("event_type", "is_finished", "generation_id", "generations"))

    def take(self, name: str, value: dict[str, Any]) -> None:
        kind = value.get("event_type")
        self.failed = self.failed or kind == "stream-error"
        self.an_object(value.get("response"))
        if kind == "stream-end" or value.get("is_finished") is True:
            self.finish("", value.get("finish_reason"))
            self.terminal = True

    def document(self, value: dict[str, Any]) -> None:
        generations = value.get("generations")
        for at, part in enumerate([value] if generations is None else self.objects(generations)):
            self.finish(at, part.get("finish_reason"))
        self.terminal = value.get("is_finished") is not False


DIALECT = Dialect(
    name="cohere",
    provider="cohere",
    base_url=BaseUrl("cohere", "https://api.cohere.com", "https://docs.cohere.com/reference/about"),
    hosts=_HOSTS,
    endpoints=(
        Endpoint(
            ("/v1/chat",),
            f"{_REFERENCE}chat-v1",
            ("message", "messages"),
            states=("conversation_id",),
            forms=(ChatV1Progress,),
        ),
        Endpoint(("/v2/chat",), f"{_REFERENCE}chat", ("message", "messages"), forms=(ChatV2Progress,)),
        Endpoint(("/v1/generate",), f"{_REFERENCE}generate", ("prompt",), forms=(ChatV1Progress,)),
        Endpoint(("/v1/rerank", "/v2/rerank"), f"{_REFERENCE}rerank", ("query",)),
        Endpoint(
            ("/v1/embed", "/v2/embed", "/v1/classify", "/v1/summarize"),
            f"{_REFERENCE}embed, {_REFERENCE}classify, {_REFERENCE}summarize; https://jina.ai/classifier: input",
            ("texts", "images", "inputs", "input", "text"),
        ),
    ),
    headers=(AnswerHeader("accepts", "https://docs.cohere.com/v1/reference/chat"),),
    no_ops=(
        *no_op_rows(
            r"/v2/chat",
            _SPEC,
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
        *no_op_rows(
            r"/v1/chat",
            _SPEC,
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
        *no_op_rows(r"/v1/embed", _SPEC, {"truncate": "END"}),
        *no_op_rows(r"/v2/embed", _SPEC, {"embedding_types": ["float"], "priority": 0, "truncate": "END"}),
        *no_op_rows(r"/v1/rerank", _SPEC, {"max_chunks_per_doc": 10, "return_documents": False}),
        *no_op_rows(r"/v2/rerank", _SPEC, {"max_tokens_per_doc": 4096, "priority": 0}),
    ),
    credentials=(
        CredentialPlace("connectors[*].user_access_token", f"{_REFERENCE}chat-v1: connectors", chooses_data=True),
        CredentialPlace("oauth.client_secret", _CONNECTORS, chooses_data=True),
        CredentialPlace("service_auth.token", _CONNECTORS, chooses_data=True),
        CredentialPlace("settings.wandb.api_key", f"{_REFERENCE}createfinetunedmodel"),
    ),
    # https://docs.cohere.com/docs/streaming
    pieces=("arguments", "text", "thinking", "tool_plan"),
    texts=(
        *("chat_history", "content", "description", "documents", "inputs", "message", "preamble", "query", "text"),
        *("texts", "tool_plan"),
    ),
    text_objects=("data", "outputs[]"),
)
