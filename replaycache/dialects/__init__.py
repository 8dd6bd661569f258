"""What is known of each API, as data with its source; nothing of it stands anywhere else."""
