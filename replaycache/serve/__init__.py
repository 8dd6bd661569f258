"""The record and replay proxy, for programs in any language: they change a base URL.

    replaycache serve                                 the command
    uvicorn replaycache.serve:app                     behind any ASGI server; set up by the environment and a file
    create_app(Settings(...))                         in code

Everything here needs the extra `serve`. It is an adapter over the engine, as the transports are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._errors import ReplayCacheError

if TYPE_CHECKING:
    from .application import Application
    from .settings import Settings

__all__ = ["app", "create_app"]


def create_app(settings: Settings | None = None) -> Application:
    """Makes the proxy.

    Args:
        settings: of it; None for what the environment and the nearest pyproject.toml say.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    from .application import Application
    from .settings import read_settings

    return Application(read_settings() if settings is None else settings)


class _App:
    """The proxy, made when a server first asks for it."""

    def __init__(self) -> None:
        self._made: Application | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._made is None:
            try:
                self._made = create_app()
            except ReplayCacheError as error:
                if scope["type"] != "lifespan":
                    raise
                # servers take an exception to say that nobody wants to know of their life, and start
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
        await self._made(scope, receive, send)


app = _App()
"""For any ASGI server: `replaycache.serve:app`."""
