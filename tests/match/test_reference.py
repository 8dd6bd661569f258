"""`Match` and a slow, plain reference agree on which requests count as the same."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Match, Request
from replaycache.dialects.registry import DIALECTS

from .reference import NoJson, Reference, TooDeep, read_json
from .test_pairs import PAIRS, Pair
from .test_properties import Writer, meaning, numbers, texts

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "requests.json"
JSON = (("content-type", "application/json"),)

ENDPOINTS = sorted(
    {
        ("https://api.openai.com", "/v1/chat/completions"),
        ("https://api.openai.com", "/v1/responses"),
        ("https://api.openai.com", "/v1/embeddings"),
        ("https://api.anthropic.com", "/v1/messages"),
        ("https://api.mistral.ai", "/v1/chat/completions"),
        ("https://api.cohere.com", "/v2/chat"),
        ("https://llm.example", "/v1/chat/completions"),
        ("https://llm.example", "/ask"),
    }
)
ROWS = [row for dialect in DIALECTS for row in dialect.no_ops]
DEFAULTS = sorted(
    {(row.parameter.partition(".")[0], json.dumps(row.value)) for row in ROWS if "." not in row.parameter}
)
"""Parameters with a documented default, and that."""

RULES: list[dict[str, Any]] = [
    {},
    {"fold_defaults": False},
    {"ignore": ["metadata.run_id", "messages[*].name", "tools[-1]", "*.seed", 'user["a.b"]']},
    {"ignore": ["messages[0].content", "stop", "properties"]},
    {"scrub": [(r"run-[0-9]+", "run-N"), (r"\s+", " ")]},
    {"ignore": ["metadata"], "scrub": [(r"[0-9]", "N")]},
]

NAMES = st.one_of(
    st.sampled_from(
        [
            *("model", "messages", "content", "name", "stop", "metadata", "run_id", "seed", "user", "prompt"),
            *("properties", "schema", "tools", "input", "arguments", "description", "role", "$defs", "parts"),
            *("password", "api_key", "model_name", "é", "e\u0301", "", "a.b"),
        ]
    ),
    texts,
)
TEXTS = st.one_of(
    texts,
    st.sampled_from(
        [
            "run-1",
            "run-22",
            "a run-3 b",
            "é",
            "e\u0301",
            "\ufb01",
            "fi",
            "gpt",
            " ",
            "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        ]
    ),
)
LEAVES = st.one_of(st.none(), st.booleans(), numbers, TEXTS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
PARAMETERS = st.lists(st.sampled_from(DEFAULTS), max_size=4).map(
    lambda pairs: {name: json.loads(value) for name, value in pairs}
)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Bodies as calls have them, and some that none has."""
    body = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    body |= draw(PARAMETERS)
    if draw(st.booleans()):
        body["messages"] = draw(
            st.lists(
                st.fixed_dictionaries({"role": st.sampled_from(["user", "system"]), "content": TEXTS | VALUES}),
                max_size=2,
            )
        )
    if draw(st.booleans()):
        body["model"] = draw(st.sampled_from(["gpt-4o", "m", "text-embedding-3-small", "o3", ""]))
    return body


class Other:
    """Makes another body of one: one that means the same, or nearly."""

    def __init__(self, choose: random.Random) -> None:
        self._choose = choose

    def of(self, value: Any) -> Any:
        """With at most a few places changed."""
        if self._choose.random() < 0.1:
            return self._choose.choice(
                [None, True, False, 0, 1, 1.0, -0.0, 0.1, 10**30, 10**30 + 1, "", "1", "null", [], {}, "run-7"]
            )
        if isinstance(value, dict):
            members = [(name, self.of(item)) for name, item in value.items()]
            if members and self._choose.random() < 0.15:
                members.pop(self._choose.randrange(len(members)))
            if self._choose.random() < 0.1:
                name, default = self._choose.choice(DEFAULTS)
                members.append((name, json.loads(default)))
            if self._choose.random() < 0.3:
                self._choose.shuffle(members)
            return dict(members)
        if isinstance(value, list):
            items = [self.of(item) for item in value]
            if self._choose.random() < 0.05:
                self._choose.shuffle(items)
            return items
        if isinstance(value, str) and self._choose.random() < 0.1:
            return value.replace("1", "2") + self._choose.choice(["", "", " ", "\u0301", "run-5"])
        return value


class InOrder(Writer):
    """Writes a value in one of many ways, and the members of `properties` always in their order."""

    def _write(self, value: Any) -> str:
        if not isinstance(value, dict):
            return super()._write(value)
        members = []
        for name, item in value.items():
            if name == "properties" and isinstance(item, dict):
                inner = ",".join(f"{self._string(one)}:{self.write(held)}" for one, held in item.items())
                written = f"{{{inner}}}"
            else:
                written = self.write(item)
            members.append(f"{self._space()}{self._string(name)}{self._space()}:{written}")
        self._choose.shuffle(members)
        return f"{{{','.join(members) or self._space()}}}"


def agreed(a: Request, b: Request, rules: Mapping[str, Any]) -> bool:
    """Whether two requests count as the same, after both say so."""
    match, reference = Match(**rules), Reference(**rules)
    by_key = match.key(a) == match.key(b)
    assert (match.canonical(a) == match.canonical(b)) == by_key
    assert (reference.form(a) == reference.form(b)) == by_key, (a, b, match.canonical(a), match.canonical(b))
    return by_key


def request(where: tuple[str, str], body: bytes, query: str = "", headers: Any = JSON) -> Request:
    return Request("POST", f"{where[0]}{where[1]}{query}", tuple(headers), body)


@given(bodies(), st.sampled_from(ENDPOINTS), st.sampled_from(RULES), st.randoms(use_true_random=False))
def test_a_body_and_one_like_it(
    body: dict[str, Any], where: tuple[str, str], rules: dict[str, Any], choose: random.Random
) -> None:
    """Other spellings, orders, numbers and escapes; members added, taken away, changed."""
    writer = InOrder(choose)
    a, b = writer.write(body).encode(), writer.write(Other(choose).of(body)).encode()

    agreed(request(where, a), request(where, b), rules)


@given(bodies(), st.sampled_from(ENDPOINTS), st.sampled_from(RULES), st.randoms(use_true_random=False))
def test_a_body_written_twice_is_one(
    body: dict[str, Any], where: tuple[str, str], rules: dict[str, Any], choose: random.Random
) -> None:
    writer = InOrder(choose)
    a, b = writer.write(body), writer.write(body)
    same = meaning(json.loads(a)) == meaning(json.loads(b))  # a large number may be written as another

    assert agreed(request(where, a.encode()), request(where, b.encode()), rules) or not same


TOKENS = st.sampled_from(
    [
        *(
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            '"',
            '"a"',
            '"\\u0061"',
            '"\\ud83d\\ude00"',
            '"\\ude00\\ud83d"',
            '"\\ud83d"',
        ),
        *("1", "1.0", "1e0", "10e-1", "-0", "0", "-0.0", "01", "1e400", "1e-400", "12345678901234567890123"),
        *(
            "123456789012345678901234",
            "1.",
            ".5",
            "+1",
            "NaN",
            "Infinity",
            "true",
            "null",
            "nul",
            " ",
            "\n",
            "\ufeff",
        ),
        *('{"a":1}', '{"a":1,"a":1}', '{"a":1.0}', '{"b":1,"a":2}', '{"a":2,"b":1}', "\u2028", "\x0b", "9" * 400),
        *('{"properties":{"a":1,"b":2}}', '{"properties":{"b":2,"a":1}}', "1E+2", "100", "1e22", "1e23", "5e-324"),
    ]
)
NEARLY = st.lists(TOKENS, max_size=6).map("".join)


@given(NEARLY, NEARLY, st.sampled_from(ENDPOINTS))
def test_what_is_nearly_json(a: str, b: str, where: tuple[str, str]) -> None:
    agreed(request(where, a.encode()), request(where, b.encode()), {})


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("1", "1.0", True),
        ("1", "10e-1", True),
        ("1e22", "10000000000000000000000", True),
        ("12345678901234567890123", "12345678901234567890124", False),
        ("-0", "0", False),
        ("-0", "-0.0", True),
        ("1e400", "1e401", False),
        ('"\\ud83d\\ude00"', '"\U0001f600"', True),
        ('"\\ud83d"', '"\\uD83D"', False),
        ('{"a":1,"a":1}', '{"a":1}', False),
        ('{"a":[1,2]}', '{"a":[2,1]}', False),
        ('{"properties":{"a":1,"b":1}}', '{"properties":{"b":1,"a":1}}', False),
        ('{"b":{"y":1,"x":2}}', '{ "b" : {"x":2.0,"y":1e0} }', True),
        ('"e\u0301"', '"\u00e9"', False),
        ("true", "1", False),
        ("\ufeff1", "1", False),
    ],
)
def test_what_the_rules_say(a: str, b: str, same: bool) -> None:
    where = ("https://llm.example", "/ask")

    assert agreed(request(where, a.encode()), request(where, b.encode()), {}) is same


LISTS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(lambda parts: ", ".join(parts))


@given(
    st.lists(
        st.tuples(st.sampled_from(["anthropic-beta", "anthropic-version", "range", "user-agent", "x-a"]), LISTS),
        max_size=3,
    ),
    st.randoms(use_true_random=False),
    st.sampled_from([{}, {"ignore": ["headers.anthropic-beta"]}, {"headers": ["X-A"]}]),
)
def test_headers(lines: list[tuple[str, str]], choose: random.Random, rules: dict[str, Any]) -> None:
    others = [(name, value.replace(", ", choose.choice([",", " , ", ", "]))) for name, value in lines]
    choose.shuffle(others)
    if choose.random() < 0.3:
        others = others[1:]
    where = ("https://api.anthropic.com", "/v1/messages")

    agreed(request(where, b"{}", headers=lines), request(where, b"{}", headers=others), rules)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "%61", "a%20b", "a+b", "A"]),
            st.sampled_from(["", "=", "=1", "=%31", "=+", "=%20"]),
        ),
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_addresses(pairs: list[tuple[str, str]], choose: random.Random) -> None:
    others = list(pairs)
    if choose.random() < 0.5:
        choose.shuffle(others)
    a, b = ("&".join(map("".join, one)) for one in (pairs, others))
    hosts = ["https://llm.example", "https://LLM.example:443", "https://me@llm.example", "http://llm.example:443"]
    first, second = choose.choice(hosts), choose.choice(hosts)

    agreed(request((first, "/ask"), b"{}", f"?{a}"), request((second, "/ask"), b"{}", f"?{b}#f"), {})


def test_the_reader_of_the_reference_reads_what_others_read() -> None:
    """It is not trusted where it stands alone."""
    for text in ("{}", "[]", '{"a":[1,{"b":null}],"c":"\\n\\"\\u00e9"}', " [1 , 2 ] ", '"\\/"'):
        assert read_json(text.encode()) == json.loads(text)
    for text in ("", "{", '{"a"}', "[1,]", "{,}", '"\t"', '"\\x"', "1 2", "tru", "[1 2]", '{"a":1 "b":2}', "\xff"):
        with pytest.raises(NoJson):
            read_json(text.encode("latin-1"))
    with pytest.raises(TooDeep):
        read_json(b"[" * 300)


# -- the tables that were made by hand ---------------------------------------------------------------------------

UNTOLD = {
    "nested-too-deep",
    "gemini-key-in-query",
    "gemini-key-in-query-or-header",
    "query-credentials",
    "query-credential-name-case",
    "query-signature",
    "query-credential-of-its-host",
    "query-credential-of-its-path",
    "query-function-key",
    "query-sas",
    "scrub-raw",
    "scrub-text-in-brackets",
    "scrub-image-in-a-text",
    "scrub-second-image",
}
"""What the reference knows nothing of: credentials in URLs, texts that are no JSON, data inside of texts."""


def is_told(pair: Pair) -> bool:
    match = pair.match
    return (
        pair.id not in UNTOLD
        and {one.header("content-type") for one in (pair.a, pair.b)} <= {None, "application/json", "text/plain"}
        and all(one.header("content-encoding") is None for one in (pair.a, pair.b))
        and not (
            match.hosts or match.normalize or match.scope or pair.match_b or pair.redact.body or pair.redact.query
        )
        and not any(isinstance(one, str) for one in match.scrub)
        and pair.samples == (0, 0)
    )


TOLD = [pair for pair in PAIRS if is_told(pair)]


def test_the_table_of_pairs() -> None:
    wrong = []
    for pair in TOLD:
        match = pair.match
        reference = Reference(
            ignore=match.ignore,
            scrub=match.scrub,  # type: ignore[arg-type]  # none of these is a name
            fold_defaults=match.fold_defaults,
            headers=match.headers,
        )
        same = reference.form(pair.a) == reference.form(pair.b)
        if same != (pair.want == "equal"):
            wrong.append(pair.id)

    assert not wrong
    assert len(TOLD) > 200


def test_the_cases() -> None:
    if not CASES.exists():
        pytest.skip(f"no {CASES}")
    seen = 0
    for case in json.loads(CASES.read_text("utf-8")):
        rules = case.get("rules", {})
        if "a" not in case or "rules_of_a" in case or "redact_body" in rules or "key=" in case["a"]["url"]:
            continue
        a, b = (
            Request(
                one["method"],
                one["url"],
                tuple(one["headers"].items()),
                b"" if one["body"] is None else json.dumps(one["body"]).encode(),
            )
            for one in (case["a"], case["b"])
        )
        scrub = [tuple(pair) for pair in rules.get("scrub", ())]
        assert agreed(a, b, {**rules, "scrub": scrub}) == case["same"], case["why"]
        seen += 1
    assert seen >= 8
