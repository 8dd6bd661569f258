"""The viewer: a page that shows the calls of a proxy as they come, and what is stored.

    Mount("/_replaycache", routes=[..., *viewer_routes(calls, store, match=match)])

It reads through `maintenance`, as the command line does. Whatever was recorded reaches the page as JSON and is
shown as text; nothing here is a template.
"""

from .routes import viewer_routes

__all__ = ["viewer_routes"]
