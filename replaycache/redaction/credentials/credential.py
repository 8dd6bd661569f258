"""What is said of one form of a credential, and the parts of which its patterns are made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .plausible import is_key, is_real


@dataclass(frozen=True, slots=True)
class Credential:
    """One form of a credential.

    Attributes:
        name: the kind, as it is told to users.
        pattern: matches it; the group `value`, where there is one, is the credential itself. It need not know
            escapes: texts are searched with theirs undone as well. It looks at no more characters than it takes,
            or at a few hundred, so that a search takes time linear in a text: what needs something behind it is
            bounded.
        source: who says that it looks so.
        marks: text of which every match has one, `before` characters behind its start.
        before: how far behind the start of a match its mark may stand.
        then: what follows the mark, for one that is everywhere.
        in_context: found by what stands around it, so that marks are in lower case and count in any case;
            otherwise the credential tells by itself, and is long.
        is_one: looks at a value once more, for what a pattern cannot say.
        is_long: of one found in context, whether its value is sixteen characters of tokens or more, with a
            digit among them, and what tells of it begins at most 96 before.
    """

    name: str
    pattern: str
    source: str
    marks: tuple[str, ...]
    before: tuple[int, ...] = (0,)
    then: str = ""
    in_context: bool = False
    is_one: Callable[[str], bool] = field(default=is_real, repr=False)
    is_long: bool = True


# not inside a word; a percent-encoded character before it is no part of the word
_START = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))"
END = r"(?![A-Za-z0-9])"
DIGIT = r"(?=[A-Za-z_.-]{0,80}[0-9])"
UPPER = r"(?=[a-z0-9_.-]{0,80}[A-Z])"
LOWER = r"(?=[A-Z0-9_.-]{0,80}[a-z])"
UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

# between a telling name and its value: name="value", "name": "value", name: value, set("name", "value")
_QUOTE = r"""[bru]?["'`]"""
GETS = rf"""["'`]?\]?\s{{0,4}}(?:(?::=|=>|={{1,3}}|:)\s{{0,4}}(?:{_QUOTE})?|,\s{{0,4}}{_QUOTE})"""

HOG = "https://github.com/trufflesecurity/trufflehog/tree/main/pkg/detectors"
LEAKS = "https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml"
KINGFISHER = "https://github.com/mongodb/kingfisher/blob/main/data/rules"


# what of a pattern's beginning is in every match: text that nothing behind it makes another
_BEGINNING = re.compile(r"(?:[A-Za-z0-9_/:~-]|\\\.)+(?![*+?{])")


def token(
    name: str,
    source: str,
    pattern: str,
    *marks: str,
    before: tuple[int, ...] = (0,),
    then: str = "",
    is_one: Callable[[str], bool] = is_real,
) -> Credential:
    """A credential that tells by itself: it begins at the start of a word, with its mark where none is given."""
    if not marks:
        begins = _BEGINNING.match(pattern)
        assert begins is not None, name
        marks = (begins[0].replace("\\.", "."),)
    return Credential(name, _START + pattern, source, marks, before, then, False, is_one)


def near(
    name: str,
    source: str,
    pattern: str,
    *marks: str,
    is_one: Callable[[str], bool] = is_key,
    is_long: bool = True,
) -> Credential:
    """A credential that tells by the words around it."""
    return Credential(name, pattern, source, marks, (0,), "", True, is_one, is_long)
