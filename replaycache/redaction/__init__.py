"""What may never reach a store, and what looks like a credential."""

__all__: list[str] = []
