"""The cassette: a store in one file that people read, review and commit."""

from .store import CassetteStore

__all__ = ["CassetteStore"]
