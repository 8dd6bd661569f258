"""What credentials look like, as data: a row of form, marks and source for each kind."""

from __future__ import annotations

from .credential import Credential
from .kinds import clouds, code_hosts, llm_providers, services, standards, telling_words, urls

CREDENTIALS: tuple[Credential, ...] = (
    *llm_providers.ROWS,
    *clouds.ROWS,
    *code_hosts.ROWS,
    *services.ROWS,
    *standards.ROWS,
    *standards.IN_CONTEXT,
    *clouds.IN_CONTEXT,
    *telling_words.IN_CONTEXT,
    *urls.IN_CONTEXT,
)
"""Where two rows match the same text, the first of them names it."""

BY_THEMSELVES = tuple((rank, row) for rank, row in enumerate(CREDENTIALS) if not row.in_context)
IN_CONTEXT = tuple((rank, row) for rank, row in enumerate(CREDENTIALS) if row.in_context)
