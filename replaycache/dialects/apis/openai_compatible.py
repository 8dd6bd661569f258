"""Those who speak OpenAI's API and are known by their hosts alone."""

from __future__ import annotations

from ..dialect import Dialect

__all__ = ["DIALECTS"]

DIALECTS = (
    Dialect(name="avian", provider="avian", hosts=("api.avian.io",)),
    Dialect(name="cerebras", provider="cerebras", hosts=("api.cerebras.ai",)),
    Dialect(name="deepseek", provider="deepseek", hosts=("api.deepseek.com",)),
    Dialect(name="fireworks", provider="fireworks", hosts=("api.fireworks.ai",)),
    Dialect(name="minimax", provider="minimax", hosts=("api.minimax.io",)),
    Dialect(name="moonshot", provider="moonshotai", hosts=("api.moonshot.ai", "api.moonshot.cn")),
    Dialect(name="novita", provider="novita", hosts=("api.novita.ai",)),
    Dialect(name="openrouter", provider="openrouter", hosts=("openrouter.ai", "api.openrouter.ai")),
    Dialect(name="together", provider="together", hosts=("api.together.xyz", "api.together.ai")),
    Dialect(name="vercel", provider="vercel", hosts=("ai-gateway.vercel.sh",)),
    Dialect(name="z.ai", provider="zai", hosts=("api.z.ai",)),
)
