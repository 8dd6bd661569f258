"""One request's way through a cassette that goes by VCR.py's rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from .._errors import CacheMiss, MissReason
from .._models import Recording
from ..engine.call import Call
from ..engine.exchange import Exchange
from ..engine.spool import Spool
from ..options import Mode, Options
from ..stores import Store
from .cassette import VcrCassette
from .messages import VcrRequest, changed, response_of

__all__ = ["VcrExchange"]


class VcrCall(Call):
    """A request as VCR.py's hooks leave it."""

    __slots__ = ("_asked", "_cassette", "_in_process")

    def __init__(self, exchange: VcrExchange, *rest: Any) -> None:
        super().__init__(exchange, *rest)
        self._cassette = exchange.cassette
        self._in_process = exchange.in_process
        self._asked: VcrRequest | None = None

    def identify(self, body: bytes | None) -> None:
        if body is not None:
            self._body = body
            asked = self._cassette.ask(VcrRequest.of(self.request))
            if asked is None:
                self.mode = Mode.OFF
                self.outcome.reason = "it is no concern of the cassette, as vcr_config says"
                return
            self._asked = asked
            self._request = asked.to_request()
            self.url = self._request.url
            body = self._request.body
        super().identify(body)

    def load(self) -> Recording | None:
        if self._asked is None or self.mode not in (Mode.AUTO, Mode.REPLAY):
            return None
        found, self._why = self._cassette.play(self._asked)
        if found is None and self._in_process:
            self.mode = Mode.OFF
            self.outcome.reason = "the application in this process answers it"
        return found

    def miss(self, reason: MissReason) -> CacheMiss:
        miss = super().miss(reason)
        if self._asked is not None:
            miss.add_note(self._cassette.explain(self._asked))
        return miss

    def save(self) -> None:
        recording = self._pending
        if recording is not None and self._head is not None:
            try:
                response = self._cassette.ask_response(response_of(self._head, recording.body.read()))
                if response is None:
                    self.forget("before_record_response dropped it")
                    return
                found = changed(recording, response)
            except Exception as error:  # noqa: BLE001  # a hook of the user's may raise anything
                self.forget(f"before_record_response failed: {error!r}")
                self._exchange.reporter.warn_once(
                    f"before_record_response failed: {error!r}. The answer was not stored."
                )
                return
            found.head = self._exchange.options.redact.head(found.head)
            self._pending = found
        super().save()


class VcrExchange(Exchange):
    """An exchange that asks VCR.py's rules, not keys, which recording answers a request."""

    call_type = VcrCall

    def __init__(self, cassette: VcrCassette, owner: Callable[[], Any], in_process: bool) -> None:
        options = Options.parse({"mode": cassette.engine_mode})
        # of a store's methods, an exchange with a sequence uses those that the cassette has
        super().__init__(options, cast("Store", cassette), Spool, owner)
        self.advice = dict.fromkeys(
            self.advice,
            f"run the test with --record-mode=new_episodes: it goes to {cassette.own_path.name}, beside the YAML",
        )
        self.cassette = cassette
        self.in_process = in_process
