"""Those who host models and answer in the form of each: Hugging Face, Databricks, SageMaker.

https://huggingface.co/docs/inference-providers/providers/hf-inference
https://docs.databricks.com/api/workspace/servingendpoints/query
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html
"""

from __future__ import annotations

from tests.dialects.example import Example, document, events, frames, other

from .bedrock import exception
from .local_servers import ASKED as GENERATED
from .local_servers import LAST, token
from .openai_chat import ASKED, DONE, PIECES, STREAMED, choice, chunk, completion, piece

HUGGINGFACE = "/hf-inference/models/{model}"
DATABRICKS = "/serving-endpoints/colours/invocations"
SAGEMAKER = "/endpoints/colours/{verb}"
PARTS = (("PayloadPart", 'data:{"token":{"id":'), ("PayloadPart", "7"), ("PayloadPart", ',"text":"Red"}}\n\n'))

EXAMPLES = [
    Example(
        "huggingface",
        "classification",
        HUGGINGFACE.format(model="distilbert/distilbert-base-uncased"),
        {"inputs": "I like red"},
        document([[{"label": "POSITIVE", "score": 0.9}]]),
    ),
    Example(
        "huggingface",
        "image",
        HUGGINGFACE.format(model="black-forest-labs/FLUX.1-dev"),
        {"inputs": "A colour"},
        other("image/jpeg", b"\xff\xd8\xff\xe0", bytes(range(256))),
    ),
    Example(
        "huggingface",
        "document of a failure",
        HUGGINGFACE.format(model="distilbert/distilbert-base-uncased"),
        {"inputs": "I like red"},
        document({"error": "Model is currently loading", "estimated_time": 20.0}),
        fails=True,
    ),
    Example(
        "databricks",
        "chat, streamed",
        DATABRICKS,
        STREAMED,
        events(*PIECES, chunk(piece("", reason="stop")), DONE),
        -1,
        -2,
    ),
    Example("databricks", "chat, document", DATABRICKS, ASKED, document(completion(choice()))),
    Example(
        "databricks",
        "predictions",
        DATABRICKS,
        {"dataframe_records": [{"colour": "red"}]},
        document({"predictions": [0.9]}),
    ),
    Example(
        "sagemaker",
        "document",
        SAGEMAKER.format(verb="invocations"),
        GENERATED,
        document([{"generated_text": "Réd"}]),
    ),
    Example(
        "sagemaker",
        "streamed by its container",
        SAGEMAKER.format(verb="invocations"),
        {**GENERATED, "stream": True},
        events(token("Ré"), token("d", **LAST)),
    ),
    Example(
        "sagemaker",
        "parts of a payload",
        SAGEMAKER.format(verb="invocations-response-stream"),
        {**GENERATED, "stream": True},
        frames(*PARTS),
        None,
        0,
        is_opaque=True,  # what its parts are put together to is the container's own
    ),
    Example(
        "sagemaker",
        "parts of a payload, broken off",
        SAGEMAKER.format(verb="invocations-response-stream"),
        {**GENERATED, "stream": True},
        exception(frames(*PARTS), "ModelStreamError"),
        fails=True,
    ),
]
