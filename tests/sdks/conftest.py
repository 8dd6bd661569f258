from __future__ import annotations

import os

# otherwise litellm asks for its price list when it is imported, of a host that is no part of the test
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["OPENAI_ADMIN_KEY"] = "an-admin-key"
