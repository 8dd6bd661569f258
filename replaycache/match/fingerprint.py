"""The fingerprint of rules, which stands on a recording and says under which it was made.

Under rules with the same fingerprint the digest of the canonical form confirms a hit. Under others, and where a
callable of the user has a say, whose work nobody can compare, the recorded request is put through the rules in
force.
"""

from __future__ import annotations

import hashlib

import orjson

from ..redaction.redact import Redact
from .canonical import KEY_HEADERS, SCHEME, Rules

INCOMPARABLE = "?"
"""The fingerprint of rules that equal none: where code of the user has a say in the canonical form."""


def fingerprint(rules: Rules, redact: Redact) -> str:
    """The fingerprint: 16 hexadecimal digits; empty for the built-in rules, `INCOMPARABLE` with `normalize`."""
    if rules.normalize is not None:
        return INCOMPARABLE
    told = _told(rules, redact)
    if told == _BUILT_IN:
        return ""
    return hashlib.blake2b(orjson.dumps(told), digest_size=8).hexdigest()


def _told(rules: Rules, redact: Redact) -> list[object]:
    # what the rows of the dialects say is in the scheme's version; `scope` and counting headers are in the form
    return [
        SCHEME,
        sorted(path.text for path in rules.ignore),
        list(rules.ignored_headers),
        [[scrub.pattern.pattern, scrub.pattern.flags, scrub.placeholder] for scrub in rules.scrub],
        list(rules.hosts.items()),
        [name for name in rules.headers if name not in KEY_HEADERS],
        rules.fold_defaults,
        sorted(redact.query),
        sorted(redact.body),
    ]


_BUILT_IN = [SCHEME, [], [], [], [], [], True, [], []]
