"""Tells a live call of ours from what others do: whether upstream is being called here."""

from __future__ import annotations

from .inheritance import Inherited

__all__ = ["calling_upstream"]

calling_upstream: Inherited[bool] = Inherited("replaycache_calling_upstream")
"""True while one of our transports calls upstream, or None; what connects then is that call."""
