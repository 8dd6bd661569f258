"""A store in Redis or Valkey, which a team or a fleet of machines shares. It needs the extra `redis`."""

from .store import RedisStore

__all__ = ["RedisStore"]
