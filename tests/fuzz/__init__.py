"""Fuzzing: whatever the bytes, our code reads them or raises our error, and what has to hold holds."""
