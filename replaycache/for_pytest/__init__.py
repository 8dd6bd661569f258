"""What the pytest plugin is made of; `replaycache.pytest_plugin` holds its options, fixtures and hooks."""

__all__: list[str] = []
