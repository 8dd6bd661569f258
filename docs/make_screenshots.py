"""Makes the pictures of the viewer that stand in the documentation: `python docs/make_screenshots.py`.

The calls in them are those that the viewer's tests use, so that a picture shows what is tested.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.serve.viewed import filled, viewed  # noqa: E402  # it stands beside the package

_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Writes `viewer-list.png` and `viewer-call.png` beside this file."""
    with tempfile.TemporaryDirectory() as directory:
        store, calls = filled(Path(directory) / "cache")
        store.location = "~/.cache/replaycache"
        for number in range(1, 14):
            call = calls.get(number)
            if call is not None:
                call.store = store.location
        with viewed(store, calls) as served, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
            page = browser.new_page(viewport={"width": 1200, "height": 720}, color_scheme="light")
            page.goto(served.url)
            page.wait_for_selector("#rows a")
            _take(page, "viewer-list.png")
            page.goto(f"{served.url}#/calls/13")
            page.wait_for_selector("#detail .timeline")
            page.select_option("[aria-label=Speed]", "1")
            page.fill(".seek", "620")
            page.set_viewport_size({"width": 1200, "height": 1150})
            page.evaluate("window.scrollTo(0, 0); document.activeElement.blur()")
            _take(page, "viewer-call.png")
            browser.close()
        store.close()


def _take(page: Page, name: str) -> None:
    page.evaluate("document.getAnimations().forEach((animation) => animation.finish())")
    page.screenshot(path=HERE / name)


if __name__ == "__main__":
    main()
