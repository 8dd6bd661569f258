"""One request's way: decided, recorded, settled and told. Knows no client library and opens no file."""
