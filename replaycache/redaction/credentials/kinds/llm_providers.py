"""Keys of those who serve models, and of what stands around models: search, speech, vectors, traces."""

from __future__ import annotations

from ..credential import DIGIT, END, HOG, LEAKS, LOWER, UPPER, UUID, Credential, token
from ..plausible import is_mixed

ROWS: tuple[Credential, ...] = (
    token(
        "openai-key",
        f"{HOG}/openai and {HOG}/openaiadmin: project, service account and admin keys",
        rf"sk-(?:proj|svcacct|service|admin|None)-{DIGIT}[\w-]{{40,}}+",
        *("sk-proj-", "sk-svcacct-", "sk-service-", "sk-admin-", "sk-None-"),
    ),
    token(
        "openai-session",
        "https://github.com/binary-husky/gpt_academic/blob/master/shared_utils/key_pattern_manager.py",
        rf"sess-{DIGIT}[A-Za-z0-9]{{40}}{END}",
    ),
    token(
        "openai-client-secret",
        "https://platform.openai.com/docs/api-reference/realtime-sessions/create-realtime-client-secret: ek_",
        rf"ek_{DIGIT}[A-Za-z0-9_]{{24,}}+",
        is_one=is_mixed,
    ),
    token(
        "anthropic-key",
        f"{HOG}/anthropic: sk-ant-, what the key is for, 93 characters and AA",
        rf"sk-ant-{DIGIT}[\w-]{{40,}}+",
    ),
    token("openrouter-key", f"{HOG}/openrouter: 64 hexadecimal digits", rf"sk-or-v1-[0-9a-f]{{64}}{END}"),
    token("langfuse-key", f"{HOG}/langfuse: sk-lf- and a UUID", rf"sk-lf-{UUID}{END}"),
    token(
        "helicone-key",
        "https://docs.helicone.ai/getting-started/integration-method/openai-proxy: four groups of seven",
        rf"sk-helicone-(?:[a-z]{{2,5}}-)?[a-z0-9]{{7}}(?:-[a-z0-9]{{7}}){{3}}{END}",
    ),
    token(
        "digitalocean-key",
        "https://docs.digitalocean.com/products/gradient-ai-platform/: sk-do- of its models",
        rf"sk-do-{DIGIT}[\w-]{{40,}}+",
    ),
    token(
        "openai-key",
        f"{HOG}/openai and {HOG}/deepseek: sk- and 32 letters and digits, or a longer mixture",
        rf"sk-(?:[0-9a-z]{{32}}(?![\w-])|{DIGIT}{UPPER}{LOWER}[\w-]{{20,}}+)",
        is_one=is_mixed,
    ),
    token("google-key", f"{LEAKS} (gcp-api-key): AIza and 35 characters", r"AIza[\w-]{35}(?![\w-])"),
    token(
        "google-key",
        "https://ai.google.dev/gemini-api/docs/api-key: keys made since 2026 begin with AQ.Ab",
        rf"AQ\.Ab{DIGIT}[\w-]{{30,}}+",
    ),
    token(
        "huggingface-token",
        f"{LEAKS} (huggingface-access-token): 34 letters",
        rf"(?:hf|api_org)_{UPPER}{LOWER}[A-Za-z0-9]{{34,40}}{END}",
        *("hf_", "api_org_"),
    ),
    token("groq-key", f"{HOG}/groq: 52 letters and digits", rf"gsk_{DIGIT}[A-Za-z0-9]{{48,60}}{END}"),
    token("replicate-token", f"{HOG}/replicate: 37 characters", r"r8_[\w-]{37}(?![\w-])"),
    token("xai-key", f"{HOG}/xai: 80 characters", rf"xai-{DIGIT}\w{{60,100}}{END}"),
    token(
        "perplexity-key",
        f"{LEAKS} (perplexity-api-key): 48 letters and digits",
        rf"pplx-{DIGIT}[A-Za-z0-9]{{48}}{END}",
    ),
    token("nvidia-key", f"{HOG}/nvapi: 64 characters", r"nvapi-[\w-]{64}(?![\w-])"),
    token(
        "fireworks-key",
        "https://docs.fireworks.ai/api-reference/introduction: fw_ and letters and digits, 22 to 24 of them today",
        rf"fw_{DIGIT}[A-Za-z0-9]{{20,40}}(?![\w-])",
    ),
    token(
        "together-key",
        "https://docs.together.ai/docs/api-keys-authentication: tgp_v1_ and 32 bytes in base64url",
        rf"tgp_v[0-9]_{DIGIT}[\w-]{{40,48}}(?![\w-])",
    ),
    token(
        "jina-key",
        "https://jina.ai/api-dashboard/: jina_, 32 hexadecimal digits, 28 letters and digits",
        r"jina_[0-9a-f]{32}[\w-]{20,40}(?![\w-])",
    ),
    token(
        "tavily-key",
        "https://docs.tavily.com/documentation/api-reference/introduction: tvly-, or tvly-dev-, and 32 characters",
        rf"tvly-(?:[a-z]{{2,5}}-)?{DIGIT}[A-Za-z0-9-]{{28,60}}(?![\w-])",
        is_one=is_mixed,
    ),
    token(
        "cerebras-key",
        "https://inference-docs.cerebras.ai/quickstart: csk- and 48 letters and digits",
        rf"csk-{DIGIT}[a-z0-9]{{40,60}}(?![\w-])",
    ),
    token("elevenlabs-key", f"{HOG}/elevenlabs/v2: 48 hexadecimal digits", rf"sk_[0-9a-f]{{48}}{END}"),
    token(
        "voyage-key",
        "https://docs.voyageai.com/docs/api-key-and-installation: pa- and 43 characters",
        rf"pa-{DIGIT}{UPPER}{LOWER}[\w-]{{40,48}}(?![\w-])",
        is_one=is_mixed,
    ),
    token(
        "firecrawl-key",
        "https://docs.firecrawl.dev/introduction: fc- and 32 hexadecimal digits",
        r"fc-[0-9a-f]{32}(?![\w-])",
    ),
    token(
        "e2b-key",
        "https://e2b.dev/docs/api-key: e2b_ and hexadecimal digits, sk_e2b_ for access tokens",
        rf"(?:sk_)?e2b_[0-9a-f]{{40,80}}{END}",
        *("e2b_", "sk_e2b_"),
    ),
    token(
        "runpod-key",
        "https://docs.runpod.io/get-started/api-keys: rpa_ and letters and digits",
        rf"rpa_{DIGIT}[A-Za-z0-9]{{31,60}}{END}",
    ),
    token(
        "vercel-token",
        "https://vercel.com/docs/rest-api/reference/welcome#authentication: vck_ of the gateway, vcp_ and others",
        rf"vc[kpaicr]_{DIGIT}[A-Za-z0-9]{{24,80}}{END}",
        *("vck_", "vcp_", "vca_", "vci_", "vcc_", "vcr_"),
    ),
    token(
        "zhipu-key",
        "https://docs.bigmodel.cn/cn/guide/develop/http/introduction: 32 hexadecimal digits, a dot, a secret; "
        "https://docs.ollama.com/api/authentication: Ollama's has 24 characters behind the dot",
        rf"[0-9a-f]{{32}}\.{DIGIT}(?:[A-Za-z0-9]{{16}}|[\w-]{{24}})(?![\w-]|\.\w)",
        ".",
        before=(32,),
        then=r"[\w-]{16}",
    ),
    token(
        "wandb-key",
        "https://docs.wandb.ai/models/track/environment-variables: wandb_v1_ and 77 characters",
        r"wandb_v[0-9]_\w{60,100}+",
    ),
    token(
        "langsmith-key",
        f"{HOG}/langsmith: 32 and 10 hexadecimal digits",
        rf"lsv2_(?:pt|sk)_[0-9a-f]{{32}}_[0-9a-f]{{10}}{END}",
        *("lsv2_pt_", "lsv2_sk_"),
    ),
    token(
        "logfire-token",
        "https://logfire.pydantic.dev/docs/how-to-guides/create-write-tokens/: pylf_v1_, a region, 43 characters",
        rf"pylf_v[0-9]_[a-z]{{2,6}}_[A-Za-z0-9]{{40,50}}{END}",
    ),
    token(
        "pinecone-key",
        f"{HOG}/pinecone: an id and 63 letters and digits",
        rf"pcsk_[A-Za-z0-9]{{5,6}}_[A-Za-z0-9]{{63}}{END}",
    ),
    token(
        "llamacloud-key",
        "https://developers.llamaindex.ai/python/cloud/general/api_key/: llx- and 48 letters and digits",
        rf"llx-{DIGIT}[A-Za-z0-9]{{40,60}}{END}",
    ),
    token(
        "anyscale-key",
        "https://docs.anyscale.com/: esecret_ and letters and digits",
        rf"esecret_{DIGIT}[A-Za-z0-9]{{24,60}}{END}",
    ),
    token(
        "fal-key",
        "https://docs.fal.ai/model-apis/authentication: an id, which is a UUID, a colon, 32 hexadecimal digits",
        rf"{UUID}:[0-9a-f]{{32}}{END}",
        ":",
        before=(36,),
        then="[0-9a-f]{32}",
    ),
    token(
        "modal-token",
        "https://modal.com/docs/reference/modal.config: ak- for the id, as- for the secret, 22 letters and digits",
        rf"a[ks]-{DIGIT}{UPPER}{LOWER}[A-Za-z0-9]{{22}}(?![\w-])",
        *("ak-", "as-"),
        is_one=is_mixed,
    ),
    token(
        "baseten-key",
        "https://docs.baseten.co/organization/api-keys: 8 letters and digits, a dot, 32 letters and digits",
        rf"{DIGIT}[A-Za-z0-9]{{8}}\.{DIGIT}{UPPER}{LOWER}[A-Za-z0-9]{{32}}(?![\w-]|\.\w)",
        ".",
        before=(8,),
        then="[A-Za-z0-9]{32}",
        is_one=is_mixed,
    ),
    token(
        "brave-search-key",
        "https://api-dashboard.search.brave.com/documentation/guides/authentication: BSA and 28 characters",
        rf"BSA{LOWER}[\w-]{{27,28}}(?![\w-])",
        is_one=is_mixed,
    ),
    token(
        "apify-token",
        "https://docs.apify.com/platform/integrations/api: apify_api_ and 36 letters and digits",
        rf"apify_api_{DIGIT}[A-Za-z0-9]{{30,44}}{END}",
    ),
    token(
        "mem0-key",
        "https://docs.mem0.ai/api-reference: m0- and 40 letters and digits",
        rf"m0-{DIGIT}[A-Za-z0-9]{{40}}(?![\w-])",
    ),
    token(
        "friendli-token",
        "https://friendli.ai/docs/guides/personal_access_tokens: flp_ and letters and digits",
        rf"flp_{DIGIT}[A-Za-z0-9]{{30,60}}{END}",
    ),
    token("context7-key", "https://context7.com/docs/api-guide: ctx7sk- and a UUID", rf"ctx7sk-{UUID}{END}"),
)
