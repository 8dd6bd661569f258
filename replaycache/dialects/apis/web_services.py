"""Services that agents' tools call, and the query parameter in which each takes the caller's key."""

from __future__ import annotations

from ..dialect import CredentialParameter, Dialect


def _takes_key(name: str, hosts: tuple[str, ...], parameters: tuple[str, ...], source: str) -> Dialect:
    rows = tuple(CredentialParameter(parameter, source) for parameter in parameters)
    return Dialect(name=name, hosts=hosts, credential_parameters=rows)


DIALECTS = (
    _takes_key(
        "azure functions",
        ("*.azurewebsites.net",),
        ("code",),
        "https://learn.microsoft.com/azure/azure-functions/function-keys-how-to",
    ),
    _takes_key(
        "google apis",
        ("*.googleapis.com",),
        ("key",),
        "https://cloud.google.com/docs/authentication/api-keys-use#using-with-rest",
    ),
    _takes_key(
        "firebase",
        ("*.firebaseio.com", "*.firebasedatabase.app"),
        ("auth",),
        "https://firebase.google.com/docs/database/rest/auth#authenticate_with_an_id_token",
    ),
    _takes_key("edamam", ("api.edamam.com",), ("app_key",), "https://developer.edamam.com/edamam-docs-recipe-api"),
    _takes_key("finnhub", ("finnhub.io",), ("token",), "https://finnhub.io/docs/api/authentication"),
    _takes_key(
        "openweathermap", ("api.openweathermap.org",), ("appid",), "https://openweathermap.org/api/one-call-3"
    ),
    _takes_key(
        "weatherapi", ("api.weatherapi.com",), ("key",), "https://www.weatherapi.com/docs/#intro-authentication"
    ),
    _takes_key(
        "tomtom",
        ("api.tomtom.com",),
        ("key",),
        "https://developer.tomtom.com/knowledgebase/platform/articles/how-to-get-an-tomtom-api-key/",
    ),
    _takes_key(
        "trello",
        ("api.trello.com",),
        ("key", "token"),
        "https://developer.atlassian.com/cloud/trello/guides/rest-api/authorization/",
    ),
    _takes_key(
        "stack exchange", ("api.stackexchange.com",), ("key",), "https://api.stackexchange.com/docs/authentication"
    ),
    _takes_key(
        "wolfram alpha",
        ("api.wolframalpha.com",),
        ("appid",),
        "https://products.wolframalpha.com/llm-api/documentation",
    ),
    _takes_key(
        "pipedrive", ("api.pipedrive.com",), ("api_token",), "https://developers.pipedrive.com/docs/api/v1"
    ),
)
