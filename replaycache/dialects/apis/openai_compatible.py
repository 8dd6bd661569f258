"""Those who speak OpenAI's API and are known by their hosts; OpenRouter's images have a path of their own."""

from __future__ import annotations

from ..dialect import BaseUrl, Dialect, Endpoint
from .openai_media import ImageProgress


def _speaks(name: str, url: str, source: str, *hosts: str, provider: str = "", called: str = "") -> Dialect:
    base_url = BaseUrl(called or name, url, source)
    return Dialect(name=name, provider=provider or name, base_url=base_url, hosts=hosts)


DIALECTS = (
    _speaks("avian", "https://api.avian.io/v1", "https://avian.io/docs", "api.avian.io"),
    _speaks(
        "cerebras",
        "https://api.cerebras.ai/v1",
        "https://inference-docs.cerebras.ai/resources/openai",
        "api.cerebras.ai",
    ),
    _speaks("deepseek", "https://api.deepseek.com", "https://api-docs.deepseek.com", "api.deepseek.com"),
    _speaks(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        "https://docs.fireworks.ai/tools-sdks/openai-compatibility",
        "api.fireworks.ai",
    ),
    _speaks(
        "minimax",
        "https://api.minimax.io/v1",
        "https://platform.minimax.io/docs/api-reference/text-openai-api",
        "api.minimax.io",
    ),
    _speaks(
        "moonshot",
        "https://api.moonshot.ai/v1",
        "https://platform.moonshot.ai/docs/api/chat",
        *("api.moonshot.ai", "api.moonshot.cn"),
        provider="moonshotai",
    ),
    _speaks("novita", "https://api.novita.ai/openai", "https://novita.ai/docs/guides/llm-api", "api.novita.ai"),
    _speaks(
        "openrouter",
        "https://openrouter.ai/api/v1",
        "https://openrouter.ai/docs/quickstart",
        *("openrouter.ai", "api.openrouter.ai"),
    )._replace(
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
    _speaks(
        "together",
        "https://api.together.ai/v1",
        "https://docs.together.ai/docs/inference/openai-compatibility",
        *("api.together.xyz", "api.together.ai"),
    ),
    _speaks(
        "vercel",
        "https://ai-gateway.vercel.sh/v1",
        "https://vercel.com/docs/ai-gateway/openai-compat",
        "ai-gateway.vercel.sh",
    ),
    _speaks(
        "z.ai",
        "https://api.z.ai/api/paas/v4",
        "https://docs.z.ai/api-reference/introduction",
        "api.z.ai",
        provider="zai",
        called="zai",
    ),
)
