"""What Python and the operating system ask for: files, SQLite, forks, contexts, attributes of others."""
