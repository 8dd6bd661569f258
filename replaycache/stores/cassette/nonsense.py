"""What is wrong in a cassette, and at which member of it it stands."""

from __future__ import annotations


class Nonsense(ValueError):
    """A member that cannot be what it is.

    Attributes:
        what: is wrong, behind the name of the member: "is no text".
        steps: the names and numbers that lead to it from where it was looked at.
    """

    def __init__(self, what: str, *steps: str | int) -> None:
        super().__init__(what)
        self.what = what
        self.steps: tuple[str | int, ...] = steps

    def within(self, *steps: str | int) -> Nonsense:
        """The same, seen from further outside."""
        return Nonsense(self.what, *steps, *self.steps)
