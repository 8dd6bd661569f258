"""Keys of those who keep, build, check and give out code, and of those who keep secrets."""

from __future__ import annotations

from ..credential import DIGIT, END, HOG, KINGFISHER, LEAKS, UPPER, Credential, token
from ..plausible import is_mixed

ROWS: tuple[Credential, ...] = (
    token(
        "github-token",
        "https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/",
        rf"(?:gh[pousr]_[A-Za-z0-9]{{36,255}}|github_pat_[A-Za-z0-9]{{22}}_[A-Za-z0-9]{{59}}){END}",
        *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    token(
        "github-token",
        "https://github.blog/changelog/2026-05-15-github-app-installation-tokens-per-request-override-header/",
        r"ghs_(?:[A-Za-z0-9]{1,40}_){0,2}eyJ[\w-]{10,400}\.[\w-]{10,1000}\.[\w-]{20,}+",
    ),
    token(
        "gitlab-token",
        "https://docs.gitlab.com/security/tokens/#token-prefixes",
        rf"gl(?:pat|dt|rt|ptt|cbt|soat|agent|oas|ft|imt|ffct)-{DIGIT}[\w-][\w.-]{{19,}}+",
        *("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-"),
        *("glagent-", "gloas-", "glft-", "glimt-", "glffct-"),
    ),
    token(
        "bitbucket-token",
        "https://support.atlassian.com/bitbucket-cloud/docs/app-passwords/: ATBB and 32 characters",
        rf"ATBB{DIGIT}[A-Za-z0-9]{{32}}{END}",
    ),
    token(
        "atlassian-token",
        f"{LEAKS} (atlassian-api-token) and {HOG}/atlassian/v2: ATATT3 or ATCTT3, then a checksum behind =",
        r"AT[AC]TT3xFfG[\w=-]{100,}+",
        *("ATATT3xFfG", "ATCTT3xFfG"),
    ),
    token(
        "npm-token",
        "https://github.blog/2021-09-23-announcing-npms-new-access-token-format/: npm_ and 36 letters and digits",
        rf"npm_{DIGIT}[A-Za-z0-9]{{36}}{END}",
    ),
    token("pypi-token", f"{HOG}/pypi: a macaroon in base64url", rf"pypi-{DIGIT}{UPPER}[\w-]{{60,}}+"),
    token(
        "rubygems-key",
        f"{LEAKS} (rubygems-api-token): 48 hexadecimal digits",
        rf"rubygems_[0-9a-f]{{42,52}}{END}",
    ),
    token(
        "crates-io-token",
        "https://github.com/rust-lang/crates.io/blob/main/crates/crates_io_database/src/models/token.rs: "
        "cio and 32 letters and digits",
        rf"cio(?:_tp_)?{DIGIT}{UPPER}[A-Za-z0-9]{{32}}{END}",
        is_one=is_mixed,
    ),
    token(
        "nuget-key",
        "https://learn.microsoft.com/purview/sit-defn-nuget-api-key: oy2 and 43 letters and digits",
        rf"oy2[a-z0-9]{{43}}{END}",
    ),
    token("clojars-token", f"{LEAKS} (clojars-api-token): 60 hexadecimal digits", rf"CLOJARS_[0-9a-z]{{60}}{END}"),
    token(
        "docker-token",
        f"{HOG}/dockerhub/v2: dckr_pat_ and 27 characters, dckr_oat_ and 32",
        r"dckr_(?:pat_[\w-]{27}|oat_[\w-]{32})(?![\w-])",
        *("dckr_pat_", "dckr_oat_"),
    ),
    token(
        "jfrog-token",
        f"{LEAKS} (artifactory-api-key, artifactory-reference-token)",
        rf"(?:AKCp[A-Za-z0-9]{{69}}|cmVmd[A-Za-z0-9]{{59}}){END}",
        *("AKCp", "cmVmd"),
    ),
    token(
        "postman-key",
        f"{LEAKS} (postman-api-token): 24 and 34 hexadecimal digits",
        rf"PMAK-[0-9A-Fa-f]{{24}}-[0-9A-Fa-f]{{34}}{END}",
    ),
    token(
        "circleci-token",
        f"{HOG}/circleci/v2: CCIPAT_, an id and 40 hexadecimal digits",
        rf"CCI(?:PAT|PRJ)_[A-Za-z0-9]{{20,24}}_[0-9a-fA-F]{{40}}{END}",
        *("CCIPAT_", "CCIPRJ_"),
    ),
    token(
        "buildkite-token",
        f"{HOG}/buildkite/v2: 40 letters and digits",
        rf"bk[uaco]a_{DIGIT}[a-z0-9]{{40}}{END}",
        *("bkua_", "bkaa_", "bkca_", "bkoa_"),
    ),
    token(
        "sonar-token",
        f"{LEAKS} (sonar-api-token): squ_, sqp_ or sqa_, 40 hexadecimal digits",
        rf"sq[upa]_[0-9a-f]{{40}}{END}",
        *("squ_", "sqp_", "sqa_"),
    ),
    token(
        "sourcegraph-token",
        f"{LEAKS} (sourcegraph-access-token), {KINGFISHER}/sourcegraph.yml",
        rf"(?:sgp_(?:(?:[0-9a-fA-F]{{16}}|local)_)?[0-9a-fA-F]{{40}}|slk_[0-9a-f]{{64}}){END}",
        *("sgp_", "slk_"),
    ),
    token("pulumi-token", f"{LEAKS} (pulumi-api-token): 40 hexadecimal digits", rf"pul-[0-9a-f]{{40}}{END}"),
    token(
        "terraform-token",
        f"{LEAKS} (hashicorp-tf-api-token): 14 letters and digits, .atlasv1. and 60 to 70 characters",
        r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}(?![\w-])",
        ".atlasv1.",
        before=(14,),
    ),
    token(
        "vault-token",
        "https://developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes: hvs., hvb., hvr.",
        rf"hv[sbr]\.{DIGIT}[\w-]{{24,}}+",
        *("hvs.", "hvb.", "hvr."),
        is_one=is_mixed,
    ),
    token(
        "doppler-token",
        f"{HOG}/doppler: dp., what the token is for, 40 to 44 letters and digits",
        rf"dp\.(?:ct|pt|st(?:\.[\w-]{{2,35}})?|sa|said|scim|audit)\.[A-Za-z0-9]{{40,44}}{END}",
        *("dp.ct.", "dp.pt.", "dp.st.", "dp.sa", "dp.scim.", "dp.audit."),
    ),
    token(
        "infisical-token",
        "https://infisical.com/docs/documentation/platform/token: st., an id and two secrets",
        r"st\.[0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32}(?![\w-]|\.\w)",
    ),
    token(
        "1password-token",
        f"{LEAKS} (1password-service-account-token): ops_ and JSON in base64",
        r"ops_eyJ[\w+/-]{200,}+={0,3}",
    ),
    token(
        "1password-secret-key",
        f"{LEAKS} (1password-secret-key): A3- and groups of letters and digits",
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}(?![\w-])",
    ),
    token(
        "age-key",
        "https://github.com/C2SP/C2SP/blob/main/age.md: Bech32 of 32 bytes",
        rf"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{{58}}{END}",
    ),
    token(
        "tailscale-key",
        "https://tailscale.com/kb/1277/key-prefixes: tskey-, what the key is for, an id and a secret",
        r"tskey-[a-z]{2,12}-[A-Za-z0-9]{8,30}-[A-Za-z0-9]{16,60}(?![\w-])",
    ),
    token(
        "openshift-token",
        f"{LEAKS} (openshift-user-token): sha256~ and 43 characters",
        r"sha256~[\w-]{43}(?![\w-])",
    ),
    token(
        "prefect-key",
        f"{LEAKS} (prefect-api-token): pnu_, or pnb_, and 36 letters and digits",
        rf"pn[ub]_{DIGIT}[A-Za-z0-9]{{36}}{END}",
        *("pnu_", "pnb_"),
    ),
    token(
        "infracost-key",
        f"{LEAKS} (infracost-api-token): 32 letters and digits",
        rf"ico-{DIGIT}[A-Za-z0-9]{{32}}(?![\w-])",
    ),
    token(
        "harness-token",
        f"{LEAKS} (harness-api-key): pat. or sat., an account, an id and a secret",
        rf"[ps]at\.[\w-]{{22}}\.[A-Za-z0-9]{{24}}\.[A-Za-z0-9]{{20}}{END}",
        *("pat.", "sat."),
    ),
    token(
        "snyk-token",
        "https://docs.snyk.io/snyk-api/authentication-for-api: snyk_uat. or snyk_sat., an id and a secret",
        r"snyk_[us]at\.[0-9a-z]{8}\.[\w.-]{40,}+",
        *("snyk_uat.", "snyk_sat."),
    ),
)
