"""Bodies and addresses as they travel: content-encodings, multipart, URLs."""
