"""Of every text in the SDKs' types whose name is like a credential's it is decided what it is.

A new release of an SDK that brings a new one fails here, until a dialect has a row for it or it is named as data.
"""

from __future__ import annotations

import json
import re

import pytest

from replaycache.redaction.credentials import find
from replaycache.redaction.redactor import Redactor

from .bodies import body_at
from .sdk_types import Place, places

SECRET = "hunter2"

DATA = {
    "openai": {
        "Idempotency-Key": "a header, and of one call",
        "action.env.*": "what a model asks a shell to set",
        "api_key.created.id": "an id",
        "api_key.deleted.id": "an id",
        "api_key.id": "an id",
        "api_key.name": "a name for people",
        "api_key.updated.id": "an id",
        "api_key_id": "an id",
        "api_key_ids[*]": "ids",
        "auth.expires_at": "a time",
        "auth.mcp_server_url": "where a credential is for",
        "auth.refresh.token_endpoint": "where a token is refreshed",
        "auth.secret_name": "the name of a variable",
        "certificate": "public; its key is never sent",
        "certificate.created.id": "an id",
        "certificate.created.name": "a name for people",
        "certificate.deleted.certificate": "public",
        "certificate.deleted.id": "an id",
        "certificate.deleted.name": "a name for people",
        "certificate.updated.id": "an id",
        "certificate.updated.name": "a name for people",
        "certificate_details.content": "public",
        "certificate_ids[*]": "ids",
        "certificates[*].id": "an id",
        "certificates[*].name": "a name for people",
        "credential_id": "an id",
        "credential_origin": "where a person is asked to log in",
        "domain_secrets[*].domain": "where a secret is sent",
        "domain_secrets[*].name": "by which a model knows a secret",
        "env_vars[*]": "names of variables",
        "error.headers.*": "of an answer",
        "external_key.registered.data": "where a key is kept",
        "external_key.registered.id": "an id",
        "external_key.removed.id": "an id",
        "external_key_id": "an id",
        "filters.filters[*].key": "the name of an attribute",
        "filters.key": "the name of an attribute",
        "keys[*]": "of a keyboard",
        "key_name": "a name at another cloud",
        "key_ocid": "a name at another cloud",
        "key_version": "a number at another cloud",
        "key_version_ocid": "a name at another cloud",
        "kms_key_location": "a place of another cloud",
        "kms_key_name": "a name at another cloud",
        "kms_key_ring_name": "a name at another cloud",
        "kms_key_version": "a number at another cloud",
        "logprobs.content[*].token": "a piece of a word",
        "logprobs.refusal[*].token": "a piece of a word",
        "logprobs.tokens[*]": "a piece of a word",
        "logprobs[*].token": "a piece of a word",
        "model_grader_token_usage_per_model.*": "numbers",
        "output[type=exec].env.*": "what a model asks a shell to set",
        "prompt_cache_key": "which requests share a cache, as the caller likes",
        "signing_secret_hint": "masked",
        "sip_headers[*].name": "of a telephone call",
        "sip_headers[*].value": "of a telephone call",
        "top_logprobs[*].token": "a piece of a word",
    },
    "anthropic": {
        "api_key_id": "an id",
        "api_key_ids[*]": "ids",
        "auth.expires_at": "a time",
        "auth.mcp_server_url": "where a credential is for",
        "auth.refresh.token_endpoint": "where a token is refreshed",
        "auth.secret_name": "the name of a variable",
        "ca_certificate_pem": "public",
        "cmek.retired_keys[*].expires_at": "a time",
        "cmek.retired_keys[*].external_key_id": "an id",
        "cmek.retired_keys[*].region": "a place",
        "credential_id": "an id",
        "effective_external_key_id": "an id",
        "external_key_id": "an id",
        "external_key_ids.*": "ids",
        "fallback_credit_token": "what a retry is billed by, of no use to others",
        "fallback_credit_token.token": "what a retry is billed by, of no use to others",
        "header_names[*]": "names",
        "jwks.ca_cert_pem": "public",
        "jwks.keys[*].*": "public",
        "kms_key_name": "a name at another cloud",
        "max_tokens": "a number",
        "partial_key_hint": "masked",
        "provider_config.key_name": "a name at another cloud",
        "scoped_api_key_id": "an id",
        "signature": "of a thought, or of a summary, which the caller hands back",
    },
}
"""What is no credential, by the ends of the paths."""

NOT_GIVEN_BACK = {
    "openai": {
        "tools[type=mcp].authorization": "it is not stored: https://platform.openai.com/docs/guides/tools-connectors-mcp",
        "tools[type=mcp].headers.*": "they are not stored: the same",
        "domain_secrets[*].value": "a model, and who reads what it did, knows it by its name alone",
    },
    "anthropic": {
        "data[type=work].secret": "it is null in a list",
    },
}
"""What is a credential in a request, and left out of answers by the API; also by the ends of the paths. Where rows
have such a place in answers all the same, others serve the API who may leave nothing out."""

SAID_TO_BE_NO_SECRET = {
    "openai": {
        "env.*": "for the agent to see, and secrets are in a vault",
        "tools[type=mcp].transport.headers.*": "of an agent that is kept: documented as not secret",
    },
    "anthropic": {},
}
"""What the API's documentation asks its users to keep secrets out of; the whole path, or its end below
`environment`."""

TOLD_BY_THEIR_SHAPE = {
    "openai": {
        "value": ("sk-admin-" + "a1B2" * 12, "sk-proj-" + "a1B2" * 12),
    },
    "anthropic": {},
}
"""Top-level members whose names are those of anything, so that a row would take data for a credential: what is in
them is found wherever it stands."""

NOT_YET = {
    "openai": {},
    "anthropic": {
        "headers.*": "of a destination for traces; a row would hold for the `headers` of every body",
    },
}
"""Credentials for which there is no row yet."""


def _ends(path: str, end: str) -> bool:
    return path == end or path.endswith(f".{end}")


def _is_decided(sdk: str, place: Place) -> bool:
    path = place.path
    if any(_ends(path, end) for end in DATA[sdk]):
        return True
    if place.of == "answer" and any(_ends(path, end) for end in NOT_GIVEN_BACK[sdk]):
        return True
    said = SAID_TO_BE_NO_SECRET[sdk]
    if path in said or re.sub(r"^(target\.)?environment\.|^(data\[\*\]\.)", "", path) in said:
        return True
    return path in TOLD_BY_THEIR_SHAPE[sdk] or path in NOT_YET[sdk]


def _is_replaced(path: str) -> bool:
    body = body_at(path, SECRET)
    Redactor().json(body)
    return SECRET not in json.dumps(body)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_a_text_with_the_name_of_a_credential_is_replaced_or_known_as_data(sdk: str) -> None:
    undecided = [
        f"{place.path} of {'a request' if place.of == 'request' else 'an answer'} ({where})"
        for place, where in sorted(places(sdk).items())
        if not _is_replaced(place.path) and not _is_decided(sdk, place)
    ]

    assert not undecided, (
        f"{sdk} has texts that may be credentials, and they are written as they are. Where the API's "
        f"documentation says that one is, give its dialect a row in `credentials`; otherwise name it here, in "
        f"DATA, with what it is:\n" + "\n".join(undecided)
    )


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_data_is_written_as_it_is(sdk: str) -> None:
    """A row that is too broad would make different requests the same."""
    data = {place.path for place in places(sdk) if any(_ends(place.path, end) for end in DATA[sdk])}
    # by its name, an object of this name is replaced where what its row names is not in it
    data -= {"api_key.id", "api_key.name"}

    assert sorted(path for path in data if _is_replaced(path)) == []


@pytest.mark.parametrize(
    "value", [value for shapes in TOLD_BY_THEIR_SHAPE.values() for of in shapes.values() for value in of]
)
def test_what_has_no_row_is_found_by_its_shape(value: str) -> None:
    assert [finding.start for finding in find(value)] == [0]
