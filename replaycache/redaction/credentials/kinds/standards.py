"""Forms that standards give to credentials, and those that only speak of keys by how they begin."""

from __future__ import annotations

from ..credential import DIGIT, HOG, Credential, near, token
from ..plausible import is_key, is_password, is_private_key, is_signed, is_varied

ROWS: tuple[Credential, ...] = (
    # a run of characters that no dot ends is looked at once, and passed over
    token(
        "json-web-token",
        "https://www.rfc-editor.org/rfc/rfc7519: header and claims are JSON objects in base64url, and a signature",
        r"(?:(?P<value>eyJ[\w-]{10,}+\.(?:eyJ[\w-]{10,}+\.[\w-]{20,}+|[\w-]*+\.[\w-]{8,}+\.[\w-]{8,}+\.[\w-]{8,}+))"
        r"|eyJ[\w.-]*+)",
        "eyJ",
        is_one=is_signed,
    ),
    token(
        "private-key",
        "https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/: client-key-data; RFC 7468 in base64",
        r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{80,}+={0,2}",
        is_one=is_private_key,
    ),
    token(
        "prefixed-key",
        f"{HOG}: names for secret keys and personal access tokens that many give to theirs",
        rf"(?:sk|pat|secret|apikey)_{DIGIT}[A-Za-z0-9]{{24,400}}(?![\w-])",
        *("sk_", "pat_", "secret_", "apikey_"),
        is_one=is_key,
    ),
)

IN_CONTEXT: tuple[Credential, ...] = (
    near(
        "url-password",
        "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1: user:password before the host",
        r"""://[^\s/?#@:"'<>\\\x00]{0,128}+:(?P<value>[^\s/?#@"'<>\\\x00]{8,256}+)@""",
        "://",
        is_one=is_password,
        is_long=False,
    ),
    near(
        "private-key",
        "https://www.rfc-editor.org/rfc/rfc7468#section-10, https://www.rfc-editor.org/rfc/rfc4880#section-6.2",
        r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----[\s>|]{0,32}+"
        r"(?:[A-Za-z-]{3,20}: [^\n\r\\\x00]{0,120}+\s{1,8}+){0,4}"
        r"[A-Za-z0-9+/=]{16,}+(?:[\s>|]{1,32}+[A-Za-z0-9+/=]{16,}+)*+"
        r"(?:[\s>|]{1,32}[A-Za-z0-9+/=]{1,63}+(?=[\s>|]{0,32}(?:-----END|[^\w\s]|\x00|\Z)))?+"
        r"(?:[\s>|]{0,32}-----END [A-Z0-9 ]{1,60}-----)?+",
        "-----begin ",
        is_one=is_varied,
        is_long=False,
    ),
)
