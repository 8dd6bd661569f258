from __future__ import annotations

import dataclasses
import math
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import AnswerEnd, Budget, ConfigurationError, Match, Mode, Options, Redact, ResponseHead
from replaycache.options import MODE_VARIABLE, ModeName, OptionArguments, parse_duration, parse_sample


def everything(head: ResponseHead, end: AnswerEnd) -> bool:
    return True


async def print_later(recording: Any, outcome: Any) -> None: ...


MATCH, REDACT = Match(ignore=["metadata"]), Redact()

GOOD = [
    # option, as given, as it is then
    ("mode", "auto", Mode.AUTO),
    ("mode", "replay", Mode.REPLAY),
    ("mode", "record", Mode.RECORD),
    ("mode", "off", Mode.OFF),
    ("mode", Mode.REPLAY, Mode.REPLAY),
    ("mode", None, Mode.AUTO),
    ("match", MATCH, MATCH),
    ("match", None, Match()),
    ("redact", REDACT, REDACT),
    ("redact", None, Redact()),
    ("pace", 0, 0),
    ("pace", 1, 1),
    ("pace", 0.5, 0.5),
    ("pace", 2.0, 2.0),
    ("pace", None, 0),
    ("repeats", "same", "same"),
    ("repeats", "sequence", "sequence"),
    ("repeats", "numbered", "numbered"),
    ("repeats", None, None),
    ("keep", everything, everything),
    ("keep", None, None),
    ("on_abandon", "discard", "discard"),
    ("on_abandon", "drain", "drain"),
    ("on_abandon", None, None),
    ("ttl", "12h", 43200.0),
    ("ttl", 90, 90.0),
    ("ttl", 0, 0.0),
    ("ttl", None, None),
    ("sample", 0, 0),
    ("sample", 7, 7),
    ("sample", "7", 7),
    ("sample", None, 0),
    ("max_request_bytes", 1, 1),
    ("max_request_bytes", 10**12, 10**12),
    ("max_request_bytes", None, 64 << 20),
    ("ignore_hosts", None, ()),
    ("ignore_hosts", (), ()),
    ("ignore_hosts", [" localhost", "*.example:8443"], ("localhost", "*.example:8443")),
    ("ignore_hosts", ("10.0.*",), ("10.0.*",)),
    ("ignore_hosts", "localhost, [::1]:8080", ("localhost", "[::1]:8080")),
]

BAD = [
    *(("mode", value) for value in ("", "Auto", "REPLAY", "once ", "playback", 0, 1, True, b"auto", ["auto"], {})),
    *(("match", value) for value in (Match, "all", {}, 0, False, lambda request: request)),
    *(("match", value) for value in ({"ignore": ["x"]},)),
    *(
        (name, value)
        for name in ("on_hit", "on_miss", "on_store")
        for value in (3, True, "print", [print], lambda: None, lambda one: None, lambda a, b, c: None)
    ),
    *(("redact", value) for value in (Redact, "all", [], 0, False)),
    *(
        ("pace", value)
        for value in (-1, -0.1, "1", True, False, math.nan, math.inf, -math.inf, 1e6, 10**400, [], 1j)
    ),
    *(("repeats", value) for value in ("", "Same", "once", True, False, 0, ["same"])),
    *(("keep", value) for value in (True, False, 200, "2xx", [200], ResponseHead(200))),
    *(("on_abandon", value) for value in ("", "keep", "DRAIN", True, False, 0)),
    *(("ttl", value) for value in (-1, -0.5, True, False, math.nan, "", "h", "12 hours", "1y", "-1h", [], b"12h")),
    *(("ttl", value) for value in (10**400, -(10**400), "1h30m", "1e3", "0x10", "inf", "nan", "1.", ".5h", "1 2")),
    *(("sample", value) for value in (-1, True, False, 1.0, "", "-1", "1.0", "one", " 1", [], b"1", 10**18)),
    *(
        ("ignore_hosts", value)
        for value in ("", "a,,b", [""], ["*"], "*.*", "http://localhost:8000", ["a/b"], "a b")
    ),
    *(("ignore_hosts", value) for value in (0, True, b"localhost", [b"localhost"], [None], {"localhost": 1})),
    *(("max_request_bytes", value) for value in (0, -1, 1.5, "1", "1MB", True, False, math.inf, [])),
]


@pytest.mark.parametrize(
    ("name", "value", "expected"), GOOD, ids=lambda value: repr(value).partition(" at 0x")[0][:40]
)
def test_a_good_value_is_taken(name: str, value: Any, expected: Any) -> None:
    parsed = Options.parse({name: value})

    assert getattr(parsed, name) == expected
    assert parsed == dataclasses.replace(Options.parse({}), **{name: expected})


@pytest.mark.parametrize(("name", "value"), BAD, ids=lambda value: repr(value).partition(" at 0x")[0][:40])
def test_a_wrong_value_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Options.parse({name: value})
    assert str(raised.value).startswith(f"{name}=")
    assert repr(value) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, value in BAD if name not in ("mode", "ttl", "sample")],
    ids=lambda value: repr(value).partition(" at 0x")[0][:40],
)
def test_options_cannot_be_made_of_wrong_values(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Options(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "bogus"),
        ("mode", 5),
        ("ttl", -1),
        ("ttl", "soon"),
        ("sample", -1),
        ("sample", "one"),
        ("sample", 1.5),
    ],
)
def test_options_cannot_be_made_of_wrong_modes_times_and_samples(name: str, value: Any) -> None:
    """`Options` is public, and its docstring promises it."""
    with pytest.raises(ConfigurationError, match=name):
        Options(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("mode", "replay", Mode.REPLAY), ("mode", None, Mode.AUTO), ("ttl", "12h", 43200.0), ("sample", "7", 7)],
)
def test_options_take_what_their_docstring_says(name: str, value: Any, expected: Any) -> None:
    made = getattr(Options(**{name: value}), name)

    assert made == expected
    assert type(made) is type(expected)


def test_a_mode_given_by_its_name_is_a_mode() -> None:
    parsed = Options.parse({"mode": "replay"})

    assert parsed.mode is Mode.REPLAY
    assert isinstance(Options.parse({"ttl": 5}).ttl, float)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("match", {"ignore": ["x"], "fold_defaults": False}, "write Match(ignore=['x'], fold_defaults=False)"),
        ("match", {}, "a Match, such as Match(ignore=['session_id'])"),
        ("redact", {"body": ["x"]}, "write Redact(body=['x'])"),
        ("on_hit", lambda recording: None, "two arguments, the recording and the outcome, and is no coroutine"),
        ("on_miss", 3, "two arguments, the request and the reason, and is no coroutine"),
        ("on_store", print_later, "two arguments, the recording and the outcome, and is no coroutine"),
    ],
)
def test_a_wrong_value_is_told_what_to_write(name: str, value: Any, told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Options.parse({name: value})
    assert told in str(raised.value)


@pytest.mark.parametrize("hook", [print, lambda *args: None, lambda a, b=1, *, c=2: None, max])
def test_a_hook_is_whatever_takes_two_arguments(hook: Any) -> None:
    assert Options.parse({"on_hit": hook}).on_hit is hook


def test_options_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().pace = 1  # type: ignore[misc]  # frozen, which is what is tested


def test_the_defaults() -> None:
    assert Options.parse({}) == Options()
    assert Options() == Options(
        mode=Mode.AUTO,
        match=Match(),
        redact=Redact(),
        pace=0,
        repeats=None,
        keep=None,
        on_abandon=None,
        ttl=None,
        sample=0,
        max_request_bytes=64 << 20,
    )


def test_all_options_at_once() -> None:
    given_ = {name: value for name, value, _ in GOOD if value is not None}

    assert {name: getattr(Options.parse(given_), name) for name in given_} == {
        name: expected for name, value, expected in GOOD if value is not None
    }


def test_keyword_arguments_have_the_names_of_the_options() -> None:
    """`mode` and `store` stand in the signatures themselves."""
    names = {field.name for field in dataclasses.fields(Options) if field.init}

    # not at hand where the module is imported, because few have use for them
    hints = get_type_hints(OptionArguments, localns={"Budget": Budget, "Decimal": Decimal})
    assert set(hints) == names - {"mode"}
    assert all(type(None) in get_args(hint) for hint in hints.values())
    assert get_args(ModeName) == tuple(Mode)  # a type checker reads no enumeration


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("modes", "mode"),
        ("Mode", "mode"),
        ("macth", "match"),
        ("redcat", "redact"),
        ("repeat", "repeats"),
        ("on_abandoned", "on_abandon"),
        ("samples", "sample"),
        ("max_request_size", "max_request_bytes"),
        ("stores", "store"),
        ("tll", "ttl"),
        ("kep", "keep"),
        ("pase", "pace"),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(name: str, suggested: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Options.parse({name: None})
    assert f"no option {name!r}; did you mean {suggested!r}? The options are store, " in str(raised.value)


@pytest.mark.parametrize("name", ["", "xyzzy", "timeout", "__class__"])
def test_a_name_like_no_other_gets_the_list(name: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Options.parse({"mode": "auto", name: 1})
    text = str(raised.value)

    assert f"no option {name!r}; the options are store, mode, " in text
    assert all(option.name in text for option in dataclasses.fields(Options) if option.init)
    assert "store" in text


# Modes


@pytest.mark.parametrize(("wrong", "suggested"), [("repaly", "replay"), ("recrod", "record"), ("of", "off")])
def test_a_misspelt_mode_gets_a_suggestion(wrong: str, suggested: str) -> None:
    with pytest.raises(ConfigurationError, match=f"did you mean '{suggested}'") as raised:
        Mode.parse(wrong, "here")
    text = str(raised.value)

    assert text.startswith(f"here={wrong!r} is no mode")
    assert all(mode in text for mode in Mode)


@pytest.mark.parametrize("mode", Mode)
def test_the_environment_names_a_mode(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODE_VARIABLE, mode.value)

    assert Options.parse({}).mode is mode
    assert Options.parse({"mode": None}).mode is mode
    assert Options().mode is mode


@pytest.mark.parametrize("given_", Mode)
def test_a_mode_in_code_is_never_overridden_by_the_environment(
    given_: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MODE_VARIABLE, "off" if given_ is not Mode.OFF else "record")
    assert Options.parse({"mode": str(given_)}).mode is given_

    monkeypatch.setenv(MODE_VARIABLE, "nonsense")
    assert Options.parse({"mode": given_}).mode is given_


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODE_VARIABLE, "")

    assert Options.parse({}).mode is Mode.AUTO


@pytest.mark.parametrize("value", ["nonsense", "Replay", " auto", "repaly"])
def test_a_wrong_variable_is_refused_by_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODE_VARIABLE, value)

    with pytest.raises(ConfigurationError, match=f"REPLAYCACHE_MODE='{value}' is no mode"):
        Options.parse({})


# Times and samples


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (0, 0.0),
        (90, 90.0),
        (0.25, 0.25),
        ("0", 0.0),
        ("90", 90.0),
        ("90s", 90.0),
        ("15m", 900.0),
        ("12h", 43200.0),
        ("7d", 604800.0),
        ("2w", 1209600.0),
        ("1.5h", 5400.0),
        ("  2 d ", 172800.0),
        ("007s", 7.0),
        (math.inf, math.inf),
    ],
)
def test_times(value: Any, seconds: float | None) -> None:
    assert parse_duration(value, "ttl") == seconds


@given(value=st.text(max_size=12) | st.integers() | st.floats() | st.binary(max_size=3) | st.booleans())
def test_no_time_raises_anything_else(value: Any) -> None:
    try:
        parsed = parse_duration(value, "here")
    except ConfigurationError as error:
        assert str(error).startswith("here=")  # noqa: PT017  # it need not raise
    else:
        assert isinstance(parsed, float)
        assert parsed >= 0


@given(value=st.text(max_size=25) | st.integers() | st.floats() | st.none() | st.booleans())
def test_no_sample_raises_anything_else(value: Any) -> None:
    try:
        parsed = parse_sample(value, "x-replaycache-sample")
    except ConfigurationError as error:
        assert str(error).startswith("x-replaycache-sample=")  # noqa: PT017  # it need not raise
    else:
        assert type(parsed) is int
        assert parsed >= 0


@pytest.mark.parametrize(("value", "sample"), [(0, 0), (3, 3), ("0", 0), ("12", 12), ("9" * 18, 10**18 - 1)])
def test_samples(value: Any, sample: int) -> None:
    assert parse_sample(value, "sample") == sample


@pytest.mark.parametrize("value", ["9" * 19, "1" * 5000])
def test_a_sample_of_very_many_digits_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_sample(value, "sample")
