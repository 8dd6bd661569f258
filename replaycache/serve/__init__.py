"""The record and replay proxy, for programs in any language: they change a base URL.

Everything here needs the extra `serve`. It is an adapter over the engine, as the transports are.
"""

__all__: list[str] = []
