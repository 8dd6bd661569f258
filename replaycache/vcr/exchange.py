"""One request's way through a cassette that goes by VCR.py's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from .._errors import CacheMiss, MissReason
from ..engine.answer import Answer
from ..engine.asked import Asked
from ..engine.call import Call
from ..engine.decisions import Forward
from ..engine.diagnosis import Advice
from ..engine.exchange import Exchange
from ..engine.keeper import Keeper
from ..engine.lead import Lead
from ..engine.lookup import Found, Nothing
from ..engine.sequence import Place
from ..engine.spool import Spool
from ..options import Mode, Options
from ..stores import Store
from .cassette import VcrCassette
from .messages import VcrRequest, changed, response_of


class VcrAnswer(Answer):
    """An answer as VCR.py's hooks leave it."""

    __slots__ = ("_cassette",)

    def __init__(self, asked: Asked, forward: Forward, lead: Lead, keeper: Keeper, cassette: VcrCassette) -> None:
        self._cassette = cassette
        super().__init__(asked, forward, lead, keeper)

    def save(self) -> None:
        recording = self.pending
        if recording is not None and self.head is not None:
            try:
                response = self._cassette.rules.response(response_of(self.head, recording.body.read()))
                if response is None:
                    self.forget("before_record_response dropped it", is_meant=True)
                    return
                found = changed(recording, response)
            except Exception as error:  # noqa: BLE001  # a hook of the user's may raise anything
                self.forget(f"before_record_response failed: {error!r}")
                return
            found.head = self.keeper.redactor.head(found.head)
            self.pending = found
        super().save()


class VcrCall(Call):
    """A request as VCR.py's hooks leave it."""

    __slots__ = ("_cassette", "_in_process", "_vcr")

    def __init__(self, exchange: VcrExchange, asked: Asked) -> None:
        super().__init__(exchange, asked)
        self._cassette = exchange.cassette
        self._in_process = exchange.in_process
        self._vcr: VcrRequest | None = None

    def identify(self, body: bytes | None) -> None:
        asked = self.asked
        if body is not None:
            asked.body = body
            vcr = self._cassette.rules.request(VcrRequest.of(asked.request))
            if vcr is None:
                asked.pass_by("it is no concern of the cassette, as vcr_config says")
                return
            self._vcr = vcr
            asked.become(vcr.to_request())
            body = asked.body
        super().identify(body)

    def load(self) -> Found:
        asked = self.asked
        if asked.identity is not None:
            asked.place = Place(asked.identity, asked.identity, 0)
        if self._vcr is None or asked.mode not in (Mode.AUTO, Mode.REPLAY):
            return Nothing()
        found, why = self._cassette.play(self._vcr)
        if found is not None:
            return found
        if self._in_process:
            asked.pass_by("the application in this process answers it")
        return Nothing(why)

    def miss(self, reason: MissReason) -> CacheMiss:
        miss = super().miss(reason)
        if self._vcr is not None:
            miss.add_note(self._cassette.explain(self._vcr))
        return miss

    def _answer_to(self, forward: Forward) -> Answer:
        return VcrAnswer(self.asked, forward, self._lead or Lead(None), self._shared.keeper, self._cassette)


class VcrExchange(Exchange):
    """An exchange that asks VCR.py's rules, not keys, which recording answers a request."""

    def __init__(self, cassette: VcrCassette, owner: Callable[[], Any], in_process: bool) -> None:
        options = Options.parse({"mode": cassette.engine_mode})
        # of a store's methods, an exchange with a sequence uses those that the cassette has
        super().__init__(options, cast("Store", cassette), Spool, owner)
        again = (
            f"run the test with --record-mode=new_episodes: it goes to {cassette.own_path.name}, beside the YAML"
        )
        self.advice = Advice(dict.fromkeys(self.advice.next, again))
        self.cassette = cassette
        self.in_process = in_process

    def call(
        self, method: str, url: str, headers: Iterable[tuple[bytes, bytes]], target: bytes | None = None
    ) -> Call:
        return VcrCall(self, self.identifier.read(method, url, headers, target))
