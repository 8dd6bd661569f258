"""What goes wrong with replayed answers inside a block."""

from __future__ import annotations

from typing import Any

from .._errors import ConfigurationError
from .._faults import parse_fault
from ..system.warning import warn_harmlessly
from .blocks import Block
from .plan import Met


class fault(Block):  # noqa: N801  # used as a function is
    """Has something go wrong with the answers that are replayed inside.

        with replaycache.fault("status:429,times=2,retry-after=0"):
            client.chat.completions.create(...)  # two tries are refused, the third is answered

    Only what is replayed is disturbed: a live call is not, and what is stored stays as it is. It holds for its own
    context, for tasks and threads that are started inside, and goes before the option of that name; the header
    `x-replaycache-fault` of one call goes before it. Each entry counts its calls anew, each key by itself.

    Args:
        text: what goes wrong, as the option says it; None or empty for nothing.

    Raises:
        ConfigurationError: there is no such fault.
    """

    kind = "fault"

    def __init__(self, text: str | None) -> None:
        if not isinstance(text, str) and text is not None:
            raise ConfigurationError(f"fault={text!r} is wrong; it takes a text, such as 'cut:after=5'")
        self._text = text or ""
        parse_fault(self._text)

    def _value(self) -> tuple[str, Met]:
        return self._text, {}  # counts its calls

    def _left(self, value: Any, error: BaseException | None) -> None:
        text, met = value
        if text and not met and error is None:
            warn_harmlessly(
                f"fault={text!r} disturbed no call: only what is replayed is disturbed, and nothing was"
            )
