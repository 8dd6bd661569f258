"""Real servers for tests, what is asked of them, and the session that asks it through older clients."""
