from __future__ import annotations

import os

# litellm asks for its price list when it is imported, huggingface_hub for a list of agents when it is used
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
