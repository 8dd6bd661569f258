"""LiteLLM's proxy, which takes the credentials of those whom it asks."""

from __future__ import annotations

from ..dialect import CredentialPlace, Dialect

_CLIENTSIDE = "https://docs.litellm.ai/docs/proxy/clientside_auth"
_BEDROCK = "https://docs.litellm.ai/docs/providers/bedrock: credentials as parameters"

DIALECT = Dialect(
    name="litellm",
    credentials=(
        CredentialPlace("fallbacks[*].api_key", _CLIENTSIDE),
        CredentialPlace("litellm_params.api_key", _CLIENTSIDE),
        CredentialPlace("user_config.model_list[*].litellm_params.api_key", _CLIENTSIDE),
        CredentialPlace("aws_secret_access_key", _BEDROCK),
        CredentialPlace("aws_session_token", _BEDROCK),
    ),
)
