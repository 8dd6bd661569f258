"""What may never reach a store, and what looks like a credential."""
