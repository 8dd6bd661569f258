"""What another recorder's filters left out of a request is unknown, and not absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replaycache import Recording, Redact, foreign

MESSAGES = "https://api.anthropic.com/v1/messages"
CHAT = "https://api.openai.com/v1/chat/completions"
SENT = {
    "accept": "application/json",
    "accept-encoding": "gzip",
    "connection": "keep-alive",
    "content-type": "application/json",
    "host": "h",
}
ALL = {"anthropic-beta": "a-2025-01-01", "anthropic-version": "2023-06-01", "user-agent": "x/1", **SENT}


def _vcrpy(*requests: dict[str, Any]) -> str:
    interactions = [
        {
            "request": {
                "method": request.get("method", "POST"),
                "uri": request.get("uri", MESSAGES),
                "body": request.get("body", "{}"),
                "headers": {name: [value] for name, value in request["headers"].items()},
            },
            "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "{}"}},
        }
        for request in requests
    ]
    return json.dumps({"interactions": interactions, "version": 1})


def _read(tmp_path: Path, text: str, name: str = "a.json", **options: Any) -> list[Recording]:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return foreign.read(path, **options)


def _unknown(tmp_path: Path, *requests: dict[str, Any]) -> list[tuple[str, ...]]:
    return [item.request.unknown for item in _read(tmp_path, _vcrpy(*requests))]


@pytest.mark.parametrize(
    "text",
    [
        "**REDACTED**",
        "DUMMY",
        "fake",
        "REDACTED",
        "<ANTHROPIC_VERSION>",
        "[FILTERED]",
        "XXXXXX",
        "***",
        "",
        "dummy-value",
        "fake_key",
        "{{ version }}",
        "__SCRUBBED__",
        "%VERSION%",
        "PLACEHOLDER",
        "filtered",
        "my dummy value",
    ],
)
def test_a_placeholder_is_no_value(tmp_path: Path, text: str) -> None:
    (found,) = _read(tmp_path, _vcrpy({"headers": {**ALL, "anthropic-version": text}}))

    assert found.request.unknown == ("anthropic-version",)
    assert found.request.header("anthropic-version") is None
    assert found.request.header("anthropic-beta") == "a-2025-01-01"


def test_what_stands_for_a_credential_stands_for_other_values_too(tmp_path: Path) -> None:
    headers = {**ALL, "x-api-key": "sesame", "authorization": "Bearer sesame", "anthropic-beta": "sesame"}

    assert _unknown(tmp_path, {"headers": headers}) == [("anthropic-beta",)]


@pytest.mark.parametrize(
    "headers",
    [
        ALL,
        {**ALL, "anthropic-beta": "hidden-thoughts-2026-02-12"},
        {**ALL, "anthropic-beta": "fakery-2025-01-01,max-tokens-3-5-sonnet-2024-07-15"},
        {
            **ALL,
            "openai-beta": "assistants=v2",
            "range": "bytes=0-99",
            "accept-language": "en-US,en;q=0.9, *;q=0.5",
        },
        {**ALL, "groq-model-version": "latest", "accepts": "text/event-stream", "x-amzn-bedrock-trace": "ENABLED"},
        {**ALL, "x-amzn-bedrock-guardrailversion": "DRAFT", "x-amzn-bedrock-guardrailidentifier": "ab1c2d3e4f5g"},
    ],
)
def test_values_are_values(tmp_path: Path, headers: dict[str, str]) -> None:
    (found,) = _read(tmp_path, _vcrpy({"headers": headers}))

    assert found.request.unknown == ()
    assert set(found.request.headers) >= {item for item in headers.items() if "-beta" in item[0]}


def test_a_redacted_content_type_is_unknown_and_the_credentials_in_the_body_are_replaced(tmp_path: Path) -> None:
    headers = dict.fromkeys(ALL, "**REDACTED**")
    (found,) = _read(tmp_path, _vcrpy({"headers": headers, "body": '{"api_key": "sesame", "n": 1}'}))

    assert found.request.unknown == ("anthropic-beta", "anthropic-version", "content-type")
    assert found.request.headers == ()
    assert found.request.json() == {"api_key": "REDACTED", "n": 1}


def test_where_the_recorder_left_all_headers_out_all_are_unknown(tmp_path: Path) -> None:
    of_messages, of_chat = _unknown(tmp_path, {"headers": {}}, {"headers": {}, "uri": CHAT})

    assert of_messages == ("accept-language", "anthropic-beta", "anthropic-version", "content-type", "range")
    assert of_chat == ("accept-language", "content-type", "openai-beta", "range")


def test_and_all_but_a_few(tmp_path: Path) -> None:
    headers = {"content-type": "application/json"}

    assert _unknown(tmp_path, {"headers": headers}) == [
        ("accept-language", "anthropic-beta", "anthropic-version", "range")
    ]


def test_where_but_the_user_agent_is_gone_those_of_the_api_are_unknown(tmp_path: Path) -> None:
    assert _unknown(tmp_path, {"headers": SENT}) == [("anthropic-beta", "anthropic-version")]
    assert _unknown(tmp_path, {"headers": SENT, "uri": "https://api.mistral.ai/v1/fim/completions"}) == [()]


def test_what_one_request_of_the_file_has_is_absent_in_the_others(tmp_path: Path) -> None:
    with_version = {**SENT, "anthropic-version": "2023-06-01"}

    assert _unknown(tmp_path, {"headers": SENT}, {"headers": with_version}) == [(), ()]
    # by its name: a placeholder stands where the header stood
    redacted = {**SENT, "anthropic-version": "**REDACTED**"}
    assert _unknown(tmp_path, {"headers": SENT}, {"headers": redacted}) == [(), ("anthropic-version",)]


def test_with_its_user_agent_nothing_was_left_out(tmp_path: Path) -> None:
    requests = [{"headers": {"user-agent": "x/1"}}, {"headers": {**SENT, "user-agent": "REDACTED"}}]

    assert _unknown(tmp_path, *requests) == [(), ()]


def test_go_adds_its_headers_behind_its_recorder(tmp_path: Path) -> None:
    text = (
        "version: 2\ninteractions:\n- request: {body: '{}', headers: {}, url: 'https://a.example/v1/messages', "
        "method: POST}\n  response: {body: '{}', headers: {}, status: 200 OK, code: 200}\n"
    )

    assert [item.request.unknown for item in _read(tmp_path, text, "a.yaml")] == [()]


def test_a_host_or_a_url_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    redacted = dict.fromkeys(ALL, "**REDACTED**") | {"content-type": "application/json"}
    named = ("anthropic-beta", "anthropic-version")

    assert _unknown(
        tmp_path,
        {"headers": redacted, "uri": "**REDACTED**"},
        {"headers": redacted, "uri": "/v1/messages"},
        {"headers": {**redacted, "host": "api.anthropic.com"}, "uri": "/v1/messages"},
        {"headers": redacted, "uri": "**REDACTED**", "method": "GET", "body": None},
    ) == [(*named, "url"), (*named, "host"), named, named]


def test_a_header_that_the_user_names_may_be_redacted_too(tmp_path: Path) -> None:
    text = _vcrpy({"headers": {**ALL, "x-tenant": "**REDACTED**"}})

    (found,) = _read(tmp_path, text, redact=Redact(request_headers=["x-tenant"]))

    assert found.request.unknown == ("x-tenant",)


def test_to_be_played_it_stays_as_it_is(tmp_path: Path) -> None:
    (found,) = _read(tmp_path, _vcrpy({"headers": {"anthropic-version": "**REDACTED**"}}), to_play=True)

    assert found.request.unknown == ()
    assert found.request.headers == (("anthropic-version", "**REDACTED**"),)
