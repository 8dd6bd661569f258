"""What the command line does to recordings, without its words."""
