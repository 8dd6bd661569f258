"""Azure's forms of OpenAI's API. A deployment's name hides the model: nothing that depends on it is folded."""

from __future__ import annotations

from ..dialect import CredentialPlace, Dialect, no_op_rows, stop_as_list

_SPEC = "https://github.com/Azure/azure-rest-api-specs: AzureOpenAI/inference/stable/2024-10-21/inference.json, *"
_ON_YOUR_DATA = "https://learn.microsoft.com/azure/ai-services/openai/references/on-your-data"
_AGENTS = "https://learn.microsoft.com/azure/ai-foundry/agents/how-to/tools/model-context-protocol"

DIALECT = Dialect(
    name="azure openai",
    provider="azure",
    hosts=("*.openai.azure.com", "*.cognitiveservices.azure.com", "*.services.ai.azure.com"),
    model_paths=(r"/deployments/([^/]+)/",),
    no_ops=(
        *no_op_rows(
            r"/openai/deployments/[^/]+/chat/completions",
            _SPEC,
            {"n": 1, "stream": False},
            nullable=("logit_bias", "stop"),
        ),
        *no_op_rows(
            r"/openai/deployments/[^/]+/completions",
            _SPEC,
            {
                "echo": False,
                "frequency_penalty": 0,
                "max_tokens": 16,
                "n": 1,
                "presence_penalty": 0,
                "stream": False,
                "temperature": 1,
                "top_p": 1,
            },
            nullable=("logit_bias", "logprobs", "stop", "suffix"),
        ),
        *no_op_rows(
            r"/openai/deployments/[^/]+/embeddings",
            "https://learn.microsoft.com/azure/ai-foundry/openai/reference: embeddings, *",
            {"encoding_format": "float"},
        ),
    ),
    equivalents=(stop_as_list(r"/openai/deployments/[^/]+/(chat/)?completions", _SPEC.replace("*", "stop")),),
    credentials=(
        *(
            CredentialPlace(path, _ON_YOUR_DATA, chooses_data=True)
            for path in (
                "data_sources[*].parameters.key",
                "data_sources[*].parameters.authentication.key",
                "data_sources[*].parameters.authentication.access_token",
                "data_sources[*].parameters.authentication.encoded_api_key",
                "data_sources[*].parameters.authentication.connection_string",
                "data_sources[*].parameters.authentication.password",
                "data_sources[*].parameters.embedding_dependency.authentication.access_token",
                "data_sources[*].parameters.embedding_dependency.authentication.key",
                "dataSources[*].parameters.key",
            )
        ),
        CredentialPlace("tool_resources.mcp[*].headers.*", _AGENTS, chooses_data=True),
    ),
)
