"""What stands around Anthropic's messages: managed agents, their vaults and sandboxes, logins, webhooks."""

from __future__ import annotations

from ..dialect import CredentialPlace, Dialect

_VAULTS = "https://platform.claude.com/docs/en/api/beta/vaults/credentials/create"
_REPOSITORIES = "https://platform.claude.com/docs/en/managed-agents/github"
_LOGIN = "https://platform.claude.com/docs/en/manage-claude/wif-reference: POST /v1/oauth/token"

DIALECT = Dialect(
    name="anthropic platform",
    provider="anthropic",
    credentials=(
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
        CredentialPlace("resources[type=github_repository].authorization_token", _REPOSITORIES, chooses_data=True),
        # of one resource, added to a session or updated
        CredentialPlace("authorization_token", _REPOSITORIES, chooses_data=True),
        CredentialPlace("assertion", _LOGIN),
        # of answers
        CredentialPlace("secret", "https://platform.claude.com/docs/en/api/beta/environments/work/poll"),
        CredentialPlace("tunnel_token", "https://platform.claude.com/docs/en/api/beta/tunnels/reveal_token"),
        CredentialPlace("signing_secret", "https://platform.claude.com/docs/en/api/beta/organization/webhooks"),
    ),
)
