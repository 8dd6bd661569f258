"""What is known of each API, as data with its source; nothing of it stands anywhere else."""

__all__: list[str] = []
