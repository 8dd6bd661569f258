"""What is promised, under faults and load. Each scenario is tried a few times by the suite, and as often as one
likes by `python tests/proof`, which prints a table."""
