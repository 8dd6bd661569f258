"""What calls cost and what replaying saved: tokens, prices, the ledger, the budget."""

BUDGET_VARIABLE = "REPLAYCACHE_BUDGET"
"""What names a budget in the environment."""
