"""What gives access in a URL: signatures, and parameters whose names speak of keys."""

from __future__ import annotations

from ..credential import Credential, near
from ..plausible import is_signature

# a URL may stand in HTML, or percent-encoded in another's parameter
_BEFORE = r"(?:[?&]|%26|%3f)(?:amp;|\#38;)?"
_IS = r"(?:=|%3d)"
_VALUE = r"(?P<value>(?:[A-Za-z0-9+/_.~=-]|%2[bf]|%3d)"
_OAUTH = (
    "https://learn.microsoft.com/azure/azure-functions/function-keys-how-to: code; "
    "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2: code; "
    "https://www.rfc-editor.org/rfc/rfc6750#section-2.3: access_token"
)
_SIGNED = (
    "https://learn.microsoft.com/rest/api/storageservices/create-service-sas: sig; "
    "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html: X-Amz-Signature; "
    "https://cloud.google.com/storage/docs/authentication/signatures: X-Goog-Signature; "
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy"
    ".html: Signature; https://cloud.tencent.com/document/product/436/7778: q-signature"
)

IN_CONTEXT: tuple[Credential, ...] = (
    near(
        "url-signature",
        _SIGNED,
        rf"{_BEFORE}(?:(?:[a-z0-9]{{1,12}}[_-]){{0,3}}(?:sig|sign|signature|hmac)|x-amz-security-token)"
        rf"{_IS}{_VALUE}{{20,4096}}+)",
        *("?", "&", "%26", "%3f"),
        is_one=is_signature,
    ),
    near(
        "url-key",
        _OAUTH,
        rf"{_BEFORE}(?:(?:[a-z0-9]{{1,16}}[_.-]){{0,3}}"
        r"(?:(?<!page.)(?<!next.)(?<!continuation.)(?<!sync.)(?<!csrf.)token"
        r"|auth|code|secret|password|passwd|pwd|credentials?|ticket|jwt|session|sid)"
        r"|(?:access|auth|id|refresh|session|api|user|bot)token|session_?id)"
        rf"{_IS}{_VALUE}{{20,4096}}+)",
        *("?", "&", "%26", "%3f"),
    ),
    # where a key is data it is a path, or the name of a file
    near(
        "url-key",
        "https://cloud.google.com/docs/authentication/api-keys-use: key; gateways call it app_key and the like",
        rf"{_BEFORE}(?:(?:[a-z0-9]{{1,16}}[_.-]){{0,3}}"
        r"(?<!cache.)(?<!partition.)(?<!sort.)(?<!object.)(?<!idempotency.)(?<!public.)key"
        r"|(?:api|app|access|auth|subscription|license|secret|private|account)key)"
        rf"{_IS}(?P<value>(?:[A-Za-z0-9_~=+-]|%2[bf]|%3d){{20,4096}}+)(?![/.])",
        *("?", "&", "%26", "%3f"),
    ),
)
