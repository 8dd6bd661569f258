"""Bodies and addresses as they travel: content-encodings, multipart, URLs."""

__all__: list[str] = []
