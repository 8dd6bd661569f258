"""`python -m replaycache`."""

from .cli import main

if __name__ == "__main__":
    main(prog_name="replaycache")
