"""Keys of services: databases, what watches programs, messages, work, shops and payment."""

from __future__ import annotations

from ..credential import DIGIT, END, HOG, KINGFISHER, LEAKS, LOWER, UPPER, UUID, Credential, token
from ..plausible import is_mixed, is_real_in_test_mode

_DISCORD = "https://docs.discord.com/developers/reference#authentication"

ROWS: tuple[Credential, ...] = (
    # databases
    token(
        "planetscale-token",
        f"{HOG}/planetscale and {HOG}/planetscaledb: pscale_tkn_, pscale_pw_, pscale_oauth_ and 43 characters",
        r"pscale_(?:tkn|pw|oauth)_[\w=.-]{32,64}(?![\w-])",
        *("pscale_tkn_", "pscale_pw_", "pscale_oauth_"),
    ),
    token(
        "neon-key",
        "https://neon.com/docs/manage/api-keys: napi_ and 64 letters and digits",
        rf"napi_{DIGIT}[a-z0-9]{{40,80}}{END}",
    ),
    token(
        "neon-password",
        "https://neon.com/docs/connect/connect-from-any-app: npg_ and 12 letters and digits",
        rf"npg_{DIGIT}{UPPER}{LOWER}[A-Za-z0-9]{{12,24}}{END}",
    ),
    token(
        "mongodb-key",
        f"{KINGFISHER}/mongodb.yml: mdb_sa_sk_, a version and 40 characters",
        r"mdb_sa_sk_[\w-]{40,50}(?![\w-])",
    ),
    token(
        "clickhouse-key",
        f"{LEAKS} (clickhouse-cloud-api-secret-key): 4b1d and 38 letters and digits",
        rf"4b1d[A-Za-z0-9]{{38}}{END}",
    ),
    token(
        "xata-key",
        "https://xata.io/docs: xau_ and letters and digits",
        rf"xau_{DIGIT}[A-Za-z0-9]{{24,60}}{END}",
    ),
    token(
        "airtable-token",
        f"{HOG}/airtablepersonalaccesstoken: pat, an id, a dot and 64 hexadecimal digits",
        rf"pat[A-Za-z0-9]{{14}}\.[0-9a-f]{{64}}{END}",
    ),
    # what watches programs
    token(
        "grafana-token",
        f"{LEAKS} (grafana-service-account-token, grafana-cloud-api-token, grafana-api-key)",
        rf"(?:glsa_[A-Za-z0-9]{{32}}_[0-9A-Fa-f]{{8}}{END}|glc_{DIGIT}[A-Za-z0-9+/]{{40,}}+={{0,3}}"
        r"|eyJrIjoi[A-Za-z0-9]{70,}+={0,3})",
        *("glsa_", "glc_", "eyJrIjoi"),
    ),
    token(
        "sentry-token",
        f"{LEAKS} (sentry-org-token, sentry-user-token)",
        rf"(?:sntrys_eyJ[\w+/=-]{{80,}}+|sntry[ua]_[0-9a-f]{{64}}{END})",
        *("sntrys_eyJ", "sntryu_", "sntrya_"),
    ),
    token(
        "new-relic-key",
        "https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/; "
        f"{HOG}/newreliclicensekey: ends with FFFFNRAL; {HOG}/newrelicinsightsinsertkey",
        rf"(?:NRAK-[A-Z0-9]{{27}}|NRI[IQ]-[\w-]{{25,32}}|NRJS-[0-9a-f]{{19}}){END}",
        *("NRAK-", "NRII-", "NRIQ-", "NRJS-"),
    ),
    token(
        "new-relic-key",
        f"{HOG}/newreliclicensekey: 32 characters and FFFFNRAL",
        rf"(?:[0-9a-f]{{32}}|[a-z]{{2}}01xx[0-9a-f]{{26}})FFFFNRAL{END}",
        "FFFFNRAL",
        before=(32,),
    ),
    token(
        "dynatrace-token",
        "https://docs.dynatrace.com/docs/dynatrace-api/basics/dynatrace-api-authentication: 24 and 64 characters",
        rf"dt0[a-z][0-9]{{2}}\.[A-Za-z0-9]{{8,24}}\.[A-Za-z0-9]{{64}}{END}",
    ),
    token(
        "honeycomb-key",
        "https://docs.honeycomb.io/configure/environments/manage-api-keys/: hcaik_ and 58 letters and digits",
        rf"hc[abx][il]k_{DIGIT}[a-z0-9]{{58}}{END}",
        *("hcaik_", "hcalk_", "hcbik_", "hcblk_", "hcxik_", "hcxlk_"),
    ),
    token(
        "posthog-key",
        f"{HOG}/posthog: phx_ of people and 43 to 48 characters; phs_ of projects",
        rf"ph[xs]_{DIGIT}\w{{40,50}}{END}",
        *("phx_", "phs_"),
    ),
    # messages
    token(
        "slack-token",
        "https://docs.slack.dev/authentication/tokens/: xoxb-, xoxp-, xapp- and others",
        rf"(?:xox[a-z](?:\.xox[a-z])?|xapp)-{DIGIT}[A-Za-z0-9-]{{20,}}+",
        *("xox", "xapp-"),
    ),
    token(
        "slack-webhook",
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]{5,20}/[A-Za-z0-9]{5,20}/[A-Za-z0-9/]{16,60}+",
    ),
    token(
        "discord-bot-token",
        f"{_DISCORD}: the bot's number in base64, a time, a hash",
        r"(?:[MNO][DTjz][AEIMQUYcgk][w-z0-5]){5,6}[A-Za-z0-9]{0,3}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])",
        ".",
        before=tuple(range(20, 28)),
        then=r"[\w-]{6}\.",
    ),
    token(
        "discord-webhook",
        "https://docs.discord.com/developers/resources/webhook: its number and its token",
        r"discord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{17,20}/[\w-]{60,80}",
        *("discord.com/api/", "discordapp.com/api/"),
    ),
    token(
        "teams-webhook",
        f"{LEAKS} (microsoft-teams-webhook): two UUIDs, 32 hexadecimal digits and a UUID",
        rf"webhook\.office\.com/webhookb2/{UUID}@{UUID}/IncomingWebhook/[0-9a-zA-Z]{{32}}/{UUID}",
    ),
    token(
        "zapier-webhook",
        f"{HOG}/zapierwebhook: an account and a hook",
        r"hooks\.zapier\.com/hooks/catch/[0-9]{4,12}/[A-Za-z0-9]{6,20}",
    ),
    token(
        "telegram-bot-token",
        "https://core.telegram.org/bots/features#creating-a-new-bot: the bot's number, a colon, 35 characters; "
        "https://core.telegram.org/bots/api#making-requests: behind bot in a URL",
        r"(?:bot)?(?P<value>[0-9]{8,10}:A[\w-]{34})(?![\w-])",
        ":A",
        before=(8, 9, 10, 11, 12, 13),
    ),
    token("twilio-key", f"{LEAKS} (twilio-api-key): SK and 32 hexadecimal digits", rf"SK[0-9a-f]{{32}}{END}"),
    token(
        "sendgrid-key",
        f"{HOG}/sendgrid: SG, an id and a key between dots",
        r"SG\.[\w-]{16,32}\.[\w-]{32,64}(?![\w-])",
    ),
    token("mailgun-key", f"{HOG}/mailgun: key- and 32 hexadecimal digits", r"key-[0-9a-f]{32}(?![\w-])"),
    token(
        "mailgun-key",
        f"{HOG}/mailgun: 32, 8 and 8 hexadecimal digits",
        r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![\w-])",
        "-",
        before=(32,),
        then="[0-9a-f]{8}-",
    ),
    token(
        "mailchimp-key",
        f"{HOG}/mailchimp: 32 hexadecimal digits and the data centre; md- and 22 characters of transactional mail",
        rf"(?:[0-9a-f]{{32}}-us[0-9]{{1,2}}|md-{DIGIT}{UPPER}[\w-]{{22}})(?![\w-])",
        *("-us", "md-"),
        before=(32, 0),
    ),
    token(
        "brevo-key",
        f"{LEAKS} (sendinblue-api-token): xkeysib-, or xsmtpsib-, 64 hexadecimal digits and 16 letters and digits",
        rf"x(?:key|smtp)sib-[0-9a-f]{{64}}-[A-Za-z0-9]{{16}}{END}",
        *("xkeysib-", "xsmtpsib-"),
    ),
    token(
        "resend-key",
        "https://resend.com/docs/dashboard/api-keys/introduction: re_, an id of 8 and 24 letters and digits",
        rf"re_{DIGIT}[A-Za-z0-9]{{8}}_[A-Za-z0-9]{{20,32}}{END}",
        is_one=is_mixed,
    ),
    # work
    token(
        "linear-key",
        f"{HOG}/linearapi: 40 letters and digits",
        rf"lin_(?:api|oauth)_{DIGIT}[A-Za-z0-9]{{40,64}}{END}",
        *("lin_api_", "lin_oauth_"),
    ),
    token(
        "notion-token",
        f"{LEAKS} (notion-api-token) and {HOG}/notion",
        rf"(?:ntn_{DIGIT}[A-Za-z0-9]{{40,50}}|secret_{DIGIT}[A-Za-z0-9]{{43}}){END}",
        *("ntn_", "secret_"),
    ),
    token(
        "figma-token",
        f"{HOG}/figmapersonalaccesstoken: fig, what the token is for, 40 to 54 characters",
        rf"fig(?:[dp]|[uo][rh]?)_{DIGIT}[\w=-]{{40,54}}(?![\w-])",
        *("figd_", "figp_", "figu", "figo"),
    ),
    token(
        "hubspot-token",
        f"{HOG}/hubspot_apikey/v2: pat-, the data centre and a UUID",
        rf"pat-[a-z]{{2,3}}[0-9]-{UUID}{END}",
    ),
    token(
        "clickup-token",
        f"{KINGFISHER}/clickup.yml: pk_, a number and 32 letters and digits",
        rf"pk_[0-9]{{6,9}}_[0-9A-Z]{{32}}{END}",
    ),
    token(
        "asana-token",
        "https://developers.asana.com/docs/personal-access-token: 2/, two numbers and 32 hexadecimal digits",
        rf"2/[0-9]{{12,18}}/[0-9]{{12,18}}:[0-9a-f]{{32}}{END}",
        then="[0-9]{12}",
    ),
    token(
        "contentful-token",
        f"{HOG}/contentfulpersonalaccesstoken: CFPAT- and 43 characters",
        r"CFPAT-[\w-]{43}(?![\w-])",
    ),
    token(
        "typeform-token",
        f"{LEAKS} (typeform-api-token): tfp_ and 59 characters",
        r"tfp_[\w.=-]{40,64}(?![\w-])",
        is_one=is_mixed,
    ),
    token(
        "dropbox-token",
        "https://www.dropbox.com/developers/documentation/http/documentation#authorization: sl. and a long text",
        rf"sl\.(?:u\.)?{DIGIT}{UPPER}[\w-]{{100,}}+",
        is_one=is_mixed,
    ),
    token(
        "readme-key",
        f"{LEAKS} (readme-api-token): rdme_ and 70 letters and digits",
        rf"rdme_[a-z0-9]{{70}}{END}",
    ),
    token(
        "mapbox-token",
        "https://docs.mapbox.com/help/dive-deeper/access-tokens/: sk., JSON in base64url and 22 characters",
        r"[st]k\.eyJ[\w-]{40,240}\.[\w-]{20,30}(?![\w-])",
        *("sk.eyJ", "tk.eyJ"),
    ),
    token(
        "maxmind-key",
        f"{LEAKS} (maxmind-license-key): two texts and _mmk",
        rf"[A-Za-z0-9]{{6}}_[A-Za-z0-9]{{29}}_mmk{END}",
        "_mmk",
        before=(36,),
    ),
    token(
        "facebook-token",
        "https://developers.facebook.com/docs/facebook-login/guides/access-tokens: EAA and a long text",
        rf"EAA{DIGIT}{LOWER}[A-Za-z0-9]{{90,400}}{END}",
    ),
    token(
        "x-bearer-token",
        f"{LEAKS} (twitter-bearer-token): 22 A and 80 to 100 characters",
        rf"A{{22}}(?:[A-Za-z0-9]|%2[BF]|%3D){{70,100}}{END}",
        "A" * 22,
        then="[B-Zb-z0-9]",
        is_one=bool,
    ),
    # shops and payment
    token(
        "shopify-token",
        f"{LEAKS} (shopify-access-token and others): 32 hexadecimal digits",
        rf"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{{32}}{END}",
        *("shpat_", "shpca_", "shppa_", "shpss_"),
    ),
    token(
        "stripe-key",
        "https://docs.stripe.com/keys: secret and restricted keys, of live and of test mode; organisations'",
        rf"(?:[rs]k_(?:live|test|prod)|sk_org(?:_live|_test)?)_{DIGIT}[A-Za-z0-9]{{16,}}+",
        *("sk_live_", "rk_live_", "sk_test_", "rk_test_", "sk_prod_", "rk_prod_", "sk_org_"),
        is_one=is_real_in_test_mode,
    ),
    token(
        "stripe-webhook-secret",
        "https://docs.stripe.com/webhooks/signature: whsec_",
        rf"whsec_{DIGIT}[A-Za-z0-9+/]{{24,}}+={{0,2}}",
    ),
    token(
        "square-token",
        f"{HOG}/square and {HOG}/squareapp: EAAA and 60 characters; sq0csp-, sq0atp-",
        r"(?:EAAA[\w+=-]{60}|sq0csp-[\w-]{40,50}|sq0atp-[\w-]{22,43})(?![\w-])",
        *("EAAA", "sq0csp-", "sq0atp-"),
        is_one=is_mixed,
    ),
    token(
        "flutterwave-key",
        f"{LEAKS} (flutterwave-secret-key): 32 letters and digits and -X",
        rf"FLWSECK(?:_TEST)?-[0-9a-z]{{32,50}}-X{END}",
        *("FLWSECK-", "FLWSECK_TEST-"),
        is_one=is_real_in_test_mode,
    ),
    token(
        "plaid-token",
        "https://plaid.com/docs/api/tokens/: access-, the environment and a UUID",
        rf"access-(?:sandbox|development|production)-{UUID}{END}",
        *("access-sandbox-", "access-development-", "access-production-"),
    ),
    token(
        "shippo-token",
        f"{LEAKS} (shippo-api-token): 40 hexadecimal digits",
        rf"shippo_(?:live|test)_[0-9a-fA-F]{{40}}{END}",
        *("shippo_live_", "shippo_test_"),
        is_one=is_real_in_test_mode,
    ),
    token(
        "easypost-key",
        f"{LEAKS} (easypost-api-token): EZAK, or EZTK, and 54 letters and digits",
        rf"EZ[AT]K[A-Za-z0-9]{{54}}{END}",
        *("EZAK", "EZTK"),
    ),
    token(
        "duffel-token",
        f"{LEAKS} (duffel-api-token): 43 characters",
        r"duffel_(?:live|test)_[\w=-]{43}(?![\w-])",
        *("duffel_live_", "duffel_test_"),
        is_one=is_real_in_test_mode,
    ),
    token(
        "razorpay-key",
        "https://razorpay.com/docs/payments/dashboard/account-settings/api-keys/: 14 letters and digits",
        rf"rzp_(?:live|test)_{DIGIT}[A-Za-z0-9]{{14}}{END}",
        *("rzp_live_", "rzp_test_"),
        is_one=is_real_in_test_mode,
    ),
)
