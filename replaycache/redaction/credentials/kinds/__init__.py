"""The forms of credentials, as rows of data with their sources, by the sort of those who give them out."""

from __future__ import annotations
