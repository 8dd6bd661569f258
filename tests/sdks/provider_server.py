"""A server that answers as the providers do: plain and streaming, in the shape that each path has.

Every answer names the server's own number, which is drawn anew for each server: who has the number has an answer
of this server.
"""

from __future__ import annotations

import base64
import json
import secrets
import struct
from binascii import crc32
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit

from tests.scripted_server import Received, ScriptedServer, Wire

__all__ = ["Ending", "ProviderServer"]

Event = TypeVar("Event")
Ending = Literal["whole", "failed", "unfinished"]
"""How a stream ends: at its last event; half way, with an event that tells a failure; half way, with none."""

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}

# -- failures inside a stream ----------------------------------------------------------------------------------

# https://platform.openai.com/docs/guides/error-codes#api-errors
OPENAI_ERROR = {"error": {"message": "The server had an error.", "type": "server_error", "code": None}}
# https://docs.mistral.ai/api, of finish_reason
MISTRAL_ERROR = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
# https://console.groq.com/docs/api-reference#chat-create: why a stream was stopped early
GROQ_ERROR = {"id": "req-1", "error": "over capacity"}
# https://docs.claude.com/en/docs/build-with-claude/streaming#error-events
ANTHROPIC_ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
# https://ai.google.dev/gemini-api/docs/troubleshooting
GEMINI_ERROR = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html
BEDROCK_EXCEPTION = {":message-type": "exception", ":exception-type": "modelStreamErrorException"}
# https://docs.cohere.com/reference/chat-stream, of message-end
COHERE_V2_ERROR = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "No."}}
# https://docs.cohere.com/v1/reference/chat-stream, of stream-end
COHERE_V1_ERROR = {"event_type": "stream-end", "is_finished": True, "finish_reason": "ERROR"}
# https://github.com/ollama/ollama/blob/main/docs/api/errors.mdx: errors that occur while streaming
OLLAMA_ERROR = {"error": "an error was encountered while running the model"}


class ProviderServer(ScriptedServer):
    """Serves the generating calls of OpenAI, Anthropic, Gemini, Mistral, Groq, Together, Cohere and Ollama.

    Whatever else it is asked for is an object with an identifier and a list.

    Args:
        ending: of its streams.
    """

    def __init__(self, ending: Ending = "whole") -> None:
        self.ending = ending
        self.number = 100_000 + secrets.randbelow(900_000)
        super().__init__(self._answer)

    @property
    def pieces(self) -> list[str]:
        """The answer as a stream delivers it."""
        return ["The ", "number ", "is ", f"{self.number}."]

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def _answer(self, request: Received, wire: Wire) -> None:
        target = urlsplit(request.target)
        path = target.path
        is_json = request.headers.get("content-type", "").startswith("application/json")
        asked = json.loads(request.body) if is_json and request.body else None
        if asked is None:
            self._send_any(wire, path)
        elif path.endswith("/chat/completions"):
            if asked.get("stream"):
                self._send_events(wire, self._chat_chunks(asked), self._chat_failure(asked), marker="[DONE]")
            else:
                _send(wire, self._chat(asked))
        elif path.endswith("/responses"):
            if asked.get("stream"):
                failure = {"type": "response.failed", "response": self._response(asked, "failed")}
                self._send_events(wire, self._response_events(asked), failure, named=True)
            else:
                _send(wire, self._response(asked))
        elif path.endswith("/embeddings"):
            _send(wire, self._embeddings(asked))
        elif path.endswith("/v1/messages"):
            if asked.get("stream"):
                self._send_events(wire, self._message_events(asked), ANTHROPIC_ERROR, named=True)
            else:
                _send(wire, self._message(asked))
        elif path.endswith(":streamRawPredict"):
            self._send_events(wire, self._message_events(asked), ANTHROPIC_ERROR, named=True)
        elif path.endswith("/invoke-with-response-stream"):
            self._send_frames(wire, self._message_events(asked))
        elif path.endswith(":generateContent"):
            _send(wire, _gemini(self.text, "STOP"))
        elif path.endswith(":streamGenerateContent") and parse_qs(target.query).get("alt") == ["sse"]:
            *pieces, last = self.pieces
            chunks = [*(_gemini(piece, None) for piece in pieces), _gemini(last, "STOP")]
            self._send_events(wire, chunks, GEMINI_ERROR)
        elif path.endswith(":batchEmbedContents"):
            _send(wire, {"embeddings": [{"values": self._vector()} for _ in asked["requests"]]})
        elif path.endswith("/v2/chat"):
            if asked.get("stream"):
                self._send_events(wire, self._cohere_events(), COHERE_V2_ERROR, named=True, marker="[DONE]")
            else:
                _send(wire, self._cohere_chat())
        elif path.endswith("/v1/chat"):
            self._send_lines(wire, self._cohere_v1_events(), COHERE_V1_ERROR, "application/stream+json")
        elif path.endswith("/v2/embed"):
            embeddings = {"float": [self._vector() for _ in asked["texts"]]}
            _send(wire, {"id": "embed-1", "texts": asked["texts"], "embeddings": embeddings})
        elif path.endswith("/v2/rerank"):
            _send(wire, {"id": f"rerank-{self.number}", "results": [{"index": 0, "relevance_score": 0.5}]})
        elif path.endswith("/api/chat"):
            self._ollama(wire, asked, lambda text: {"message": {"role": "assistant", "content": text}})
        elif path.endswith("/api/generate"):
            self._ollama(wire, asked, lambda text: {"response": text})
        elif path.endswith("/api/embed"):
            _send(wire, {"model": asked["model"], "embeddings": [self._vector()]})
        else:
            self._send_any(wire, path)

    def _send_any(self, wire: Wire, path: str) -> None:
        _send(wire, {"id": f"{path.split('/')[-1]}-{self.number}", "data": [{"id": f"item-{self.number}"}]})

    def _vector(self) -> list[float]:
        return [float(self.number), 0.5]

    # -- streams -----------------------------------------------------------------------------------------

    def _up_to_ending(self, events: list[Event], failure: Event) -> list[Event]:
        """What is sent of the events of a whole stream."""
        if self.ending == "whole":
            return events
        half = events[: len(events) // 2]
        return [*half, failure] if self.ending == "failed" else half

    def _send_events(
        self,
        wire: Wire,
        events: list[dict[str, Any]],
        failure: dict[str, Any],
        *,
        named: bool = False,
        marker: str = "",
    ) -> None:
        """One chunk an event.

        Args:
            wire: to the client.
            events: of the whole stream.
            failure: the event that tells one.
            named: whether the provider gives each event's type as its name, too.
            marker: the text behind the last event, also behind a failure.
        """
        wire.start_chunks()
        for event in self._up_to_ending(events, failure):
            name = f"event: {event['type']}\n" if named else ""
            wire.chunk(f"{name}data: {json.dumps(event)}\n\n".encode())
        if marker and self.ending != "unfinished":
            wire.chunk(f"data: {marker}\n\n".encode())
        wire.end_chunks()

    def _send_lines(
        self, wire: Wire, lines: list[dict[str, Any]], failure: dict[str, Any], media_type: str
    ) -> None:
        wire.start_chunks(content_type=media_type)
        for line in self._up_to_ending(lines, failure):
            wire.chunk(json.dumps(line).encode() + b"\n")
        wire.end_chunks()

    def _send_frames(self, wire: Wire, events: list[dict[str, Any]]) -> None:
        """As Bedrock wraps what the models that it invokes answer."""
        chunk = {":message-type": "event", ":event-type": "chunk", ":content-type": "application/json"}
        frames = [(chunk, {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}) for event in events]
        wire.start_chunks(content_type="application/vnd.amazon.eventstream")
        for headers, payload in self._up_to_ending(frames, (BEDROCK_EXCEPTION, {"message": "No."})):
            wire.chunk(_frame(headers, json.dumps(payload).encode()))
        wire.end_chunks()

    # -- OpenAI, and who speaks as it does ---------------------------------------------------------------

    @staticmethod
    def _calls_tool(asked: dict[str, Any]) -> bool:
        """As a model does that reads what its tool gave, and answers then."""
        return bool(asked.get("tools")) and asked["messages"][-1]["role"] != "tool"

    def _chat(self, asked: dict[str, Any]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        finish = "stop"
        if self._calls_tool(asked):
            function = asked["tools"][0]["function"]
            arguments = json.dumps(self._filled(function["parameters"]))
            call = {"name": function["name"], "arguments": arguments}
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call-1", "type": "function", "function": call}],
            }
            finish = "tool_calls"
        elif (asked.get("response_format") or {}).get("type") == "json_schema":
            message["content"] = json.dumps(self._filled(asked["response_format"]["json_schema"]["schema"]))
        return {
            "id": f"chatcmpl-{self.number}",
            "object": "chat.completion",
            "created": 1,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": USAGE,
        }

    def _chat_chunks(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": piece} for piece in self.pieces]
        finish = "stop"
        if self._calls_tool(asked):
            call = self._chat(asked)["choices"][0]["message"]["tool_calls"][0]
            arguments = call["function"]["arguments"]
            halves = [arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]]
            start = {"index": 0, **call, "function": {**call["function"], "arguments": ""}}
            deltas = [
                {"role": "assistant", "tool_calls": [start]},
                *({"tool_calls": [{"index": 0, "function": {"arguments": half}}]} for half in halves),
            ]
            finish = "tool_calls"
        choices = [
            *({"delta": delta, "finish_reason": None} for delta in deltas),
            {"delta": {}, "finish_reason": finish},
        ]
        return [self._chat_chunk(asked, {"index": 0, **choice}) for choice in choices]

    def _chat_chunk(self, asked: dict[str, Any], *choices: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.number}",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": asked["model"],
            "choices": list(choices),
        }

    def _chat_failure(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What the provider of the model sends."""
        if asked["model"].startswith("mistral"):
            return self._chat_chunk(asked, MISTRAL_ERROR)
        if asked["model"].startswith("llama"):
            return {**self._chat_chunk(asked), "x_groq": GROQ_ERROR}
        return OPENAI_ERROR

    def _filled(self, schema: dict[str, Any]) -> dict[str, Any]:
        """What a model would fill into the schema of a tool or an answer."""
        of_type: dict[str, Any] = {"string": self.text, "integer": self.number}
        return {name: of_type[field["type"]] for name, field in schema["properties"].items()}

    def _embeddings(self, asked: dict[str, Any]) -> dict[str, Any]:
        inputs = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        vector: Any = self._vector()
        if asked.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack("<2f", *vector)).decode()
        data = [{"object": "embedding", "index": at, "embedding": vector} for at in range(len(inputs))]
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        return {"id": "embed-1", "object": "list", "model": asked["model"], "data": data, "usage": usage}

    def _response(self, asked: dict[str, Any], status: str = "completed") -> dict[str, Any]:
        usage = {
            "input_tokens": 3,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 4,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 7,
        }
        return {
            "id": f"resp-{self.number}",
            "object": "response",
            "created_at": 1,
            "status": status,
            "model": asked["model"],
            "error": {"code": "server_error", "message": "No."} if status == "failed" else None,
            "output": [self._output_item(self.text)] if status == "completed" else [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage if status == "completed" else None,
        }

    @staticmethod
    def _output_item(text: str | None) -> dict[str, Any]:
        content = [] if text is None else [{"type": "output_text", "text": text, "annotations": []}]
        status = "in_progress" if text is None else "completed"
        return {"id": "msg-1", "type": "message", "role": "assistant", "status": status, "content": content}

    def _response_events(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        part = {"item_id": "msg-1", "output_index": 0, "content_index": 0}
        empty = {"type": "output_text", "text": "", "annotations": []}
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": self._response(asked, "in_progress")},
            {"type": "response.output_item.added", "output_index": 0, "item": self._output_item(None)},
            {"type": "response.content_part.added", **part, "part": empty},
            *(
                {"type": "response.output_text.delta", **part, "delta": piece, "logprobs": []}
                for piece in self.pieces
            ),
            {"type": "response.output_text.done", **part, "text": self.text, "logprobs": []},
            {"type": "response.content_part.done", **part, "part": {**empty, "text": self.text}},
            {"type": "response.output_item.done", "output_index": 0, "item": self._output_item(self.text)},
            {"type": "response.completed", "response": self._response(asked)},
        ]
        return [{**event, "sequence_number": at} for at, event in enumerate(events)]

    # -- Anthropic; by Bedrock and Vertex the model stands in the path ------------------------------------

    def _message(self, asked: dict[str, Any]) -> dict[str, Any]:
        content: dict[str, Any] = {"type": "text", "text": self.text}
        if asked.get("tools"):
            tool = asked["tools"][0]
            filled = self._filled(tool["input_schema"])
            content = {"type": "tool_use", "id": "toolu-1", "name": tool["name"], "input": filled}
        return {
            "id": f"msg-{self.number}",
            "type": "message",
            "role": "assistant",
            "model": asked.get("model", "claude"),
            "content": [content],
            "stop_reason": "tool_use" if asked.get("tools") else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 3, "output_tokens": 4},
        }

    def _message_events(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        start = {**self._message(asked), "content": [], "stop_reason": None}
        return [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
                for piece in self.pieces
            ),
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": 4},
            },
            {"type": "message_stop"},
        ]

    # -- Cohere ------------------------------------------------------------------------------------------

    def _cohere_chat(self) -> dict[str, Any]:
        return {
            "id": f"chat-{self.number}",
            "finish_reason": "COMPLETE",
            "message": {"role": "assistant", "content": [{"type": "text", "text": self.text}]},
            "usage": {"tokens": {"input_tokens": 3, "output_tokens": 4}},
        }

    def _cohere_events(self) -> list[dict[str, Any]]:
        def content(**of: str) -> dict[str, Any]:
            return {"message": {"content": of}}

        message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        end = {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 3, "output_tokens": 4}}}
        return [
            {"type": "message-start", "id": f"chat-{self.number}", "delta": {"message": message}},
            {"type": "content-start", "index": 0, "delta": content(type="text", text="")},
            *({"type": "content-delta", "index": 0, "delta": content(text=piece)} for piece in self.pieces),
            {"type": "content-end", "index": 0},
            {"type": "message-end", "delta": end},
        ]

    def _cohere_v1_events(self) -> list[dict[str, Any]]:
        start = {"event_type": "stream-start", "is_finished": False, "generation_id": f"gen-{self.number}"}
        response = {"text": self.text, "generation_id": f"gen-{self.number}", "finish_reason": "COMPLETE"}
        end = {"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE", "response": response}
        pieces = ({"event_type": "text-generation", "is_finished": False, "text": piece} for piece in self.pieces)
        return [start, *pieces, end]

    # -- Ollama ------------------------------------------------------------------------------------------

    def _ollama(self, wire: Wire, asked: dict[str, Any], said: Any) -> None:
        base = {"model": asked["model"], "created_at": "2026-01-01T00:00:00Z"}
        if not asked.get("stream"):
            _send(wire, {**base, **said(self.text), "done": True, "done_reason": "stop"})
            return
        lines = [{**base, **said(piece), "done": False} for piece in self.pieces]
        lines.append({**base, **said(""), "done": True, "done_reason": "stop"})
        self._send_lines(wire, lines, OLLAMA_ERROR, "application/x-ndjson")


def _gemini(text: str, finish: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash"}


def _send(wire: Wire, answer: dict[str, Any]) -> None:
    wire.answer(json.dumps(answer).encode())


def _frame(headers: dict[str, str], payload: bytes) -> bytes:
    """A frame of an AWS event stream: https://smithy.io/2.0/aws/amazon-eventstream.html."""
    head = b"".join(
        struct.pack(f">B{len(name)}sBH", len(name), name.encode(), 7, len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    frame = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return frame + struct.pack(">I", crc32(frame))
