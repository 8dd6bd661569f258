"""What calls cost and what replaying saved: tokens, prices, the ledger, the budget."""
