"""Getting under clients that others made: `install()` and `use_cassette()`."""
