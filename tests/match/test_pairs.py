"""What counts as the same request, as pairs: each row says of two requests whether one answers for the other."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, replace
from typing import Literal

import brotli
import pytest
import zstandard

from replaycache import Match, Redact, Request
from replaycache.redaction.redactor import Redactor

OPENAI = "https://api.openai.com/v1"
MINI = '"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]'
CLAUDE = '"model":"claude-sonnet-4-5","max_tokens":9'
MESSAGE = '{"model":"m","messages":[{"role":"user","content":"%s"}]}'
IMAGE = (
    '{"model":"m","messages":[{"role":"user","content":[{"type":"image_url",'
    '"image_url":{"url":"data:image/png;base64,%s=="}}]}]}'
)
PNG = "data:image/png;base64,QUFBMQ=="
CALLED = (
    '{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function",'
    '"function":{"name":"f","arguments":"{\\"when\\":\\"%s\\"}"}}]}]}'
)
USED = (
    '{"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f",'
    '"input":{"when":"%s"}}]}]}'
)

REFERENCE = "https://platform.openai.com/docs/api-reference"
CHAT_DOC = f"{REFERENCE}/chat/create"
COMPLETIONS_DOC = f"{REFERENCE}/completions/create"
RESPONSES_DOC = f"{REFERENCE}/responses/create"
RUNS_DOC = f"{REFERENCE}/runs/createRun"
EMBEDDINGS_DOC = f"{REFERENCE}/embeddings/create"
IMAGES_DOC = f"{REFERENCE}/images/create"
EDITS_DOC = f"{REFERENCE}/images/createEdit"
SPEECH_DOC = f"{REFERENCE}/audio/createSpeech"
TRANSCRIPTION_DOC = f"{REFERENCE}/audio/createTranscription"
REASONING_DOC = "https://platform.openai.com/docs/guides/reasoning"
AUTH_DOC = f"{REFERENCE}/authentication"
AZURE_DOC = "https://learn.microsoft.com/azure/ai-foundry/openai/reference"
ANTHROPIC_DOC = "https://docs.anthropic.com/en/api/messages"
VERSION_DOC = "https://docs.anthropic.com/en/api/versioning"
BETA_DOC = "https://docs.anthropic.com/en/api/beta-headers"
CACHING_DOC = "https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching"
GEMINI_DOC = "https://ai.google.dev/api/generate-content"
GEMINI_KEY_DOC = "https://ai.google.dev/gemini-api/docs/api-key"
MISTRAL_DOC = "https://docs.mistral.ai/api"
GROQ_DOC = "https://console.groq.com/docs/api-reference"
COHERE_DOC = "https://docs.cohere.com/reference"
OLLAMA_DOC = "https://github.com/ollama/ollama/blob/main/docs/api.md"
MCP_DOC = "https://platform.openai.com/docs/guides/tools-connectors-mcp"
JSON_DOC = "https://www.rfc-editor.org/rfc/rfc8259"
URI_DOC = "https://www.rfc-editor.org/rfc/rfc3986"
HTTP_DOC = "https://www.rfc-editor.org/rfc/rfc9110"
FORM_DATA_DOC = "https://www.rfc-editor.org/rfc/rfc7578"
FORM_DOC = "https://url.spec.whatwg.org/#application/x-www-form-urlencoded"
KEYS = "README: keys"
SECRETS = "README: secrets"


def post(url: str, body: str | bytes = b"", content_type: str = "application/json", **headers: str) -> Request:
    lines = [("content-type", content_type)] if content_type else []
    lines += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request("POST", url, tuple(lines), body if isinstance(body, bytes) else body.encode())


def plain(body: str | bytes) -> Request:
    """JSON to a host that no row of the table names."""
    return post("https://llm.example/v1/chat/completions", body)


def chat(body: str = f"{{{MINI}}}", **headers: str) -> Request:
    return post(f"{OPENAI}/chat/completions", body, **headers)


def completions(body: str) -> Request:
    return post(f"{OPENAI}/completions", body)


def responses(body: str) -> Request:
    return post(f"{OPENAI}/responses", body)


def claude(body: str, **headers: str) -> Request:
    return post("https://api.anthropic.com/v1/messages", body, **headers)


def azure(body: str, query: str = "api-version=2024-10-21") -> Request:
    return post(f"https://me.openai.azure.com/openai/deployments/d/chat/completions?{query}", body)


def gemini(body: str, query: str = "") -> Request:
    return post(
        f"https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent{query}", body
    )


def mistral(body: str) -> Request:
    return post("https://api.mistral.ai/v1/chat/completions", body)


def groq(body: str, endpoint: str = "chat/completions") -> Request:
    return post(f"https://api.groq.com/openai/v1/{endpoint}", body)


def cohere(path: str, body: str) -> Request:
    return post(f"https://api.cohere.com{path}", body)


def converse(block: str) -> Request:
    return post("https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse", f'{{"messages":[{block}]}}')


def ollama(path: str, body: str) -> Request:
    return post(f"http://localhost:11434{path}", body)


def get(url: str) -> Request:
    return Request("GET", url)


def form(body: str | bytes) -> Request:
    return post("https://llm.example/x", body, "application/x-www-form-urlencoded")


def text(body: str | bytes, content_type: str = "text/plain") -> Request:
    return post("https://llm.example/x", body, content_type)


def part(disposition: str, content: str | bytes, content_type: str = "") -> bytes:
    head = f"Content-Disposition: form-data; {disposition}\r\n"
    head += f"Content-Type: {content_type}\r\n" if content_type else ""
    return head.encode() + b"\r\n" + (content if isinstance(content, bytes) else content.encode())


def parts(*items: bytes, boundary: str = "b", url: str = "https://llm.example/x") -> Request:
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), item) for item in items)
    body += b"--%s--\r\n" % boundary.encode()
    return post(url, body, f"multipart/form-data; boundary={boundary}")


TRANSCRIBE = f"{OPENAI}/audio/transcriptions"
EDIT = f"{OPENAI}/images/edits"
WAV = part('name="file"; filename="a.wav"', b"RIFF\x00\xff", "audio/wav")
WHISPER = part('name="model"', "whisper-1")
ZSTD = zstandard.ZstdCompressor().compress(b'{"a":1}')


DEFAULT = Match()
BUILT_IN = Redact()


@dataclass(frozen=True)
class Pair:
    """One row; `why` is the rule in our words, `source` where it is laid down."""

    id: str
    a: Request
    b: Request
    want: Literal["equal", "different"]
    why: str
    source: str
    match: Match = DEFAULT
    match_b: Match | None = None
    samples: tuple[int, int] = (0, 0)
    redact: Redact = BUILT_IN


# fmt: off
PAIRS = [
    # JSON: what may vary without a change of meaning
    Pair("json-key-order", plain('{"a":1,"b":2}'), plain('{"b":2,"a":1}'), "equal",
         "The members of an object have no order.", JSON_DOC),
    Pair("json-key-order-at-depth", plain('{"a":[{"x":1,"y":{"p":1,"q":2}}]}'),
         plain('{"a":[{"y":{"q":2,"p":1},"x":1}]}'), "equal",
         "Members are sorted however deep the object lies.", KEYS),
    Pair("json-array-order", plain('{"a":[1,2]}'), plain('{"a":[2,1]}'), "different",
         "An array is a sequence, so its order is part of its value.", JSON_DOC),
    Pair("json-message-order", plain('{"m":[{"r":"a"},{"r":"b"}]}'), plain('{"m":[{"r":"b"},{"r":"a"}]}'),
         "different", "Objects inside an array keep their places.", KEYS),
    Pair("json-white-space", plain('{"a":[1,2]}'), plain(' {\t"a" :\r\n[ 1 , 2 ] }\n'), "equal",
         "Space, tab and line ends between tokens mean nothing.", JSON_DOC),
    Pair("json-white-space-in-string", plain('{"a":"x y"}'), plain('{"a":"x  y"}'), "different",
         "Inside a string every space is content.", JSON_DOC),
    Pair("json-trailing-line-break-in-string", plain('{"a":"x"}'), plain('{"a":"x\\n"}'), "different",
         "A line break at the end of a prompt is content.", KEYS),
    Pair("json-escape-u", plain('{"a":"é"}'), plain('{"a":"\\u00e9"}'), "equal",
         "A character and its escape are the same character.", JSON_DOC),
    Pair("json-escape-hex-case", plain('{"a":"\\u00E9"}'), plain('{"a":"\\u00e9"}'), "equal",
         "The digits of an escape may be in either case.", JSON_DOC),
    Pair("json-escape-pair", plain('{"a":"😀"}'), plain('{"a":"\\ud83d\\ude00"}'), "equal",
         "Beyond the basic plane an escape is written as two halves.", JSON_DOC),
    Pair("json-escape-solidus", plain('{"a":"a/b"}'), plain('{"a":"a\\/b"}'), "equal",
         "A solidus may be escaped.", JSON_DOC),
    Pair("json-escape-short", plain('{"a":"\\n\\t"}'), plain('{"a":"\\u000a\\u0009"}'), "equal",
         "Short and long escapes name the same character.", JSON_DOC),
    Pair("json-escape-in-name", plain('{"a":1}'), plain('{"\\u0061":1}'), "equal",
         "The names of members are strings too.", JSON_DOC),
    Pair("json-escaped-backslash", plain('{"a":"\\n"}'), plain('{"a":"\\\\n"}'), "different",
         "An escaped backslash before an n is two characters.", JSON_DOC),
    Pair("json-name-case", plain('{"a":1}'), plain('{"A":1}'), "different",
         "Names are compared character by character.", JSON_DOC),
    Pair("json-text-and-number", plain('{"a":1}'), plain('{"a":"1"}'), "different",
         "A number is no string.", JSON_DOC),
    Pair("json-true-and-one", plain('{"a":1}'), plain('{"a":true}'), "different",
         "A boolean is no number.", JSON_DOC),
    Pair("json-empty-object-and-array", plain('{"a":{}}'), plain('{"a":[]}'), "different",
         "Empty containers keep their kind.", JSON_DOC),
    Pair("json-scalar-and-list-of-one", plain('{"input":"x"}'), plain('{"input":["x"]}'), "different",
         "A list of one is only its item where the provider says so.", KEYS),
    # numbers
    Pair("number-point-zero", plain('{"a":1}'), plain('{"a":1.0}'), "equal",
         "A fraction of zero does not change a number.", KEYS),
    Pair("number-exponent", plain('{"a":1}'), plain('{"a":1e0}'), "equal",
         "An exponent of zero does not change a number.", KEYS),
    Pair("number-exponent-shift", plain('{"a":0.25}'), plain('{"a":25E-2}'), "equal",
         "The place of the point may be written either way.", KEYS),
    Pair("number-trailing-zeros", plain('{"a":0.7}'), plain('{"a":0.700}'), "equal",
         "Zeros at the end of a fraction do not change a number.", KEYS),
    Pair("number-large-exponent", plain('{"a":1e22}'), plain('{"a":10000000000000000000000}'), "equal",
         "An integer written with an exponent is that integer.", KEYS),
    Pair("number-tenths", plain('{"a":0.7}'), plain('{"a":0.71}'), "different",
         "Another temperature is another question.", KEYS),
    Pair("number-one-and-one-tenth", plain('{"a":1}'), plain('{"a":1.1}'), "different",
         "Numbers are not rounded.", KEYS),
    Pair("number-beyond-53-bits", plain('{"a":9007199254740992}'), plain('{"a":9007199254740993}'),
         "different",
         "Integers that a double would merge stay apart.", KEYS),
    Pair("number-beyond-64-bits", plain('{"a":18446744073709551616}'), plain('{"a":18446744073709551617}'),
         "different", "Integers of any size are exact.", KEYS),
    Pair("number-beyond-64-bits-negative", plain('{"a":-9223372036854775809}'),
         plain('{"a":-9223372036854775810}'), "different", "So are negative ones.", KEYS),
    Pair("number-big-integer-white-space", plain('{"a":18446744073709551617}'),
         plain('{"a": 18446744073709551617 }'), "equal", "White space beside a big integer does not count.",
         KEYS),
    Pair("number-big-integer-and-text", plain('{"a":18446744073709551617}'),
         plain('{"a":"18446744073709551617"}'), "different", "A big integer is not the text of its digits.",
         KEYS),
    Pair("number-negative-near-the-range", plain('{"a":-1e308}'), plain('{"a": -1e308}'), "equal",
         "A negative number within a double's range is a number like another.", KEYS),
    Pair("number-minus-zero", plain('{"a":0}'), plain('{"a":-0}'), "different",
         "Minus zero is another double than zero.", KEYS),
    Pair("number-minus-zero-spellings", plain('{"a":-0}'), plain('{"a":-0.0}'), "equal",
         "Minus zero has spellings too.", KEYS),
    Pair("number-beyond-double", plain('{"a":1e400}'), plain('{"a":1e401}'), "different",
         "Numbers that overflow are compared as they are written.", KEYS),
    Pair("number-beyond-double-digits", plain('{"a":1' + "0" * 400 + "}"), plain('{"a":1e400}'), "different",
         "What overflows falls back to raw bytes.", KEYS),
    # what a JSON value cannot carry falls back to raw bytes
    Pair("duplicate-names-last-equal", plain('{"a":1,"a":2}'), plain('{"a":2}'), "different",
         "An object with a name twice is not read as if the last had won.", KEYS),
    Pair("duplicate-names-other-first", plain('{"a":1,"a":2}'), plain('{"a":3,"a":2}'), "different",
         "Both values of a duplicate name count.", KEYS),
    Pair("duplicate-names-by-escape", plain('{"a":1,"\\u0061":2}'), plain('{"a":2}'), "different",
         "A name is a duplicate however it is escaped.", KEYS),
    Pair("duplicate-names-white-space", plain('{"a":1,"a":2}'), plain('{"a":1, "a":2}'), "different",
         "Raw bytes are compared with their white space.", KEYS),
    Pair("duplicate-names-same-bytes", plain('{"a":1,"a":2}'), plain('{"a":1,"a":2}'), "equal",
         "The same bytes are the same request.", KEYS),
    Pair("nan-and-null", plain('{"a":NaN}'), plain('{"a":null}'), "different",
         "NaN is no JSON and stands for nothing else.", JSON_DOC),
    Pair("nan-and-infinity", plain('{"a":NaN}'), plain('{"a":Infinity}'), "different",
         "Two things that are no JSON are compared by their bytes.", JSON_DOC),
    Pair("lone-surrogates", plain('{"a":"\\ud800"}'), plain('{"a":"\\ud801"}'), "different",
         "Half a pair is not replaced by a question mark.", KEYS),
    Pair("lone-surrogate-and-replacement", plain('{"a":"\\ud800"}'), plain('{"a":"\ufffd"}'), "different",
         "Half a pair is not the replacement character.", KEYS),
    Pair("byte-order-mark", plain(b'\xef\xbb\xbf{"a":1}'), plain(b'{"a":1}'), "different",
         "JSON on the network carries no byte order mark, so a body with one is no JSON.", JSON_DOC),
    Pair("invalid-utf8", plain(b'{"a":"\xff"}'), plain(b'{"a":"\xfe"}'), "different",
         "Bytes that are no UTF-8 are compared as bytes.", KEYS),
    Pair("utf16", plain('{"a":1}'.encode("utf-16-le")), plain(b'{"a":1}'), "different",
         "JSON between systems is UTF-8.", JSON_DOC),
    Pair("cut-short", plain('{"a":1'), plain('{"a":1}'), "different", "Half an object is no object.", KEYS),
    Pair("trailing-text", plain('{"a":1}x'), plain('{"a":1}y'), "different",
         "What follows the value makes it no JSON.", KEYS),
    Pair("nested-too-deep", plain("[" * 5000 + "1" + "]" * 5000), plain("[" * 5000 + "2" + "]" * 5000),
         "different", "Depth beyond any decoder falls back to raw bytes.", KEYS),
    Pair("raw-fallback-is-not-json", plain(b'{"a":1,"a":1}'), text(b'{"a":1,"a":1}', "text/plain"),
         "different",
         "The content type says how the same bytes are to be read.", HTTP_DOC),
    # Unicode
    Pair("unicode-composed", plain('{"a":"\u00e9"}'), plain('{"a":"e\u0301"}'), "different",
         "Normal forms of one letter are different code points, and tokens.", KEYS),
    Pair("unicode-compatibility", plain('{"a":"ﬁ"}'), plain('{"a":"fi"}'), "different",
         "A ligature is not its letters.", KEYS),
    Pair("unicode-non-breaking-space", plain('{"a":"a\u00a0b"}'), plain('{"a":"a b"}'), "different",
         "Spaces that look alike are different characters.", KEYS),
    Pair("unicode-composed-name", plain('{"\u00e9":1}'), plain('{"e\u0301":1}'), "different",
         "Names are not normalised either.", KEYS),
    # null
    Pair("null-without-rule", plain('{"a":null}'), plain("{}"), "different",
         "Null counts unless a provider documents that it means nothing.", KEYS),
    Pair("null-with-rule", chat(f'{{{MINI},"stop":null}}'), chat(), "equal",
         "The reference gives stop as nullable, with null for its default.", CHAT_DOC),
    Pair("null-seed", chat(f'{{{MINI},"seed":null}}'), chat(), "equal", "A null seed is no seed.", CHAT_DOC),
    Pair("null-on-openai-without-rule", chat(f'{{{MINI},"tools":null}}'), chat(), "different",
         "The reference does not give tools as nullable.", CHAT_DOC),
    Pair("null-at-depth", chat('{"model":"gpt-4o","messages":[{"role":"user","content":"x","name":null}]}'),
         chat('{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}'), "different",
         "A rule for null holds for the member it names and for nothing deeper.", KEYS),
    Pair("null-unknown-host", plain(f'{{{MINI},"stop":null}}'), plain(f"{{{MINI}}}"), "different",
         "A server that only resembles OpenAI documents nothing.", KEYS),
    # OpenAI chat completions
    Pair("chat-n", chat(f'{{{MINI},"n":1}}'), chat(), "equal", "One choice is the default.", CHAT_DOC),
    Pair("chat-n-2", chat(f'{{{MINI},"n":2}}'), chat(), "different", "Two choices are not.", CHAT_DOC),
    Pair("chat-n-spelled-as-float", chat(f'{{{MINI},"n":1.0}}'), chat(), "equal",
         "A default is recognised in any spelling of its number.", KEYS),
    Pair("chat-n-true", chat(f'{{{MINI},"n":true}}'), chat(), "different",
         "True is not the number one, so not the default.", KEYS),
    Pair("chat-stream-false", chat(f'{{{MINI},"stream":false}}'), chat(), "equal",
         "Chat completions do not stream unless asked.", CHAT_DOC),
    Pair("chat-stream-true", chat(f'{{{MINI},"stream":true}}'), chat(), "different",
         "A stream is another form of answer.", CHAT_DOC),
    Pair("chat-store-false", chat(f'{{{MINI},"store":false}}'), chat(), "equal",
         "The chat reference gives false for store.", CHAT_DOC),
    Pair("chat-store-true", chat(f'{{{MINI},"store":true}}'), chat(), "different",
         "To store a chat completion has to be asked for.", CHAT_DOC),
    Pair("chat-temperature", chat(f'{{{MINI},"temperature":1}}'), chat(), "equal",
         "Models that sample have a temperature of one unless told otherwise.", CHAT_DOC),
    Pair("chat-temperature-0", chat(f'{{{MINI},"temperature":0}}'), chat(), "different",
         "Zero is not the default temperature.", CHAT_DOC),
    Pair("chat-temperature-reasoning-model", chat('{"model":"o3","messages":[],"temperature":1}'),
         chat('{"model":"o3","messages":[]}'), "different",
         "Reasoning models do not take the sampling parameters, so nothing can be said of a default.",
         REASONING_DOC),
    Pair("chat-top-p-gpt-5", chat('{"model":"gpt-5","messages":[],"top_p":1}'),
         chat('{"model":"gpt-5","messages":[]}'), "different",
         "A family of models with settings of its own is outside the guard.", REASONING_DOC),
    Pair("chat-temperature-fine-tuned", chat('{"model":"ft:gpt-4o-mini-2024-07-18:me::x","temperature":1}'),
         chat('{"model":"ft:gpt-4o-mini-2024-07-18:me::x"}'), "equal",
         "A fine-tuned model has the parameters of the one it was made from.", CHAT_DOC),
    Pair("chat-temperature-no-model", chat('{"messages":[],"temperature":1}'), chat('{"messages":[]}'),
         "different", "Without a model nothing is known that depends on it.", KEYS),
    Pair("chat-penalties", chat(f'{{{MINI},"frequency_penalty":0,"presence_penalty":0.0}}'), chat(), "equal",
         "Both penalties are zero unless given.", CHAT_DOC),
    Pair("chat-reasoning-effort", chat('{"model":"gpt-5","messages":[],"reasoning_effort":"medium"}'),
         chat('{"model":"gpt-5","messages":[]}'), "different",
         "The default effort depends on the model, so none is folded.", CHAT_DOC),
    Pair("chat-verbosity", chat('{"model":"gpt-5","messages":[],"verbosity":"medium"}'),
         chat('{"model":"gpt-5","messages":[]}'), "different",
         "Only some models know verbosity, so a written one is not an absent one.", CHAT_DOC),
    Pair("chat-service-tier", chat(f'{{{MINI},"service_tier":"auto"}}'), chat(), "different",
         "What auto means is a setting of the project.", CHAT_DOC),
    Pair("chat-parallel-tool-calls", chat(f'{{{MINI},"parallel_tool_calls":true}}'), chat(), "different",
         "The parameter is refused where there are no tools.", CHAT_DOC),
    Pair("chat-unknown-parameter", chat(f'{{{MINI},"born_tomorrow":false}}'), chat(), "different",
         "The whole body counts, with the parameters that nobody knows yet.", KEYS),
    Pair("chat-metadata", chat(f'{{{MINI},"metadata":{{"run":"1"}}}}'),
         chat(f'{{{MINI},"metadata":{{"run":"2"}}}}'),
         "different", "Nothing of the body is left out unless the user says so.", KEYS),
    Pair("chat-user", chat(f'{{{MINI},"user":"a"}}'), chat(f'{{{MINI},"user":"b"}}'), "different",
         "The end user is part of the body.", KEYS),
    Pair("chat-model", chat('{"model":"gpt-4o"}'), chat('{"model":"gpt-4o-2024-08-06"}'), "different",
         "An alias of a model moves on; its snapshot does not.", CHAT_DOC),
    Pair("chat-regional-host", post("https://eu.api.openai.com/v1/chat/completions", f'{{{MINI},"n":1}}'),
         post("https://eu.api.openai.com/v1/chat/completions", f"{{{MINI}}}"), "equal",
         "The regional hosts of the API are the same API.", f"{REFERENCE}/introduction"),
    Pair("unknown-host-folds-nothing", plain(f'{{{MINI},"n":1}}'), plain(f"{{{MINI}}}"), "different",
         "On a host that no row names no default is known.", KEYS),
    Pair("host-that-ends-alike", post("https://evilapi.openai.com.example/v1/chat/completions", '{"n":1}'),
         post("https://evilapi.openai.com.example/v1/chat/completions", "{}"), "different",
         "A name that contains a provider's is another host.", KEYS),
    Pair("other-port-folds-nothing", post("https://api.openai.com:8443/v1/chat/completions", '{"n":1}'),
         post("https://api.openai.com:8443/v1/chat/completions", "{}"), "different",
         "Another port is another server.", URI_DOC),
    Pair("other-path-folds-nothing", post("https://api.openai.com/proxy/v1/chat/completions", '{"n":1}'),
         post("https://api.openai.com/proxy/v1/chat/completions", "{}"), "different",
         "A rule holds for the endpoint that it names.", KEYS),
    Pair("fold-defaults-off", chat(f'{{{MINI},"n":1}}'), chat(), "different",
         "Folding can be turned off.", KEYS, Match(fold_defaults=False)),
    Pair("fold-defaults-off-stop", chat(f'{{{MINI},"stop":"x"}}'), chat(f'{{{MINI},"stop":["x"]}}'),
         "different",
         "So can the equivalents.", KEYS, Match(fold_defaults=False)),
    # stop
    Pair("chat-stop-text-and-list", chat(f'{{{MINI},"stop":"x"}}'), chat(f'{{{MINI},"stop":["x"]}}'), "equal",
         "stop may be one text or a list of them.", CHAT_DOC),
    Pair("chat-stop-other-text", chat(f'{{{MINI},"stop":"x"}}'), chat(f'{{{MINI},"stop":["y"]}}'),
         "different",
         "Another stop ends elsewhere.", CHAT_DOC),
    Pair("chat-stop-empty-list", chat(f'{{{MINI},"stop":[]}}'), chat(), "different",
         "The reference does not say what an empty list means.", CHAT_DOC),
    Pair("chat-stop-order", chat(f'{{{MINI},"stop":["x","y"]}}'), chat(f'{{{MINI},"stop":["y","x"]}}'),
         "different", "No reference says that the order of stops is nothing.", CHAT_DOC),
    Pair("completions-stop", completions('{"prompt":"a","stop":"x"}'),
         completions('{"prompt":"a","stop":["x"]}'),
         "equal", "The older endpoint takes stop in both forms as well.", COMPLETIONS_DOC),
    Pair("unknown-host-stop", plain('{"stop":"x"}'), plain('{"stop":["x"]}'), "different",
         "An equivalence holds where it is documented.", KEYS),
    # OpenAI completions
    Pair("completions-max-tokens", completions('{"prompt":"a","max_tokens":16}'),
         completions('{"prompt":"a"}'),
         "equal", "Sixteen tokens are the default of this endpoint.", COMPLETIONS_DOC),
    Pair("chat-max-tokens-16", chat(f'{{{MINI},"max_tokens":16}}'), chat(), "different",
         "Chat completions have no such default.", CHAT_DOC),
    Pair("completions-echo", completions('{"prompt":"a","echo":false}'), completions('{"prompt":"a"}'),
         "equal",
         "The prompt is not echoed unless asked for.", COMPLETIONS_DOC),
    Pair("completions-best-of", completions('{"prompt":"a","n":2,"best_of":1}'),
         completions('{"prompt":"a","n":2}'), "different",
         "best_of has to reach n, so its default depends on another parameter.", COMPLETIONS_DOC),
    # OpenAI responses
    Pair("responses-store-true", responses('{"model":"gpt-4o","input":"x","store":true}'),
         responses('{"model":"gpt-4o","input":"x"}'), "equal",
         "Responses are stored unless told otherwise.", RESPONSES_DOC),
    Pair("responses-store-false", responses('{"model":"gpt-4o","input":"x","store":false}'),
         responses('{"model":"gpt-4o","input":"x"}'), "different",
         "False is chat's default for store, not this endpoint's.", RESPONSES_DOC),
    Pair("responses-truncation", responses('{"model":"o3","input":"x","truncation":"disabled"}'),
         responses('{"model":"o3","input":"x"}'), "equal", "Nothing is truncated by default.", RESPONSES_DOC),
    Pair("responses-background-false", responses('{"input":"x","background":false}'),
         responses('{"input":"x"}'),
         "equal", "A response is made in the foreground by default.", RESPONSES_DOC),
    Pair("responses-temperature-with-template",
         responses('{"model":"gpt-4o","prompt":{"id":"pmpt_1"},"temperature":1}'),
         responses('{"model":"gpt-4o","prompt":{"id":"pmpt_1"}}'), "different",
         "A stored prompt template brings settings of its own, which an absent parameter leaves in force.",
         "https://platform.openai.com/docs/guides/prompting"),
    Pair("responses-null-with-template", responses('{"prompt":{"id":"pmpt_1"},"instructions":null}'),
         responses('{"prompt":{"id":"pmpt_1"}}'), "different",
         "Beside a template null may overrule what the template says.",
         "https://platform.openai.com/docs/guides/prompting"),
    Pair("responses-null-template", responses('{"model":"gpt-4o","prompt":null,"temperature":1}'),
         responses('{"model":"gpt-4o"}'), "equal", "A null template is none.", RESPONSES_DOC),
    Pair("responses-temperature-reasoning-model", responses('{"model":"o4-mini","temperature":1}'),
         responses('{"model":"o4-mini"}'), "different",
         "Reasoning models do not take the sampling parameters.", REASONING_DOC),
    Pair("responses-previous-response", responses('{"input":"x","previous_response_id":"resp_1"}'),
         responses('{"input":"x","previous_response_id":"resp_2"}'), "different",
         "What came before is part of the question.", RESPONSES_DOC),
    Pair("runs-temperature-inherited",
         post(f"{OPENAI}/threads/t/runs", '{"assistant_id":"a","model":"gpt-4o","temperature":1}'),
         post(f"{OPENAI}/threads/t/runs", '{"assistant_id":"a","model":"gpt-4o"}'), "different",
         "A run takes what it is not told from its assistant.", RUNS_DOC),
    Pair("runs-null-instructions", post(f"{OPENAI}/threads/t/runs",
         '{"assistant_id":"a","instructions":null}'),
         post(f"{OPENAI}/threads/t/runs", '{"assistant_id":"a"}'), "different",
         "No rule is known for runs, not for null either.", RUNS_DOC),
    # OpenAI, the other endpoints
    Pair("embeddings-float", post(f"{OPENAI}/embeddings", '{"input":"x","encoding_format":"float"}'),
         post(f"{OPENAI}/embeddings", '{"input":"x"}'), "equal", "Embeddings come as floats by default.",
         EMBEDDINGS_DOC),
    Pair("embeddings-base64", post(f"{OPENAI}/embeddings", '{"input":"x","encoding_format":"base64"}'),
         post(f"{OPENAI}/embeddings", '{"input":"x"}'), "different", "Base64 is another form of answer.",
         EMBEDDINGS_DOC),
    Pair("images-n", post(f"{OPENAI}/images/generations", '{"prompt":"x","n":1}'),
         post(f"{OPENAI}/images/generations", '{"prompt":"x"}'), "equal", "One image is the default.",
         IMAGES_DOC),
    Pair("images-stream-unknown-model", post(f"{OPENAI}/images/generations", '{"prompt":"x","stream":false}'),
         post(f"{OPENAI}/images/generations", '{"prompt":"x"}'), "different",
         "Where no model is named, a parameter of some models chooses one.", IMAGES_DOC),
    Pair("images-quality", post(f"{OPENAI}/images/generations", '{"model":"gpt-image-1","quality":"auto"}'),
         post(f"{OPENAI}/images/generations", '{"model":"gpt-image-1"}'), "different",
         "The quality depends on the model; there is no row for it.", IMAGES_DOC),
    Pair("speech-mp3", post(f"{OPENAI}/audio/speech", '{"input":"x","response_format":"mp3"}'),
         post(f"{OPENAI}/audio/speech", '{"input":"x"}'), "equal", "Speech comes as MP3 by default.",
         SPEECH_DOC),
    Pair("speech-speed", post(f"{OPENAI}/audio/speech", '{"input":"x","speed":1.5}'),
         post(f"{OPENAI}/audio/speech", '{"input":"x"}'), "different", "Faster speech is other speech.",
         SPEECH_DOC),
    Pair("transcription-default-in-form", parts(WAV, WHISPER, part('name="response_format"', "json"),
         url=TRANSCRIBE),
         parts(WAV, WHISPER, url=TRANSCRIBE), "equal",
         "A transcription comes as JSON by default, and a form says so in text.", TRANSCRIPTION_DOC),
    Pair("transcription-whisper-temperature", parts(WAV, WHISPER, part('name="temperature"', "0"),
         url=TRANSCRIBE),
         parts(WAV, WHISPER, url=TRANSCRIBE), "equal", "The default temperature is zero.", TRANSCRIPTION_DOC),
    Pair("transcription-other-model-temperature",
         parts(WAV, part('name="model"', "gpt-4o-transcribe"), part('name="temperature"', "0"),
         url=TRANSCRIBE),
         parts(WAV, part('name="model"', "gpt-4o-transcribe"), url=TRANSCRIBE), "different",
         "Of other models' temperature nothing is folded.", TRANSCRIPTION_DOC),
    Pair("image-edit-field-twice", parts(part('name="n"', "2"), part('name="n"', "1"), url=EDIT),
         parts(url=EDIT), "different",
         "A field that is sent twice is not the default because one of the two is.", EDITS_DOC),
    # Azure OpenAI
    Pair("azure-n", azure('{"messages":[],"n":1}'), azure('{"messages":[]}'), "equal",
         "One choice is Azure's default too.", AZURE_DOC),
    Pair("azure-temperature", azure('{"messages":[],"temperature":1}'), azure('{"messages":[]}'), "different",
         "The name of a deployment does not tell the model.", AZURE_DOC),
    Pair("azure-store", azure('{"messages":[],"store":false}'), azure('{"messages":[]}'), "different",
         "OpenAI's default for store is not taken over.", AZURE_DOC),
    Pair("azure-stop", azure('{"stop":"x"}'), azure('{"stop":["x"]}'), "equal",
         "stop may be a text or a list.", AZURE_DOC),
    Pair("azure-api-version", azure("{}"), azure("{}", "api-version=2025-01-01"), "different",
         "The version of the API is a parameter like others.", AZURE_DOC),
    Pair("azure-embeddings", post("https://me.openai.azure.com/openai/deployments/e/embeddings",
                                  '{"input":"x","encoding_format":"float"}'),
         post("https://me.openai.azure.com/openai/deployments/e/embeddings", '{"input":"x"}'), "equal",
         "Embeddings come as floats by default.", AZURE_DOC),
    # Anthropic
    Pair("anthropic-text-block", claude(f'{{{CLAUDE},"messages":[{{"role":"user","content":"hi"}}]}}'),
         claude(f'{{{CLAUDE},"messages":[{{"role":"user","content":[{{"type":"text","text":"hi"}}]}}]}}'),
         "equal",
         "A text as content is short for one block of that text.", ANTHROPIC_DOC),
    Pair("anthropic-cached-text-block", claude(f'{{{CLAUDE},"messages":[{{"role":"user","content":"hi"}}]}}'),
         claude(f'{{{CLAUDE},"messages":[{{"role":"user","content":[{{"type":"text","text":"hi",'
                f'"cache_control":{{"type":"ephemeral"}}}}]}}]}}'), "different",
         "A block that marks a place to cache is more than its text.", CACHING_DOC),
    Pair("anthropic-two-text-blocks",
         claude(f'{{{CLAUDE},"messages":[{{"role":"user","content":[{{"type":"text","text":"a"}},'
                f'{{"type":"text","text":"b"}}]}}]}}'),
         claude(f'{{{CLAUDE},"messages":[{{"role":"user","content":"ab"}}]}}'), "different",
         "Two blocks are not one text.", ANTHROPIC_DOC),
    Pair("anthropic-system-block", claude(f'{{{CLAUDE},"system":"s"}}'),
         claude(f'{{{CLAUDE},"system":[{{"type":"text","text":"s"}}]}}'), "different",
         "The documented short form is that of messages; of system there is no row.", ANTHROPIC_DOC),
    Pair("anthropic-temperature", claude(f'{{{CLAUDE},"temperature":1}}'), claude(f"{{{CLAUDE}}}"),
         "different",
         "Newer models refuse a temperature beside other parameters, so none is folded.", ANTHROPIC_DOC),
    Pair("anthropic-stream-false", claude(f'{{{CLAUDE},"stream":false}}'), claude(f"{{{CLAUDE}}}"),
         "different",
         "No default is given for stream here; OpenAI's is not taken over.", ANTHROPIC_DOC),
    Pair("anthropic-parallel-tools",
         claude(f'{{{CLAUDE},"tool_choice":{{"type":"auto","disable_parallel_tool_use":false}}}}'),
         claude(f'{{{CLAUDE},"tool_choice":{{"type":"auto"}}}}'), "equal",
         "Tools may run side by side unless that is disabled.", ANTHROPIC_DOC),
    Pair("unknown-host-text-block", plain('{"messages":[{"content":"hi"}]}'),
         plain('{"messages":[{"content":[{"type":"text","text":"hi"}]}]}'), "different",
         "The short form is documented for Anthropic.", KEYS),
    # Gemini
    Pair("gemini-candidate-count", gemini('{"contents":[],"generationConfig":{"topK":3,"candidateCount":1}}'),
         gemini('{"contents":[],"generationConfig":{"topK":3}}'), "equal",
         "One candidate is the default.", GEMINI_DOC),
    Pair("gemini-temperature", gemini('{"generationConfig":{"temperature":1}}'),
         gemini('{"generationConfig":{}}'),
         "different", "The default temperature varies by model.", GEMINI_DOC),
    Pair("gemini-key-in-query", gemini("{}", "?key=one"), gemini("{}", "?key=two"), "equal",
         "The API key may travel in the query.", GEMINI_KEY_DOC),
    Pair("gemini-key-in-query-or-header", gemini("{}", "?key=one"), gemini("{}"), "equal",
         "The API key may travel in a header instead.", GEMINI_KEY_DOC),
    Pair("gemini-alt-sse", gemini("{}", "?alt=sse"), gemini("{}"), "different",
         "alt chooses the form of the answer.", GEMINI_DOC),
    # Mistral
    Pair("mistral-safe-prompt", mistral('{"safe_prompt":false}'), mistral("{}"), "equal",
         "No safety prompt is put before the conversation by default.", MISTRAL_DOC),
    Pair("mistral-tool-choice", mistral('{"tool_choice":"auto"}'), mistral("{}"), "equal",
         "The model chooses its tools by default.", MISTRAL_DOC),
    Pair("mistral-temperature", mistral('{"model":"gpt-4o","temperature":1}'), mistral('{"model":"gpt-4o"}'),
         "different", "The recommended temperature varies by model, and OpenAI's is not Mistral's.",
         MISTRAL_DOC),
    Pair("mistral-n", mistral('{"n":1}'), mistral("{}"), "different",
         "A default of OpenAI's does not hold on another host.", MISTRAL_DOC),
    Pair("mistral-stop", mistral('{"stop":"x"}'), mistral('{"stop":["x"]}'), "equal",
         "stop may be a text or a list.", MISTRAL_DOC),
    # Groq
    Pair("groq-responses-store-false", groq('{"input":"x","store":false}', "responses"),
         groq('{"input":"x"}', "responses"), "equal",
         "Groq stores no responses by default, the contrary of OpenAI.", GROQ_DOC),
    Pair("groq-responses-store-true", groq('{"input":"x","store":true}', "responses"),
         groq('{"input":"x"}', "responses"), "different", "True is OpenAI's default, not Groq's.", GROQ_DOC),
    Pair("groq-temperature", groq('{"model":"llama","temperature":1}'), groq('{"model":"llama"}'), "equal",
         "The default temperature is one, whatever the model.", GROQ_DOC),
    Pair("groq-chat-store", groq('{"store":false}'), groq("{}"), "different",
         "Groq's chat completions do not know store.", GROQ_DOC),
    # Cohere
    Pair("cohere-temperature", cohere("/v2/chat", '{"temperature":0.3}'), cohere("/v2/chat", "{}"), "equal",
         "The default temperature is 0.3.", COHERE_DOC),
    Pair("cohere-temperature-1", cohere("/v2/chat", '{"temperature":1}'), cohere("/v2/chat", "{}"),
         "different",
         "One is OpenAI's default temperature, not Cohere's.", COHERE_DOC),
    Pair("cohere-p-exponent", cohere("/v2/chat", '{"p":75e-2}'), cohere("/v2/chat", "{}"), "equal",
         "The default nucleus is 0.75, in any spelling.", COHERE_DOC),
    Pair("cohere-rerank-versions", cohere("/v1/rerank", '{"max_tokens_per_doc":4096}'),
         cohere("/v1/rerank", "{}"), "different",
         "A default of the second version does not hold in the first.", COHERE_DOC),
    Pair("cohere-embedding-types", cohere("/v2/embed", '{"embedding_types":["float"]}'), cohere("/v2/embed",
         "{}"),
         "equal", "Embeddings come as floats by default.", COHERE_DOC),
    # Ollama
    Pair("ollama-stream-true", ollama("/api/chat", '{"stream":true}'), ollama("/api/chat", "{}"), "equal",
         "Ollama streams unless told not to.", OLLAMA_DOC),
    Pair("ollama-stream-false", ollama("/api/chat", '{"stream":false}'), ollama("/api/chat", "{}"),
         "different",
         "One answer at once has to be asked for.", OLLAMA_DOC),
    Pair("ollama-compatible-endpoint", ollama("/v1/chat/completions", '{"stream":false}'),
         ollama("/v1/chat/completions", "{}"), "different",
         "Of the endpoint that resembles OpenAI's no default is documented.", OLLAMA_DOC),
    Pair("ollama-keep-alive", ollama("/api/generate", '{"keep_alive":"5m"}'), ollama("/api/generate", "{}"),
         "different", "How long a model stays loaded is set on the server.", OLLAMA_DOC),
    # method, URL, query
    Pair("method", get("https://llm.example/x"), Request("DELETE", "https://llm.example/x"), "different",
         "Another method is another request.", HTTP_DOC),
    Pair("path", get("https://llm.example/a"), get("https://llm.example/b"), "different",
         "Another path is another resource.", URI_DOC),
    Pair("path-trailing-slash", get("https://llm.example/a"), get("https://llm.example/a/"), "different",
         "A slash at the end makes another path.", URI_DOC),
    Pair("path-case", get("https://llm.example/a"), get("https://llm.example/A"), "different",
         "Paths are told apart by case.", URI_DOC),
    Pair("path-empty", get("https://llm.example"), get("https://llm.example/"), "equal",
         "An empty path is the root.", URI_DOC),
    Pair("path-encoded-slash", get("https://llm.example/a%2Fb"), get("https://llm.example/a/b"), "different",
         "An encoded slash does not part segments.", URI_DOC),
    Pair("host-case", get("https://LLM.example/x"), get("https://llm.EXAMPLE/x"), "equal",
         "Hosts are compared without regard to case.", URI_DOC),
    Pair("host", get("https://a.example/x"), get("https://b.example/x"), "different",
         "Another host is another provider.", KEYS),
    Pair("default-port", get("https://llm.example:443/x"), get("https://llm.example/x"), "equal",
         "A scheme's own port need not be written.", URI_DOC),
    Pair("default-port-of-the-other-scheme", get("http://llm.example:443/x"), get("http://llm.example/x"),
         "different", "443 is no default for http.", URI_DOC),
    Pair("port", get("http://llm.example:1/x"), get("http://llm.example:2/x"), "different",
         "Another port is another server.", URI_DOC),
    Pair("scheme", get("http://llm.example/x"), get("https://llm.example/x"), "different",
         "The scheme is part of the origin.", KEYS),
    Pair("fragment", get("https://llm.example/x#a"), get("https://llm.example/x"), "equal",
         "A fragment is not sent.", URI_DOC),
    Pair("user-information", get("https://me:pw@llm.example/x"), get("https://llm.example/x"), "equal",
         "User and password in a URL are a credential.", SECRETS),
    Pair("query-order", get("https://llm.example/x?a=1&b=2"), get("https://llm.example/x?b=2&a=1"), "equal",
         "Parameters of different names have no order.", KEYS),
    Pair("query-order-of-one-name", get("https://llm.example/x?a=1&a=2"),
         get("https://llm.example/x?a=2&a=1"),
         "different", "The values of one name may be a list.", KEYS),
    Pair("query-repeated", get("https://llm.example/x?a=1&a=1"), get("https://llm.example/x?a=1"),
         "different",
         "A parameter sent twice is not one sent once.", KEYS),
    Pair("query-value", get("https://llm.example/x?a=1"), get("https://llm.example/x?a=2"), "different",
         "Parameters count.", KEYS),
    Pair("query-percent-case", get("https://llm.example/x?a=%c3%a9"), get("https://llm.example/x?a=%C3%A9"),
         "equal",
         "The digits of an escape may be in either case.", URI_DOC),
    Pair("query-percent-unreserved", get("https://llm.example/x?a=%7Eb"), get("https://llm.example/x?a=~b"),
         "equal",
         "An escape of a plain character is that character.", URI_DOC),
    Pair("query-plus", get("https://llm.example/x?a=b+c"), get("https://llm.example/x?a=b%20c"), "equal",
         "In a query a plus is a space.", FORM_DOC),
    Pair("query-encoded-plus", get("https://llm.example/x?a=b%2Bc"), get("https://llm.example/x?a=b+c"),
         "different",
         "An escaped plus is a plus.", FORM_DOC),
    Pair("query-encoded-ampersand", get("https://llm.example/x?a=1%26b=2"),
         get("https://llm.example/x?a=1&b=2"),
         "different", "An escaped ampersand parts nothing.", FORM_DOC),
    Pair("query-no-equals", get("https://llm.example/x?a"), get("https://llm.example/x?a="), "different",
         "A name alone is not a name with an empty value.", KEYS),
    Pair("query-malformed", get("https://llm.example/x?a=%zz"), get("https://llm.example/x?a=%25zz"),
         "different",
         "A percent sign that begins no escape is kept as it stands.", KEYS),
    Pair("query-no-utf8", get("https://llm.example/x?a=%ff"), get("https://llm.example/x?a=%fe"), "different",
         "Escapes that are no UTF-8 are compared as sent.", KEYS),
    Pair("query-credentials", get("https://llm.example/x?api_key=1&access_token=2&a=1"),
         get("https://llm.example/x?a=1"), "equal", "Credentials in a query do not count.", SECRETS),
    Pair("query-credential-name-case", get("https://llm.example/x?API_KEY=1"), get("https://llm.example/x"),
         "equal",
         "Nor do they under a name in another case.", SECRETS),
    Pair("query-signature", get("https://s3.example/x?X-Amz-Signature=1&X-Amz-Date=2&X-Amz-Credential=3&a=1"),
         get("https://s3.example/x?a=1"), "equal", "Signatures do not count.", KEYS),
    Pair("query-name-that-holds-a-credentials", get("https://llm.example/x?keyword=1"),
         get("https://llm.example/x?keyword=2"), "different",
         "A name that only begins like a credential's is data.", SECRETS),
    Pair("query-credential-added", get("https://llm.example/x?token=1"), get("https://llm.example/x?token=2"),
         "different", "What users redact counts.", SECRETS, redact=Redact(query=["token"])),
    Pair("query-credential-of-its-host", get("https://generativelanguage.googleapis.com/v1beta/models?key=1"),
         get("https://generativelanguage.googleapis.com/v1beta/models?key=2"), "equal",
         "On the hosts that use it so, a key does not count.", SECRETS),
    Pair("query-credential-of-its-path", get("https://gateway.example/v1beta/models/m:generateContent?key=1"),
         get("https://gateway.example/v1beta/models/m:generateContent?key=2"), "equal",
         "Nor does it where the call is one of theirs.", SECRETS),
    Pair("query-function-key", get("https://f.azurewebsites.net/api/x?code=1"),
         get("https://f.azurewebsites.net/api/x?code=2"), "equal", "Nor does the key of a function.", SECRETS),
    Pair("query-key-elsewhere", get("https://llm.example/x?key=1"), get("https://llm.example/x?key=2"),
         "different", "Elsewhere a key is data.", SECRETS),
    Pair("query-code-elsewhere", get("https://llm.example/x?code=en"), get("https://llm.example/x?code=fr"),
         "different", "So is a code.", SECRETS),
    Pair("query-sas", get("https://a.blob.core.windows.net/b?sv=1&sig=x"),
         get("https://a.blob.core.windows.net/b?sv=1&sig=y"), "equal", "A signature does not count.", SECRETS),
    Pair("query-sig-alone", get("https://llm.example/x?sig=1"), get("https://llm.example/x?sig=2"),
         "different", "Without anything that it signs it is data.", SECRETS),
    Pair("body-redacted-by-the-user", chat(f'{{{MINI},"user":"a"}}'), chat(f'{{{MINI},"user":"b"}}'),
         "different", "What users redact counts.", SECRETS, redact=Redact(body=["user"])),
    Pair("body-redacted-messages", chat(MESSAGE % "weather in Paris"), chat(MESSAGE % "weather in Rome"),
         "different", "Rome does not get the answer of Paris.", SECRETS, redact=Redact(body=["messages"])),
    Pair("body-redacted-and-scrubbed", chat(MESSAGE % "weather in Paris"), chat(MESSAGE % "weather in Rome"),
         "different", "Nor is the hash scrubbed.", SECRETS,
         Match(scrub=["hex_id", (r"[0-9a-f]+", "N")]), redact=Redact(body=["messages[*].content"])),
    Pair("body-redacted-and-ignored", chat(f'{{{MINI},"user":"a"}}'), chat(f'{{{MINI},"user":"b"}}'),
         "equal", "Unless they say that it does not.", SECRETS, Match(ignore=["user"]),
         redact=Redact(body=["user"])),
    Pair("form-redacted-by-the-user", form("pin=1&b=2"), form("pin=2&b=2"), "different", "In forms, too.",
         SECRETS, redact=Redact(body=["pin"])),
    Pair("header-of-an-account", chat(authorization="Bearer a"), chat(authorization="Bearer b"), "different",
         "Users have accounts told apart.", SECRETS, Match(headers=["Authorization"])),
    # hosts
    Pair("host-alias", post("http://localhost:8080/v1/chat/completions", f"{{{MINI}}}"), chat(), "equal",
         "A host may count as another.", KEYS, Match(hosts={"localhost:8080": "api.openai.com"})),
    Pair("host-alias-folds", post("http://localhost:8080/v1/chat/completions", f'{{{MINI},"n":1}}'), chat(),
         "equal",
         "Under its other name a host has that provider's defaults.", KEYS,
         Match(hosts={"localhost:8080": "api.openai.com"})),
    Pair("host-alias-other-port", post("http://localhost:8081/v1/chat/completions", f"{{{MINI}}}"), chat(),
         "different", "A name with a port is for that port.", KEYS,
         Match(hosts={"localhost:8080": "api.openai.com"})),
    Pair("host-alias-star", get("https://eu-1.llm.example/x"), get("https://eu-2.llm.example/x"), "equal",
         "A star stands for any text.", KEYS, Match(hosts={"*.llm.example": "llm.example"})),
    Pair("host-alias-scheme", get("http://llm.example/x"), get("https://api.example/x"), "different",
         "A name with a scheme is for that scheme.", KEYS,
         Match(hosts={"https://llm.example": "api.example"})),
    Pair("host-alias-origin", get("http://a.example/x"), get("http://b.example:81/x"), "equal",
         "The other name may be an origin.", KEYS, Match(hosts={"a.example": "http://b.example:81"})),
    Pair("host-alias-ipv6", get("http://[::1]:8080/x"), get("https://api.example/x"), "equal",
         "An IPv6 address is a host like another: its brackets are no pattern.", KEYS,
         Match(hosts={"[::1]:8080": "api.example"})),
    Pair("host-alias-default-port", get("http://a.example/x"), get("https://api.example/x"), "equal",
         "An origin with its scheme's own port is that origin.", KEYS,
         Match(hosts={"a.example": "https://api.example:443"})),
    # headers
    Pair("header-anthropic-version", claude("{}", anthropic_version="2023-01-01"),
         claude("{}", anthropic_version="2023-06-01"), "different",
         "The version of the API chooses the answer's form.",
         VERSION_DOC),
    Pair("header-anthropic-beta", claude("{}", anthropic_beta="files-api-2025-04-14"), claude("{}"),
         "different",
         "A beta changes what the API does.", BETA_DOC),
    Pair("header-beta-spaces", claude("{}", anthropic_beta="a,b"), claude("{}", anthropic_beta="a, b"),
         "equal",
         "White space between the items of a list does not count.", HTTP_DOC),
    Pair("header-beta-two-lines", claude("{}", anthropic_beta="a, b"),
         replace(claude("{}"), headers=(("content-type", "application/json"), ("anthropic-beta", "a"),
                                       ("anthropic-beta", "b"))), "equal",
         "A list may be spread over several lines.", HTTP_DOC),
    Pair("header-openai-beta", chat(openai_beta="assistants=v1"), chat(openai_beta="assistants=v2"),
         "different",
         "So does OpenAI's header of that kind.", f"{REFERENCE}/assistants"),
    Pair("header-authorization", chat(authorization="Bearer a"), chat(authorization="Bearer b"), "equal",
         "Who asks does not count.", AUTH_DOC),
    Pair("header-authorization-absent", chat(authorization="Bearer a"), chat(), "equal",
         "Nor whether anybody says who asks.", KEYS),
    Pair("header-api-keys", claude("{}", x_api_key="a", api_key="b"), claude("{}", x_goog_api_key="c"),
         "equal",
         "Keys in headers do not count.", SECRETS),
    Pair("header-organization", chat(openai_organization="a", openai_project="b"), chat(), "equal",
         "Who pays does not count.", SECRETS),
    Pair("header-cookie", chat(cookie="a=1"), chat(cookie="a=2"), "equal", "Cookies do not count.", KEYS),
    Pair("header-user-agent", chat(user_agent="OpenAI/Python 2"), chat(user_agent="OpenAI/Python 3"), "equal",
         "The program that asks does not count.", KEYS),
    Pair("header-stainless", chat(x_stainless_retry_count="0", x_stainless_os="Linux"),
         chat(x_stainless_retry_count="2", x_stainless_os="MacOS"), "equal",
         "What an SDK says of itself does not count.", KEYS),
    Pair("header-idempotency-key", chat(idempotency_key="a"), chat(idempotency_key="b"), "equal",
         "An idempotency key is new for every call.", KEYS),
    Pair("header-trace", chat(traceparent="00-a-b-01", x_request_id="1"), chat(traceparent="00-c-d-01"),
         "equal",
         "Traces do not count.", KEYS),
    Pair("header-accept", chat(accept="*/*", accept_encoding="gzip"), chat(accept="application/json"),
         "equal",
         "What a client library accepts by default does not count.", KEYS),
    Pair("header-of-the-user", chat(x_tenant="a"), chat(x_tenant="b"), "different",
         "Users add headers that count.", KEYS, Match(headers=["X-Tenant"])),
    Pair("header-unknown", chat(x_tenant="a"), chat(x_tenant="b"), "equal",
         "Others do not count.", KEYS),
    # multipart
    Pair("multipart-boundary", parts(WAV, WHISPER, boundary="b"), parts(WAV, WHISPER, boundary="other"),
         "equal",
         "A boundary is chosen anew each time.", FORM_DATA_DOC),
    Pair("multipart-field-order", parts(WAV, WHISPER), parts(WHISPER, WAV), "equal",
         "Fields of different names have no order here.", KEYS),
    Pair("multipart-order-of-one-name", parts(part('name="a"', "1"), part('name="a"', "2")),
         parts(part('name="a"', "2"), part('name="a"', "1")), "different",
         "Fields of one name are a sequence.", FORM_DATA_DOC),
    Pair("multipart-file-content", parts(WAV), parts(part('name="file"; filename="a.wav"', b"RIFF\x01",
         "audio/wav")),
         "different", "Another file is another question.", KEYS),
    Pair("multipart-file-name", parts(WAV), parts(part('name="file"; filename="a.mp3"', b"RIFF\x00\xff",
         "audio/wav")),
         "different", "Providers tell the format by the file's name.", TRANSCRIPTION_DOC),
    Pair("multipart-file-type", parts(WAV), parts(part('name="file"; filename="a.wav"', b"RIFF\x00\xff",
         "audio/mpeg")),
         "different", "A part's own content type counts.", KEYS),
    Pair("multipart-field-and-file", parts(part('name="a"', "x")), parts(part('name="a"; filename="a"', "x")),
         "different", "A file is no field.", FORM_DATA_DOC),
    Pair("multipart-field-name", parts(part('name="a"', "x")), parts(part('name="b"', "x")), "different",
         "Parts are told apart by name.", FORM_DATA_DOC),
    Pair("multipart-field-twice", parts(part('name="a"', "x"), part('name="a"', "x")), parts(part('name="a"',
         "x")),
         "different", "A field sent twice is not one sent once.", FORM_DATA_DOC),
    Pair("multipart-quotes", parts(part("name=a", "x")), parts(part('name="a"', "x")), "equal",
         "A parameter may stand with or without quotes.", FORM_DATA_DOC),
    Pair("multipart-header-case", parts(part('name="a"', "x")),
         post("https://llm.example/x",
         b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n',
              "multipart/form-data; boundary=b"), "equal", "Names of headers have no case.", HTTP_DOC),
    Pair("multipart-final-line-end", parts(WHISPER),
         replace(parts(WHISPER), body=parts(WHISPER).body.removesuffix(b"\r\n")), "equal",
         "A line end may follow the closing boundary.", FORM_DATA_DOC),
    Pair("multipart-cut-short", parts(WHISPER), replace(parts(WHISPER), body=parts(WHISPER).body[:-4]),
         "different",
         "A body without its closing boundary counts byte by byte.", KEYS),
    Pair("multipart-name-inside-file-name", parts(part('filename="f; name=c"; name="a"', "x")),
         parts(part('filename="f; name=c"; name="b"', "x")), "different",
         "What stands inside quotes is no parameter.", "https://www.rfc-editor.org/rfc/rfc2183"),
    Pair("multipart-unknown-parameter", parts(part('name="a"; size=1', "x")), parts(part('name="a"; size=2',
         "x")),
         "different", "What differs stays different, in a parameter nobody knows too.", KEYS),
    Pair("multipart-and-raw", parts(WHISPER), text(parts(WHISPER).body), "different",
         "The content type says how the same bytes are to be read.", HTTP_DOC),
    # forms
    Pair("form-order", form("a=1&b=2"), form("b=2&a=1"), "equal",
         "Fields of different names have no order here.",
         KEYS),
    Pair("form-order-of-one-name", form("a=1&a=2"), form("a=2&a=1"), "different", "Fields of one name do.",
         KEYS),
    Pair("form-encoding", form("a=x+y&b=%7e"), form("a=x%20y&b=~"), "equal",
         "Escapes are undone.", FORM_DOC),
    Pair("form-value", form("a=1"), form("a=2"), "different", "Values count.", KEYS),
    Pair("form-empty-value", form("a=&b=1"), form("b=1"), "different", "An empty field is not an absent one.",
         KEYS),
    Pair("form-no-text", form("a=%ff&b=1"), form("a=%fe&b=1"), "different",
         "What is no UTF-8 counts byte by byte.", KEYS),
    Pair("form-malformed", form("a=%zz"), form("a=%25zz"), "different",
         "What is no escape counts byte by byte.", KEYS),
    Pair("form-credential", form("grant_type=x&client_secret=1"), form("grant_type=x&client_secret=2"),
         "equal",
         "A credential's value does not count.", SECRETS),
    # compressed and raw bodies
    Pair("body-gzip", chat(), replace(chat(content_encoding="gzip"), body=gzip.compress(chat().body)),
         "equal",
         "A content-encoding is undone before anything is compared.", HTTP_DOC),
    Pair("body-gzip-levels", post("https://llm.example/x", gzip.compress(b"{}" * 50, 1), "text/plain",
                                  content_encoding="gzip"),
         post("https://llm.example/x", gzip.compress(b"{}" * 50, 9), "text/plain", content_encoding="gzip"),
         "equal",
         "How hard it was compressed does not count.", KEYS),
    Pair("body-deflate-and-brotli", post("https://llm.example/x", zlib.compress(b'{"a":1}'),
         content_encoding="deflate"),
         post("https://llm.example/x", brotli.compress(b'{"a":1}'), content_encoding="br"), "equal",
         "Nor with what.", KEYS),
    Pair("body-zstd", post("https://llm.example/x", ZSTD, content_encoding="zstd"),
         post("https://llm.example/x", b'{ "a":1 }'), "equal", "Nor whether.", KEYS),
    Pair("body-gzip-cut-short", replace(chat(content_encoding="gzip"), body=gzip.compress(chat().body)[:-3]),
         chat(), "different", "A compressed body that is cut short counts byte by byte.", KEYS),
    Pair("body-unknown-encoding", chat(content_encoding="rot13"), chat(), "different",
         "An encoding nobody knows is not ignored.", KEYS),
    Pair("body-undecodable-content-type", text(b"zz", "text/plain"), text(b"zz", "application/json"),
         "different",
         "The content type counts for raw bytes.", KEYS),
    Pair("body-undecodable-encoding-and-type",
         post("https://llm.example/x", b"zz", "text/plain", content_encoding="rot13"),
         post("https://llm.example/x", b"zz", "audio/wav", content_encoding="rot13"), "different",
         "The content type counts for raw bytes that could not be decoded, too.", KEYS),
    Pair("body-none-and-empty-object", post("https://llm.example/x"), post("https://llm.example/x", "{}"),
         "different", "No body is not an empty object.", KEYS),
    Pair("body-none-content-type", post("https://llm.example/x"), post("https://llm.example/x", b"",
         "text/plain"),
         "equal", "Of a body that is not there the type says nothing.", KEYS),
    Pair("body-json-content-type-parameters", text("{}", "application/json"),
         text("{}", "Application/JSON; charset=utf-8"), "equal",
         "JSON is UTF-8 with or without saying so.", JSON_DOC),
    Pair("body-json-without-content-type", text('{"a": 1}', "application/json"), text('{"a":1}', ""), "equal",
         "A body without a type is read as JSON where it is JSON.", KEYS),
    Pair("body-raw-bytes", text(b"a\x00"), text(b"a\x01"), "different", "Other bodies are compared as bytes.",
         KEYS),
    Pair("body-raw-white-space", text('{"a":1}'), text('{"a": 1}'), "different",
         "In a text even white space counts.", KEYS),
    Pair("body-raw-charset", text(b"\xe9", "text/plain; charset=iso-8859-1"),
         text(b"\xe9", "text/plain; charset=cp1251"), "different",
         "The charset decides which text the same bytes are.", HTTP_DOC),
    # credentials in bodies
    Pair("body-api-key", plain('{"api_key":"a"}'), plain('{"api_key":"b"}'), "equal",
         "A credential at the top of a body is replaced before hashing.", SECRETS),
    Pair("body-nested-password", plain('{"filter":{"password":"a"}}'), plain('{"filter":{"password":"b"}}'),
         "different", "Deeper down the same name is data.", SECRETS),
    Pair("body-mcp-authorization",
         responses('{"tools":[{"type":"mcp","server_url":"u","authorization":"a"}]}'),
         responses('{"tools":[{"type":"mcp","server_url":"u","authorization":"b"}]}'), "different",
         "The token for an MCP server chooses whose data is read, and counts.", MCP_DOC),
    Pair("body-mcp-header-names", responses('{"tools":[{"type":"mcp","headers":{"x":"1"}}]}'),
         responses('{"tools":[{"type":"mcp","headers":{"y":"1"}}]}'), "different",
         "The names of the headers do.", MCP_DOC),
    Pair("body-function-tool", responses('{"tools":[{"type":"function","headers":{"x":"1"}}]}'),
         responses('{"tools":[{"type":"function","headers":{"x":"2"}}]}'), "different",
         "In a tool of another type the same member is data.", MCP_DOC),
    # what users leave out, replace or add
    Pair("ignore", plain('{"metadata":{"run_id":"1","a":1}}'), plain('{"metadata":{"run_id":"2","a":1}}'),
         "equal",
         "A path that is ignored does not count.", KEYS, Match(ignore=["metadata.run_id"])),
    Pair("ignore-absent", plain('{"metadata":{"run_id":"1","a":1}}'), plain('{"metadata":{"a":1}}'), "equal",
         "Nor whether it is there.", KEYS, Match(ignore=["metadata.run_id"])),
    Pair("ignore-beside", plain('{"metadata":{"run_id":"1","a":1}}'),
         plain('{"metadata":{"run_id":"1","a":2}}'),
         "different", "What stands beside it does.", KEYS, Match(ignore=["metadata.run_id"])),
    Pair("ignore-star", plain('{"messages":[{"name":"a","c":1},{"name":"b","c":2}]}'),
         plain('{"messages":[{"c":1},{"name":"c","c":2}]}'), "equal", "A star is every item.", KEYS,
         Match(ignore=["messages[*].name"])),
    Pair("ignore-item", plain('{"a":[1,2]}'), plain('{"a":[3,2]}'), "equal", "One item may be ignored.", KEYS,
         Match(ignore=["a[0]"])),
    Pair("ignore-item-keeps-places", plain('{"a":[1,2]}'), plain('{"a":[2]}'), "different",
         "The items after it keep their places.", KEYS, Match(ignore=["a[0]"])),
    Pair("ignore-form-field", form("a=1&b=2"), form("a=9&b=2"), "equal",
         "Of a form fields are ignored by name.",
         KEYS, Match(ignore=["a"])),
    Pair("ignore-multipart-field", parts(WHISPER, part('name="a"', "1")), parts(WHISPER), "equal",
         "Of multipart, too.", KEYS, Match(ignore=["a"])),
    Pair("scrub", plain('{"prompt":["at 12:01"]}'), plain('{"prompt":["at 23:59"]}'), "equal",
         "What a pattern finds in a string does not count.", KEYS, Match(scrub=[(r"\d\d:\d\d", "TIME")])),
    Pair("scrub-leaves-the-rest", plain('{"prompt":["at 12:01"]}'), plain('{"prompt":["on 23:59"]}'), "different",
         "The rest of the string does.", KEYS, Match(scrub=[(r"\d\d:\d\d", "TIME")])),
    Pair("scrub-numbers", plain('{"a":1201}'), plain('{"a":1202}'), "different",
         "Only strings are searched.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-names", plain('{"a1":1}'), plain('{"a2":1}'), "different",
         "Names of members are not.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-query", get("https://llm.example/x?at=1"), get("https://llm.example/x?at=2"), "different",
         "Nor are the values of a query, such as the version of an API.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-raw", text("at 1"), text("at 2"), "equal", "So are texts.", KEYS, Match(scrub=[(r"\d+",
         "N")])),
    Pair("boundary-counted", parts(WHISPER, part('name="a"', "1")),
         parts(WHISPER, part('name="a"', "1"), boundary="c"), "equal",
         "A boundary never counts, though the media type does.", KEYS, Match(headers=["content-type"])),
    Pair("scrub-text-in-brackets", text("[at 1] hi"), text("[at 2] hi"), "equal",
         "Whatever they begin with.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-json-as-text", text('{"model":"m-2024-08-06"}'), text('{"model":"m-2024-05-13"}'), "different",
         "But not JSON that was sent as text: the model is in it.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-json-lines", post(OPENAI, '{"model":"m-2024-08-06"}\n{}', "application/jsonl"),
         post(OPENAI, '{"model":"m-2024-05-13"}\n{}', "application/jsonl"), "different",
         "Nor several of it, one a line.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-json-as-form", form('{"model":"m-2024-08-06"}'), form('{"model":"m-2024-05-13"}'), "different",
         "Nor what curl -d sends as a form.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-json-behind-a-mark", plain('\ufeff{"model":"m-2024-08-06"}'),
         plain('\ufeff{"model":"m-2024-05-13"}'), "different",
         "Nor JSON behind a byte order mark.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-model-object", post("https://llm.example/x", '{"model":{"id":"m-2024-08-06"}}'),
         post("https://llm.example/x", '{"model":{"id":"m-2024-05-13"}}'), "different",
         "The model is never, as an object either.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-form", form("a=1"), form("a=2"), "equal", "And forms.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-model", plain('{"model":"m-2024-05-13"}'), plain('{"model":"m-2024-08-06"}'), "different",
         "The model is never.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-ids", responses('{"input":"a","previous_response_id":"resp_1"}'),
         responses('{"input":"a","previous_response_id":"resp_2"}'), "different",
         "Nor is an id of what the server keeps.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-ids-in-a-list", responses('{"input":[{"content":[{"type":"input_file","file_id":"file-1"}]}]}'),
         responses('{"input":[{"content":[{"type":"input_file","file_id":"file-2"}]}]}'), "different",
         "Nor in a list that is called as what a tool gets elsewhere.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-variables", responses('{"prompt":{"id":"p","variables":{"at":"12:01"}}}'),
         responses('{"prompt":{"id":"p","variables":{"at":"23:59"}}}'), "equal",
         "What fills a template is text.", KEYS, Match(scrub=[(r"\d\d:\d\d", "TIME")])),
    Pair("scrub-file-in-variables",
         responses('{"prompt":{"id":"p","variables":{"f":{"type":"input_file","file_id":"f-1"}}}}'),
         responses('{"prompt":{"id":"p","variables":{"f":{"type":"input_file","file_id":"f-2"}}}}'), "different",
         "But for a file.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-schema",
         chat('{"tools":[{"function":{"parameters":{"properties":{"input":{"enum":["v1"]}}}}}]}'),
         chat('{"tools":[{"function":{"parameters":{"properties":{"input":{"enum":["v2"]}}}}}]}'), "different",
         "Nor what a schema allows, whatever its properties are called.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-schema-of-converse", converse('{"toolSpec":{"inputSchema":{"json":{"pattern":"v1"}}}}'),
         converse('{"toolSpec":{"inputSchema":{"json":{"pattern":"v2"}}}}'), "different",
         "Nor where it is called JSON.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-json-of-converse", converse('{"toolResult":{"content":[{"json":{"at":"v1"}}]}}'),
         converse('{"toolResult":{"content":[{"json":{"at":"v2"}}]}}'), "equal",
         "As is what a tool gave.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-outputs-of-cohere",
         cohere("/v1/chat", '{"message":"a","tool_results":[{"outputs":[{"at":"1"}]}]}'),
         cohere("/v1/chat", '{"message":"a","tool_results":[{"outputs":[{"at":"2"}]}]}'), "equal",
         "In a list, too.", KEYS, Match(scrub=[(r"\d+", "N")])),
    Pair("scrub-image", chat(IMAGE % "QUFBMQ"), chat(IMAGE % "QUFBMg"), "different",
         "Nor is encoded data.", KEYS, Match(scrub=[(r"\d+", "N"), ("g==|Q==", "==")])),
    Pair("scrub-image-in-a-text", chat(MESSAGE % "![a](data:image/png;base64,QUFBMQ==)"),
         chat(MESSAGE % "![a](data:image/png;base64,QUFBMg==)"), "different",
         "Not even inside a text.", KEYS, Match(scrub=[(r"\d+", "N"), ("g==|Q==", "==")])),
    Pair("scrub-arguments", chat(CALLED % "at 12:01"), chat(CALLED % "at 23:59"), "equal",
         "What a tool gets is text.", KEYS, Match(scrub=[(r"\d\d:\d\d", "TIME")])),
    Pair("scrub-tool-input", claude(USED % "at 12:01"), claude(USED % "at 23:59"), "equal",
         "As an object, too.", KEYS, Match(scrub=[(r"\d\d:\d\d", "TIME")])),
    Pair("scrub-file-name", parts(WHISPER, part('name="file"; filename="/tmp/tmpab1/a.wav"', "1")),
         parts(WHISPER, part('name="file"; filename="/tmp/tmpxy9/a.wav"', "1")), "equal",
         "Names of files are.", KEYS, Match(scrub=["tmp_path"])),
    Pair("scrub-elsewhere", post("https://other.example/x", '{"a":"at 12:01"}'),
         post("https://other.example/x", '{"a":"at 23:59"}'), "equal",
         "Of a call that nobody knows every text is.", KEYS, Match(scrub=[(r"\d\d:\d\d", "TIME")])),
    Pair("scrub-elsewhere-model", post("https://other.example/x", '{"model":"m-1"}'),
         post("https://other.example/x", '{"model":"m-2"}'), "different", "But a model's name.", KEYS,
         Match(scrub=[(r"\d", "N")])),
    Pair("scrub-between-images", chat(MESSAGE % f"1 {PNG} 1 {PNG} 1"), chat(MESSAGE % f"2 {PNG} 3 {PNG} 4"),
         "equal", "Text is, before, between and behind images in it.", KEYS, Match(scrub=[(r"\d(?= |\Z)", "N")])),
    Pair("scrub-second-image", chat(MESSAGE % f"{PNG} 1 {PNG}"),
         chat(MESSAGE % f"{PNG} 1 {PNG.replace('MQ', 'Mg')}"), "different",
         "But none of the images.", KEYS, Match(scrub=[(r"\w+==", "N")])),
    Pair("scrub-field-model", parts(part('name="model"', "whisper-1"), url=TRANSCRIBE),
         parts(part('name="model"', "whisper-2"), url=TRANSCRIBE), "different", "Nor a model in a form.", KEYS,
         Match(scrub=[(r"\d", "N")])),
    Pair("scrub-field-setting", parts(WHISPER, part('name="response_format"', "v1"), url=TRANSCRIBE),
         parts(WHISPER, part('name="response_format"', "v2"), url=TRANSCRIBE), "different",
         "Nor a setting of an API in one.", KEYS, Match(scrub=[(r"\d", "N")])),
    Pair("scrub-field-prompt", parts(WHISPER, part('name="prompt"', "at 1"), url=TRANSCRIBE),
         parts(WHISPER, part('name="prompt"', "at 2"), url=TRANSCRIBE), "equal",
         "But what people wrote in it.", KEYS, Match(scrub=[(r"\d", "N")])),
    Pair("scrub-json-as-text-behind-a-space", text(' \n{"model":"m-1"}'), text(' \n{"model":"m-2"}'), "different",
         "White space before JSON makes no text of it.", KEYS, Match(scrub=[(r"\d", "N")])),
    Pair("scrub-list-as-text", text('[{"model":"m-1"}]'), text('[{"model":"m-2"}]'), "different",
         "A list of objects is JSON, too.", KEYS, Match(scrub=[(r"\d", "N")])),
    Pair("ignore-header", claude("{}", anthropic_beta="a"), claude("{}", anthropic_beta="b"), "equal",
         "A header may be ignored.", KEYS, Match(ignore=["headers.Anthropic-Beta"])),
    Pair("ignore-header-is-no-member", plain('{"headers":{"x":1}}'), plain('{"headers":{"x":2}}'), "different",
         "A member of that name is another.", KEYS, Match(ignore=["headers.x"])),
    Pair("ignore-member-called-headers", plain('{"headers":{"x":1}}'), plain('{"headers":{"x":2}}'), "equal",
         "It has a name of its own.", KEYS, Match(ignore=['["headers"].x'])),
    Pair("normalize", chat(f'{{{MINI},"user":"a"}}'), chat(f'{{{MINI},"user":"b"}}'), "equal",
         "A callable may make of two requests one.", KEYS,
         Match(normalize=lambda request: request.with_json({**request.json(), "user": ""}))),
    Pair("normalize-method", get("https://llm.example/x"), Request("HEAD", "https://llm.example/x"), "equal",
         "It receives the whole request.", KEYS, Match(normalize=lambda request: replace(request,
         method="GET"))),
    Pair("scope", chat(), chat(), "different", "Another scope keeps the same requests apart.", KEYS,
         Match(scope="a"), Match(scope="b")),
    Pair("scope-empty", chat(), chat(), "different", "So does a scope beside none.", KEYS, Match(),
         Match(scope="a")),
    Pair("sample", chat(), chat(), "different", "Another sample asks for another answer.", KEYS, samples=(0,
         1)),
    Pair("sample-same", chat(), chat(), "equal", "The same sample asks for the same.", KEYS, samples=(2, 2)),
]
# fmt: on


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.id)
def test_pair(pair: Pair) -> None:
    a = pair.match.identity(pair.a, sample=pair.samples[0], redactor=Redactor(pair.redact))
    b = (pair.match_b or pair.match).identity(pair.b, sample=pair.samples[1], redactor=Redactor(pair.redact))

    assert ("equal" if a.key == b.key else "different") == pair.want, f"{pair.why} ({pair.source})"
    assert (a.digest == b.digest) is (a.key == b.key)


def test_every_row_has_its_own_name_and_says_what_it_rests_on() -> None:
    assert len({pair.id for pair in PAIRS}) == len(PAIRS)
    assert all(pair.why.endswith(".") and pair.source.startswith(("https://", "README: ")) for pair in PAIRS)


def test_both_answers_are_well_represented() -> None:
    """A rule that made everything equal, or everything different, would fail many rows."""
    wanted = [pair.want for pair in PAIRS]

    assert wanted.count("equal") >= 60
    assert wanted.count("different") >= 60
