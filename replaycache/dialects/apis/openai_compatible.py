"""Those who speak OpenAI's API and are known by their hosts; OpenRouter's images have a path of their own."""

from __future__ import annotations

from ..dialect import Dialect, Endpoint
from .openai_media import ImageProgress

__all__ = ["DIALECTS"]

DIALECTS = (
    Dialect(name="avian", provider="avian", hosts=("api.avian.io",)),
    Dialect(name="cerebras", provider="cerebras", hosts=("api.cerebras.ai",)),
    Dialect(name="deepseek", provider="deepseek", hosts=("api.deepseek.com",)),
    Dialect(name="fireworks", provider="fireworks", hosts=("api.fireworks.ai",)),
    Dialect(name="minimax", provider="minimax", hosts=("api.minimax.io",)),
    Dialect(name="moonshot", provider="moonshotai", hosts=("api.moonshot.ai", "api.moonshot.cn")),
    Dialect(name="novita", provider="novita", hosts=("api.novita.ai",)),
    Dialect(
        name="openrouter",
        provider="openrouter",
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
    Dialect(name="together", provider="together", hosts=("api.together.xyz", "api.together.ai")),
    Dialect(name="vercel", provider="vercel", hosts=("ai-gateway.vercel.sh",)),
    Dialect(name="z.ai", provider="zai", hosts=("api.z.ai",)),
)
