"""Asking upstream again what was recorded, and comparing the answers.

Credentials are in no recording: they come from the environment, by the variable that the provider's own client
reads, and are sent to that provider's hosts only, unless the user names a header for all.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .._errors import ConfigurationError
from .._models import Body, Chunk, Headers, Recording, Request, ResponseHead
from ..accounts.budget import Budget
from ..accounts.prices import Prices
from ..dialects.registry import generates
from ..dialects.usage import provider_of, usage_of
from ..engine.drift import Drift, compare
from ..redaction.redactor import Redactor
from ..redaction.seal import PLACEHOLDER
from ..wire import url as _url

if TYPE_CHECKING:
    import httpx


class Credential(NamedTuple):
    """How a provider's requests are authorized.

    Attributes:
        provider: as `usage.provider_of` names it.
        variables: of the environment, the first that is set counts.
        header: that carries it.
        prefix: before the value.
        source: where the provider says so.
    """

    provider: str
    variables: tuple[str, ...]
    header: str
    prefix: str
    source: str


def _bearer(provider: str, source: str, *variables: str) -> Credential:
    return Credential(provider, variables, "authorization", "Bearer ", source)


CREDENTIALS: Mapping[str, Credential] = {
    row.provider: row
    for row in (
        _bearer("openai", "https://platform.openai.com/docs/api-reference/authentication", "OPENAI_API_KEY"),
        Credential(
            "anthropic",
            ("ANTHROPIC_API_KEY",),
            "x-api-key",
            "",
            "https://docs.anthropic.com/en/api/overview#authentication",
        ),
        Credential(
            "google",
            ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            "x-goog-api-key",
            "",
            "https://ai.google.dev/gemini-api/docs/api-key",
        ),
        Credential(
            "azure",
            ("AZURE_OPENAI_API_KEY",),
            "api-key",
            "",
            "https://learn.microsoft.com/azure/ai-services/openai/reference#authentication",
        ),
        _bearer("mistral", "https://docs.mistral.ai/api/", "MISTRAL_API_KEY"),
        _bearer("groq", "https://console.groq.com/docs/quickstart", "GROQ_API_KEY"),
        _bearer("together", "https://docs.together.ai/docs/quickstart", "TOGETHER_API_KEY"),
        _bearer("cohere", "https://docs.cohere.com/reference/about", "CO_API_KEY", "COHERE_API_KEY"),
        _bearer("deepseek", "https://api-docs.deepseek.com/", "DEEPSEEK_API_KEY"),
        _bearer("x-ai", "https://docs.x.ai/docs/tutorial", "XAI_API_KEY"),
        _bearer("openrouter", "https://openrouter.ai/docs/api-reference/authentication", "OPENROUTER_API_KEY"),
        _bearer(
            "huggingface",
            "https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables#hftoken",
            "HF_TOKEN",
        ),
        _bearer("voyageai", "https://docs.voyageai.com/docs/api-key-and-installation", "VOYAGE_API_KEY"),
        _bearer("perplexity", "https://docs.perplexity.ai/getting-started/quickstart", "PERPLEXITY_API_KEY"),
        _bearer("fireworks", "https://docs.fireworks.ai/getting-started/quickstart", "FIREWORKS_API_KEY"),
        _bearer("cerebras", "https://inference-docs.cerebras.ai/quickstart", "CEREBRAS_API_KEY"),
        _bearer("moonshotai", "https://platform.moonshot.ai/docs/api/chat", "MOONSHOT_API_KEY"),
    )
}


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a recording.

    Attributes:
        status: `"same"`, or only ids and times differ; `"values"` or `"shape"`: what differs; `"skipped"`: it was
            not sent; `"failed"`: no answer came that could be compared.
        drift: where the answers differ, if they were compared.
        reason: why it was skipped, or failed.
    """

    status: Literal["same", "values", "shape", "skipped", "failed"]
    drift: Drift = field(default_factory=Drift)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where requests are sent again, and with what.

    Args:
        base_url: instead of each recorded origin: an origin, which may be followed by a path.
        hosts: recorded hosts (`host`, `host:port`, `scheme://host`, with `*` for any text) and where they are now.
        headers: names and values that are added to every request.

    Raises:
        ConfigurationError: a URL is none.
    """

    base_url: str | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.base_url is not None and not re.match(r"https?://[^/]", self.base_url):
            raise ConfigurationError(f"{self.base_url!r} is no URL; write http://host:port or https://host/path")

    def url(self, recorded: str) -> str:
        """Where a request is sent whose recorded URL this is; placeholders of credentials are gone."""
        parsed = _url.parse(recorded)
        rest = recorded.partition("#")[0].partition("://")[2]
        at = re.search(r"[/?]", rest)
        target = rest[at.start() :] if at is not None else "/"
        path, mark, query = target.partition("?")
        kept = [part for part in query.split("&") if part.partition("=")[2] != PLACEHOLDER]
        target = (path or "/") + (mark + "&".join(kept) if kept and mark else "")
        if self.base_url is None:
            return _url.alias_origin(parsed, self.hosts) + target
        base = self.base_url.rstrip("/")
        prefix = re.sub(r"^https?://[^/]+", "", base)
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            base = base[: -len(prefix)]
        return base + target

    def request(self, recording: Recording) -> Request | str:
        """The request with its credential; or, as text, what is missing for it."""
        asked = recording.request
        request = Request(asked.method, self.url(asked.url), asked.headers, asked.body)
        added = dict(self.headers)
        provider = provider_of(request)
        if provider.startswith("huggingface"):
            provider = "huggingface"
        credential = CREDENTIALS.get(provider)
        if credential is not None and credential.header not in added:
            if not _IS_PRIVATE.match(request.url):
                return (
                    f"a credential is not sent to {_url.parse(request.url).origin}: it is no https, or no host. "
                    f"Name where to ask with --host, or give --header {credential.header}=VARIABLE"
                )
            value = next(filter(None, map(os.environ.get, credential.variables)), None)
            if value is None:
                return (
                    f"{' or '.join(credential.variables)} is not set, and --header {credential.header}=VARIABLE "
                    f"was not given"
                )
            added[credential.header] = credential.prefix + value
        elif provider == "aws":
            return "requests to AWS are signed, which is not done here"
        headers: Headers = tuple(item for item in asked.headers if item[0] not in added)
        return Request(request.method, request.url, (*headers, *added.items()), request.body)


_IS_PRIVATE = re.compile(r"https://(?:[^/?#]*@)?[a-z0-9.-]+(?::\d+)?(?:[/?]|$)", re.IGNORECASE)
"""A cassette may come from anyone: nobody on the way may read the credential, and its host is a plain name."""


def why_not(recording: Recording) -> str:
    """Why a recording cannot be asked for again; empty where it can.

    Only calls that generate are, and such as change nothing: to create, change or delete once more is nothing that
    a comparison may do.
    """
    request = recording.request
    if not recording.complete:
        return "the recorded answer is not all there"
    if request.method not in ("GET", "HEAD") and not generates(request.method, _url.parse(request.url).path):
        return "it is no call that generates, and might change something upstream"
    if (request.header("content-type") or "").startswith("multipart/form-data"):
        return "the files that were sent are not in the recording"
    if f'"{PLACEHOLDER}"'.encode() in request.body:
        return "a credential in its body is not in the recording"
    return ""


def verify(
    recording: Recording,
    upstream: Upstream,
    client: httpx.Client,
    budget: Budget | None,
    prices: Prices,
    warn: Callable[[str], None],
) -> Verified:
    """Asks upstream once more, and compares.

    Args:
        budget: that it counts for.
        prices: by which it counts.
        warn: told what is not counted.

    Raises:
        BudgetExceeded: the budget is spent.
    """
    reason = why_not(recording)
    if reason:
        return Verified("skipped", reason=reason)
    request = upstream.request(recording)
    if isinstance(request, str):
        return Verified("failed", reason=request)
    if budget is not None:
        budget.check()
    answer = _ask(request, client)
    if isinstance(answer, str):
        return Verified("failed", reason=answer)
    if budget is not None:
        what = f"{request.method} {recording.request.url}"
        told = budget.spend(usage_of(answer), answer.recorded_at, what, prices)
        if told:
            warn(told)
    status = answer.head.status
    if status != recording.head.status and (status in (401, 403, 407, 408, 429) or status >= 500):
        return Verified("failed", reason=f"upstream answered {status}")
    drift = compare(recording, answer)
    return Verified("shape" if drift.shape else "values" if drift.values else "same", drift)


def make_client(timeout: float) -> httpx.Client:
    """What sends requests, to be closed by the caller; `timeout` is the seconds that an answer may be silent."""
    import httpx

    return httpx.Client(timeout=timeout)


def _ask(request: Request, client: Any) -> Recording | str:
    """Upstream's answer; or, as text, why there is none."""
    import httpx

    headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in request.headers]
    started = time.perf_counter()
    try:
        sent = client.build_request(request.method, request.url, headers=headers, content=request.body or None)
        response = client.send(sent, stream=True)
        try:
            arrived = time.perf_counter()
            chunks = [Chunk(data, time.perf_counter() - arrived) for data in response.iter_bytes()]
        finally:
            response.close()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"no answer came: {str(error) or type(error).__name__}"
    head = ResponseHead(
        response.status_code,
        tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.raw),
    )
    return Recording(
        request=request,
        head=Redactor().head(head),
        body=Body.of(chunks),
        digest="",
        recorded_at=time.time(),
        latency=arrived - started,
    )
