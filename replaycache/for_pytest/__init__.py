"""What the pytest plugin is made of; `replaycache.pytest_plugin` holds its hooks and fixtures."""

__all__: list[str] = []
