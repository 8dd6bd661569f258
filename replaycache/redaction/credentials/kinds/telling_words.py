"""Values that tell nothing by themselves, behind words that do."""

from __future__ import annotations

from ..credential import GETS, LEAKS, Credential, near
from ..plausible import is_basic, is_password

_WORD = r"(?P<value>(?:[A-Za-z0-9+/_.~=-]|%2[bf]|%3d){16,600}+)"
_ANY = r"""(?P<value>[^\s"'`\\<>{}()\[\],;|\x00]{8,200}+)"""
# and as people say it: the password is value
_SAYS = rf"""(?:{GETS}|\s{{1,4}}(?:is|was)(?:\s?:)?\s{{1,4}}["'`]?)"""
_NO_PATH = r"""(?![/~"'`\s]|\.{1,2}/|[a-z]:[\\/]|file:)"""
_GENERIC = f"{LEAKS} (generic-api-key): a telling name and a value drawn at random"
_NAMES_OF_KEYS = "".join(
    f"(?<={name})|(?<={name}[ _-])|"
    for name in (
        *("api", "app", "access", "account", "application", "auth", "private", "subscription", "signing"),
        *("encryption", "master", "openai", "license", "service", "function", "functions"),
    )
)
_NAMES_OF_TOKENS = "".join(
    f"(?<={name})|(?<={name}[ _-])|"
    for name in ("access", "auth", "refresh", "bearer", "session", "api", "bot", "id")
)
# whose keys have no form of their own: letters and digits in one of these numbers
_PROVIDERS = ("deepgram", "assemblyai", "cohere", "mistral", "wandb", "serpapi", "serper", "stability", "datadog")

IN_CONTEXT: tuple[Credential, ...] = (
    near(
        "basic-authorization",
        "https://www.rfc-editor.org/rfc/rfc7617: user and password in base64",
        r"(?<![a-z0-9])basic\s{1,4}(?P<value>[A-Za-z0-9+/]{8,600}+={0,2})",
        "basic",
        is_one=is_basic,
        is_long=False,
    ),
    near(
        "bearer-token",
        "https://www.rfc-editor.org/rfc/rfc6750#section-2.1",
        r"(?<![a-z0-9])bearer(?:\s{1,4}|%20|\+)(?P<value>[A-Za-z0-9._~+/-]{16,4096}+={0,2})",
        "bearer",
    ),
    near(
        "authorization",
        "https://www.rfc-editor.org/rfc/rfc9110#field.authorization",
        rf"authorization{GETS}(?:(?!basic|digest)[a-z][a-z0-9_-]{{1,30}}\s{{1,4}})?{_WORD}",
        "authorization",
    ),
    near("secret", _GENERIC, rf"(?<!:)secret(?:[_-]?(?:access[_-]?)?(?:key|token))?{_SAYS}{_WORD}", "secret"),
    near("api-key", _GENERIC, rf"(?:{_NAMES_OF_KEYS.removesuffix('|')})key{_SAYS}{_WORD}", "key"),
    near(
        "token",
        _GENERIC,
        rf"(?:(?:{_NAMES_OF_TOKENS}(?<=[?&]))token|(?-i:(?<=[A-Z0-9]_)TOKEN)){_SAYS}{_WORD}",
        "token",
    ),
    near(
        "password",
        _GENERIC,
        rf"(?:(?:passw(?:or)?d|passphrase){_SAYS}|pwd{GETS}{_NO_PATH}){_ANY}",
        *("passw", "passphrase", "pwd"),
        is_one=is_password,
        is_long=False,
    ),
    near(
        "password",
        "https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html",
        rf"machine\s{{1,4}}\S{{1,100}}+\s{{1,8}}login\s{{1,4}}\S{{1,100}}+\s{{1,8}}password\s{{1,4}}{_ANY}",
        "machine",
        is_one=is_password,
        is_long=False,
    ),
    near(
        "password",
        "https://curl.se/docs/manpage.html#-u: user:password",
        r"""curl\s[^\n]{0,120}?\s(?:-u|--user|--proxy-user)[\s=]{0,4}["']?[^\s:"']{1,64}:(?P<value>[^\s"'\\]{8,200}+)""",
        "curl ",
        is_one=is_password,
        is_long=False,
    ),
    near(
        "provider-key",
        f"{LEAKS} (cohere-api-token and others): the name of a provider, and so many letters and digits",
        rf"(?:{'|'.join(_PROVIDERS)})[\w .:'’-]{{0,24}}?\b(?:key|token|secret)\b[ \t:=\"'`]{{0,6}}"
        r"(?:(?:is|was)[ \t:=\"'`]{1,6})?(?P<value>[A-Za-z0-9]{32}(?:[A-Za-z0-9]{8}|[A-Za-z0-9]{32})?)(?![\w-])",
        *_PROVIDERS,
    ),
)
