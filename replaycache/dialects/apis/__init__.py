"""One module an API: everything that is known of it, as rows with their sources, and the form of its answers."""

__all__: list[str] = []
