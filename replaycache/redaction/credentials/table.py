"""What credentials look like, as data: a row of form, marks and source for each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .plausible import is_basic, is_key, is_mixed, is_password, is_real, is_signed, is_varied

__all__ = [
    "BY_THEMSELVES",
    "CREDENTIALS",
    "IN_CONTEXT",
    "Credential",
]


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
    is_one: Callable[[str], bool] = field(default=is_real, repr=False)


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
    is_one: Callable[[str], bool] = is_real,
) -> Credential:
    return Credential(name, _START + pattern, source, marks, before, False, is_one)


def _near(name: str, source: str, pattern: str, *marks: str, is_one: Callable[[str], bool] = is_key) -> Credential:
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
        is_one=is_mixed,
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
        is_one=is_signed,
    ),
    _near(
        "url-password",
        "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1: user:password before the host",
        r"""://[^\s/?#@:"'<>\\\x00]{0,128}+:(?P<value>[^\s/?#@"'<>\\\x00]{8,256})@""",
        "://",
        is_one=is_password,
    ),
    _near(
        "private-key",
        "https://www.rfc-editor.org/rfc/rfc7468#section-10, https://www.rfc-editor.org/rfc/rfc4880#section-6.2",
        r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])*+"
        r"(?:[A-Za-z-]{3,20}: (?:[^\n\r\\\x00]{0,120}+)(?:\s|\\[nr])++){0,4}"
        r"(?:[A-Za-z0-9+/=]|\s|\\[nr]){64,}+(?:-----END [A-Z0-9 ]{1,60}-----)?",
        "-----begin ",
        is_one=is_varied,
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
        is_one=is_real,
    ),
    _near(
        "basic-authorization",
        "https://www.rfc-editor.org/rfc/rfc7617: user and password in base64",
        r"(?<![a-z0-9])basic\s{1,4}(?P<value>[A-Za-z0-9+/]{8,600}+={0,2})",
        "basic",
        is_one=is_basic,
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
        is_one=is_password,
    ),
)
"""Where two rows match the same text, the first of them names it."""

BY_THEMSELVES = tuple((rank, row) for rank, row in enumerate(CREDENTIALS) if not row.in_context)
IN_CONTEXT = tuple((rank, row) for rank, row in enumerate(CREDENTIALS) if row.in_context)
