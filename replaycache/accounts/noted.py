"""What is noted of a call."""

from typing import Literal, NamedTuple

from .._models import Usage


class Noted(NamedTuple):
    """One call, as it is noted.

    Attributes:
        status: `hit`, `miss` (it went live and was recorded), `live` (it went live and was not), or `refused`.
        key: of the request.
        usage: what the answer came to; None where there is none.
        seconds: that the answer takes, or took, upstream.
        took: seconds that passed here until the answer was at hand.
        size: of the answer's body in bytes.
    """

    status: Literal["hit", "miss", "live", "refused"]
    key: str
    usage: Usage | None = None
    seconds: float = 0.0
    took: float = 0.0
    size: int = 0
