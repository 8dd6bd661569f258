"""All readings, in the order in which they are tried.

They are imported only where a conversation or usage is asked for: a process that replays has no use for them.
"""

from __future__ import annotations

from .apis.anthropic import reading as anthropic
from .apis.bedrock import reading as bedrock
from .apis.cohere import reading as cohere
from .apis.gemini import reading as gemini
from .apis.llama_cpp import reading as llama_cpp
from .apis.mistral import reading as mistral
from .apis.ollama import reading as ollama
from .apis.openai_chat import reading as openai_chat
from .apis.openai_media import reading as openai_media
from .apis.openai_responses import reading as openai_responses
from .apis.text_generation_inference import reading as text_generation_inference
from .apis.workers_ai import reading as workers_ai
from .reading import Reading

READINGS: tuple[Reading, ...] = (
    openai_chat.READING,
    openai_responses.READING,
    mistral.READING,
    anthropic.READING,
    gemini.READING,
    cohere.READING,
    ollama.READING,
    llama_cpp.READING,
    text_generation_inference.READING,
    openai_media.READING,
    bedrock.READING,  # behind those whose pieces of a text say more of themselves
    workers_ai.READING,
)
