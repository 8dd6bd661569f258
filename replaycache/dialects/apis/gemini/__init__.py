"""Google's Gemini, by its own API and by Vertex."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialect import BaseUrl, CredentialParameter, CredentialPlace, Dialect, Endpoint, Equivalent, no_op_rows
from ...progress import Progress, as_dict
from ..anthropic import MessagesProgress
from ..openai_chat import ChatProgress


class ContentProgress(Progress):
    """Responses, as events with `alt=sse` and as one JSON array without; every candidate's last has a reason.

    https://ai.google.dev/api/generate-content#candidate: no finishReason while the model still generates.
    """

    name = "gemini"
    fillers = ("text", "thoughtSignature")
    is_array = True

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return any(member in value for member in ("candidates", "promptFeedback", "usageMetadata")) or (
            isinstance(value.get("answer"), dict)
        )

    def take(self, name: str, value: dict[str, Any]) -> None:
        candidates = value.get("candidates")
        for candidate in self.objects(candidates) if candidates is not None else ():
            self.an_object(candidate.get("content"))
            self.finish(candidate.get("index", 0), candidate.get("finishReason"))
        if "answer" in value:  # of :generateAnswer: one candidate
            self.finish(0, self.an_object(value["answer"]).get("finishReason"))
        blocked = self.an_object(value.get("promptFeedback")).get("blockReason")
        if blocked and not self.reasons:
            self.finish("prompt", blocked)

    @property
    def finished(self) -> bool:
        """Also whether all candidates came that were asked for; a blocked prompt has none."""
        asked = self.asked()  # both spellings: https://protobuf.dev/programming-guides/json/#field-names
        settings = as_dict(asked.get("generationConfig", asked.get("generation_config")))
        wanted = settings.get("candidateCount", settings.get("candidate_count"))
        count = wanted if isinstance(wanted, int) and "prompt" not in self.reasons else 1
        return self.stopped and len(self.reasons) >= count


_VERBS = (":generateContent", ":streamGenerateContent", ":generateAnswer")


def _no_settings(body: dict[str, Any]) -> bool:
    if body.get("generationConfig") != {}:
        return False
    del body["generationConfig"]
    return True


_MCP_SERVER = "https://ai.google.dev/api/caching#McpServer"
_INTERACTIONS = "https://ai.google.dev/api/interactions-api: Tool"
_VERTEX_TOOL = "https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1beta1/Tool"
_MCP_TRANSPORT = "tools[*].mcpServers[*].streamableHttpTransport"

DIALECT = Dialect(
    name="gemini",
    provider="google",
    base_url=BaseUrl("gemini", "https://generativelanguage.googleapis.com", "https://ai.google.dev/api"),
    hosts=("generativelanguage.googleapis.com",),
    endpoints=(
        Endpoint(_VERBS, "https://ai.google.dev/api/generate-content", forms=(ContentProgress,)),
        Endpoint((":embedContent", ":batchEmbedContents"), "https://ai.google.dev/api/embeddings"),
    ),
    model_paths=(r"/(?:models|tunedModels)/([^:]+):[A-Za-z]+$",),
    response_headers=("x-goog-upload-*",),
    # temperature, topP, topK and maxOutputTokens depend on the model
    no_ops=tuple(
        no_op_rows(
            r"/v1(alpha|beta)?/models/[^/]+:(generateContent|streamGenerateContent)",
            "https://ai.google.dev/api/generate-content#generationconfig: *",
            {"generationConfig.candidateCount": 1},
        )
    ),
    equivalents=(
        Equivalent(
            r"/v1(alpha|beta)?/models/[^/]+:(generateContent|streamGenerateContent)",
            "generationConfig without a setting is none",
            "https://ai.google.dev/api/generate-content#request-body: optional, all of its fields are",
            _no_settings,
        ),
    ),
    credentials=(
        CredentialPlace(f"{_MCP_TRANSPORT}.headers.*", _MCP_SERVER, chooses_data=True),
        CredentialPlace(f"{_MCP_TRANSPORT}.url", _MCP_SERVER, chooses_data=True, is_url=True),
        CredentialPlace("tools[type=mcp_server].headers.*", _INTERACTIONS, chooses_data=True),
        CredentialPlace("tools[type=mcp_server].url", _INTERACTIONS, chooses_data=True, is_url=True),
        CredentialPlace("tools[type=retrieval].exa_ai_search_config.api_key", _INTERACTIONS, chooses_data=True),
        CredentialPlace(
            "tools[type=retrieval].parallel_ai_search_config.api_key", _INTERACTIONS, chooses_data=True
        ),
    ),
    credential_parameters=(
        CredentialParameter("key", "https://cloud.google.com/docs/authentication/api-keys-use#using-with-rest"),
    ),
    # https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
    pieces=("parts", "text"),
    noise=("thoughtSignature",),
    # https://ai.google.dev/gemini-api/docs/thought-signatures, https://ai.google.dev/api/caching#Blob,
    # https://ai.google.dev/gemini-api/docs/imagen; names in snake case are those of the same protocol buffers
    encoded=(
        *("bytesBase64Encoded", "data", "encodedVideo", "imageBytes", "image_bytes"),
        *("thoughtSignature", "thought_signature", "videoBytes", "video_bytes"),
    ),
    texts=("description", "displayName", "output", "text", "title"),
    text_objects=("args", "response"),
)

VERTEX = Dialect(
    name="vertex",
    provider="google",
    hosts=("aiplatform.googleapis.com", "*-aiplatform.googleapis.com"),
    # what its tools ask elsewhere with
    credentials=tuple(
        CredentialPlace(f"tools[*].{path}", _VERTEX_TOOL, chooses_data=True)
        for path in (
            "exaAiSearch.apiKey",
            "parallelAiSearch.apiKey",
            "retrieval.externalApi.apiAuth.apiKeyConfig.apiKeyString",
            *(
                f"{tool}.authConfig.{member}"
                for tool in ("googleMaps", "retrieval.externalApi")
                for member in ("apiKeyConfig.apiKeyString", "oauthConfig.accessToken", "oidcConfig.idToken")
            ),
        )
    ),
    credential_parameters=(
        CredentialParameter(
            "key", "https://cloud.google.com/vertex-ai/generative-ai/docs/start/api-keys: express mode"
        ),
    ),
    endpoints=(
        Endpoint(
            (":predict",),
            "https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints/predict",
        ),
        Endpoint(
            (":rawPredict", ":streamRawPredict"),
            "https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models: each speaks its maker's API",
            forms=(MessagesProgress, ChatProgress),
        ),
    ),
)
