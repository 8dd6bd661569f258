"""What the proxy tells Prometheus. Labels are bounded: upstreams have the names that it was set up with."""

from __future__ import annotations

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from .calls import SeenCall

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """Counts calls, in a registry of its own."""

    media_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        counter = partial(Counter, registry=registry)
        seconds = partial(Histogram, labelnames=("outcome",), buckets=_SECONDS, registry=registry)
        self._calls = counter(
            "replaycache_calls",
            "Calls, by what became of them: hit, miss, live, refused, failed.",
            ("upstream", "outcome"),
        )
        self._in_flight = Gauge("replaycache_calls_in_flight", "Calls that are being answered.", registry=registry)
        self._turned_away = counter(
            "replaycache_requests_turned_away",
            "Requests that came to no call, by the status that they got.",
            ("status",),
        )
        self._tokens = counter("replaycache_saved_tokens", "Tokens of answers that were replayed.", ("direction",))
        self._first = seconds("replaycache_first_byte_seconds", "Until the first byte of the answer's body.")
        self._total = seconds("replaycache_call_seconds", "Until the answer's end.")

    def began(self) -> None:
        """A call has come."""
        self._in_flight.inc()

    def ended(self, call: SeenCall, first_byte: float | None) -> None:
        """A call is over.

        Args:
            first_byte: seconds until the first byte of the answer's body; None where there was none.
        """
        self._in_flight.dec()
        outcome = call.status or "failed"
        self._calls.labels(call.upstream, outcome).inc()
        if first_byte is not None:
            self._first.labels(outcome).observe(first_byte)
        if call.seconds is not None:
            self._total.labels(outcome).observe(call.seconds)

    def saved(self, input_tokens: int, output_tokens: int) -> None:
        """A recording answered, which once used so many."""
        self._tokens.labels("input").inc(input_tokens)
        self._tokens.labels("output").inc(output_tokens)

    def turned_away(self, status: int) -> None:
        """A request came to no call."""
        self._turned_away.labels(str(status)).inc()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
