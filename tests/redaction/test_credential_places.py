"""The places where APIs document that a credential stands, in whole bodies as their documentation shows them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from replaycache.dialects.dialect import CredentialPlace
from replaycache.dialects.registry import DIALECTS
from replaycache.redaction.redactor import Redactor

from .bodies import body_at

SECRET = "hunter2"
KEPT = "kept"


def mcp(**members: Any) -> list[dict[str, Any]]:
    return [{"type": "mcp", "server_label": KEPT, **members}]


_SECRET_OF_A_DOMAIN = {
    "type": "allowlist",
    "allowed_domains": [KEPT],
    "domain_secrets": [{"domain": KEPT, "name": KEPT, "value": SECRET}],
}
_OAUTH = {
    "type": "mcp_oauth",
    "mcp_server_url": KEPT,
    "access_token": SECRET,
    "refresh": {
        "client_id": KEPT,
        "refresh_token": SECRET,
        "token_endpoint": KEPT,
        "token_endpoint_auth": {"type": "client_secret_post", "client_secret": SECRET},
    },
}

BODIES: dict[str, Any] = {
    "responses: an MCP server": {"input": KEPT, "tools": mcp(authorization=SECRET, headers={"X-Key": SECRET})},
    "responses: an event": {
        "type": "response.created",
        "response": {"id": KEPT, "tools": mcp(authorization=SECRET)},
    },
    "responses: tools that come later": {
        "input": [
            {"type": "message", "content": KEPT},
            {"type": "additional_tools", "tools": mcp(headers={"a": SECRET})},
            {"type": "tool_search_output", "tools": mcp(authorization=SECRET)},
        ]
    },
    "conversations": {"items": [{"type": "additional_tools", "tools": mcp(authorization=SECRET)}]},
    "responses: a shell": {
        "tools": [
            {"type": "shell", "environment": {"type": "container_auto", "network_policy": _SECRET_OF_A_DOMAIN}}
        ]
    },
    "responses: an interpreter": {
        "tools": [
            {"type": "code_interpreter", "container": {"type": "auto", "network_policy": _SECRET_OF_A_DOMAIN}}
        ]
    },
    "containers": {"name": KEPT, "network_policy": _SECRET_OF_A_DOMAIN},
    "realtime: a call": {"sdp": KEPT, "session": {"type": KEPT, "tools": mcp(headers={"a": SECRET})}},
    "live": {"session": {"delegation": {"responses": {"tools": mcp(authorization=SECRET)}}}},
    "evals": {"data_source": {"type": KEPT, "sampling_params": {"tools": mcp(authorization=SECRET)}}},
    "agents: a session": {
        "input": KEPT,
        "agent": {
            "tools": [
                {"type": "mcp", "transport": {"type": "http", "authorization": SECRET, "headers": {"a": SECRET}}},
                {"type": "mcp", "transport": {"type": "stdio", "command": KEPT, "env": {"GITHUB_TOKEN": SECRET}}},
            ]
        },
    },
    "agents: an automation": {
        "target": {"agent": {"tools": [{"type": "mcp", "transport": {"type": "http", "authorization": SECRET}}]}}
    },
    "vaults: a token": {"name": KEPT, "auth": {"type": "static_bearer", "mcp_server_url": KEPT, "token": SECRET}},
    "vaults: OAuth": {"display_name": KEPT, "auth": _OAUTH},
    "vaults: a variable": {
        "auth": {"type": "environment_variable", "secret_name": KEPT, "secret_value": SECRET, "networking": {}}
    },
    "openai: a workload's identity": {
        "grant_type": KEPT,
        "subject_token_type": KEPT,
        "subject_token": SECRET,
        "service_account_id": KEPT,
    },
    "realtime: an older session": {"id": KEPT, "client_secret": {"value": SECRET, "expires_at": 1756310470}},
    "realtime: an event": {"session": {"id": KEPT, "client_secret": {"value": SECRET, "expires_at": 1756310470}}},
    "chatkit: a session": {"id": KEPT, "object": "chatkit.session", "client_secret": SECRET},
    "openai: a service account": {"id": KEPT, "api_key": {"id": KEPT, "name": KEPT, "value": SECRET}},
    "openai: a webhook": {"id": KEPT, "object": "webhook_endpoint", "signing_secret": SECRET},
    "anthropic: a workload's identity": {"grant_type": KEPT, "assertion": SECRET, "federation_rule_id": KEPT},
    "anthropic: MCP servers": {"mcp_servers": [{"type": "url", "name": KEPT, "authorization_token": SECRET}]},
    "anthropic: a batch": {
        "requests": [
            {"custom_id": KEPT, "params": {"model": KEPT, "mcp_servers": [{"authorization_token": SECRET}]}}
        ]
    },
    "anthropic: a session's resources": {
        "agent": KEPT,
        "resources": [
            {"type": "github_repository", "url": KEPT, "authorization_token": SECRET},
            {"type": "file", "file_id": KEPT},
        ],
    },
    "anthropic: a resource": {"type": "github_repository", "url": KEPT, "authorization_token": SECRET},
    "anthropic: a worker's work": {"id": KEPT, "type": "work", "secret": SECRET, "metadata": {"secret": KEPT}},
    "anthropic: a tunnel": {"id": KEPT, "type": "tunnel_token", "tunnel_token": SECRET},
    "gemini: an MCP server": {
        "contents": [],
        "tools": [{"mcpServers": [{"name": KEPT, "streamableHttpTransport": {"headers": {"a": SECRET}}}]}],
    },
    "gemini: interactions": {
        "input": KEPT,
        "tools": [
            {"type": "mcp_server", "name": KEPT, "headers": {"authorization": SECRET}},
            {"type": "retrieval", "exa_ai_search_config": {"api_key": SECRET}},
            {"type": "retrieval", "parallel_ai_search_config": {"api_key": SECRET}},
        ],
    },
    "vertex: tools": {
        "tools": [
            {"googleMaps": {"authConfig": {"authType": KEPT, "apiKeyConfig": {"apiKeyString": SECRET}}}},
            {"exaAiSearch": {"apiKey": SECRET}},
            {"parallelAiSearch": {"apiKey": SECRET}},
            {
                "retrieval": {
                    "externalApi": {
                        "endpoint": KEPT,
                        "apiAuth": {"apiKeyConfig": {"apiKeyString": SECRET}},
                        "authConfig": {"oauthConfig": {"accessToken": SECRET}, "oidcConfig": {"idToken": SECRET}},
                    }
                }
            },
        ]
    },
    "mistral: a connector": {
        "messages": [],
        "tools": [
            {
                "type": "connector",
                "connector_id": KEPT,
                "authorization": {"type": "oauth2-token", "value": SECRET},
            }
        ],
    },
    "mistral: credentials": {
        "name": KEPT,
        "credentials": {
            "bearer_token": SECRET,
            "headers": {"a": SECRET},
            "oauth": {"client_id": KEPT, "client_secret": SECRET, "client_private_key": SECRET},
        },
    },
    "mistral: a session": {"id": KEPT, "participant_token": SECRET, "server_url": KEPT},
    "cohere: connectors": {"message": KEPT, "connectors": [{"id": KEPT, "user_access_token": SECRET}]},
    "cohere: a connector": {
        "name": KEPT,
        "oauth": {"client_id": KEPT, "client_secret": SECRET},
        "service_auth": {"type": "bearer", "token": SECRET},
    },
    "cohere: tuning": {"name": KEPT, "settings": {"wandb": {"project": KEPT, "api_key": SECRET}}},
    "azure: data": {
        "data_sources": [
            {
                "type": KEPT,
                "parameters": {
                    "authentication": {"type": KEPT, "connection_string": SECRET},
                    "embedding_dependency": {"authentication": {"type": KEPT, "access_token": SECRET}},
                },
            }
        ]
    },
    "azure: agents": {"tool_resources": {"mcp": [{"server_label": KEPT, "headers": {"Authorization": SECRET}}]}},
    "litellm": {
        "model": KEPT,
        "aws_secret_access_key": SECRET,
        "aws_session_token": SECRET,
        "user_config": {
            "model_list": [{"model_name": KEPT, "litellm_params": {"model": KEPT, "api_key": SECRET}}]
        },
    },
}

URLS: dict[str, Any] = {
    "responses": {"tools": mcp(server_url="https://mcp.example/sse?api_key=hunter2&region=kept")},
    "realtime": {"session": {"tools": mcp(server_url="https://mcp.example/sse?api_key=hunter2&region=kept")}},
    "agents": {
        "agent": {
            "tools": [
                {
                    "type": "mcp",
                    "transport": {"server_url": "https://mcp.example/sse?api_key=hunter2&region=kept"},
                }
            ]
        }
    },
    "a batch": {
        "requests": [{"params": {"mcp_servers": [{"url": "https://mcp.example/sse?api_key=hunter2&region=kept"}]}}]
    },
}


def texts(value: Any) -> list[str]:
    """The texts in a body, in order, without names."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("name", BODIES)
def test_what_stands_where_a_credential_is_documented_is_replaced_and_nothing_else(name: str) -> None:
    body = json.loads(json.dumps(BODIES[name]))
    as_text = json.dumps(body).encode()

    assert Redactor().json(body)

    for before, after in zip(texts(BODIES[name]), texts(body), strict=True):
        assert after.startswith("REDACTED") if before == SECRET else after == before
    assert json.loads(Redactor().json_text(as_text)) == body


@pytest.mark.parametrize("name", URLS)
def test_a_url_loses_the_credential_in_it_and_nothing_else(name: str) -> None:
    body = json.loads(json.dumps(URLS[name]))

    assert Redactor().json(body)

    (url,) = [text for text in texts(body) if text.startswith("https:")]
    assert SECRET not in url
    assert "region=kept" in url


@pytest.mark.parametrize("row", sorted({row for dialect in DIALECTS for row in dialect.credentials}))
def test_every_row_has_a_source_and_replaces(row: CredentialPlace) -> None:
    body = body_at(row.path, f"https://mcp.example/?api_key={SECRET}" if row.is_url else SECRET)
    as_text = json.dumps(body).encode()

    assert Redactor().json(body)

    assert SECRET not in json.dumps(body)
    assert SECRET.encode() not in Redactor().json_text(as_text)
    assert row.source.startswith("https://")
