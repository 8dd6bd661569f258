"""What a call is, by its path and the shape of its body."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from replaycache import Match, Request
from replaycache.dialects.dialect import Endpoint, Kind
from replaycache.dialects.registry import DIALECTS, endpoints, generates
from replaycache.httpx import ReplayTransport
from replaycache.stores import MemoryStore

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "requests.json"

CHAT = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
PROMPT = {"model": "m", "prompt": "a"}
INPUT = {"model": "m", "input": "a"}
INPUTS = {"inputs": "a"}
RERANK = {"model": "m", "query": "a", "documents": ["b"]}

GENERATE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "chat": (
        CHAT,
        [
            "/v1/chat/completions",
            "/v1/chat/completions/",
            "/openai/deployments/d/chat/completions",
            "/v1/messages",
            "/v1/agents/completions",
            "/v1/chat",
            "/v2/chat",
            "/api/chat",
            "/pooling",
            "/serving-endpoints/e/invocations",
            "/endpoints/e/invocations",
            "/ai/run/@cf/meta/llama",
        ],
    ),
    "prompt": (
        PROMPT,
        [
            "/v1/completions",
            "/v1/fim/completions",
            "/v1/complete",
            "/v1/responses",
            "/v1/images/generations",
            "/api/v1/images",
            "/v1/generate",
            "/api/generate",
            "/api/embeddings",
            "/completion",
            "/infill",
        ],
    ),
    "input": (
        INPUT,
        [
            "/v1/responses",
            "/v1/responses/compact",
            "/v1/embeddings",
            "/v1/moderations",
            "/v1/chat/moderations",
            "/v1/classifications",
            "/v1/audio/speech",
            "/api/embed",
            "/classify",
            "/embedding",
        ],
    ),
    "inputs": (
        INPUTS,
        [
            "/generate",
            "/generate_stream",
            "/embed",
            "/embed_all",
            "/embed_sparse",
            "/predict",
            "/similarity",
            "/hf-inference/models/m",
            "/v1/multimodalembeddings",
            "/v1/contextualizedembeddings",
            "/v2/embed",
            "/v1/classify",
        ],
    ),
    "query": (RERANK, ["/v1/rerank", "/v2/rerank", "/v1/reranking", "/rerank", "/reranking"]),
    "anything": (
        {},
        [
            "/v1beta/models/gemini-2.5-flash:generateContent",
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
            "/v1beta/models/text-embedding-004:embedContent",
            "/v1beta/models/text-embedding-004:batchEmbedContents",
            "/v1beta/models/aqa:generateAnswer",
            "/v1/projects/p/locations/l/publishers/google/models/m:predict",
            "/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict",
            "/v1/projects/p/locations/l/publishers/anthropic/models/m:streamRawPredict",
            "/model/m/invoke",
            "/model/m/invoke-with-response-stream",
            "/model/m/converse",
            "/model/m/converse-stream",
            "/endpoints/e/invocations-response-stream",
        ],
    ),
    "text": ({"text": "a"}, ["/v1/summarize"]),
    "file": ({"file": True}, ["/v1/audio/transcriptions", "/v1/audio/translations"]),
    "image": ({"image": True}, ["/v1/images/edits", "/v1/images/variations"]),
    "others": ({"document": {"type": "document_url"}}, ["/v1/ocr"]),
    "scores": ({"model": "m", "text_1": "a", "text_2": ["b"]}, ["/score", "/v1/score"]),
}
GENERATING = [(path, body) for body, paths in GENERATE.values() for path in paths]


def asking(url: str, body: Any, content_type: str = "application/json", method: str = "POST") -> Request:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method, url, (("content-type", content_type),), data)


@pytest.mark.parametrize(("path", "body"), GENERATING)
def test_calls_that_generate(path: str, body: dict[str, Any]) -> None:
    """Whatever the host, and with a query; only as POST."""
    for url in (f"https://api.openai.com{path}", f"http://10.0.0.1:8000{path}?alt=sse"):
        assert Match().is_cacheable(asking(url, body))
        for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD"):
            assert not Match().is_cacheable(asking(url, body, method=method))


ENDPOINTS = [endpoint for dialect in DIALECTS for endpoint in dialect.endpoints if endpoint.kind == "generates"]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.paths[0])
def test_every_row_has_a_source(endpoint: Endpoint) -> None:
    assert endpoint.source.startswith("https://")


@pytest.mark.parametrize(("path", "body"), [(path, body) for path, body in GENERATING if body])
def test_what_says_nothing_of_a_known_shape_is_a_strangers(path: str, body: dict[str, Any]) -> None:
    """Unless the path says it all."""
    if all(row.members for row in endpoints("POST", path) if row.kind == "generates"):
        assert not Match().is_cacheable(asking(f"https://app.example{path}", {"message_text": "a", "pages": []}))
        assert not Match().is_cacheable(asking(f"https://app.example{path}", b"<xml/>"))


KINDS: list[tuple[Kind, str, Any]] = [
    ("state", "/v1/responses", INPUT | {"conversation": "conv_1"}),
    ("generates", "/v1/responses", INPUT | {"conversation": None}),
    ("generates", "/v1/responses", INPUT | {"previous_response_id": "resp_1"}),
    ("ticket", "/v1/responses", INPUT | {"background": True}),
    ("generates", "/v1/responses", INPUT | {"background": False}),
    ("ticket", "/v1/responses", b"\xef\xbb\xbf" + json.dumps(INPUT | {"background": True}).encode()),
    ("ticket", "/v1/responses", json.dumps(INPUT | {"background": True}).encode("utf-16")),
    ("other", "/v3/collectors/1/responses", {"pages": []}),
    ("ticket", "/v1/chat/completions", CHAT | {"deferred": True}),
    ("ticket", "/async/chat/completions", {"request": CHAT}),
    ("other", "/v1/chat/completions", {"model": "m"}),
    ("state", "/v1/chat", {"message": "yes", "conversation_id": "c"}),
    ("generates", "/v1/chat", {"message": "yes"}),
    ("action", "/api/generate", {"model": "m"}),
    ("action", "/api/generate", {"model": "m", "prompt": "", "keep_alive": 0}),
    ("generates", "/api/generate", PROMPT | {"keep_alive": 0}),
    ("action", "/api/chat", {"model": "m", "messages": [], "keep_alive": 0}),
    ("other", "/api/chat", {"message": "yes"}),
    # an application's own: https://ai-sdk.dev/docs/ai-sdk-ui/chatbot
    ("other", "/api/chat", {"id": "c", "messages": [{"role": "user", "parts": []}]}),
    # short messages to telephones: https://messagemedia.github.io/documentation
    ("other", "/v1/messages", {"messages": [{"content": "a", "destination_number": "+61491570156"}]}),
    ("other", "/v1/generate", {"invoice": 7}),
    ("other", "/v1/classify", {"ticket": 7}),
    ("other", "/v1/messages", b"type=stream&to=ops&content=full"),
    ("other", "/v1/messages", [1, 2]),
    ("other", "/v1/embeddings", b"\x00\xff"),
]


@pytest.mark.parametrize(("kind", "path", "body"), KINDS)
def test_what_a_call_is(kind: Kind, path: str, body: Any) -> None:
    assert Match().kind_of(asking(f"http://host.test{path}", body)) == kind


def test_a_form_has_the_shape_of_its_fields() -> None:
    """No dialect takes forms without files: those are strangers', whatever their fields are called."""
    form = "application/x-www-form-urlencoded"
    parts = b'--b\r\nContent-Disposition: form-data; name="input"\r\n\r\na\r\n--b--\r\n'

    assert Match().kind_of(asking("http://survey.test/v1/responses", b"input=a&model=b", form)) == "other"
    assert Match().kind_of(asking("http://host.test/v1/messages", b"type=stream&to=ops", form)) == "other"
    assert Match().kind_of(
        asking("http://host.test/v1/moderations", parts, "multipart/form-data; boundary=b")
    ) == ("generates")


@pytest.mark.parametrize(("path", "body"), [(path, body) for kind, path, body in KINDS if kind != "generates"])
def test_what_does_something_happens_each_time(path: str, body: Any) -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        return httpx.Response(200, json={"choices": [{"finish_reason": "stop"}], "status": "completed"})

    transport = ReplayTransport(httpx.MockTransport(answer), store=MemoryStore())
    with httpx.Client(transport=transport) as client:
        for _ in range(2):
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers = {"content-type": "application/json"}
            outcome = client.post(f"http://host.test{path}", content=data, headers=headers).extensions[
                "replaycache"
            ]
            assert outcome.status == "live"

    assert len(seen) == 2


def test_a_cache_keeps_status_200_alone() -> None:
    """202 gives out a ticket."""
    transport = ReplayTransport(
        httpx.MockTransport(lambda request: httpx.Response(202, json={"id": "job_1"})), store=MemoryStore()
    )
    with httpx.Client(transport=transport) as client:
        outcome = client.post("http://host.test/v1/embeddings", json=INPUT).extensions["replaycache"]

    assert (outcome.status, outcome.reason) == ("live", "a response with status 202 is not kept")


@pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not there")
def test_the_shared_cases() -> None:
    for case in json.loads(CASES.read_text("utf-8")):
        if "what" in case:
            asked = case["request"]
            body = asked.get("body", b"")
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            content_type = {k.lower(): v for k, v in asked.get("headers", {}).items()}.get("content-type")
            request = asking(
                asked["url"], content, content_type or "application/json", asked.get("method", "POST")
            )
            assert Match().is_cacheable(request) == (case["what"] == "generates"), case["why"]


NOT_GENERATING = [
    "/",
    "/v1/models",
    "/v1/files",
    "/v1/uploads",
    "/v1/batches",
    "/v1/batches/b/cancel",
    "/v1/fine_tuning/jobs",
    "/v1/assistants",
    "/v1/threads",
    "/v1/threads/runs",
    "/v1/threads/t/messages",
    "/v1/threads/t/messages/m",
    "/v1/threads/t/runs",
    "/v1/threads/t/runs/r/submit_tool_outputs",
    "/v1/threads/t/runs/r/cancel",
    "/v1/vector_stores",
    "/v1/vector_stores/v/search",
    "/v1/conversations",
    "/v1/conversations/c/items",
    "/v1/responses/r",
    "/v1/responses/r/cancel",
    "/v1/responses/input_tokens",
    "/v1/chat/completions/c",
    "/v1/realtime/sessions",
    "/v1/realtime/client_secrets",
    "/v1/videos",
    "/v1/evals",
    "/v1/containers",
    "/v1/messages/batches",
    "/v1/messages/batches/b/cancel",
    "/v1/messages/count_tokens",
    "/v1beta/models/gemini-2.5-flash:countTokens",
    "/v1beta/models/gemini-2.5-flash:batchGenerateContent",
    "/v1beta/models/veo-3:predictLongRunning",
    "/v1beta/cachedContents",
    "/upload/v1beta/files",
    "/model/m/invoke/x",
    "/async-invoke",
    "/model-invocation-job",
    "/v1/tokenize",
    "/v1/embed-jobs",
    "/v1/connectors",
    "/api/pull",
    "/api/create",
    "/api/tags",
    "/tokenize",
    "/v1/chat/completionsx",
    "/xv1/responses/x",
    "/autocompletions/x",
    "/key/generate",
]


@pytest.mark.parametrize("path", NOT_GENERATING)
def test_calls_that_do_not_generate(path: str) -> None:
    """Creating, polling, cancelling, listing, counting; `/key/generate` makes a LiteLLM gateway's credentials."""
    assert not generates("POST", path)
    assert not Match().is_cacheable(Request("POST", f"https://llm.example{path}", body=b"{}"))
