"""Those who speak OpenAI's API and are known by their hosts; OpenRouter's images have a path of their own."""

from __future__ import annotations

from ..dialect import BaseUrl, Dialect, Endpoint
from .openai_media import ImageProgress

__all__ = ["DIALECTS"]

DIALECTS = (
    Dialect(
        name="avian",
        provider="avian",
        base_url=BaseUrl("avian", "https://api.avian.io/v1", "https://avian.io/docs"),
        hosts=("api.avian.io",),
    ),
    Dialect(
        name="cerebras",
        provider="cerebras",
        base_url=BaseUrl(
            "cerebras", "https://api.cerebras.ai/v1", "https://inference-docs.cerebras.ai/resources/openai"
        ),
        hosts=("api.cerebras.ai",),
    ),
    Dialect(
        name="deepseek",
        provider="deepseek",
        base_url=BaseUrl("deepseek", "https://api.deepseek.com", "https://api-docs.deepseek.com"),
        hosts=("api.deepseek.com",),
    ),
    Dialect(
        name="fireworks",
        provider="fireworks",
        base_url=BaseUrl(
            "fireworks",
            "https://api.fireworks.ai/inference/v1",
            "https://docs.fireworks.ai/tools-sdks/openai-compatibility",
        ),
        hosts=("api.fireworks.ai",),
    ),
    Dialect(
        name="minimax",
        provider="minimax",
        base_url=BaseUrl(
            "minimax",
            "https://api.minimax.io/v1",
            "https://platform.minimax.io/docs/api-reference/text-openai-api",
        ),
        hosts=("api.minimax.io",),
    ),
    Dialect(
        name="moonshot",
        provider="moonshotai",
        base_url=BaseUrl("moonshot", "https://api.moonshot.ai/v1", "https://platform.moonshot.ai/docs/api/chat"),
        hosts=("api.moonshot.ai", "api.moonshot.cn"),
    ),
    Dialect(
        name="novita",
        provider="novita",
        base_url=BaseUrl("novita", "https://api.novita.ai/openai", "https://novita.ai/docs/guides/llm-api"),
        hosts=("api.novita.ai",),
    ),
    Dialect(
        name="openrouter",
        provider="openrouter",
        base_url=BaseUrl("openrouter", "https://openrouter.ai/api/v1", "https://openrouter.ai/docs/quickstart"),
        hosts=("openrouter.ai", "api.openrouter.ai"),
        # https://openrouter.ai/docs/guides/best-practices/reasoning-tokens: reasoning.encrypted
        encoded=("data", "signature"),
        endpoints=(
            Endpoint(
                ("/v1/images",),
                "https://openrouter.ai/docs/client-sdks/typescript/sdks/images/README",
                ("prompt",),
                needs=("model",),
                forms=(ImageProgress,),
            ),
        ),
    ),
    Dialect(
        name="together",
        provider="together",
        base_url=BaseUrl(
            "together",
            "https://api.together.ai/v1",
            "https://docs.together.ai/docs/inference/openai-compatibility",
        ),
        hosts=("api.together.xyz", "api.together.ai"),
    ),
    Dialect(
        name="vercel",
        provider="vercel",
        base_url=BaseUrl(
            "vercel", "https://ai-gateway.vercel.sh/v1", "https://vercel.com/docs/ai-gateway/openai-compat"
        ),
        hosts=("ai-gateway.vercel.sh",),
    ),
    Dialect(
        name="z.ai",
        provider="zai",
        base_url=BaseUrl("zai", "https://api.z.ai/api/paas/v4", "https://docs.z.ai/api-reference/introduction"),
        hosts=("api.z.ai",),
    ),
)
