"""The proxy as an ASGI application."""

from __future__ import annotations

from typing import Any

import anyio

from .._errors import ReplayCacheError, did_you_mean
from .access import Access, values
from .call_lines import CallLines, shown_path
from .calls import CallLog, SeenCall
from .failures import Failure
from .forwarding import Forwarding
from .metrics import Metrics
from .pages import Pages
from .settings import Settings
from .target import BadTarget, Target, read_target
from .upstreams import upstreams

_UNKNOWN = "replaycache_unknown_upstream"

SETTLE_SECONDS = 15.0
"""How long calls that are broken off at the end have to settle: longer than a cassette's draining."""


class Application:
    """The proxy: an ASGI application for one event loop.

    Attributes:
        calls: that it answered lately.

    Args:
        lines: writes of calls; None where it is to be as the settings say.

    Raises:
        ConfigurationError: an option is wrong, or does not go together with the store.
    """

    def __init__(self, settings: Settings, lines: CallLines | None = None) -> None:
        self._settings = settings
        self._lines = CallLines(settings.log) if lines is None else lines
        self.calls = CallLog()
        self._metrics = Metrics()
        self._access = Access(settings)
        self._upstreams = upstreams(settings.upstreams)
        self._forwarding = Forwarding(settings, self.calls, self._metrics, self._lines)
        self._pages = Pages(self._access, self.calls, self._forwarding.transports, self._metrics)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers one request, or follows the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1003, "reason": "this proxy forwards no WebSockets"})
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._look_into_store()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _look_into_store(self) -> None:
        """Tells at once where the store is away, and not with the first call."""
        error = await self._pages.store_error()
        if error is None:
            return
        store = self._settings.store
        if isinstance(store, list) and len(store) > 1:
            then = "the others answer"
        elif self._settings.options.get("mode") == "replay":
            then = "calls fail"
        else:
            then = "calls go live, and are not stored"
        self._lines.say("warning", f"{error} While it is away, {then}.")

    @property
    def store(self) -> str:
        """Where recordings are, for people."""
        return self._forwarding.transports.store.location

    async def close(self) -> None:
        """Lets what is in flight settle, and ends transports, cassettes and the store."""
        with anyio.move_on_after(SETTLE_SECONDS):
            await self._forwarding.settled()
        try:
            await self._forwarding.transports.close()
        except ReplayCacheError as error:
            self._lines.say("error", str(error))

    # -- a request -----------------------------------------------------------------------------------------

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            target = read_target(scope)
        except BadTarget as error:
            await self._turn_away(send, Failure(400, "replaycache_bad_path", str(error)), [])
            return
        refused = self._access.refusal(scope, is_page=target.is_own)
        if refused is not None:
            await self._turn_away(send, refused, [])
            return
        cors = self._access.cors(scope)
        preflight = self._access.preflight(scope)
        if preflight is not None:
            await send({"type": "http.response.start", "status": 204, "headers": preflight})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if target.is_own:
            await self._pages(scope, receive, send)
            return
        failure = self._refusal(scope, target)
        if failure is not None:
            if failure.kind == _UNKNOWN:
                self._say_unknown(scope["method"], target, failure)
            await self._turn_away(send, failure, cors)
            return
        upstream = self._upstreams[target.name]
        await self._forwarding(scope, receive, send, upstream, target.rest, cors)

    def _refusal(self, scope: Any, target: Target) -> Failure | None:
        """Why a call is not sent on."""
        if not self._access.bears_token(scope["headers"]):
            return Failure(
                401,
                "replaycache_needs_token",
                "this proxy answers those only that send its token in the header x-replaycache-token",
            )
        if target.name not in self._upstreams:
            near = did_you_mean(target.name, self._upstreams) or "."
            return Failure(
                404,
                _UNKNOWN,
                f"there is no upstream {target.name!r}{near} A path begins with the name of one: "
                f"/openai/v1/models. It knows {', '.join(sorted(self._upstreams))}. Others: --upstream NAME=URL",
            )
        if scope["method"] in ("CONNECT", "TRACE"):
            told = f"this proxy forwards no {scope['method']}"
            return Failure(501, "replaycache_bad_request", told, headers=((b"connection", b"close"),))
        if b"websocket" in b",".join(values(scope["headers"], b"upgrade")).lower():
            return Failure(501, "replaycache_no_websockets", "this proxy forwards no WebSockets")
        if self._forwarding.in_flight >= self._settings.max_concurrency:
            return Failure(
                503,
                "replaycache_busy",
                f"{self._settings.max_concurrency} calls are in flight, which is the most that this proxy takes; "
                f"raise --max-concurrency",
                retry=True,
                headers=((b"retry-after", b"1"),),
            )
        return None

    def _say_unknown(self, method: str, target: Target, failure: Failure) -> None:
        """A line for who looks for a call that never came: its base URL is wrong."""
        name, path = shown_path(target.name), shown_path(target.rest)
        reason = "no upstream has this name"
        self._lines.call(SeenCall(0, method, name, path, status="refused", code=failure.status, reason=reason))

    async def _turn_away(self, send: Any, failure: Failure, extra: list[tuple[bytes, bytes]]) -> None:
        self._metrics.turned_away(failure.status)
        body = failure.body()
        headers = [(b"x-replaycache", b"refused"), *failure.head(body), *extra]
        await send({"type": "http.response.start", "status": failure.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
