"""LiteLLM's proxy, which takes the credentials of those whom it asks."""

from __future__ import annotations

from ..dialect import CredentialPlace, Dialect

__all__ = ["DIALECT"]

_CLIENTSIDE = "https://docs.litellm.ai/docs/proxy/clientside_auth"

DIALECT = Dialect(
    name="litellm",
    credentials=(
        CredentialPlace("fallbacks[*].api_key", _CLIENTSIDE),
        CredentialPlace("litellm_params.api_key", _CLIENTSIDE),
    ),
)
