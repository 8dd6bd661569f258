"""How answers are framed: server-sent events, lines and documents of JSON, JSON arrays, AWS event streams."""
