"""What the fresh processes of `starting.py`, `memory.py` and `cassettes.py` do: `python process.py <what> …`.

It imports nothing that the clients do not, until it is told to.
"""

import sys
import time

CHAT = "https://api.openai.com/v1/chat/completions"
QUESTION = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}'
ANSWER = b'{"choices": [{"finish_reason": "stop", "message": {"content": "42"}}]}'
JSON = {"content-type": "application/json"}


def _library(name):
    return __import__(name)


def _adapter(name):
    return getattr(__import__(f"replaycache.{name}"), name)


def _ask(client):
    assert client.post(CHAT, content=QUESTION, headers=JSON).content == ANSWER


def _mock(library):
    return library.MockTransport(lambda request: library.Response(200, headers=JSON, content=ANSWER))


def bare(name):
    """One call of a bare client, which MockTransport answers."""
    library = _library(name)
    _ask(library.Client(transport=_mock(library)))


def imported(name):
    """The same, and the adapter imported."""
    _adapter(name)
    bare(name)


def record(name, directory):
    """Records the call."""
    library = _library(name)
    with library.Client(transport=_adapter(name).ReplayTransport(_mock(library), store=directory)) as client:
        _ask(client)


def hit(name, directory):
    """Replays the call."""
    library = _library(name)
    _ask(library.Client(transport=_adapter(name).ReplayTransport(store=directory, mode="replay")))


def enter(name, cassette):
    """Prints the CPU seconds of importing `use_cassette`, and of entering it, where one library is used."""
    other = "httpx" if name == "httpx2" else "httpx2"
    _library(name)
    at_first = time.process_time()
    from replaycache import use_cassette

    imported_at = time.process_time()
    with use_cassette(cassette, mode="replay"):
        entered_at = time.process_time()
        assert other not in sys.modules, f"{other} was imported"
    print(imported_at - at_first, entered_at - imported_at)


def modules(name):
    """Imports a library, and prints the CPU seconds of that and the names of all modules that are there then."""
    started = time.process_time()
    _library(name)
    print(time.process_time() - started, *sorted(sys.modules))


def stream(name, kind, way, directory, size, chunk):
    """Reads a stream of that size and prints the peak of the resident set, in bytes."""
    library = _library(name)
    size, chunk = int(size), int(chunk)

    class Upstream(library.SyncByteStream, library.AsyncByteStream):
        def pieces(self):
            for number in range(size // chunk):
                head = b'data: {"choices": [{"delta": {"content": "%d' % number
                yield head + b"x" * (chunk - len(head) - 7) + b'"}}]}\n\n'
            yield b"data: [DONE]\n\n"

        def __iter__(self):
            yield from self.pieces()

        async def __aiter__(self):
            for piece in self.pieces():
                yield piece

    def respond(request):
        return library.Response(200, headers={"content-type": "text/event-stream"}, stream=Upstream())

    def transport(of):
        upstream = library.MockTransport(respond)
        if way == "bare":
            return upstream
        replay = getattr(_adapter(name), of)
        if way == "record":
            return replay(upstream, store=directory, mode="record")
        return replay(store=directory, mode="replay")

    question = {"content": b'{"model": "m", "messages": [], "stream": true, "seed": %d}' % size, "headers": JSON}

    def read():
        client = library.Client(transport=transport("ReplayTransport"))
        with client.stream("POST", CHAT, **question) as response:
            return sum(map(len, response.iter_raw()))

    async def read_async():
        client = library.AsyncClient(transport=transport("AsyncReplayTransport"))
        total = 0
        async with client.stream("POST", CHAT, **question) as response:
            async for piece in response.aiter_raw():
                total += len(piece)
        return total

    if kind == "sync":
        total = read()
    else:
        import asyncio

        total = asyncio.run(read_async())
    assert total == size // chunk * chunk + len(b"data: [DONE]\n\n"), total
    print(_peak())


def _peak():
    try:
        with open("/proc/self/status") as status:  # getrusage has the peak of who started the process, too
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def open_cassette(who, path, url, body, answer):
    """Opens a cassette and asks; prints the CPU seconds of importing its recorder, and of that."""
    library = _library("httpx2")
    with open(body, "rb") as file:
        question = file.read()
    with open(answer, "rb") as file:
        expected = file.read()
    client = library.Client()
    client.headers  # noqa: B018  the client is there
    started = time.process_time()
    if who == "replaycache":
        from replaycache import use_cassette

        options = {"mode": "replay"}
    elif who == "cassetter":
        from cassetter import use_cassette

        options = {"record_mode": "none", "match_on": ["method", "uri", "body"]}
    else:
        from vcr import use_cassette

        options = {"record_mode": "none", "match_on": ["method", "uri", "body"]}
    imported_at = time.process_time()
    with use_cassette(path, **options):
        read = client.post(url, content=question, headers=JSON).content
        ended = time.process_time()
    assert read == expected, "another answer"
    print(imported_at - started, ended - imported_at)


if __name__ == "__main__":
    {each.__name__: each for each in (bare, imported, record, hit, enter, modules, stream, open_cassette)}[
        sys.argv[1]
    ](*sys.argv[2:])
