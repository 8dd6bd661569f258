"""The same hits through others, each against the floor of its own client; what they cannot do is found by trying.

Each records a hundred calls (SDKs, and all in a quick run, twenty) from a server on loopback, which is gone when
they are asked for again. Who does not replay a POST is measured with a GET of the same answer.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from callers import replay
from measure import Arm, Figure, Plan, interleave
from run import Row, Run
from traffic import HEADERS, Case, Item, chat_answer, chat_request, events, mock
from upstream import running

__all__ = ["PEERS", "Peer", "missing", "rows"]

MATCHED = {"match_on": ["method", "uri", "body"]}

Ask = Callable[[Item], list[Any]]
"""Asks, and gives the pieces that were read: bytes, or text where an SDK is asked."""


@dataclass(frozen=True)
class Asked:
    """How a peer is asked.

    Attributes:
        base: where the upstream is, or was.
        directory: where the peer keeps what it records.
        case: what is asked.
        method: POST, or GET with the question in the URL.
        recording: upstream is there; otherwise only what is stored may answer.
    """

    base: str
    directory: Path
    case: Case
    method: str
    recording: bool

    @property
    def url(self) -> str:
        """What is asked."""
        return f"{self.base}/numbered/v1/chat/completions"


Opening = Callable[[Asked], AbstractContextManager[Ask]]


@dataclass(frozen=True)
class Peer:
    """One of those that are compared.

    Attributes:
        modules: which must be there, as paths below site-packages.
        requirements: what pip installs for it.
        open: the peer, ready to be asked.
        floor: the same client, answered from memory.
        ours: replaycache under the same client, where that is an SDK.
        methods: by which it is tried.
    """

    modules: tuple[str, ...]
    requirements: tuple[str, ...]
    open: Opening
    floor: Opening
    ours: Opening | None = None
    methods: tuple[str, ...] = ("POST", "GET")


def missing(peer: Peer) -> list[str]:
    """The modules of the peer that are not installed here. None is imported."""
    absent = []
    for module in peer.modules:
        package, _, rest = module.partition(".")
        spec = find_spec(package)
        places = (spec.submodule_search_locations if spec else None) or ()
        if spec is None or (
            rest and not any(Path(place, f"{rest.replace('.', '/')}.py").exists() for place in places)
        ):
            absent.append(module)
    return absent


def rows(run: Run, name: str) -> Iterator[Row]:
    """A peer's hits, and ours under the same SDK."""
    peer = PEERS[name]
    numbers = range(20 if run.quick or peer.ours else 100)
    small = Case(chat_request, numbers, chat_answer())
    stream = Case(lambda number: chat_request(number, stream=True), numbers, events(), True)
    for what, case in (("small", small), ("stream", stream)):
        told = "400-chunk stream" if case.streamed else what
        under = "stream" if case.streamed else what
        yield Row(
            f"peers.{name}.{what}",
            f"{told}, {name}",
            "x",
            lambda case=case: measure(run, name, peer.open, case),
            ours=name == "replaycache",
        )
        if peer.ours:
            yield Row(
                f"peers.{name}.{what}-replaycache",
                f"{under}, replaycache in {name}",
                "x",
                lambda case=case: measure(run, name, peer.ours, case, "replaycache-"),
            )


def measure(run: Run, name: str, opening: Opening | None, case: Case, prefix: str = "") -> Figure:
    """The ratio to the floor, with what the peer cannot do."""
    peer = PEERS[name]
    absent = missing(peer)
    if absent or opening is None:
        return Figure(None, cannot=f"{absent[0]} is not installed (--peers installs it)")
    cannot: list[str] = []
    plan = Plan(3, 0.001) if run.quick else Plan(9 if peer.ours else 21, 0.004)
    for method in peer.methods:
        directory = run.directory(f"{prefix}{name}-{case.streamed}-{method}")
        with running() as base, opening(Asked(base, directory, case, method, True)) as record:
            for item in case.items:
                _check(record(item), item, case)
        asked = Asked(base, directory, case, method, False)
        with peer.floor(asked) as floor:
            unnumbered = floor(case.items[0])
            with opening(asked) as call:
                failed = _fails(call, case)
                if failed:
                    cannot.append(f"cannot replay a {method}{' stream' if case.streamed else ''}: {failed}")
                    continue
                if case.streamed:
                    pieces, live = len(call(case.items[0])), len(unnumbered)
                    if pieces < live:
                        cannot.append(f"gives {pieces} of {live} chunks")

                def check(result: list[Any], _: Item, unnumbered: list[Any] = unnumbered) -> None:
                    assert result == unnumbered, "the floor gave another answer"

                figure = interleave(
                    Arm(lambda floor=floor: floor, check),
                    Arm(lambda call=call: call, lambda result, item: _check(result, item, case)),
                    case.items,
                    plan,
                )
        by = "" if method == "POST" else "measured by GET"
        return Figure(
            figure.value,
            figure.least,
            figure.greatest,
            figure.by,
            "; ".join([*cannot, *([by] if by else [])]),
            {**figure.details, "versions": _versions(peer)},
        )
    return Figure(None, cannot="; ".join(cannot))


def _versions(peer: Peer) -> dict[str, str]:
    """Of what is installed for the peer; `out/environments` may have others than here."""
    names = [re.split(r"[^\w.-]", requirement)[0] for requirement in peer.requirements]
    return {name: version(name) for name in names}


def _fails(call: Ask, case: Case) -> str:
    """Why a few stored requests are not answered rightly without an upstream; empty where they are."""
    for item in case.items[:5]:
        try:
            result = call(item)
        except Exception as error:
            while error.__cause__ is not None and isinstance(error.__cause__, Exception):
                error = error.__cause__
            refused = "onnect" in f"{type(error).__name__}{error}"
            return "it asks upstream" if refused else f"{type(error).__name__}"
        try:
            _check(result, item, case)
        except AssertionError as error:
            return str(error)
    return ""


def _check(result: Sequence[Any], item: Item, case: Case) -> None:
    """The whole answer is the item's, whatever its pieces are."""
    if isinstance(result[0], bytes):
        right = b"".join(result) == item.answer.body
    else:
        right = "".join(result) == _text(item, case)
    assert right, f"another answer to request {item.number}"


def _text(item: Item, case: Case) -> str:
    """What an SDK gives of the answer."""
    if not case.streamed:
        return str(json.loads(item.answer.body)["choices"][0]["message"]["content"])
    lines = [line[6:] for line in item.answer.body.split(b"\n") if line.startswith(b"data: {")]
    return "".join(json.loads(line)["choices"][0]["delta"].get("content", "") for line in lines)


# --- plain clients


def _client_ask(client: Any, asked: Asked) -> Ask:
    """Asks through a client of httpx2."""

    def ask(item: Item) -> list[bytes]:
        url, body = _question(asked, item)
        if not asked.case.streamed:
            return [client.request(asked.method, url, content=body, headers=HEADERS).content]
        with client.stream(asked.method, url, content=body, headers=HEADERS) as response:
            return list(response.iter_bytes())

    return ask


def _question(asked: Asked, item: Item) -> tuple[str, bytes | None]:
    if asked.method == "POST":
        return asked.url, item.body
    return f"{asked.url}?Question={item.number}&stream={'true' if asked.case.streamed else 'false'}", None


@contextmanager
def _floor(asked: Asked) -> Iterator[Ask]:
    import httpx2

    transport = mock(httpx2, asked.case.answer, streamed=asked.case.streamed)
    with httpx2.Client(transport=transport) as client:
        yield _client_ask(client, asked)


@contextmanager
def _replaycache(asked: Asked) -> Iterator[Ask]:
    import httpx2

    transport = replay(httpx2, "sync", store=str(asked.directory), mode="record" if asked.recording else "replay")
    with httpx2.Client(transport=transport) as client:
        yield _client_ask(client, asked)


@contextmanager
def _vcrpy(asked: Asked) -> Iterator[Ask]:
    import httpx2
    import vcr

    # played more than once, and by the body, which it does not look at by default
    options: dict[str, Any] = {"allow_playback_repeats": True, **MATCHED}
    mode = "all" if asked.recording else "none"
    cassette = vcr.use_cassette(str(asked.directory / "cassette.yaml"), record_mode=mode, **options)
    with cassette, httpx2.Client() as client:
        yield _client_ask(client, asked)


@contextmanager
def _cassetter(asked: Asked) -> Iterator[Ask]:
    import httpx2
    from cassetter import use_cassette

    mode = "once" if asked.recording else "none"
    cassette = use_cassette(
        asked.directory / "cassette.yaml", record_mode=mode, match_on=["method", "uri", "body"]
    )
    with cassette, httpx2.Client() as client:
        yield _client_ask(client, asked)


@contextmanager
def _hishel(asked: Asked) -> Iterator[Ask]:
    import httpx2
    from hishel import SqliteStorage
    from hishel.httpx2 import CacheTransport

    storage = SqliteStorage(database_path=asked.directory / "hishel.db")
    transport = CacheTransport(httpx2.HTTPTransport(), storage=storage)
    with httpx2.Client(transport=transport) as client:
        yield _client_ask(client, asked)


def _session_ask(session: Any, asked: Asked) -> Ask:
    """Asks through a session of requests."""

    def ask(item: Item) -> list[bytes]:
        url, body = _question(asked, item)
        if not asked.case.streamed:
            return [session.request(asked.method, url, data=body, headers=HEADERS).content]
        with session.request(asked.method, url, data=body, headers=HEADERS, stream=True) as response:
            return list(response.iter_content(None))

    return ask


@contextmanager
def _requests_floor(asked: Asked) -> Iterator[Ask]:
    import requests
    from requests.adapters import BaseAdapter
    from urllib3 import HTTPResponse

    answer, streamed = asked.case.answer, asked.case.streamed

    class Raw(HTTPResponse):
        def stream(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:
            return iter(answer.chunks)

    class Adapter(BaseAdapter):
        def send(self, request: Any, **_: Any) -> Any:
            response = requests.Response()
            response.status_code, response.url, response.request = 200, request.url, request
            response.headers.update(answer.headers)
            body = BytesIO(b"" if streamed else answer.body)
            response.raw = (Raw if streamed else HTTPResponse)(body, preload_content=False)
            return response

        def close(self) -> None:
            pass

    with requests.Session() as session:
        session.mount("http://", Adapter())
        yield _session_ask(session, asked)


@contextmanager
def _requests_cache(asked: Asked) -> Iterator[Ask]:
    from requests_cache import CachedSession

    cache = str(asked.directory / "cache.sqlite")
    with CachedSession(cache, backend="sqlite", allowable_methods=["GET", "POST"]) as session:
        yield _session_ask(session, asked)


# --- SDKs that have a cache


Which = Literal["floor", "its cache", "replaycache"]


@contextmanager
def _litellm(asked: Asked, which: Which) -> Iterator[Ask]:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it fetches a price list when it is imported
    import httpx
    import litellm
    import openai

    transport = _under_sdk(httpx, asked, which)
    cache = litellm.Cache(type="disk", disk_cache_dir=str(asked.directory)) if which == "its cache" else None
    client = openai.OpenAI(
        api_key="sk-benchmark",
        base_url=f"{asked.base}/numbered/v1",
        http_client=httpx.Client(transport=transport),
        max_retries=0,
    )

    def ask(item: Item) -> list[str]:
        litellm.cache = cache
        request = {**item.request, "model": "openai/gpt-4o-mini"}
        answer = litellm.completion(**request, client=client, api_key="sk-benchmark", caching=cache is not None)
        if asked.case.streamed:
            return [choice.delta.content or "" for event in answer for choice in event.choices]
        return [answer.choices[0].message.content]

    yield ask


@contextmanager
def _langchain(asked: Asked, which: Which) -> Iterator[Ask]:
    warnings.simplefilter("ignore")  # of what is to come in its next versions
    import httpx2
    from langchain_community.cache import SQLiteCache
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(
        model="gpt-4o-mini",
        api_key="sk-benchmark",
        base_url=f"{asked.base}/numbered/v1",
        http_client=httpx2.Client(transport=_under_sdk(httpx2, asked, which)),
        max_retries=0,
        cache=SQLiteCache(str(asked.directory / "cache.db")) if which == "its cache" else False,
    )

    def ask(item: Item) -> list[str]:
        question = item.request["messages"][0]["content"]
        if asked.case.streamed:
            return [str(event.content) for event in model.stream(question)]
        return [str(model.invoke(question).content)]

    yield ask


def _under_sdk(library: ModuleType, asked: Asked, which: Which) -> Any:
    """The transport that the SDK's client has."""
    if which == "floor":
        return mock(library, asked.case.answer, streamed=asked.case.streamed)
    if which == "its cache":
        return library.HTTPTransport()
    return replay(library, "sync", store=str(asked.directory), mode="record" if asked.recording else "replay")


PEERS = {
    "replaycache": Peer(("replaycache",), (), _replaycache, _floor),
    "vcrpy": Peer(("vcr",), ("vcrpy",), _vcrpy, _floor),
    "cassetter": Peer(("cassetter",), ("cassetter",), _cassetter, _floor),
    "hishel": Peer(("hishel",), ("hishel[httpx2]",), _hishel, _floor),
    "requests-cache": Peer(("requests_cache",), ("requests-cache",), _requests_cache, _requests_floor),
    # later ones have no disk cache, and the last that have it do not fit beside openai 3; cached streams
    # import the last two
    "litellm": Peer(
        ("litellm.caching.disk_cache",),
        ("litellm[caching]>=1.106,<1.107", "fastapi", "soundfile"),
        *(partial(_litellm, which=which) for which in ("its cache", "floor", "replaycache")),
        methods=("POST",),
    ),
    "langchain": Peer(
        ("langchain_openai", "langchain_community"),
        ("langchain-openai", "langchain-community"),
        *(partial(_langchain, which=which) for which in ("its cache", "floor", "replaycache")),
        methods=("POST",),
    ),
}
