"""What is taken out of texts before they count: the user's patterns, and ready-made ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from .._errors import ConfigurationError
from ..wire.unicode_text import is_unicode
from .backtracking import text_that_takes_for_ever


class CompiledScrub(NamedTuple):
    """One scrub.

    Attributes:
        name: the ready-made one's, or the pattern.
        pattern: what is taken out.
        placeholder: what takes its place, as `re.sub` reads it.
    """

    name: str
    pattern: re.Pattern[str]
    placeholder: str


_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s?[AaPp][Mm])?"
_ZONE = r"(?:\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
_ISO_DATE = r"\d{4}[-/]\d{2}[-/]\d{2}"
_WRITTEN_DATE = rf"(?:{_DAY},?\s)?(?:\d{{1,2}}\s{_MONTH},?\s\d{{4}}|{_MONTH}\s{{1,2}}\d{{1,2}},?\s\d{{4}})"

NAMED = {
    "uuid": (r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])", "<uuid>"),
    # RFC 3339, RFC 5322, and as `str(datetime)`, `ctime` and people write them
    "datetime": (
        (
            rf"(?<!\d)(?:{_ISO_DATE}[T ,]{{1,2}}{_CLOCK}{_ZONE}(?![\d:])"
            rf"|{_WRITTEN_DATE},?(?:\sat)?\s{_CLOCK}{_ZONE}(?![\d:])"
            rf"|(?:{_DAY}\s)?{_MONTH}\s{{1,2}}\d{{1,2}}\s{_CLOCK}(?:\s[A-Z]{{3,4}})?\s\d{{4}}(?!\d))"
        ),
        "<datetime>",
    ),
    "date": (
        rf"(?<![\d/-])(?:{_ISO_DATE}|\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}|{_WRITTEN_DATE})(?![\d/-])",
        "<date>",
    ),
    # seconds, milliseconds, microseconds and nanoseconds since 1970, from 2001 to 2033
    "epoch": (r"(?<![\w.-])1\d{9}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?(?![\w-])(?!\.\d)", "<epoch>"),
    # eight hexadecimal digits or more, letters among the figures: no number and no word
    "hex_id": (
        r"(?<![0-9A-Za-z])(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,128}(?![0-9A-Za-z])",
        "<hex_id>",
    ),
    # the directory that `tempfile` and pytest make, whatever stands behind it
    "tmp_path": (
        (
            r"(?:(?:/private)?/var/folders/[\w+-]{1,8}/[\w+-]{1,64}/T|/(?:private/|var/)?tmp"
            r"|[A-Za-z]:[\\/]{1,2}Users[\\/]{1,2}[^\\/\s\"']{1,64}[\\/]{1,2}AppData[\\/]{1,2}Local[\\/]{1,2}Temp)"
            r"[\\/]{1,2}(?:pytest-of-[^\\/\s\"']{1,64}[\\/]{1,2}pytest-[^\\/\s\"']{1,32}|[^\\/\s\"'`<>()]{1,128})"
        ),
        "<tmp_path>",
    ),
}


def compiled(scrubs: Any) -> tuple[CompiledScrub, ...]:
    """Reads what `Match(scrub=...)` was given.

    Raises:
        ConfigurationError: it is of another form, a name is not known, or a pattern is none or takes for ever.
    """
    if not isinstance(scrubs, Iterable) or isinstance(scrubs, str):
        raise _wrong(scrubs)
    return tuple(_compiled(scrub) for scrub in scrubs)


def _compiled(scrub: Any) -> CompiledScrub:
    if isinstance(scrub, str):
        if scrub not in NAMED:
            raise ConfigurationError(
                f"Match(scrub=[{scrub!r}]): there is no ready-made scrub of this name; there are "
                f"{', '.join(map(repr, NAMED))}, and pairs of a regular expression and what takes its place"
            )
        pattern, placeholder = NAMED[scrub]
        return CompiledScrub(scrub, re.compile(pattern), placeholder)
    if not isinstance(scrub, (tuple, list)) or len(scrub) != 2:
        raise _wrong(scrub)
    pattern, placeholder = scrub
    if not isinstance(pattern, (str, re.Pattern)) or not isinstance(placeholder, str):
        raise _wrong(scrub)
    try:
        made = re.compile(pattern)
        made.sub(placeholder, "")
        re._parser.parse_template(placeholder, made)  # type: ignore[attr-defined]  # a wrong group shows only where it matches
    except (TypeError, ValueError, IndexError, re.error) as error:
        raise _wrong(scrub, f": {error}") from error
    if not isinstance(made.pattern, str):
        raise _wrong(scrub)
    if not is_unicode(made.pattern) or not is_unicode(placeholder):
        raise _wrong(scrub, ": it has a lone surrogate, which no text can hold")
    _check_ends(made)
    return CompiledScrub(made.pattern, made, placeholder)


def _wrong(scrub: object, why: str = "") -> ConfigurationError:
    return ConfigurationError(
        f"Match(scrub=...) takes pairs of a regular expression and what takes its place, such as "
        f"[(r'run-[0-9]+', 'run-N')], and names such as 'uuid', not {scrub!r}{why}"
    )


def _check_ends(pattern: re.Pattern[str]) -> None:
    """Refuses a pattern that takes for ever: one that goes through all ways to divide a text, of which each
    character doubles the number.
    """
    unit = text_that_takes_for_ever(pattern)
    if unit:
        raise ConfigurationError(
            f"Match(scrub=...): the pattern {pattern.pattern!r} takes for ever on a text such as "
            f"{unit * 3 + '…'!r}, for it repeats what is repeated; write it without, as a+ for (a+)+"
        )
