"""Keys of clouds and of those who host programs."""

from __future__ import annotations

from ..credential import DIGIT, END, HOG, KINGFISHER, LEAKS, UUID, Credential, near, token
from ..plausible import is_mixed, is_real

_AZURE = "https://github.com/microsoft/security-utilities"

ROWS: tuple[Credential, ...] = (
    token(
        "google-oauth-token",
        f"{HOG}/googleoauth2, https://developers.google.com/identity/protocols/oauth2/web-server",
        rf"(?:ya29\.|1//0){DIGIT}[\w-][\w.-]{{29,}}+",
        *("ya29.", "1//0"),
    ),
    token("google-client-secret", f"{KINGFISHER}/google.yml: 28 characters", r"GOCSPX-[\w-]{28}(?![\w-])"),
    token(
        "aws-access-key-id",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: prefixes",
        rf"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{{16}}{END}",
        *("AKIA", "ASIA", "ABIA", "ACCA"),
    ),
    token(
        "aws-session-token",
        "https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html: how those given today begin",
        r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)(?:[A-Za-z0-9+/]|%2[BF]){100,}+(?:=|%3D){0,2}",
        *("IQoJb3JpZ2lu", "FwoGZXIvYXdz"),
    ),
    token(
        "aws-bedrock-key",
        f"{LEAKS} (aws-amazon-bedrock-api-key-long-lived, -short-lived)",
        r"(?:ABSK[A-Za-z0-9+/]{109,269}+|bedrock-api-key-[A-Za-z0-9+/]{60,}+)={0,2}",
        *("ABSK", "bedrock-api-key-"),
    ),
    token(
        "azure-client-secret",
        f"{HOG}/azure_entra: three characters, a digit, Q~ and 31 to 34 characters",
        r"[\w~.]{3}[0-9]Q~[\w~.-]{31,34}(?![\w~-])",
        "Q~",
        before=(4,),
    ),
    token(
        "azure-key",
        f"{_AZURE}: 84 letters and digits with JQQJ9 behind the 52nd",
        rf"[A-Za-z0-9]{{52}}JQQJ9[9DH][A-Za-z0-9]{{26}}{END}",
        "JQQJ9",
        before=(52,),
    ),
    token(
        "azure-key",
        f"{_AZURE}: of storage, Cosmos DB, batch and API management: 64 bytes in base64, a name behind the 76th",
        r"[A-Za-z0-9+/]{76}(?:APIM|ACDb|\+(?:ABa|AMC|ASt))[A-Za-z0-9+/]{5}[AQgw]==",
        *("APIM", "ACDb", "+ABa", "+AMC", "+ASt"),
        before=(76,),
    ),
    token(
        "azure-key",
        f"{_AZURE}: 32 bytes in base64 of IoT, service bus, event hubs and relay, with a name behind the 33rd",
        r"[A-Za-z0-9+/]{33}(?:AIoT|\+(?:ASb|AEh|ARm))[A-P][A-Za-z0-9+/]{5}=",
        *("AIoT", "+ASb", "+AEh", "+ARm"),
        before=(33,),
    ),
    token(
        "azure-key",
        f"{_AZURE}: of functions, with AzFu behind the 44th; of search, with AzSe behind the 42nd",
        rf"(?:[\w-]{{44}}AzFu[\w-]{{5}}[AQgw]==|[A-Za-z0-9]{{42}}AzSe[A-D][A-Za-z0-9]{{5}}{END})",
        *("AzFu", "AzSe"),
        before=(44, 42),
    ),
    token(
        "azure-devops-token",
        f"{_AZURE}: 84 letters and digits with AZDO behind the 76th",
        rf"[A-Za-z0-9]{{76}}AZDO[A-Za-z0-9]{{4}}{END}",
        "AZDO",
        before=(76,),
    ),
    token(
        "alibaba-access-key-id",
        f"{HOG}/alibaba: LTAI and 17 to 21 letters and digits",
        rf"LTAI{DIGIT}[A-Za-z0-9]{{12,26}}{END}",
    ),
    token(
        "tencent-secret-id",
        "https://www.tencentcloud.com/document/product/598/32675: AKID and 32 letters and digits",
        rf"AKID{DIGIT}[A-Za-z0-9]{{32}}{END}",
    ),
    token(
        "baidu-key",
        "https://cloud.baidu.com/doc/qianfan-api/s/ym9chdsy5: bce-v3/ALTAK-, an id, 40 hexadecimal digits",
        rf"bce-v3/ALTAK-[A-Za-z0-9]{{10,30}}/[0-9a-f]{{40}}{END}",
    ),
    token(
        "volcengine-access-key-id",
        "https://www.volcengine.com/docs/6257/64983: AKLT and a text in base64",
        rf"AKLT{DIGIT}[A-Za-z0-9]{{40,70}}={{0,2}}{END}",
    ),
    token(
        "yandex-key",
        f"{LEAKS} (yandex-api-key, yandex-aws-access-token)",
        r"(?:AQVN[\w-]{35,38}|YCAJE[\w-]{20})(?![\w-])",
        *("AQVN", "YCAJE"),
        is_one=is_mixed,
    ),
    token(
        "digitalocean-token",
        "https://docs.digitalocean.com/reference/api/create-personal-access-token/: dop_v1_, doo_v1_, dor_v1_",
        rf"do[opr]_v1_[0-9a-f]{{64}}{END}",
        *("dop_v1_", "doo_v1_", "dor_v1_"),
    ),
    token(
        "databricks-token",
        f"{HOG}/databrickstoken: 32 hexadecimal digits",
        rf"d(?:api|ose|kea)[0-9a-f]{{32}}{END}(?:-[0-9])?",
        *("dapi", "dose", "dkea"),
    ),
    token(
        "cloudflare-token",
        f"{HOG}/cloudflareapitoken/v2: 40 letters and digits and 8 hexadecimal digits; {HOG}/cloudflarecakey",
        rf"(?:cf[ua]t_[A-Za-z0-9]{{40}}[0-9a-f]{{8}}|v1\.0-[0-9a-f]{{24}}-[0-9a-f]{{146}}){END}",
        *("cfut_", "cfat_", "v1.0-"),
    ),
    token("heroku-key", f"{LEAKS} (heroku-api-key-v2): HRKU- and 60 characters", r"HRKU-AA[\w-]{58}(?![\w-])"),
    token(
        "flyio-token",
        f"{LEAKS} (flyio-access-token): a macaroon in base64",
        r"(?:fo1_[\w-]{43}(?![\w-])|fm[12][ar]?_[A-Za-z0-9+/]{100,}+={0,3})",
        *("fo1_", "fm1a_", "fm1r_", "fm2_"),
    ),
    token(
        "netlify-token",
        f"{HOG}/netlify/v2: nfp_ and 36 characters",
        rf"nf[pcoub]_{DIGIT}\w{{36,40}}{END}",
        *("nfp_", "nfc_", "nfo_", "nfu_", "nfb_"),
    ),
    token(
        "render-key",
        "https://render.com/docs/api: rnd_ and letters and digits",
        rf"rnd_{DIGIT}[A-Za-z0-9]{{24,44}}{END}",
    ),
    token(
        "scaleway-access-key",
        "https://www.scaleway.com/en/docs/iam/concepts/#access-key: SCW and 17 letters and digits",
        rf"SCW{DIGIT}[A-Z0-9]{{17}}{END}",
    ),
    token(
        "supabase-key",
        "https://supabase.com/docs/guides/api/api-keys: sb_secret_; "
        "https://supabase.com/docs/reference/api/introduction: sbp_ and 40 hexadecimal digits",
        rf"(?:sb_secret_{DIGIT}[\w-]{{20,64}}(?![\w-])|sbp_(?:v0_|oauth_)?[0-9a-f]{{40}}{END})",
        *("sb_secret_", "sbp_"),
    ),
    token(
        "deno-deploy-token",
        "https://docs.deno.com/deploy/manual/deployctl/: ddp_, or ddo_ of an organisation, 36 letters and digits",
        rf"dd[po]_{DIGIT}[A-Za-z0-9]{{36}}{END}",
        *("ddp_", "ddo_"),
    ),
    token(
        "octopus-key",
        f"{LEAKS} (octopus-deploy-api-key): API- and 26 letters and digits",
        rf"API-{DIGIT}[A-Z0-9]{{25,32}}(?![\w-])",
    ),
    token(
        "launchdarkly-key",
        f"{HOG}/launchdarkly: api- or sdk- and a UUID of version 4",
        rf"(?:api|sdk)-[0-9a-f]{{8}}-[0-9a-f]{{4}}-4[0-9a-f]{{3}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}{END}",
        *("api-", "sdk-"),
    ),
    token(
        "axiom-token",
        "https://axiom.co/docs/reference/tokens: xaat-, xapt- and a UUID",
        rf"xa[ap]t-{UUID}{END}",
        *("xaat-", "xapt-"),
    ),
)

IN_CONTEXT: tuple[Credential, ...] = (
    near(
        "aws-secret-key",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html: 40 characters",
        r"""secret[_-]?(?:access[_-]?)?key["'`]?\]?\s{0,4}(?::=|=>|={1,3}|:|,)\s{0,4}[bru]?["'`]?"""
        r"(?P<value>[A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])",
        "secret",
    ),
    near(
        "azure-key",
        "https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string: AccountKey; "
        "https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas: SharedAccessKey",
        r"(?:account|sharedaccess)key=(?P<value>[A-Za-z0-9+/]{42,86}={1,2})",
        *("accountkey=", "sharedaccesskey="),
        is_one=is_real,
    ),
)
