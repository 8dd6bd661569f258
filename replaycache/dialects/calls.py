"""What a call is: whether it generates, and a cache may answer it, or does something that must happen each time.

A call is told by the end of its path **and** by the shape of its body: many services have a path that ends as one
of these does. A row says what the body of such a call holds; each names its source. Where a row tells nothing of a
body, the path tells by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

__all__ = ["ENDPOINTS", "Endpoint", "Kind", "generates", "kind_of"]

Kind = Literal["generates", "state", "ticket", "action", "other"]
"""`generates`: it may be answered again. `state`: it continues what the server keeps. `ticket`: its answer is
fetched later. `action`: it loads, sends or starts something. `other`: no row knows it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The calls of one path.

    Attributes:
        dialect: whose API has it.
        path: a pattern for the end of the path, without a slash at the end.
        source: where the provider documents it.
        members: one of these is in the body; any body will do where there are none.
        states: members that name what the server keeps and this call changes, unless they are null.
        tickets: members that are true where the answer is only a ticket.
        kind: what the call is where none of that says otherwise.
        empty: what it is where the members are there and say nothing, or are missing and one of `needs` is there.
        needs: members that tell such a call from a stranger's; where there are any, `members` must say something.
    """

    dialect: str
    path: str
    source: str
    members: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    kind: Kind = "generates"
    empty: Kind = "other"
    needs: tuple[str, ...] = ()

    def kind_of(self, body: Mapping[str, Any] | None) -> Kind:
        """What a call with this body is; the members of the body, None where it has none."""
        if not self.members and not self.states and not self.tickets:
            return self.kind
        if body is None:
            return "other" if self.members else self.kind
        if any(body.get(name) is not None for name in self.states):
            return "state"
        if any(body.get(name) is True for name in self.tickets):
            return "ticket"
        nothing: tuple[Any, ...] = (None, "", []) if self.needs else (None,)
        if self.members and not any(body.get(name) not in nothing for name in self.members):
            return self.empty if any(name in body for name in self.needs) else "other"
        return self.kind


_OPENAI = "https://platform.openai.com/docs/api-reference/"
_OLLAMA = "https://github.com/ollama/ollama/blob/main/docs/api.md"
_COHERE = "https://docs.cohere.com/reference/"
_VLLM = "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"
_LLAMA = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md"
_TGI = "https://huggingface.github.io/text-generation-inference/"
_TEI = "https://huggingface.github.io/text-embeddings-inference/"
_MISTRAL = "https://docs.mistral.ai/api/"

ENDPOINTS: tuple[Endpoint, ...] = (
    # more than one may fit a path; the first that knows the body tells
    Endpoint(
        "perplexity",
        r"/async/chat/completions",
        "https://docs.perplexity.ai/api-reference/async-chat-completions-post",
        kind="ticket",
    ),
    Endpoint(
        "openai",
        r"/chat/completions",
        f"{_OPENAI}chat/create; `deferred`: https://docs.x.ai/docs/guides/deferred-chat-completions",
        ("messages", "data_sources"),
        tickets=("deferred",),
    ),
    Endpoint("mistral", r"/(fim|agents)/completions", _MISTRAL, ("prompt", "messages")),
    Endpoint(
        "openai", r"(?<!/chat)/completions", f"{_OPENAI}completions/create", ("prompt", "prompt_embeds", "model")
    ),
    Endpoint(
        "openai",
        r"/responses",
        f"{_OPENAI}responses/create; `background`: https://platform.openai.com/docs/guides/background",
        ("input", "prompt", "instructions", "previous_response_id"),
        states=("conversation",),
        tickets=("background",),
    ),
    Endpoint("openai", r"/responses/compact", f"{_OPENAI}responses/compact", ("input", "previous_response_id")),
    Endpoint("openai", r"/embeddings", f"{_OPENAI}embeddings/create", ("input", "inputs", "prompt", "content")),
    Endpoint("openai", r"/moderations", f"{_OPENAI}moderations/create", ("input",)),
    Endpoint("openai", r"/audio/(speech|transcriptions|translations)", f"{_OPENAI}audio"),
    Endpoint("openai", r"/images/(generations|edits|variations)", f"{_OPENAI}images"),
    Endpoint(
        "anthropic",
        r"(?<!/threads)(?<!/conversations)/v1/messages",
        "https://docs.claude.com/en/api/messages",
        ("messages",),
    ),
    Endpoint("anthropic", r"/v1/complete", "https://docs.claude.com/en/api/complete", ("prompt",)),
    Endpoint(
        "gemini",
        r":(generateContent|streamGenerateContent|embedContent|batchEmbedContents|predict|generateAnswer)",
        "https://ai.google.dev/api",
    ),
    Endpoint(
        "vertex", r":(rawPredict|streamRawPredict)", "https://cloud.google.com/vertex-ai/docs/reference/rest"
    ),
    Endpoint(
        "bedrock",
        r"/model/[^/]+/(invoke|invoke-with-response-stream|converse|converse-stream)",
        "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html",
    ),
    Endpoint("mistral", r"/(chat/moderations|classifications|ocr)", _MISTRAL, ("input", "inputs", "document")),
    Endpoint("cohere", r"/v[12]/chat", f"{_COHERE}chat", ("message", "messages"), states=("conversation_id",)),
    Endpoint("cohere", r"/v[12]/(generate|embed|rerank|classify|summarize)", _COHERE),
    Endpoint(
        "voyage, jina, llama.cpp",
        r"/(rerank|reranking)",
        f"https://docs.voyageai.com/reference/reranker-api, https://jina.ai/reranker, {_LLAMA}",
        ("query",),
    ),
    Endpoint(
        "voyage",
        r"/(multimodalembeddings|contextualizedembeddings)",
        "https://docs.voyageai.com/reference",
        ("inputs",),
    ),
    Endpoint("ollama", r"/api/chat", _OLLAMA, ("messages",), empty="action", needs=("model",)),
    Endpoint("ollama", r"/api/generate", _OLLAMA, ("prompt", "images"), empty="action", needs=("model",)),
    Endpoint("ollama", r"/api/(embed|embeddings)", _OLLAMA, ("input", "prompt")),
    Endpoint("vllm", r"/score", _VLLM, ("text_1", "queries", "data_1")),
    Endpoint("vllm", r"/(pooling|classify)", _VLLM, ("input", "messages")),
    # only at the root: behind another path the same words name other things (a gateway's /key/generate)
    Endpoint("text-generation-inference", r"^/(generate|generate_stream)", _TGI, ("inputs",)),
    Endpoint(
        "text-embeddings-inference",
        r"^/(embed|embed_all|embed_sparse|predict|similarity)",
        _TEI,
        ("inputs",),
    ),
    Endpoint("llama.cpp", r"^/(completion|infill|embedding)", _LLAMA),
    Endpoint(
        "huggingface",
        r"/hf-inference/.+",
        "https://huggingface.co/docs/inference-providers/providers/hf-inference",
        ("inputs",),
    ),
    Endpoint(
        "databricks",
        r"/serving-endpoints/[^/]+/invocations",
        "https://docs.databricks.com/api/workspace/servingendpoints/query",
    ),
    Endpoint(
        "sagemaker",
        r"/endpoints/[^/]+/(invocations|invocations-response-stream)",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html",
    ),
    Endpoint("cloudflare", r"/ai/run/@.+", "https://developers.cloudflare.com/api/resources/ai/methods/run/"),
)
"""They count on every host, so that gateways and local servers do."""

_PATHS = re.compile("|".join(f"(?:{endpoint.path})$" for endpoint in ENDPOINTS if endpoint.kind == "generates"))


def generates(method: str, path: str) -> bool:
    """Whether a call may be one that generates, as far as its method and the end of its path tell."""
    return method == "POST" and _PATHS.search(path.rstrip("/")) is not None


def kind_of(method: str, path: str, body: Mapping[str, Any] | None) -> Kind:
    """What a call is.

    Args:
        method: in upper case.
        path: of the URL.
        body: the members of its JSON body, or the fields of its form; None where it has none.
    """
    if method != "POST":
        return "other"
    kind: Kind = "other"
    for endpoint in _endpoints(path.rstrip("/")):
        kind = endpoint.kind_of(body)
        if kind != "other":
            break
    return kind


@lru_cache(maxsize=256)
def _endpoints(path: str) -> tuple[Endpoint, ...]:
    return tuple(endpoint for endpoint in ENDPOINTS if re.search(f"(?:{endpoint.path})$", path))
