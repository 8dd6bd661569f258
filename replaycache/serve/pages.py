"""The proxy's own pages, below `/_replaycache/`."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, Router

from .. import __version__
from .._errors import ConfigurationError, ReplayCacheError, StoreError
from ..stores import Store, StoreBusy
from .access import COOKIE, SESSION_SECONDS, Access
from .calls import CallLog
from .failures import Failure, failure_of
from .metrics import Metrics
from .transports import SessionBusy, Transports
from .upstreams import OWN
from .viewer import viewer_routes

_OPEN = ("/health", "/login")
_FORM_BYTES = 4096
_HEALTH_SECONDS = 2.0


class Pages:
    """An ASGI application with the pages.

    Args:
        calls: that the viewer shows.
        transports: whose store it looks into, and whose cassettes are ended.
    """

    def __init__(self, access: Access, calls: CallLog, transports: Transports, metrics: Metrics) -> None:
        self._access = access
        self._transports = transports
        self._metrics = metrics
        options = transports.options
        self._router = Router(
            [
                Route("/", self._home, methods=["GET"]),
                Mount(
                    f"/{OWN}",
                    routes=[
                        Route("/health", self._health, methods=["GET"]),
                        Route("/metrics", self._text_of_metrics, methods=["GET"]),
                        Route("/login", self._login, methods=["POST"]),
                        Route("/cassettes/{name:path}", self._end_cassette, methods=["DELETE"]),
                        *viewer_routes(calls, transports.store, match=options.match, prices=options.prices),
                    ],
                ),
            ]
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers, where the caller may see the page."""
        request = Request(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        is_open = path.startswith((f"/{OWN}/static/", *(f"/{OWN}{page}" for page in _OPEN)))
        if not is_open and not self._access.is_allowed(request):
            await self._ask_for_token(request)(scope, receive, send)
            return
        await self._router(scope, receive, send)

    def _ask_for_token(self, request: Request) -> Response:
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(f"/{OWN}/login", 303)
        return told(Failure(401, "replaycache_needs_token", "this needs the header x-replaycache-token"))

    async def _home(self, request: Request) -> Response:
        return RedirectResponse(f"/{OWN}/", 307)

    async def _health(self, request: Request) -> Response:
        """Whether the proxy answers, and its store does; more to who may know."""
        error = await self.store_error()
        found: dict[str, Any] = {"ok": error is None, "version": __version__, "store": {"ok": error is None}}
        if self._access.is_allowed(request):
            found["store"]["location"] = self._transports.store.location
            if error is not None:
                found["store"]["error"] = error
        return JSONResponse(found, headers={"cache-control": "no-store"})

    async def store_error(self) -> str | None:
        """What is wrong with the store; None where it answers."""
        store = self._transports.store
        error = "it did not answer in time"
        with anyio.move_on_after(_HEALTH_SECONDS):
            error = await anyio.to_thread.run_sync(_look, store, abandon_on_cancel=True)
        return error or None

    async def _text_of_metrics(self, request: Request) -> Response:
        return Response(self._metrics.text(), media_type=self._metrics.media_type)

    async def _login(self, request: Request) -> Response:
        """Takes the token that somebody has typed, for a cookie."""
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _FORM_BYTES:
                return told(Failure(413, "replaycache_request_too_large", "the form is too large"))
        token = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0]
        if not self._access.has_token or not self._access.is_token(token):
            return RedirectResponse(f"/{OWN}/login?wrong=1", 303)
        response = RedirectResponse(f"/{OWN}/", 303)
        response.set_cookie(
            COOKIE,
            self._access.session(),
            max_age=SESSION_SECONDS,
            path=f"/{OWN}",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    async def _end_cassette(self, request: Request) -> Response:
        """Ends the sessions of a cassette, or the one that is named, and tells what is not in it."""
        try:
            ended, not_kept = await self._transports.end_sessions(
                request.path_params["name"], request.headers.get("x-replaycache-session")
            )
        except SessionBusy as error:
            return told(Failure(409, "replaycache_session_busy", str(error), retry=True))
        except ConfigurationError as error:
            return told(Failure(400, "replaycache_wrong_option", str(error)))
        except ReplayCacheError as error:
            failure = failure_of(error)
            assert failure is not None
            kind = {"SecretFound": "replaycache_secret_found", "DriftFound": "replaycache_drift_found"}
            return told(failure._replace(kind=kind.get(type(error).__name__, failure.kind)))
        return JSONResponse({"ended": ended, "not_kept": not_kept})


def told(failure: Failure) -> Response:
    """A failure as a response of the pages."""
    body = failure.body()
    response = Response(body, failure.status)
    response.raw_headers = failure.head(body)
    return response


def _look(store: Store) -> str:
    try:
        try:
            store.get("0" * 32)
        except StoreBusy:
            store.get("0" * 32)  # it waits now
    except StoreError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # a store of the user's may raise anything
        return f"{type(error).__name__}: {error}"
    return ""
