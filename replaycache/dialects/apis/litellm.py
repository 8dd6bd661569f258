"""LiteLLM's proxy, which takes the credentials of those whom it asks."""

from __future__ import annotations

from ..dialect import Dialect

__all__ = ["DIALECT"]

DIALECT = Dialect(
    name="litellm",
    # https://docs.litellm.ai/docs/proxy/clientside_auth
    credentials=(("fallbacks", "*", "api_key"), ("litellm_params", "api_key")),
)
