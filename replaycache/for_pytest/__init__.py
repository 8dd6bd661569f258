"""What the pytest plugin is made of; `replaycache.pytest_plugin` holds its options, fixtures and hooks."""
