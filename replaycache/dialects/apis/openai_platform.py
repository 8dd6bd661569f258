"""What stands around OpenAI's responses: agents and their vaults, realtime sessions, evals, logins, keys."""

from __future__ import annotations

from ..dialect import CredentialPlace, Dialect
from .openai_chat import REFERENCE
from .openai_responses import credentials_of_tools

_AGENTS = "https://developers.openai.com/api/docs/guides/agents-api/tools/mcp"
_VAULTS = "https://developers.openai.com/api/docs/guides/agents-api/tools/vaults"
_REALTIME = f"{REFERENCE}/realtime-sessions"

DIALECT = Dialect(
    name="openai platform",
    provider="openai",
    credentials=(
        *credentials_of_tools("session.tools"),
        *credentials_of_tools("session.delegation.responses.tools"),
        *credentials_of_tools("data_source.sampling_params.tools"),
        # what a session is given for its MCP servers; what an agent keeps is documented as no secret
        *(
            CredentialPlace(f"{agent}.tools[type=mcp].transport.{member}", _AGENTS, chooses_data=True)
            for agent in ("agent", "target.agent")
            for member in ("authorization", "env.*", "headers.*")
        ),
        *(
            CredentialPlace(
                f"{agent}.tools[type=mcp].transport.server_url", _AGENTS, chooses_data=True, is_url=True
            )
            for agent in ("agent", "target.agent")
        ),
        *(
            CredentialPlace(f"auth.{member}", _VAULTS, chooses_data=True)
            for member in (
                "access_token",
                "refresh.refresh_token",
                "refresh.token_endpoint_auth.client_secret",
                "secret_value",
                "token",
            )
        ),
        CredentialPlace(
            "subject_token", "https://developers.openai.com/api/reference/workload-identity-federation"
        ),
        # of answers
        CredentialPlace("client_secret.value", f"{_REALTIME}/create"),
        CredentialPlace("session.client_secret.value", f"{_REALTIME}/create"),
        CredentialPlace("api_key.value", f"{REFERENCE}/project-service-accounts/create"),
        CredentialPlace("signing_secret", f"{REFERENCE}/webhooks"),
    ),
)
