"""How each endpoint of OpenAI's API is called through the official client, as data.

`CALLS` has one row an endpoint; `STREAMS` has those that stream, with the events that a server may send. What the
path names is filled in by `Call.arguments`. `BEYOND` and `UNDESCRIBED` name what is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["BEYOND", "CALLS", "STREAMS", "UNDESCRIBED", "Call", "Stream"]


@dataclass(frozen=True)
class Call:
    """One row.

    Args:
        endpoint: method and path as the API's description has them; `?beta=true` for the beta API's twin.
        method: of the client, `"chat.completions.create"`.
        given: arguments, but for those that stand in the path.
        answer: `"object"`: what the client makes of JSON; `"bytes"`: a body that is none.
    """

    endpoint: str
    method: str
    given: dict[str, Any] = field(default_factory=dict)
    answer: Literal["object", "bytes"] = "object"

    def __str__(self) -> str:
        return self.endpoint

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments; `{thread_id}` in the path is a `thread_id` that looks like one."""
        named = re.findall(r"\{(\w+)\}", self.endpoint)
        return {name: f"{name.removesuffix('_id')}-1" for name in named} | self.given


@dataclass(frozen=True)
class Stream:
    """A call that streams, and the data of the events that answer it."""

    call: Call
    events: list[dict[str, Any] | str]

    def __str__(self) -> str:
        return f"{self.call} streaming"


MESSAGES = [{"role": "user", "content": "A colour?"}]
METADATA = {"topic": "colours"}
SOUND = ("clip.wav", b"RIFF" + bytes([0x2C, 0, 0, 0]) + b"WAVEfmt " + bytes(range(32)))
PICTURE = ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(64)))
LINES = ("lines.jsonl", b'{"prompt": "a"}\n{"prompt": "b"}\n')
GRADER = {"type": "string_check", "name": "a name", "input": "red", "reference": "red", "operation": "eq"}
SPENDING = {"currency": "USD", "interval": "month", "threshold_amount": 100}
CHANNEL = {"type": "email", "recipients": ["somebody@example.com"]}

CALLS = [
    Call("GET /assistants", "beta.assistants.list"),
    Call("POST /assistants", "beta.assistants.create", {"model": "gpt-4o-mini"}),
    Call("DELETE /assistants/{assistant_id}", "beta.assistants.delete"),
    Call("GET /assistants/{assistant_id}", "beta.assistants.retrieve"),
    Call("POST /assistants/{assistant_id}", "beta.assistants.update", {"name": "another name"}),
    Call(
        "POST /audio/speech",
        "audio.speech.create",
        {"input": "A colour.", "model": "tts-1", "voice": "alloy"},
        "bytes",
    ),
    Call("POST /audio/transcriptions", "audio.transcriptions.create", {"file": SOUND, "model": "whisper-1"}),
    Call("POST /audio/translations", "audio.translations.create", {"file": SOUND, "model": "whisper-1"}),
    Call("GET /audio/voice_consents", "audio.voice_consents.list"),
    Call(
        "POST /audio/voice_consents",
        "audio.voice_consents.create",
        {"language": "en", "name": "a voice", "recording": SOUND},
    ),
    Call("DELETE /audio/voice_consents/{consent_id}", "audio.voice_consents.delete"),
    Call("GET /audio/voice_consents/{consent_id}", "audio.voice_consents.retrieve"),
    Call("POST /audio/voice_consents/{consent_id}", "audio.voice_consents.update", {"name": "another voice"}),
    Call(
        "POST /audio/voices",
        "audio.voices.create",
        {"name": "a voice", "audio_sample": SOUND, "consent": "consent-1"},
    ),
    Call("GET /batches", "batches.list"),
    Call(
        "POST /batches",
        "batches.create",
        {"completion_window": "24h", "endpoint": "/v1/responses", "input_file_id": "file-1"},
    ),
    Call("GET /batches/{batch_id}", "batches.retrieve"),
    Call("POST /batches/{batch_id}/cancel", "batches.cancel"),
    Call("GET /chat/completions", "chat.completions.list"),
    Call("POST /chat/completions", "chat.completions.create", {"model": "gpt-4o-mini", "messages": MESSAGES}),
    Call("DELETE /chat/completions/{completion_id}", "chat.completions.delete"),
    Call("GET /chat/completions/{completion_id}", "chat.completions.retrieve"),
    Call("POST /chat/completions/{completion_id}", "chat.completions.update", {"metadata": METADATA}),
    Call("GET /chat/completions/{completion_id}/messages", "chat.completions.messages.list"),
    Call("POST /completions", "completions.create", {"model": "gpt-3.5-turbo-instruct", "prompt": "A colour:"}),
    Call("POST /embeddings", "embeddings.create", {"model": "text-embedding-3-small", "input": "A colour."}),
    Call("GET /files", "files.list"),
    Call("POST /files", "files.create", {"file": LINES, "purpose": "batch"}),
    Call("DELETE /files/{file_id}", "files.delete"),
    Call("GET /files/{file_id}", "files.retrieve"),
    Call("GET /files/{file_id}/content", "files.content", {}, "bytes"),
    Call(
        "POST /fine_tuning/alpha/graders/run",
        "fine_tuning.alpha.graders.run",
        {"grader": GRADER, "model_sample": "red"},
    ),
    Call("POST /fine_tuning/alpha/graders/validate", "fine_tuning.alpha.graders.validate", {"grader": GRADER}),
    Call(
        "GET /fine_tuning/checkpoints/{fine_tuned_model_checkpoint}/permissions",
        "fine_tuning.checkpoints.permissions.list",
    ),
    Call(
        "POST /fine_tuning/checkpoints/{fine_tuned_model_checkpoint}/permissions",
        "fine_tuning.checkpoints.permissions.create",
        {"project_ids": ["proj-1"]},
    ),
    Call(
        "DELETE /fine_tuning/checkpoints/{fine_tuned_model_checkpoint}/permissions/{permission_id}",
        "fine_tuning.checkpoints.permissions.delete",
    ),
    Call("GET /fine_tuning/jobs", "fine_tuning.jobs.list"),
    Call("POST /fine_tuning/jobs", "fine_tuning.jobs.create", {"model": "gpt-4o-mini", "training_file": "file-1"}),
    Call("GET /fine_tuning/jobs/{fine_tuning_job_id}", "fine_tuning.jobs.retrieve"),
    Call("POST /fine_tuning/jobs/{fine_tuning_job_id}/cancel", "fine_tuning.jobs.cancel"),
    Call("GET /fine_tuning/jobs/{fine_tuning_job_id}/checkpoints", "fine_tuning.jobs.checkpoints.list"),
    Call("GET /fine_tuning/jobs/{fine_tuning_job_id}/events", "fine_tuning.jobs.list_events"),
    Call("POST /fine_tuning/jobs/{fine_tuning_job_id}/pause", "fine_tuning.jobs.pause"),
    Call("POST /fine_tuning/jobs/{fine_tuning_job_id}/resume", "fine_tuning.jobs.resume"),
    Call(
        "POST /images/edits", "images.edit", {"image": [PICTURE, PICTURE], "mask": PICTURE, "prompt": "A colour."}
    ),
    Call("POST /images/generations", "images.generate", {"prompt": "A colour."}),
    Call("POST /images/variations", "images.create_variation", {"image": PICTURE}),
    Call("GET /models", "models.list"),
    Call("DELETE /models/{model}", "models.delete"),
    Call("GET /models/{model}", "models.retrieve"),
    Call("POST /moderations", "moderations.create", {"input": "A colour."}),
    Call("GET /organization/admin_api_keys", "admin.organization.admin_api_keys.list"),
    Call("POST /organization/admin_api_keys", "admin.organization.admin_api_keys.create", {"name": "a name"}),
    Call("DELETE /organization/admin_api_keys/{key_id}", "admin.organization.admin_api_keys.delete"),
    Call("GET /organization/admin_api_keys/{key_id}", "admin.organization.admin_api_keys.retrieve"),
    Call("GET /organization/audit_logs", "admin.organization.audit_logs.list"),
    Call("GET /organization/costs", "admin.organization.usage.costs", {"start_time": 1}),
    Call("GET /organization/invites", "admin.organization.invites.list"),
    Call(
        "POST /organization/invites",
        "admin.organization.invites.create",
        {"email": "somebody@example.com", "role": "reader"},
    ),
    Call("DELETE /organization/invites/{invite_id}", "admin.organization.invites.delete"),
    Call("GET /organization/invites/{invite_id}", "admin.organization.invites.retrieve"),
    Call("GET /organization/projects", "admin.organization.projects.list"),
    Call("POST /organization/projects", "admin.organization.projects.create", {"name": "a name"}),
    Call("GET /organization/projects/{project_id}", "admin.organization.projects.retrieve"),
    Call(
        "POST /organization/projects/{project_id}", "admin.organization.projects.update", {"name": "another name"}
    ),
    Call("GET /organization/projects/{project_id}/api_keys", "admin.organization.projects.api_keys.list"),
    Call(
        "DELETE /organization/projects/{project_id}/api_keys/{api_key_id}",
        "admin.organization.projects.api_keys.delete",
    ),
    Call(
        "GET /organization/projects/{project_id}/api_keys/{api_key_id}",
        "admin.organization.projects.api_keys.retrieve",
    ),
    Call("POST /organization/projects/{project_id}/archive", "admin.organization.projects.archive"),
    Call("GET /organization/projects/{project_id}/certificates", "admin.organization.projects.certificates.list"),
    Call(
        "POST /organization/projects/{project_id}/certificates/activate",
        "admin.organization.projects.certificates.activate",
        {"certificate_ids": ["cert-1"]},
    ),
    Call(
        "POST /organization/projects/{project_id}/certificates/deactivate",
        "admin.organization.projects.certificates.deactivate",
        {"certificate_ids": ["cert-1"]},
    ),
    Call(
        "GET /organization/projects/{project_id}/data_retention",
        "admin.organization.projects.data_retention.retrieve",
    ),
    Call(
        "POST /organization/projects/{project_id}/data_retention",
        "admin.organization.projects.data_retention.update",
        {"retention_type": "none"},
    ),
    Call("GET /organization/projects/{project_id}/groups", "admin.organization.projects.groups.list"),
    Call(
        "POST /organization/projects/{project_id}/groups",
        "admin.organization.projects.groups.create",
        {"group_id": "group-1", "role": "role-1"},
    ),
    Call(
        "DELETE /organization/projects/{project_id}/groups/{group_id}", "admin.organization.projects.groups.delete"
    ),
    Call(
        "GET /organization/projects/{project_id}/groups/{group_id}", "admin.organization.projects.groups.retrieve"
    ),
    Call(
        "GET /organization/projects/{project_id}/hosted_tool_permissions",
        "admin.organization.projects.hosted_tool_permissions.retrieve",
    ),
    Call(
        "POST /organization/projects/{project_id}/hosted_tool_permissions",
        "admin.organization.projects.hosted_tool_permissions.update",
        {"web_search": {"enabled": True}},
    ),
    Call(
        "DELETE /organization/projects/{project_id}/model_permissions",
        "admin.organization.projects.model_permissions.delete",
    ),
    Call(
        "GET /organization/projects/{project_id}/model_permissions",
        "admin.organization.projects.model_permissions.retrieve",
    ),
    Call(
        "POST /organization/projects/{project_id}/model_permissions",
        "admin.organization.projects.model_permissions.update",
        {"mode": "allow_list", "model_ids": ["gpt-4o-mini"]},
    ),
    Call(
        "GET /organization/projects/{project_id}/rate_limits",
        "admin.organization.projects.rate_limits.list_rate_limits",
    ),
    Call(
        "POST /organization/projects/{project_id}/rate_limits/{rate_limit_id}",
        "admin.organization.projects.rate_limits.update_rate_limit",
        {"max_requests_per_1_minute": 500},
    ),
    Call(
        "GET /organization/projects/{project_id}/service_accounts",
        "admin.organization.projects.service_accounts.list",
    ),
    Call(
        "POST /organization/projects/{project_id}/service_accounts",
        "admin.organization.projects.service_accounts.create",
        {"name": "a name"},
    ),
    Call(
        "DELETE /organization/projects/{project_id}/service_accounts/{service_account_id}",
        "admin.organization.projects.service_accounts.delete",
    ),
    Call(
        "GET /organization/projects/{project_id}/service_accounts/{service_account_id}",
        "admin.organization.projects.service_accounts.retrieve",
    ),
    Call(
        "POST /organization/projects/{project_id}/service_accounts/{service_account_id}",
        "admin.organization.projects.service_accounts.update",
        {"name": "another name"},
    ),
    Call(
        "POST /organization/projects/{project_id}/service_accounts/{service_account_id}/api_keys",
        "admin.organization.projects.service_accounts.api_keys.create",
    ),
    Call("GET /organization/projects/{project_id}/spend_alerts", "admin.organization.projects.spend_alerts.list"),
    Call(
        "POST /organization/projects/{project_id}/spend_alerts",
        "admin.organization.projects.spend_alerts.create",
        SPENDING | {"notification_channel": CHANNEL},
    ),
    Call(
        "DELETE /organization/projects/{project_id}/spend_alerts/{alert_id}",
        "admin.organization.projects.spend_alerts.delete",
    ),
    Call(
        "GET /organization/projects/{project_id}/spend_alerts/{alert_id}",
        "admin.organization.projects.spend_alerts.retrieve",
    ),
    Call(
        "POST /organization/projects/{project_id}/spend_alerts/{alert_id}",
        "admin.organization.projects.spend_alerts.update",
        SPENDING | {"notification_channel": CHANNEL},
    ),
    Call(
        "DELETE /organization/projects/{project_id}/spend_limit", "admin.organization.projects.spend_limit.delete"
    ),
    Call(
        "GET /organization/projects/{project_id}/spend_limit", "admin.organization.projects.spend_limit.retrieve"
    ),
    Call(
        "POST /organization/projects/{project_id}/spend_limit",
        "admin.organization.projects.spend_limit.update",
        SPENDING,
    ),
    Call("GET /organization/projects/{project_id}/users", "admin.organization.projects.users.list"),
    Call(
        "POST /organization/projects/{project_id}/users",
        "admin.organization.projects.users.create",
        {"user_id": "user-1", "role": "member"},
    ),
    Call("DELETE /organization/projects/{project_id}/users/{user_id}", "admin.organization.projects.users.delete"),
    Call("GET /organization/projects/{project_id}/users/{user_id}", "admin.organization.projects.users.retrieve"),
    Call(
        "POST /organization/projects/{project_id}/users/{user_id}",
        "admin.organization.projects.users.update",
        {"role": "member"},
    ),
    Call("GET /organization/usage/audio_speeches", "admin.organization.usage.audio_speeches", {"start_time": 1}),
    Call(
        "GET /organization/usage/audio_transcriptions",
        "admin.organization.usage.audio_transcriptions",
        {"start_time": 1},
    ),
    Call(
        "GET /organization/usage/code_interpreter_sessions",
        "admin.organization.usage.code_interpreter_sessions",
        {"start_time": 1},
    ),
    Call("GET /organization/usage/completions", "admin.organization.usage.completions", {"start_time": 1}),
    Call("GET /organization/usage/embeddings", "admin.organization.usage.embeddings", {"start_time": 1}),
    Call(
        "GET /organization/usage/file_search_calls",
        "admin.organization.usage.file_search_calls",
        {"start_time": 1},
    ),
    Call("GET /organization/usage/images", "admin.organization.usage.images", {"start_time": 1}),
    Call("GET /organization/usage/moderations", "admin.organization.usage.moderations", {"start_time": 1}),
    Call("GET /organization/usage/vector_stores", "admin.organization.usage.vector_stores", {"start_time": 1}),
    Call(
        "GET /organization/usage/web_search_calls", "admin.organization.usage.web_search_calls", {"start_time": 1}
    ),
    Call("GET /organization/users", "admin.organization.users.list"),
    Call("DELETE /organization/users/{user_id}", "admin.organization.users.delete"),
    Call("GET /organization/users/{user_id}", "admin.organization.users.retrieve"),
    Call("POST /organization/users/{user_id}", "admin.organization.users.update", {"role": "reader"}),
    Call("GET /organization/users/{user_id}/roles", "admin.organization.users.roles.list"),
    Call(
        "POST /organization/users/{user_id}/roles", "admin.organization.users.roles.create", {"role_id": "role-1"}
    ),
    Call("DELETE /organization/users/{user_id}/roles/{role_id}", "admin.organization.users.roles.delete"),
    Call("GET /organization/users/{user_id}/roles/{role_id}", "admin.organization.users.roles.retrieve"),
    Call("POST /responses", "responses.create", {"model": "gpt-4o-mini", "input": "A colour?"}),
    Call("POST /responses/compact", "responses.compact", {"model": "gpt-4o-mini", "input": "A colour?"}),
    Call(
        "POST /responses/compact?beta=true",
        "beta.responses.compact",
        {"model": "gpt-4o-mini", "input": "A colour?"},
    ),
    Call(
        "POST /responses/input_tokens",
        "responses.input_tokens.count",
        {"model": "gpt-4o-mini", "input": "A colour?"},
    ),
    Call(
        "POST /responses/input_tokens?beta=true",
        "beta.responses.input_tokens.count",
        {"model": "gpt-4o-mini", "input": "A colour?"},
    ),
    Call("DELETE /responses/{response_id}", "responses.delete"),
    Call("GET /responses/{response_id}", "responses.retrieve"),
    Call("POST /responses/{response_id}/cancel", "responses.cancel"),
    Call("POST /responses/{response_id}/cancel?beta=true", "beta.responses.cancel"),
    Call("GET /responses/{response_id}/input_items", "responses.input_items.list"),
    Call("GET /responses/{response_id}/input_items?beta=true", "beta.responses.input_items.list"),
    Call("DELETE /responses/{response_id}?beta=true", "beta.responses.delete"),
    Call("GET /responses/{response_id}?beta=true", "beta.responses.retrieve"),
    Call("POST /responses?beta=true", "beta.responses.create", {"model": "gpt-4o-mini", "input": "A colour?"}),
    Call("POST /threads", "beta.threads.create", {"messages": MESSAGES}),
    Call("POST /threads/runs", "beta.threads.create_and_run", {"assistant_id": "asst-1"}),
    Call("DELETE /threads/{thread_id}", "beta.threads.delete"),
    Call("GET /threads/{thread_id}", "beta.threads.retrieve"),
    Call("POST /threads/{thread_id}", "beta.threads.update", {"metadata": METADATA}),
    Call("GET /threads/{thread_id}/messages", "beta.threads.messages.list"),
    Call(
        "POST /threads/{thread_id}/messages",
        "beta.threads.messages.create",
        {"role": "user", "content": "A colour?"},
    ),
    Call("DELETE /threads/{thread_id}/messages/{message_id}", "beta.threads.messages.delete"),
    Call("GET /threads/{thread_id}/messages/{message_id}", "beta.threads.messages.retrieve"),
    Call(
        "POST /threads/{thread_id}/messages/{message_id}", "beta.threads.messages.update", {"metadata": METADATA}
    ),
    Call("GET /threads/{thread_id}/runs", "beta.threads.runs.list"),
    Call("POST /threads/{thread_id}/runs", "beta.threads.runs.create", {"assistant_id": "asst-1"}),
    Call("GET /threads/{thread_id}/runs/{run_id}", "beta.threads.runs.retrieve"),
    Call("POST /threads/{thread_id}/runs/{run_id}", "beta.threads.runs.update", {"metadata": METADATA}),
    Call("POST /threads/{thread_id}/runs/{run_id}/cancel", "beta.threads.runs.cancel"),
    Call("GET /threads/{thread_id}/runs/{run_id}/steps", "beta.threads.runs.steps.list"),
    Call("GET /threads/{thread_id}/runs/{run_id}/steps/{step_id}", "beta.threads.runs.steps.retrieve"),
    Call(
        "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
        "beta.threads.runs.submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": "call-1", "output": "red"}]},
    ),
    Call(
        "POST /uploads",
        "uploads.create",
        {"bytes": 20, "filename": "lines.jsonl", "mime_type": "text/jsonl", "purpose": "batch"},
    ),
    Call("POST /uploads/{upload_id}/cancel", "uploads.cancel"),
    Call("POST /uploads/{upload_id}/complete", "uploads.complete", {"part_ids": ["part-1"]}),
    Call("POST /uploads/{upload_id}/parts", "uploads.parts.create", {"data": LINES}),
    Call("GET /vector_stores", "vector_stores.list"),
    Call("POST /vector_stores", "vector_stores.create", {"name": "a name"}),
    Call("DELETE /vector_stores/{vector_store_id}", "vector_stores.delete"),
    Call("GET /vector_stores/{vector_store_id}", "vector_stores.retrieve"),
    Call("POST /vector_stores/{vector_store_id}", "vector_stores.update", {"name": "another name"}),
    Call(
        "POST /vector_stores/{vector_store_id}/file_batches",
        "vector_stores.file_batches.create",
        {"file_ids": ["file-1"]},
    ),
    Call("GET /vector_stores/{vector_store_id}/file_batches/{batch_id}", "vector_stores.file_batches.retrieve"),
    Call(
        "POST /vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel", "vector_stores.file_batches.cancel"
    ),
    Call(
        "GET /vector_stores/{vector_store_id}/file_batches/{batch_id}/files",
        "vector_stores.file_batches.list_files",
    ),
    Call("GET /vector_stores/{vector_store_id}/files", "vector_stores.files.list"),
    Call("POST /vector_stores/{vector_store_id}/files", "vector_stores.files.create", {"file_id": "file-1"}),
    Call("DELETE /vector_stores/{vector_store_id}/files/{file_id}", "vector_stores.files.delete"),
    Call("GET /vector_stores/{vector_store_id}/files/{file_id}", "vector_stores.files.retrieve"),
    Call(
        "POST /vector_stores/{vector_store_id}/files/{file_id}",
        "vector_stores.files.update",
        {"attributes": {"a": "b"}},
    ),
    Call("GET /vector_stores/{vector_store_id}/files/{file_id}/content", "vector_stores.files.content"),
    Call("POST /vector_stores/{vector_store_id}/search", "vector_stores.search", {"query": "A colour?"}),
]

CHUNK = {"id": "chat-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
TEXT = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-3.5-turbo-instruct"}
RESPONSE = {
    "id": "resp-1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-4o-mini",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
PART = {"item_id": "msg-1", "output_index": 0, "content_index": 0, "logprobs": []}
THREAD = {"id": "thread-1", "object": "thread", "created_at": 1, "metadata": {}}
RUN = {"id": "run-1", "object": "thread.run", "created_at": 1, "assistant_id": "asst-1", "thread_id": "thread-1"}
MESSAGE = {"id": "msg-1", "object": "thread.message.delta"}
USAGE = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
IMAGE = {
    "b64_json": "iVBORw0KGgo=",
    "created_at": 1,
    "size": "1024x1024",
    "quality": "low",
    "background": "opaque",
}
IMAGE_USAGE = {**USAGE, "input_tokens_details": {"image_tokens": 1, "text_tokens": 2}}


def _choice(finish: str | None = None, **said: Any) -> list[dict[str, Any]]:
    return [{"index": 0, "finish_reason": finish, **said}]


def _run_events(*before: dict[str, Any]) -> list[dict[str, Any] | str]:
    def said(text: str) -> dict[str, Any]:
        return {"content": [{"index": 0, "type": "text", "text": {"value": text, "annotations": []}}]}

    return [
        *before,
        {"event": "thread.run.created", "data": {**RUN, "status": "queued"}},
        {"event": "thread.run.in_progress", "data": {**RUN, "status": "in_progress"}},
        {"event": "thread.message.delta", "data": {**MESSAGE, "delta": said("Re")}},
        {"event": "thread.message.delta", "data": {**MESSAGE, "delta": said("d")}},
        {"event": "thread.run.completed", "data": {**RUN, "status": "completed"}},
        "[DONE]",
    ]


STREAMS = [
    Stream(
        Call("POST /chat/completions", "chat.completions.create", {"model": "gpt-4o-mini", "messages": MESSAGES}),
        [
            {**CHUNK, "choices": _choice(delta={"role": "assistant", "content": "Re"})},
            {**CHUNK, "choices": _choice(delta={"content": "d"})},
            {**CHUNK, "choices": _choice("stop", delta={})},
            "[DONE]",
        ],
    ),
    Stream(
        Call(
            "POST /completions", "completions.create", {"model": "gpt-3.5-turbo-instruct", "prompt": "A colour:"}
        ),
        [
            {**TEXT, "choices": _choice(text=" re")},
            {**TEXT, "choices": _choice("stop", text="d")},
            "[DONE]",
        ],
    ),
    Stream(
        Call("POST /responses", "responses.create", {"model": "gpt-4o-mini", "input": "A colour?"}),
        [
            {"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}},
            {"type": "response.output_text.delta", **PART, "delta": "Re"},
            {"type": "response.output_text.delta", **PART, "delta": "d"},
            {"type": "response.completed", "response": {**RESPONSE, "status": "completed"}},
        ],
    ),
    Stream(
        Call("POST /responses?beta=true", "beta.responses.create", {"model": "gpt-4o-mini", "input": "A colour?"}),
        [
            {"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}},
            {"type": "response.output_text.delta", **PART, "delta": "Red"},
            {"type": "response.completed", "response": {**RESPONSE, "status": "completed"}},
        ],
    ),
    Stream(
        Call("GET /responses/{response_id}", "responses.retrieve"),
        [
            {"type": "response.output_text.delta", **PART, "delta": "Red"},
            {"type": "response.completed", "response": {**RESPONSE, "status": "completed"}},
        ],
    ),
    Stream(
        Call("POST /threads/runs", "beta.threads.create_and_run", {"assistant_id": "asst-1"}),
        _run_events({"event": "thread.created", "data": THREAD}),
    ),
    Stream(
        Call("POST /threads/{thread_id}/runs", "beta.threads.runs.create", {"assistant_id": "asst-1"}),
        _run_events(),
    ),
    Stream(
        Call(
            "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
            "beta.threads.runs.submit_tool_outputs",
            {"tool_outputs": [{"tool_call_id": "call-1", "output": "red"}]},
        ),
        _run_events(),
    ),
    Stream(
        Call(
            "POST /audio/transcriptions",
            "audio.transcriptions.create",
            {"file": SOUND, "model": "gpt-4o-transcribe"},
        ),
        [
            {"type": "transcript.text.delta", "delta": "Re"},
            {"type": "transcript.text.delta", "delta": "d"},
            {"type": "transcript.text.done", "text": "Red", "usage": {"type": "tokens", **USAGE}},
        ],
    ),
    Stream(
        Call(
            "POST /audio/speech",
            "audio.speech.create",
            {"input": "A colour.", "model": "gpt-4o-mini-tts", "voice": "alloy", "stream_format": "sse"},
            "bytes",
        ),
        [
            {"type": "speech.audio.delta", "audio": "SUQz"},
            {"type": "speech.audio.delta", "audio": "BAAA"},
            {"type": "speech.audio.done", "usage": USAGE},
        ],
    ),
    Stream(
        Call("POST /images/generations", "images.generate", {"prompt": "A colour.", "model": "gpt-image-1"}),
        [
            {"type": "image_generation.partial_image", **IMAGE, "output_format": "png", "partial_image_index": 0},
            {"type": "image_generation.completed", **IMAGE, "output_format": "png", "usage": IMAGE_USAGE},
        ],
    ),
    Stream(
        Call(
            "POST /images/edits", "images.edit", {"image": PICTURE, "prompt": "A colour.", "model": "gpt-image-1"}
        ),
        [
            {"type": "image_edit.partial_image", **IMAGE, "output_format": "png", "partial_image_index": 0},
            {"type": "image_edit.completed", **IMAGE, "output_format": "png", "usage": IMAGE_USAGE},
        ],
    ),
]

# By the beginning of the path. These came to the client after the API reference that the table follows.
BEYOND = (
    "/agents",
    "/chatkit",
    "/containers",
    "/content_provenance_checks",
    "/conversations",
    "/decisions",
    "/evals",
    "/live",
    "/organization/certificates",
    "/organization/data_retention",
    "/organization/external_keys",
    "/organization/external_storage",
    "/organization/groups",
    "/organization/roles",
    "/organization/spend_",
    "/organization/workload_identity_providers",
    "/projects",
    "/realtime",
    "/safety",
    "/skills",
    "/vaults",
    "/videos",
    "/webhook_",
)

# The client has them, and the API's description has not: the server that reads it knows no such path or method.
UNDESCRIBED = {
    "POST /organization/projects/{project_id}/api_keys/{api_key_id}",
    "DELETE /audio/voices/{voice_id}",
    "GET /organization/projects/{project_id}/service_tier_settings",
    "POST /organization/projects/{project_id}/service_tier_settings",
    "GET /organization/usage/decisions",
}
