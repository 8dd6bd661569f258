"""Files of other recorders, and the YAML that most of them are."""

from __future__ import annotations

import gzip
import os
import tempfile
import warnings

from replaycache import CassetteError, Match, ReplayCacheWarning, foreign
from replaycache.foreign import safe_yaml
from replaycache.foreign.interactions import Source
from replaycache.redaction.redact import Redact
from replaycache.redaction.seal import Seal
from tests.fuzz.given import Given

__all__ = ["foreign_file", "yaml"]

_DIRECTORY = tempfile.mkdtemp(prefix="replaycache-fuzz-")
ENDINGS = (".yaml", ".json", ".har", ".toml", ".txt", ".yaml.gz")
TOO_LONG = 4000


def foreign_file(data: bytes) -> None:
    """It is read, or is the error that says what is wrong; what is read has a key."""
    given = Given(data)
    ending, to_play = given.choice(ENDINGS), bool(given.number(2))
    body = given.rest()
    path = os.path.join(_DIRECTORY, f"{os.getpid()}{ending}")
    with open(path, "wb") as file:
        file.write(gzip.compress(body, 1) if ending.endswith(".gz") else body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReplayCacheWarning)
        try:
            recordings = foreign.read(path, to_play=to_play)
        except CassetteError:
            return
    for one in recordings:
        Match().identity(one.request)
        assert one.size == len(one.body.read())
        assert repr(one)


def yaml(data: bytes) -> None:
    """Texts, bytes, lists, mappings and nothing else; and no more of them than the file has room for."""
    if len(data) > TOO_LONG:
        return
    source = Source("x.yaml", Redact(), Seal(counts_access=False))
    try:
        value = safe_yaml.load(data.decode("utf-8", "replace"), source)
    except CassetteError:
        return
    seen: set[int] = set()
    left = [value]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
        else:
            assert one is None or type(one) in (str, bytes, safe_yaml.Plain, tuple), type(one)
    if isinstance(value, safe_yaml.Plain):
        for read in (safe_yaml.core_scalar, safe_yaml.yaml_1_1_scalar):
            try:
                read(value)
            except (ValueError, CassetteError):
                pass
