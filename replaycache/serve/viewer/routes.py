"""What the viewer answers: the page, its files, and JSON for it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import partial, wraps
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from ..._errors import ReplayCacheError
from ..._models import Recording
from ..._models import Request as Asked
from ..._printable import one_line
from ...accounts.prices import LIST_PRICES, Prices
from ...maintenance.facts import chunks_of
from ...match import Match
from ...stores import Store
from ..calls import CallLog, SeenCall
from .copies import Copy, curl_of, pytest_of
from .exporting import RECORDINGS, TooLarge, cassette_name, exported
from .misses import why_missed
from .policy import PolicyHeaders
from .reading import recording_page, request_page
from .rows import Abouts, Wanted, call_row, search
from .saved import saved
from .shelf import Shelf, Shelved

MARK = "x-replaycache-viewer"
"""A header without which nothing is changed: no page of another origin can send it unasked."""
CALLS = 200
"""Calls that are told at once."""
LARGEST_ORDER = 256 << 10
"""Bytes of a request to the viewer itself."""

_Endpoint = Callable[[Request], Awaitable[Response]]
_STATIC = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def viewer_routes(
    calls: CallLog, store: Store, *, match: Match | None = None, prices: Prices | None = None
) -> list[BaseRoute]:
    """The routes of the viewer, to be mounted under a path of its own.

    Whoever serves them decides who may ask, and takes what the page `/login` posts to itself. That page and what
    is below `/static/` hold nothing of anybody's.

    Args:
        calls: that came lately; it is read in the event loop.
        store: whose recordings are shown.
        match: the rules in force; None for those by default.
        prices: the user's own.
    """
    viewer = _Viewer(calls, Shelf(store, match or Match()), prices or LIST_PRICES)
    paths: list[tuple[str, str, _Endpoint]] = [
        ("/", "GET", _index),
        ("/login", "GET", _login),
        ("/static/{name}", "GET", _static),
        ("/api/calls", "GET", viewer.calls),
        ("/api/calls/{call:int}", "GET", viewer.call),
        ("/api/calls/{call:int}/copy", "GET", viewer.copy_of_call),
        ("/api/calls/{call:int}/request-body", "GET", viewer.request_body_of_call),
        ("/api/recordings", "GET", viewer.recordings),
        ("/api/recordings/{key}/{number:int}", "GET", viewer.recording),
        ("/api/recordings/{key}/{number:int}", "DELETE", viewer.delete),
        ("/api/recordings/{key}/{number:int}/copy", "GET", viewer.copy_of_recording),
        ("/api/recordings/{key}/{number:int}/request-body", "GET", viewer.request_body),
        ("/api/recordings/{key}/{number:int}/response-body", "GET", viewer.response_body),
        ("/api/export", "POST", viewer.export),
        ("/api/saved", "GET", viewer.saved),
    ]
    app = Starlette(
        routes=[Route(path, _answering(endpoint), methods=[method]) for path, method, endpoint in paths],
        middleware=[Middleware(PolicyHeaders)],
        exception_handlers={HTTPException: _as_json},
    )
    return [Mount("", app=app)]


# -- answers -----------------------------------------------------------------------------------------------


def _json(value: Any, status: int = 200) -> Response:
    # of a text with half a character in it, too, and never more than ASCII
    return Response(json.dumps(value, allow_nan=False).encode(), status, media_type="application/json")


def _as_json(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _json({"error": error.detail}, error.status_code)


def _answering(endpoint: _Endpoint) -> _Endpoint:
    """Says what is wrong with a store in place of failing; lets nothing be changed unasked."""

    @wraps(endpoint)
    async def answered(request: Request) -> Response:
        if request.method not in ("GET", "HEAD") and request.headers.get(MARK) != "1":
            raise HTTPException(403, f"Nothing is changed without the header {MARK}: 1.")
        try:
            return await endpoint(request)
        except ReplayCacheError as error:
            return _json({"error": str(error)}, 503)

    return answered


async def _index(request: Request) -> Response:
    return Response(_file("index.html"), media_type="text/html")


async def _login(request: Request) -> Response:
    """The page that asks for the token; with `?wrong` in its URL it says that the last one was wrong."""
    wrong = b'<p class="bad" role="alert">This is not the token.</p>' if "wrong" in request.query_params else b""
    page = _file("login.html").replace(b"<!-- wrong -->", wrong)
    # a form of a page that tells no referrer is posted by the origin `null`, which is anybody's
    return Response(page, media_type="text/html", headers={"referrer-policy": "same-origin"})


async def _static(request: Request) -> Response:
    found = re.fullmatch(r"[a-z]+\.(css|js|svg)", request.path_params["name"])
    try:
        if found is not None:
            return Response(_file(found[0]), media_type=_STATIC[found[1]])
    except FileNotFoundError:
        pass
    raise HTTPException(404, "There is no such file.")


def _file(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise HTTPException(400, f"{name} is a number, unlike {text[:40]!r}.")
    return int(text)


def _download(pieces: Iterator[bytes], name: str) -> Response:
    """A body as a file, whatever it says that it is: nothing of it is opened in this origin."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type="application/octet-stream", headers=headers)


class _Viewer:
    """The endpoints.

    Args:
        calls: that came lately.
        shelf: of the store.
        prices: by which money is told.
    """

    def __init__(self, calls: CallLog, shelf: Shelf, prices: Prices) -> None:
        self._calls = calls
        self._prices = prices
        self._shelf = shelf
        self._abouts = Abouts(shelf.find)
        self._run = os.urandom(8).hex()
        """Tells the page that the server is another one, whose calls are numbered anew."""

    # -- calls ---------------------------------------------------------------------------------------------

    async def calls(self, request: Request) -> Response:
        """What has changed since; `more` where there is more to ask for at once."""
        since = _number(request, "since")
        if request.query_params.get("run") != self._run or since > self._calls.changes:
            since = 0
        changed = sorted(self._calls.since(since), key=lambda call: call.changed)
        now = changed[:CALLS]
        until = now[-1].changed if len(now) < len(changed) else self._calls.changes
        await run_in_threadpool(self._abouts.read, now)
        return _json(
            {
                "run": self._run,
                "changes": until,
                "more": len(now) < len(changed),
                "location": self._shelf.store.location,
                "calls": [call_row(call, self._abouts.known(call)) for call in now],
            }
        )

    def _call(self, request: Request) -> SeenCall:
        call = self._calls.get(request.path_params["call"])
        if call is None:
            raise HTTPException(404, "This call is not remembered any more.")
        return call

    def _asked(self, request: Request) -> Asked:
        asked = self._call(request).request
        if asked is None:
            raise HTTPException(404, "The request of this call is not remembered.")
        return asked

    async def call(self, request: Request) -> Response:
        call = self._call(request)
        await run_in_threadpool(self._abouts.read, [call])
        told: dict[str, Any] = {"call": call_row(call, self._abouts.known(call))}
        key, asked, status = call.key, call.request, call.status
        told |= await run_in_threadpool(self._of_call, key, asked, status)
        here = self._shelf.store.location
        # a test may have named a store of its own, where the answer is
        told["elsewhere"] = one_line(call.store) if call.store not in here else ""
        return _json(told)

    def _of_call(self, key: str, asked: Asked | None, status: str) -> dict[str, Any]:
        told: dict[str, Any] = {"recording": None, "request": None, "why": None, "problem": ""}
        try:
            one = self._shelf.find(key) if key and status in ("hit", "miss") else None
            if one is not None:
                told["recording"] = recording_page(one, self._prices)
            if asked is not None and status != "hit":
                if one is None:
                    told["request"] = request_page(asked)
                told["why"] = why_missed(self._shelf, key, asked)
        except ReplayCacheError as error:
            told["problem"] = str(error)
        return told

    # -- recordings ----------------------------------------------------------------------------------------

    async def recordings(self, request: Request) -> Response:
        """A page of the recordings that are meant, and where to go on."""
        start = _number(request, "start")
        names = ("text", "status", "upstream", "model")
        wanted = Wanted(**{name: request.query_params.get(name, "")[:500] for name in names})
        return _json(await run_in_threadpool(search, self._shelf, wanted, start))

    async def _found(self, request: Request) -> Shelved:
        key, number = request.path_params["key"], request.path_params["number"]
        one = await run_in_threadpool(self._shelf.find, key, number)
        if one is None:
            raise HTTPException(404, "This recording is gone: it was removed, or another took its place.")
        return one

    async def recording(self, request: Request) -> Response:
        one = await self._found(request)
        return _json({"recording": await run_in_threadpool(recording_page, one, self._prices)})

    async def delete(self, request: Request) -> Response:
        key, number = request.path_params["key"], request.path_params["number"]
        if not await run_in_threadpool(self._shelf.remove, key, number):
            raise HTTPException(404, "There was nothing to delete: it is gone already.")
        return _json({"deleted": True})

    async def request_body(self, request: Request) -> Response:
        one = await self._found(request)
        body = await run_in_threadpool(lambda: one.recording.request.body)
        return _download(iter([body]), "request-body")

    async def response_body(self, request: Request) -> Response:
        one = await self._found(request)
        await run_in_threadpool(one.recording.measure)  # what is damaged shows before anything is sent
        return _download((chunk.data for chunk in one.recording.body), "response-body")

    async def request_body_of_call(self, request: Request) -> Response:
        asked = self._asked(request)
        return _download(iter([asked.body]), "request-body")

    # -- copies --------------------------------------------------------------------------------------------

    async def copy_of_recording(self, request: Request) -> Response:
        one = await self._found(request)
        return _json((await run_in_threadpool(_copied, request, one.recording, one.key))._asdict())

    async def copy_of_call(self, request: Request) -> Response:
        asked = self._asked(request)
        if request.query_params.get("as") != "curl":
            raise HTTPException(400, "Of a call that is not recorded there is only a curl command.")
        return _json((await run_in_threadpool(curl_of, asked))._asdict())

    # -- the rest ------------------------------------------------------------------------------------------

    async def export(self, request: Request) -> Response:
        names, secrets = _ordered(await _order(request))
        try:
            told = await run_in_threadpool(partial(exported, self._shelf, names, secrets))
        except TooLarge as error:
            raise HTTPException(413, str(error)) from error
        return _json(told)

    async def saved(self, request: Request) -> Response:
        return _json(await run_in_threadpool(saved, self._shelf, self._prices))


def _copied(request: Request, recording: Recording, key: str) -> Copy:
    kind = request.query_params.get("as")
    if kind == "curl":
        return curl_of(recording.request)
    if kind != "pytest":
        raise HTTPException(400, "as is curl or pytest.")
    name, is_stream = cassette_name(recording, key), chunks_of(recording) > 1
    return pytest_of(recording.request, name, status=recording.head.status, is_stream=is_stream)


async def _order(request: Request) -> Any:
    """The JSON that was sent to the viewer itself."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "This takes application/json.")
    data = bytearray()
    try:
        async for piece in request.stream():
            data += piece
            if len(data) > LARGEST_ORDER:
                raise HTTPException(413, f"This takes up to {LARGEST_ORDER >> 10} KiB.")
    except ClientDisconnect as error:
        raise HTTPException(400, "The request was cut.") from error
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "This is no JSON.") from error


def _ordered(order: Any) -> tuple[list[tuple[str, int]], Any]:
    """The recordings that are to be exported, and what becomes of secrets."""
    given = order.get("recordings") if isinstance(order, dict) else None
    secrets = order.get("secrets", "refuse") if isinstance(order, dict) else None
    every = given if isinstance(given, list) else []
    names = [(one["key"], one["number"]) for one in every if _is_name(one)]
    if not names or len(names) != len(every) or secrets not in ("refuse", "replace"):
        raise HTTPException(
            400, f"This takes up to {RECORDINGS} recordings by key and number, and secrets: refuse or replace."
        )
    return names, secrets


def _is_name(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("key"), str) and type(one.get("number")) is int
