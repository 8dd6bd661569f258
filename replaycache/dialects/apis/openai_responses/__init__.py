"""OpenAI's responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialect import CredentialPlace, Dialect, Endpoint, no_op_rows
from ...progress import Progress, as_dict
from ..openai_chat import HOSTS, REFERENCE, SAMPLES_AT_ONE

_RESPONSES = f"{REFERENCE}/responses/create#responses-create-*"
_CONNECTORS = "https://platform.openai.com/docs/guides/tools-connectors-mcp"
_DOMAIN_SECRETS = "https://developers.openai.com/api/docs/guides/tools-shell"
_CONTAINERS = ("shell].environment", "code_interpreter].container")


def credentials_of_tools(path: str) -> tuple[CredentialPlace, ...]:
    """The credentials in OpenAI's tools that stand at a path."""
    return (
        CredentialPlace(f"{path}[type=mcp].authorization", _CONNECTORS, chooses_data=True),
        CredentialPlace(f"{path}[type=mcp].headers.*", _CONNECTORS, chooses_data=True),
        CredentialPlace(f"{path}[type=mcp].server_url", _CONNECTORS, chooses_data=True, is_url=True),
        *(
            CredentialPlace(
                f"{path}[type={container}.network_policy.domain_secrets[*].value",
                _DOMAIN_SECRETS,
                chooses_data=True,
            )
            for container in _CONTAINERS
        ),
    )


_STATUS = f"{REFERENCE}/responses/object#responses-object-status"


class ResponsesProgress(Progress):
    """Events whose last one holds the response; its status says how it went."""

    name = "openai responses"
    fillers = ("delta", "obfuscation", "sequence_number")
    needs_terminal = True
    has_done_marker = False
    failures = {"failed": _STATUS, "cancelled": _STATUS}  # noqa: RUF012  # never changed

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return name.startswith("response.") or str(value.get("object")).startswith("response")

    def take(self, name: str, value: dict[str, Any]) -> None:
        response = self.an_object(value.get("response"))
        if name in ("response.completed", "response.incomplete", "response.failed", "response.cancelled"):
            self._end(response, name.removeprefix("response."))
            self.broken = self.broken or not response

    def document(self, value: dict[str, Any]) -> None:
        self._end(value, "completed")
        if not self.terminal:
            asked = self.asked()
            # a ticket, or a look at how far it has come: all of what was asked for
            self.terminal = not asked or asked.get("background") is True

    def _end(self, response: dict[str, Any], status: str) -> None:
        told = response.get("status")
        status = told if isinstance(told, str) else status
        reason = as_dict(response.get("incomplete_details")).get("reason")
        if status == "completed" and _is_refusal(response):
            status = "refusal"
        self.finish("", reason if status == "incomplete" and isinstance(reason, str) else status)
        self.terminal = status not in ("queued", "in_progress")
        if not self.terminal:
            self.reasons[""] = ""


def _is_refusal(response: dict[str, Any]) -> bool:
    """https://platform.openai.com/docs/guides/structured-outputs#refusals: a part of its content says so."""
    items = response.get("output")
    contents = [as_dict(item).get("content") for item in (items if isinstance(items, list) else ())]
    parts = (part for content in contents if isinstance(content, list) for part in content)
    return any(as_dict(part).get("type") == "refusal" for part in parts)


DIALECT = Dialect(
    name="openai responses",
    provider="openai",
    hosts=HOSTS,
    endpoints=(
        Endpoint(
            ("/responses",),
            f"{REFERENCE}/responses/create; `background`: https://platform.openai.com/docs/guides/background",
            ("input", "prompt", "instructions", "previous_response_id"),
            states=("conversation",),
            tickets=("background",),
            forms=(ResponsesProgress,),
        ),
        Endpoint(
            ("/responses/compact",),
            f"{REFERENCE}/responses/compact",
            ("input", "previous_response_id"),
            forms=(ResponsesProgress,),
        ),
        Endpoint(
            ("/responses/*",),
            f"{REFERENCE}/responses/get",
            kind="other",
            forms=(ResponsesProgress,),
            method="GET",
        ),
    ),
    no_ops=(
        # store is true here; a stored prompt brings settings of its own
        *no_op_rows(
            r"/v1/responses",
            _RESPONSES,
            {"background": False, "store": True, "stream": False, "truncation": "disabled"},
            nullable=(
                *("background", "conversation", "include", "instructions", "max_output_tokens", "max_tool_calls"),
                *("metadata", "previous_response_id", "prompt", "safety_identifier", "store", "stream"),
                *("stream_options", "temperature", "top_logprobs", "top_p", "truncation"),
            ),
            unless=("prompt",),
        ),
        *no_op_rows(
            r"/v1/responses",
            _RESPONSES,
            {"temperature": 1, "top_p": 1},
            models=SAMPLES_AT_ONE,
            unless=("prompt",),
        ),
    ),
    credentials=(
        *credentials_of_tools("tools"),
        *credentials_of_tools("response.tools"),  # of an event
        # tools that come later: to a response, and to a conversation
        *(
            place
            for items in ("input", "items")
            for kind in ("additional_tools", "tool_search_output")
            for place in credentials_of_tools(f"{items}[type={kind}].tools")
        ),
        CredentialPlace(
            "network_policy.domain_secrets[*].value",
            f"{REFERENCE}/containers/createContainers",
            chooses_data=True,
        ),
    ),
    pieces=("delta",),
    # https://platform.openai.com/docs/api-reference/responses-streaming: the number tells how many pieces came
    noise=("encrypted_content", "obfuscation", "sequence_number"),
    # https://platform.openai.com/docs/api-reference/responses/object: reasoning items, files, generated images;
    # https://platform.openai.com/docs/api-reference/responses-streaming: partial images
    encoded=("encrypted_content", "file_data", "partial_image_b64", "result"),
    ids=(r"(resp|msg|rs|fc|ws|ci|mcp|ig|cm)[-_][\w-]{6,}",),
    texts=(
        *("arguments", "content", "description", "filename", "input", "instructions", "output", "refusal"),
        *("summary", "text"),
    ),
    text_objects=("variables.*",),
)
