"""Whether a text that has the form of a credential is one, or stands for one."""

from __future__ import annotations

import base64
import binascii
import math
import re

_PLACEHOLDER = re.compile(
    r"""
    example | placeholder | redact | dummy | change_?me | not[_-]?real | sample
    | (?:your|(?<![a-z0-9])my|insert|replace|fake|test|demo)[_-] | [_-](?:here|fake|test|demo|goes)\b
    | 1234567 | abcdef | abc123 | qwerty | \.\.\. | … | \*\*\* | \$\{ | \{\{ | %\( | [<>]
    | (?-i:x{4}|X{4}) | (.)\1{5}
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ORDINARY = re.compile(
    r"p[a@4]ss|pwd|secret|s3cr3t|admin|user|root|guest|letmein|hunter2|token|key\b|123", re.IGNORECASE
)
_SCHEME = re.compile(r"[A-Z]{2,8}\d{0,3}(?:-[A-Z]{1,8}\d{0,4}|-\d{2,4}){1,3}")
_DIGEST = re.compile(r"(?:sha-?\d{1,3}|md5|blake\w{1,4}|xxh\w{1,8})[:=-]", re.IGNORECASE)
_HEX = re.compile(r"(?:[0-9a-f]{20,}|[0-9A-F]{20,})\Z")
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def is_real(value: str) -> bool:
    """Whether a token of the right form is no placeholder."""
    return _PLACEHOLDER.search(value) is None and len(set(value)) > 5


def is_real_in_test_mode(value: str) -> bool:
    """The same of a key that says for which mode it is: in a test's it opens something, too."""
    return is_real(_TEST_MODE.sub("", value))


_TEST_MODE = re.compile(r"_test[_-]", re.IGNORECASE)


def is_jumbled(value: str, least: int) -> bool:
    """Whether a value looks drawn at random: no placeholder, and no words, identifiers, paths or versions."""
    if len(value) < least or not is_real(value):
        return False
    runs = _RUN.findall(value)
    digits = [run for run in runs if run.isdigit()]
    if not 0 < len(digits) < len(runs) or not (_is_broken(runs, value) or _HEX.fullmatch(value)):
        return False
    counts = [value.count(char) for char in set(value)]
    return math.log2(len(value)) - sum(n * math.log2(n) for n in counts) / len(value) >= 2.5


def is_random(text: str) -> bool:
    """Whether a text has letters of either case and digits, and no words: base64, and no path, slug or hash."""
    runs = _RUN.findall(text)
    return (
        sum(map(len, runs)) < 3 * len(runs)
        and any(run.isdigit() for run in runs)
        and any(run.isupper() for run in runs)
        and any(run[-1:].islower() for run in runs)
    )


def is_drawn(value: str, least: int) -> bool:
    """Whether a value from a place for credentials is one: no placeholder, no words, and nothing that could stand
    anywhere.

    Args:
        value: the whole value.
        least: how many characters it must have; of fewer than sixteen none is taken that is near to words.
    """
    if len(value) < max(least, 16):
        return is_jumbled(value, least)
    if value.islower() and not any(map(str.isdigit, value)):
        return False
    runs = _RUN.findall(value)
    return is_real(value) and not any(map(str.isspace, value)) and sum(map(len, runs)) <= 4 * len(runs)


def is_cut(value: str, behind: str) -> bool:
    """Whether what follows says that a value is shown in part: a token's beginning and dots.

    Args:
        value: without dots at its end.
        behind: the characters that follow.
    """
    return _CUT.match(behind) is not None and (len(value) < 32 or value.startswith(("eyJ", "-----BEGIN")))


_CUT = re.compile(r"\.\.\.|…|\*\*\*|\\{1,8}u2026")


def is_mixed(value: str) -> bool:
    """Whether a token of letters and digits has no words."""
    return is_real(value) and (_is_broken(_RUN.findall(value), value) or _HEX.search(value) is not None)


def _is_broken(runs: list[str], value: str) -> bool:
    """Whether letters and digits take turns as in no text: a word has some five letters."""
    longest = 7 if len(value) >= 24 and value.isalnum() else 6
    return 2 * sum(map(len, runs)) < longest * len(runs)


def is_key(value: str) -> bool:
    """A value drawn at random; no digest with its name before it, no name of a scheme, as AWS4-HMAC-SHA256 is."""
    return is_jumbled(value, 16) and _DIGEST.match(value) is None and _SCHEME.fullmatch(value) is None


def is_signature(value: str) -> bool:
    """What was computed from a key, of at least 15 bytes: in hexadecimal digits, or in base64."""
    return is_jumbled(value, 20)


def is_password(value: str) -> bool:
    return is_jumbled(value, 8) and _ORDINARY.search(value) is None and _DIGEST.match(value) is None


def is_basic(value: str) -> bool:
    """User and password of RFC 7617, the password no placeholder."""
    try:
        pair = base64.b64decode(value, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return False
    user, colon, password = pair.partition(":")
    if not colon or not pair.isprintable() or len(password) < 5:
        return False
    return not any(pattern.search(password) for pattern in (_PLACEHOLDER, _ORDINARY)) and user != "Aladdin"


def is_private_key(value: str) -> bool:
    """Base64 of a private key as RFC 7468 writes it, and of no certificate or public key."""
    try:
        return b"PRIVATE KEY" in base64.b64decode(value[:80], validate=True)
    except binascii.Error:
        return False


def is_signed(value: str) -> bool:
    """A JSON Web Token that is not the example of jwt.io, whose subject is 1234567890."""
    return "IxMjM0NTY3ODkwIi" not in value and _PLACEHOLDER.search(value[:40]) is None


def is_varied(value: str) -> bool:
    return len(set(value[30:-30])) > 16
