"""The table of what providers document, row by row, and the calls that a cache may answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from replaycache import Match, Request
from replaycache.dialects.dialect import Dialect, Equivalent, NoOp
from replaycache.dialects.registry import DIALECTS

PATHS = {
    r"/v1/chat/completions": ["/v1/chat/completions"],
    r"/v1/completions": ["/v1/completions"],
    r"/v1/responses": ["/v1/responses"],
    r"/v1/embeddings": ["/v1/embeddings"],
    r"/v1/images/generations": ["/v1/images/generations"],
    r"/v1/images/edits": ["/v1/images/edits"],
    r"/v1/images/variations": ["/v1/images/variations"],
    r"/v1/audio/speech": ["/v1/audio/speech"],
    r"/v1/audio/transcriptions": ["/v1/audio/transcriptions"],
    r"/v1/audio/translations": ["/v1/audio/translations"],
    r"/openai/deployments/[^/]+/chat/completions": ["/openai/deployments/gpt-4o/chat/completions"],
    r"/openai/deployments/[^/]+/completions": ["/openai/deployments/gpt-4o/completions"],
    r"/openai/deployments/[^/]+/(chat/)?completions": [
        "/openai/deployments/d/chat/completions",
        "/openai/deployments/d/completions",
    ],
    r"/openai/deployments/[^/]+/embeddings": ["/openai/deployments/e/embeddings"],
    r"/v1/messages": ["/v1/messages"],
    r"/v1(alpha|beta)?/models/[^/]+:(generateContent|streamGenerateContent)": [
        "/v1/models/gemini-2.5-pro:generateContent",
        "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
        "/v1alpha/models/gemini-2.5-pro:generateContent",
    ],
    r"/v1/fim/completions": ["/v1/fim/completions"],
    r"/v1/agents/completions": ["/v1/agents/completions"],
    r"/v1/(chat|fim|agents)/completions": [
        "/v1/chat/completions",
        "/v1/fim/completions",
        "/v1/agents/completions",
    ],
    r"/openai/v1/chat/completions": ["/openai/v1/chat/completions"],
    r"/openai/v1/responses": ["/openai/v1/responses"],
    r"/v2/chat": ["/v2/chat"],
    r"/v1/chat": ["/v1/chat"],
    r"/v1/embed": ["/v1/embed"],
    r"/v2/embed": ["/v2/embed"],
    r"/v1/rerank": ["/v1/rerank"],
    r"/v2/rerank": ["/v2/rerank"],
    r"/api/(chat|generate)": ["/api/chat", "/api/generate"],
    r"/api/embed": ["/api/embed"],
}
"""Paths that each pattern of the table is meant for; a new pattern needs a line here."""

MODELS = {"gpt-image.*": "gpt-image-1", "whisper-1": "whisper-1", "": "any-model"}
SAMPLING_MODELS = [
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-0125",
    "gpt-3.5-turbo-16k",
    "gpt-4",
    "gpt-4-0613",
    "gpt-4-turbo-2024-04-09",
    "gpt-4o",
    "gpt-4o-2024-08-06",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-4.1-nano-2025-04-14",
    "ft:gpt-4o-mini-2024-07-18:org:name:id",
]
OTHER_MODELS = [
    "o1",
    "o3",
    "o3-mini",
    "o4-mini-2025-04-16",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5.1",
    "gpt-4o-audio-preview",
    "gpt-4o-search-preview",
    "gpt-4o-transcribe",
    "gpt-4.5-preview",
    "chatgpt-4o-latest",
    "my-gpt-4o",
    "gpt-4o\n",
    "GPT-4O",
    "",
    None,
    ["gpt-4o"],
    4,
]


NO_OPS = [row for dialect in DIALECTS for row in dialect.no_ops]
EQUIVALENTS = [row for dialect in DIALECTS for row in dialect.equivalents]


def dialect_of(row: NoOp | Equivalent) -> Dialect:
    return next(one for one in DIALECTS if any(row is own for own in (*one.no_ops, *one.equivalents)))


def name_of(row: NoOp | Equivalent) -> str:
    what = f"{row.parameter}={row.value!r}" if isinstance(row, NoOp) else row.what.partition(" ")[0]
    guarded = "-guarded" if isinstance(row, NoOp) and row.models else ""
    return f"{dialect_of(row).name}-{row.path}-{what}{guarded}"


def hosts_of(row: NoOp | Equivalent) -> list[str]:
    return [host.replace("*", "eastus") for host in dialect_of(row).hosts]


def model_for(row: NoOp) -> str:
    return MODELS.get(row.models, "gpt-4o")


def body_with(row: NoOp, value: Any = ...) -> dict[str, Any]:
    """A body with the row's parameter, or with everything but it."""
    body: dict[str, Any] = {"model": model_for(row), "input": "x"}
    container = body
    *parents, name = row.parameter.split(".")
    for parent in parents:
        container = container.setdefault(parent, {"beside": "y"})
    if value is not ...:
        container[name] = value
    return body


def key(host: str, path: str, body: dict[str, Any], match: Match = Match()) -> str:  # noqa: B008  # frozen
    request = Request(
        "POST", f"https://{host}{path}", (("content-type", "application/json"),), json.dumps(body).encode()
    )
    return match.key(request)


def folds(row: NoOp, host: str, path: str, value: Any = ..., match: Match = Match(), **more: Any) -> bool:  # noqa: B008  # it is frozen
    sent = body_with(row, row.value if value is ... else value) | more
    return key(host, path, sent, match) == key(host, path, body_with(row) | more, match)


def other_values(row: NoOp) -> Iterator[Any]:
    """Values near to the row's that are not its own, and that no other row gives for the same parameter."""
    value = row.value
    candidates: list[Any] = [None, True, False, "", "x", 2, 0.5, [], {}, [None], "null", "true", "1"]
    if isinstance(value, bool):
        candidates += [int(value), str(value).lower()]
    elif isinstance(value, (int, float)):
        candidates += [value + 1, -value if value else 3, str(value), bool(value), [value]]
    elif isinstance(value, str):
        candidates += [value.upper(), f" {value}", [value]]
    elif isinstance(value, list):
        candidates += [*value, [*value, *value], [str(item).upper() for item in value]]
    known = [
        (type(other.value), other.value)
        for other in NO_OPS
        if (dialect_of(other), other.path, other.parameter) == (dialect_of(row), row.path, row.parameter)
    ]
    for candidate in candidates:
        if (type(candidate), candidate) not in known:
            yield candidate


rows = pytest.mark.parametrize("row", NO_OPS, ids=name_of)


@rows
def test_a_row_folds_its_parameter_at_its_endpoint_on_its_hosts(row: NoOp) -> None:
    assert all(folds(row, host, path) for host in hosts_of(row) for path in PATHS[row.path])


@rows
def test_a_row_folds_no_other_value(row: NoOp) -> None:
    (host, *_), (path, *_) = hosts_of(row), PATHS[row.path]

    assert [value for value in other_values(row) if folds(row, host, path, value)] == []


@rows
def test_a_row_folds_on_no_other_host(row: NoOp) -> None:
    path = PATHS[row.path][0]
    own = hosts_of(row)[0]
    others = [
        "llm.example",
        f"{own}.example",
        f"x{own}" if not dialect_of(row).hosts[0].startswith("*") else "openai.azure.com.example",
        f"{own.partition(':')[0]}:8443",
        f"llm.example/{own}",
    ]

    assert [host for host in others if folds(row, host, path)] == []


@rows
def test_a_row_folds_at_no_other_path(row: NoOp) -> None:
    (host, *_), (path, *_) = hosts_of(row), PATHS[row.path]

    assert [
        other for other in (f"/x{path}", f"{path}/x", f"{path}/", path.upper()) if folds(row, host, other)
    ] == []


@rows
def test_a_row_folds_not_where_folding_is_off(row: NoOp) -> None:
    assert not folds(row, hosts_of(row)[0], PATHS[row.path][0], match=Match(fold_defaults=False))


@rows
def test_a_row_keeps_what_stands_deeper(row: NoOp) -> None:
    """The same name inside a message or a tool is data."""
    host, path = hosts_of(row)[0], PATHS[row.path][0]
    name = row.parameter.rpartition(".")[2]
    base = {"model": model_for(row)}

    assert key(host, path, base | {"messages": [{name: row.value}]}) != key(host, path, base | {"messages": [{}]})
    assert key(host, path, base | {"other": {name: row.value}}) != key(host, path, base | {"other": {}})


@rows
def test_a_row_names_a_source_for_its_parameter(row: NoOp) -> None:
    assert row.source.startswith("https://")
    assert row.parameter in row.source
    assert "*" not in row.source
    assert row.describe() == f"{row.parameter}={row.value!r} is the default ({row.source})"


@pytest.mark.parametrize("row", [row for row in NO_OPS if row.models], ids=name_of)
def test_a_guarded_row_folds_for_its_models_only(row: NoOp) -> None:
    host, path = hosts_of(row)[0], PATHS[row.path][0]
    models: list[Any] = [model for model in (*SAMPLING_MODELS, *OTHER_MODELS) if model != model_for(row)]
    if row.models in MODELS:
        models = [model for model in models if not str(model).startswith(("gpt-image", "whisper"))]
        expected = []
    else:
        expected = [model for model in SAMPLING_MODELS if model != model_for(row)]

    assert [model for model in models if folds(row, host, path, model=model)] == expected


@pytest.mark.parametrize("row", [row for row in NO_OPS if row.unless], ids=name_of)
def test_a_row_with_a_doubt_folds_not_where_there_is_doubt(row: NoOp) -> None:
    host, path = hosts_of(row)[0], PATHS[row.path][0]

    for name in row.unless:
        if name != row.parameter:
            assert not folds(row, host, path, **{name: {"id": "pmpt_1"}})
            assert folds(row, host, path, **{name: None})


def test_no_row_stands_twice() -> None:
    seen = [(dialect_of(row).name, row.path, row.parameter, repr(row.value), row.models) for row in NO_OPS]

    assert len(set(seen)) == len(seen)


def test_a_parameter_has_one_default_at_an_endpoint() -> None:
    defaults: dict[Any, Any] = {}
    for row in NO_OPS:
        if row.value is not None:
            assert defaults.setdefault((dialect_of(row).name, row.path, row.parameter), row.value) == row.value


@pytest.mark.parametrize(
    ("parameter", "path"),
    [
        (parameter, path)
        for path in ("/v1/chat/completions", "/v1/responses")
        for parameter in (
            "reasoning_effort",
            "reasoning",
            "verbosity",
            "text",
            "service_tier",
            "parallel_tool_calls",
        )
    ]
    + [("best_of", "/v1/completions"), ("model", "/v1/moderations"), ("size", "/v1/images/generations")]
    + [("quality", "/v1/images/generations"), ("chunking_strategy", "/v1/audio/transcriptions")],
)
def test_openai_parameters_whose_default_depends_on_something_have_no_default(parameter: str, path: str) -> None:
    rows = [row for dialect in DIALECTS if dialect.provider == "openai" for row in dialect.no_ops]

    assert parameter not in {row.parameter for row in rows if row.path == path and row.value is not None}


FORM_ROWS = [
    row
    for row in NO_OPS
    if row.value is not None
    and row.path.startswith(("/v1/audio/trans", "/v1/images/edits", "/v1/images/variations"))
]


def form_key(host: str, path: str, fields: list[tuple[str, str]]) -> str:
    body = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    )
    body += b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\xff\r\n--b--\r\n'
    headers = (("content-type", "multipart/form-data; boundary=b"),)
    return Match().key(Request("POST", f"https://{host}{path}", headers, body))


@pytest.mark.parametrize("row", FORM_ROWS, ids=name_of)
def test_a_row_folds_in_a_form(row: NoOp) -> None:
    """Where the value is written as text: `false`, `0` or `0.0`."""
    host, path, name = hosts_of(row)[0], PATHS[row.path][0], row.parameter
    model = [("model", model_for(row))]
    without = form_key(host, path, model)
    text = str(row.value).lower() if isinstance(row.value, bool) else str(row.value)

    assert form_key(host, path, [*model, (name, text)]) == without
    assert form_key(host, path, [*model, (name, f"{text}x")]) != without
    assert form_key(host, path, [*model, (name, "")]) != without
    assert form_key("llm.example", path, [*model, (name, text)]) != form_key("llm.example", path, model)


@pytest.mark.parametrize("row", FORM_ROWS, ids=name_of)
def test_a_row_does_not_fold_a_field_that_a_form_sends_twice(row: NoOp) -> None:
    """Which of the two the provider takes is not documented."""
    host, path, name = hosts_of(row)[0], PATHS[row.path][0], row.parameter
    model = [("model", model_for(row))]
    text = str(row.value).lower() if isinstance(row.value, bool) else str(row.value)
    without = form_key(host, path, model)

    assert form_key(host, path, [*model, (name, text), (name, "x")]) != without
    assert form_key(host, path, [*model, (name, "x"), (name, text)]) != without


EQUIVALENT_BODIES = {
    "generationConfig without a setting is none": (
        {"contents": []},
        {"contents": [], "generationConfig": {}},
        [{"contents": [], "generationConfig": {"seed": 1}}, {"contents": [], "generationConfig": None}],
    ),
    "stop as a text is a list of one": (
        {"stop": "x"},
        {"stop": ["x"]},
        [{"stop": ["x", "x"]}, {"stop": ["y"]}, {"stop": [["x"]]}, {"stop": []}, {}, {"stop": "X"}],
    ),
    "a message's content as a text is a list of one text block": (
        {"messages": [{"role": "user", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        [
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}]},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}] * 2}]},
            {"messages": [{"role": "user", "content": [{"type": "thinking", "text": "x"}]}]},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": None}]}]},
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
            {"messages": [{"role": "user", "content": ["x"]}]},
            {"messages": [{"role": "user", "content": []}]},
            {"messages": {"role": "user", "content": "x"}},
            {"messages": ["x"]},
            {"messages": None},
            {},
        ],
    ),
}


@pytest.mark.parametrize("row", EQUIVALENTS, ids=name_of)
def test_an_equivalent_holds_at_its_endpoint_on_its_hosts_for_its_two_forms(row: Equivalent) -> None:
    one, other, different = EQUIVALENT_BODIES[row.what]

    for host in hosts_of(row):
        for path in PATHS[row.path]:
            assert key(host, path, one) == key(host, path, other)
            assert key("llm.example", path, one) != key("llm.example", path, other)
            assert key(host, f"/x{path}", one) != key(host, f"/x{path}", other)
            assert key(host, path, one, Match(fold_defaults=False)) != key(
                host, path, other, Match(fold_defaults=False)
            )
            assert key(host, path, one) not in [key(host, path, body) for body in different]


@pytest.mark.parametrize("row", EQUIVALENTS, ids=name_of)
def test_an_equivalent_names_a_source(row: Equivalent) -> None:
    assert row.source.startswith("https://")
    assert "*" not in row.source
    assert row.describe() == f"{row.what} ({row.source})"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"input":"x"}', True),
        (b'{"input":"x","background":false}', True),
        (b'{"input":"x","background":null}', True),
        (b'{"input":"x","background":true}', False),
        (b'{ "background" : true }', False),
        (b'{"input":{"background":true}}', True),
        (b'{"input":"\\"background\\":true"}', True),
        (b'["background",true]', False),
        (b'{"b\\u0061ckground":true}', False),
        (b'{"input":"x","background":true', False),
        (b'{"input":"\\ud800","background":true}', False),
        (b"", False),
    ],
)
def test_a_response_in_the_background_is_not_cacheable(body: bytes, expected: bool) -> None:
    """Its answer is only a ticket; the polls for it go live, so it has to."""
    request = Request("POST", "https://api.openai.com/v1/responses", (("content-type", "application/json"),), body)

    assert Match().is_cacheable(request) is expected


def test_a_compressed_request_for_the_background_is_not_cacheable() -> None:
    headers = (("content-type", "application/json"), ("content-encoding", "gzip"))
    body = gzip.compress(b'{"input":"x","background":true}')

    assert not Match().is_cacheable(Request("POST", "https://api.openai.com/v1/responses", headers, body))


@pytest.mark.parametrize("answer", [True, False])
def test_users_decide_what_is_cacheable(answer: bool) -> None:
    seen: list[Request] = []

    def cacheable(request: Request) -> bool:
        seen.append(request)
        return answer

    requests = [
        Request("GET", "https://llm.example/v1/models"),
        Request("POST", "https://llm.example/v1/responses"),
    ]

    assert [Match(cacheable=cacheable).is_cacheable(request) for request in requests] == [answer, answer]
    assert seen == requests
