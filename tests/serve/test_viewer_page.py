"""The viewer's page in a browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from replaycache import Match, Recording
from replaycache.serve.calls import CallLog
from replaycache.stores import CassetteStore, MemoryStore
from tests.serve.proxies import chat, client, completion, serving
from tests.serve.viewed import OPENAI, Viewed, asking, filled, openai_chat, openai_stream, recorded, seen, viewed

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import Browser, Page, expect  # noqa: E402  # where it is there

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-headless-shell", "google-chrome"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")

HOSTILE = (
    "<script>window.ran = 1; alert(1)</script><img src=x onerror='window.ran = 2; alert(2)'>"
    '"><svg onload="window.ran = 3"><a href="javascript:window.ran = 4">x</a>\u202e</title></textarea><b>bold</b>'
)
SHOWN = "#rows a:visible, .tiles:visible, #detail h1:visible, #token"
"""What is there when a page is."""
SECRET = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vX7" * 2


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewed]:
    """A day of work, which no test changes."""
    store, calls = filled(tmp_path_factory.mktemp("work"))
    with viewed(store, calls) as served:
        yield served
    store.close()


class Opened:
    """A page, and what it did beside showing itself."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """A page that at the end has met no error, broken no policy and asked nobody else."""
    opened = Opened(browser)
    yield opened
    assert opened.faults == []
    assert {re.sub(r"^(blob:)?(http://127\.0\.0\.1:\d+)/.*", r"\2", url) for url in opened.asked} <= {
        re.sub(r"(http://127\.0\.0\.1:\d+)/.*", r"\1", opened.page.url)
    }
    opened.context.close()


def rows(page: Page) -> Any:
    return page.locator("#rows a.row")


def one(text: Any = "Hello.", asked: str = "Say hello.", *, status: str = "hit") -> tuple[MemoryStore, CallLog]:
    """A store with a recording, and a call that it answered."""
    store, calls = MemoryStore(), CallLog()
    answer = text if not isinstance(text, str) else openai_chat(text)
    recording = recorded(OPENAI, asking(asked), answer)
    store.put(Match().key(recording.request), recording)
    seen(calls, store, recording, status)
    return store, calls


# -- lists -------------------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_calls_are_listed_as_they_come(opened: Opened) -> None:
    page, calls, store = opened.page, CallLog(), MemoryStore()
    recording = recorded(OPENAI, asking("Say hello."), openai_chat("Hello."))
    store.put(Match().key(recording.request), recording)
    with viewed(store, calls) as served:
        page.goto(served.url)
        expect(page.locator("#empty")).to_contain_text("Nothing was asked yet")
        expect(page.locator("#empty pre")).to_contain_text(f"{served.url.split('/_')[0]}/openai/v1")
        seen(calls, store, recording, "miss")
        expect(rows(page)).to_have_count(1)
        expect(page.locator("#empty")).to_be_hidden()
        begun = calls.begin("POST", "anthropic", "/v1/messages")
        expect(rows(page)).to_have_count(2)
        expect(rows(page).first).to_contain_text("open")
        expect(page.locator("#news")).to_contain_text("anthropic")
        rows(page).first.focus()
        begun.status, begun.code, begun.seconds = "live", 200, 0.25
        calls.note(begun)
        expect(rows(page).first).to_contain_text("live")
        expect(rows(page).first).to_be_focused()

        page.click("#pause")
        expect(page.locator("#pause")).to_contain_text("Paused")
        seen(calls, store, recording, "hit")
        page.wait_for_function("document.getElementById('pause').getAttribute('aria-pressed') === 'true'")
        expect(rows(page)).to_have_count(2)
        page.click("#pause")
        expect(rows(page)).to_have_count(3)
        for place, status in enumerate(("hit", "live", "miss")):  # the newest first, also those that changed
            expect(rows(page).nth(place)).to_contain_text(status)


@pytest.mark.exhaustive
def test_calls_are_filtered_and_searched(opened: Opened, work: Viewed) -> None:
    page = opened.page
    page.goto(work.url)
    expect(rows(page)).to_have_count(13)
    page.select_option("#status", "refused")
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1 of 13 calls")
    page.select_option("#status", "")
    page.fill("#upstream", "anth")
    expect(rows(page)).to_have_count(3)
    page.fill("#model", "gpt")
    expect(page.locator("#empty")).to_contain_text("Nothing matches")
    page.click("text=Clear them")
    page.fill("#search", "harbour")
    expect(rows(page)).to_have_count(2)
    page.press("#search", "Escape")
    expect(page.locator("#search")).to_have_value("harbour")
    expect(page.locator("#search")).not_to_be_focused()
    page.fill("#search", "429 is not kept")
    expect(rows(page)).to_have_count(1)


def test_what_is_stored_is_searched_in_prompts_and_answers(opened: Opened, work: Viewed) -> None:
    page = opened.page
    page.goto(f"{work.url}#/stored")
    expect(rows(page)).to_have_count(6)
    expect(page.locator("#count")).to_have_text("6 recordings")
    page.fill("#search", "fatura ainda")
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1 of 6 recordings")
    rows(page).first.click()
    expect(page.locator("#detail h1")).to_contain_text("generateContent")
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_be_focused()


@pytest.mark.exhaustive
def test_a_large_store_is_listed_in_pages(opened: Opened) -> None:
    page, store = opened.page, MemoryStore()
    for number in range(130):
        recording = recorded(OPENAI, asking(f"Number {number}?"), openai_chat("Yes."))
        store.put(Match().key(recording.request), recording)
    with viewed(store) as served:
        page.goto(f"{served.url}#/stored")
        expect(rows(page)).to_have_count(100)
        expect(page.locator("#count")).to_have_text("100 of 130 recordings")
        page.click("#more")
        expect(rows(page)).to_have_count(130)
        expect(page.locator("#more")).to_be_hidden()


# -- one call ----------------------------------------------------------------------------------------------


def test_a_call_is_opened_and_its_stream_replayed(opened: Opened, work: Viewed) -> None:
    page = opened.page
    page.goto(work.url)
    page.click("text=Does Harbour")
    expect(page.locator("#detail h1")).to_be_focused()
    talk = page.locator("#detail .turn")
    expect(talk.nth(2)).to_contain_text('calls find_invoices{"customer"')
    expect(talk.last).to_contain_text("Yes: invoice 2026-1184")
    expect(page.locator("#detail .facts")).to_contain_text("$0.003088")

    seek, output, head = page.locator(".seek"), page.locator(".output"), page.locator(".timeline .head")
    said = talk.last.locator(".said").inner_text()
    expect(output).to_be_hidden()
    seek.fill("0")
    expect(output).to_have_text("")
    assert float(head.get_attribute("x1") or "nan") == 0
    seek.fill("500")
    half = output.inner_text()
    assert 0 < len(half) < len(said)
    assert said.startswith(half)
    page.click("text=As sent")
    expect(output).to_contain_text("data: {")
    page.click("text=As sent")

    seek.fill("0")
    page.select_option("[aria-label=Speed]", "0.25")
    page.click("#play")
    expect(page.locator("#play")).to_have_text("Pause")
    page.click("#play")
    expect(page.locator("#play")).to_have_text("Play")
    page.select_option("[aria-label=Speed]", "5")
    page.click("#play")
    expect(page.locator("#play")).to_have_text("Replay")
    expect(output).to_have_text(said)


def test_a_miss_says_what_comes_nearest(opened: Opened, work: Viewed) -> None:
    page = opened.page
    page.goto(work.url)
    page.select_option("#status", "refused")
    rows(page).first.click()
    expect(page.locator(".reason")).to_contain_text("no_recording")
    row = page.locator(".differences tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator("td").nth(0)).to_have_text("messages[0].content")
    expect(row.locator("td").nth(1)).to_contain_text("five words")
    expect(row.locator("td").nth(2)).to_contain_text("six words")
    page.click(".why a")
    expect(page.locator("#detail .turn").last).to_contain_text("Morning Light Over Quiet Water")


@pytest.mark.exhaustive
def test_raw_sides_are_shown_formatted_and_as_sent(opened: Opened, work: Viewed) -> None:
    page = opened.page
    page.goto(f"{work.url}#/calls/13")
    page.click("text=Raw request")
    body = page.locator("[aria-label='Request: body']")
    expect(body).to_contain_text('"model": "gpt-4.1",\n')
    page.click("button:text-is('Formatted')")
    expect(body).to_contain_text('{"model": "gpt-4.1", "messages"')
    expect(page.locator(".gone").first).to_contain_text("authorization, user-agent")
    with page.expect_download() as download:
        page.click("details[open] >> text=Download")
    assert download.value.suggested_filename == "request-body"
    assert json.loads(download.value.path().read_bytes())["model"] == "gpt-4.1"


def test_what_was_saved_is_drawn(opened: Opened, work: Viewed) -> None:
    page = opened.page
    page.goto(f"{work.url}#/saved")
    expect(page.locator(".tiles")).to_contain_text("12 by a recording (75%)")
    expect(page.locator(".chart rect.saved")).to_have_count(1)
    page.click("button:text-is('Tokens')")
    expect(page.locator("button:text-is('Tokens')")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".chart")).to_have_attribute("aria-label", "By day: tokens")
    expect(page.locator(".sums")).to_contain_text("claude-sonnet-4-5")
    page.click("button:text-is('Calls')")
    expect(page.locator(".chart text[text-anchor=end]")).to_have_text(["10", "20"])


# -- what is done to recordings ----------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_a_recording_is_deleted_when_that_is_confirmed(opened: Opened) -> None:
    page = opened.page
    store, calls = one()
    with viewed(store, calls) as served:
        page.goto(f"{served.url}#/stored")
        rows(page).first.click()
        page.click("text=Delete")
        expect(page.locator("#dialog")).to_contain_text("Delete this recording?")
        page.click("text=Keep it")
        assert len(store) == 1
        page.click("#detail >> text=Delete")
        page.click("#dialog button.danger")
        expect(page.locator("#empty")).to_contain_text("Nothing is recorded yet")
        assert len(store) == 0
        page.goto(f"{served.url}#/calls/1")
        expect(page.locator("#detail")).to_contain_text("Its recording is not in this store")


def test_chosen_recordings_are_exported(opened: Opened, work: Viewed, tmp_path: Path) -> None:
    page = opened.page
    page.goto(f"{work.url}#/stored")
    page.check("#rows input >> nth=0")
    page.check("#rows input >> nth=2")
    expect(page.locator("#chosen")).to_contain_text("2 chosen")
    with page.expect_download() as download:
        page.click("#export-chosen")
    expect(page.locator("#dialog")).to_contain_text("2 recordings in replaycache-2-recordings.json.")
    download.value.save_as(tmp_path / "exported.json")
    models = [one.request.json()["model"] for one in CassetteStore(tmp_path / "exported.json").all()]
    assert models == ["gpt-4.1", "gpt-4.1-mini"]


def test_a_secret_is_told_by_its_place_and_replaced_on_demand(opened: Opened, tmp_path: Path) -> None:
    page = opened.page
    store, calls = one("Keep it.", f"My key is {SECRET}.")
    with viewed(store, calls) as served:
        page.goto(f"{served.url}#/stored/{next(iter(store.keys()))}/0")
        page.click("#detail >> text=Export as a cassette")
        told = page.locator("#dialog")
        expect(told).to_contain_text("messages[0].content")
        assert SECRET not in told.inner_text()
        with page.expect_download() as download:
            page.click("text=with placeholders")
        download.value.save_as(tmp_path / "exported.json")
        assert SECRET not in (tmp_path / "exported.json").read_text()


def test_a_call_is_copied(opened: Opened, work: Viewed) -> None:
    page = opened.page
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{work.url}#/calls/13")
    for name, part in (("Copy as curl", "Bearer $OPENAI_API_KEY"), ("Copy as pytest", "@pytest.mark.replay")):
        page.click(f"text={name}")
        page.click("#dialog button.main")
        expect(page.locator("#dialog [role=status]")).to_have_text("Copied.")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert part in copied
        assert copied == page.locator("#dialog textarea").input_value()
        page.keyboard.press("Escape")
        expect(page.locator(f"text={name}")).to_be_focused()


# -- whatever was recorded ---------------------------------------------------------------------------------


def _hostile() -> Recording:
    message = {
        "content": HOSTILE,
        "tool_calls": [{"id": HOSTILE, "type": "function", "function": {"name": HOSTILE, "arguments": HOSTILE}}],
    }
    body = asking(HOSTILE, HOSTILE) | {"tools": [{"type": "function", "function": {"name": HOSTILE}}]}
    return recorded(OPENAI, body, openai_chat(HOSTILE, HOSTILE, **message))


@pytest.mark.exhaustive
def test_markup_is_shown_and_not_run(opened: Opened) -> None:
    page, store, calls = opened.page, MemoryStore(), CallLog()
    whole, streamed = _hostile(), recorded(OPENAI, asking(HOSTILE), openai_stream(HOSTILE, HOSTILE))
    for recording in (whole, streamed):
        store.put(Match().key(recording.request), recording)
        seen(calls, store, recording, "hit", upstream=HOSTILE, reason=HOSTILE)
    missed = recorded(OPENAI, asking(HOSTILE + "?", HOSTILE), openai_chat(""))
    seen(calls, store, missed, "refused", upstream=HOSTILE, reason=HOSTILE)
    with viewed(store, calls) as served:
        page.goto(served.url)
        expect(rows(page)).to_have_count(3)
        expect(rows(page).first).to_contain_text("<script>window.ran = 1")
        for number in (1, 2, 3):
            page.goto("about:blank")
            page.goto(f"{served.url}#/calls/{number}")
            expect(page.locator("#detail .turn").last).to_contain_text(
                "<img src=x onerror='window.ran = 2; alert(2)'>"
            )
            for details in page.locator("#detail details").all():
                details.evaluate("(details) => { details.open = true }")
            for name in page.locator("#detail .top button").all_inner_texts():
                if name.startswith("Copy"):
                    page.click(f"text={name}")
                    expect(page.locator("#dialog textarea")).to_be_visible()
                    page.keyboard.press("Escape")
        page.goto(f"{served.url}#/calls/2")
        page.click("#play")
        expect(page.locator(".output")).to_contain_text("<script>")
        for address in ("#/stored", "#/saved"):
            page.goto(served.url + address)
            expect(page.locator("main")).to_contain_text("<script>window.ran = 1")
        assert page.evaluate("window.ran") is None
        tags = "main script, main img, main iframe, main object, main a[href^='javascript'], main b, main style"
        assert page.locator(tags).count() == 0
        assert page.locator("[onerror], [onload]").count() == 0


def test_a_script_that_got_past_would_not_run(browser: Browser, work: Viewed) -> None:
    """What the policy is for, should the page ever have a hole."""
    opened = Opened(browser)
    opened.page.goto(work.url)
    expect(rows(opened.page)).to_have_count(13)
    opened.page.evaluate(
        """const script = document.createElement("script"); script.textContent = "window.ran = 1";
        document.body.append(script); const image = document.createElement("img");
        image.setAttribute("onerror", "window.ran = 2"); image.src = "data:,"; document.body.append(image)"""
    )
    opened.page.wait_for_function("document.querySelector('body > img').complete")

    assert opened.page.evaluate("window.ran") is None
    assert all("Content Security Policy" in fault for fault in opened.faults)
    assert len(opened.faults) >= 2
    opened.context.close()


@pytest.mark.exhaustive
def test_ten_thousand_chunks_do_not_hold_the_page_up(opened: Opened) -> None:
    page = opened.page
    store, calls = one(openai_stream("word " * 10_000))
    with viewed(store, calls) as served:
        page.goto(f"{served.url}#/calls/1")
        expect(page.locator("#detail .card").nth(1)).to_contain_text(
            "The first 2,000 of 10,005 chunks are replayed"
        )
        expect(page.locator("#detail .turn").last).to_contain_text("more characters; the raw body has all")


@pytest.mark.exhaustive
def test_a_store_that_fails_says_so_and_so_does_a_proxy_that_is_gone(browser: Browser) -> None:
    opened = Opened(browser)
    page = opened.page
    store, calls = one()
    with viewed(store, calls) as served:
        page.goto(served.url)
        expect(rows(page)).to_have_count(1)
        page.goto(f"{served.url}#/stored/{'0' * 32}/0")
        expect(page.locator("#problem")).to_contain_text("This recording is gone")
        page.keyboard.press("Escape")
        page.goto(f"{served.url}#/calls")
        expect(rows(page)).to_have_count(1)
    expect(page.locator("#problem")).to_contain_text("The proxy does not answer")
    opened.context.close()


# -- for everybody -----------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_everything_is_reached_by_the_keyboard(opened: Opened, work: Viewed) -> None:
    page, press = opened.page, opened.page.keyboard.press
    page.goto(work.url)
    expect(rows(page)).to_have_count(13)
    press("j")
    expect(rows(page).nth(0)).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press("j")
    press("ArrowDown")
    expect(rows(page).nth(2)).to_be_focused()
    press("k")
    press("ArrowUp")
    expect(rows(page).nth(0)).to_be_focused()
    press("Enter")
    expect(page.locator("#detail h1")).to_be_focused()
    press("j")
    expect(page.locator("#detail h1")).to_contain_text("ollama")
    press("k")
    expect(page.locator("#detail h1")).to_contain_text("openai")
    names = []
    for _ in range(30):
        press("Tab")
        names.append(
            page.evaluate("document.activeElement.textContent.trim() || document.activeElement.ariaLabel")
        )
    assert {"Copy as curl", "Copy as pytest", "Export as a cassette", "Delete", "Replay"} <= set(names)
    press("Escape")
    expect(rows(page).nth(0)).to_be_focused()
    press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("harbour")
    expect(rows(page)).to_have_count(2)
    press("Escape")
    expect(page.locator("#search")).not_to_be_focused()
    press("j")
    expect(rows(page).nth(0)).to_be_focused()


@pytest.mark.exhaustive
def test_every_control_has_a_name(opened: Opened, work: Viewed) -> None:
    page = opened.page
    for address in ("", "#/stored", "#/saved", "#/calls/13", "login"):
        page.goto(work.url + address)
        page.wait_for_selector(SHOWN)
        nameless = page.evaluate(
            """[...document.querySelectorAll("a, button, input:not([hidden]), select, textarea, [role=img]")]
            .filter((node) => !(node.ariaLabel || node.textContent.trim() || node.labels?.[0]?.textContent.trim()))
            .map((node) => node.outerHTML)"""
        )
        assert nameless == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_are_readable(browser: Browser, work: Viewed, scheme: Any) -> None:
    """Contrast of what is written with what is behind it, at least 4.5 to 1, which WCAG 2 asks for."""
    opened = Opened(browser, color_scheme=scheme)
    page = opened.page
    page.goto(work.url)
    for address in ("", "#/calls/11", "#/calls/12", "#/saved"):
        page.goto(work.url + address)
        page.wait_for_selector(SHOWN)
        assert page.evaluate(_CONTRASTS) == []
    other = {"light": ["light", "dark"], "dark": ["light", "dark"]}[scheme]
    grounds = set()
    for name in other:
        page.click("#theme")
        expect(page.locator("html")).to_have_attribute("data-theme", name)
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert opened.faults == []
    opened.context.close()


_CONTRASTS = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => rgb.slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const ground = rgba(getComputedStyle(each).backgroundColor);
      if (ground[3] > 250) return ground;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const says = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!says || !node.checkVisibility() || node.closest("svg, .unseen, .skip, noscript, option")) continue;
    const [one, other] = [light(rgba(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
    if ((one + 0.05) / (other + 0.05) < 4.5) found.push(node.outerHTML.slice(0, 200));
  }
  return found;
})()
"""


@pytest.mark.exhaustive
def test_a_phone_shows_it_without_scrolling_sideways(browser: Browser, work: Viewed) -> None:
    opened = Opened(browser, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = opened.page
    for address in ("", "#/stored", "#/saved", "#/calls/13", "#/calls/11", "#/calls/8", "login?wrong"):
        page.goto(work.url + address)
        page.wait_for_selector(SHOWN)
        # at once: what is shown may be drawn anew meanwhile
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
    assert opened.faults == []
    opened.context.close()


@pytest.mark.exhaustive
def test_whoever_wants_less_motion_gets_none(browser: Browser) -> None:
    opened = Opened(browser, reduced_motion="reduce")
    store, calls = one()
    with viewed(store, calls) as served:
        opened.page.goto(served.url)
        expect(rows(opened.page)).to_have_count(1)
        recording = store.get(next(iter(store.keys())))
        assert recording is not None
        seen(calls, store, recording, "hit")
        expect(rows(opened.page)).to_have_count(2)
        assert opened.page.evaluate("document.getAnimations().length") == 0
    opened.context.close()


@pytest.mark.exhaustive
def test_the_viewer_of_a_proxy_is_opened_by_its_token(opened: Opened) -> None:
    page = opened.page
    token = "a-token-for-these-tests"
    with serving(lambda request, wire: wire.answer(completion("Hello.")), token=token) as (proxy, _):
        with client(proxy, **{"x-replaycache-token": token}) as asking:
            for text, mode in (("Say hello.", "auto"), ("Say hello.", "auto"), ("Say goodbye.", "replay")):
                asking.post("/chat/completions", json=chat(text), headers={"x-replaycache-mode": mode})
        page.goto(f"{proxy.url}/")
        page.fill("#token", "another")
        page.click("text=Open")
        expect(page.locator("[role=alert]")).to_have_text("This is not the token.")
        page.fill("#token", token)
        page.click("text=Open")
        expect(rows(page)).to_have_count(3)
        assert [row.split()[1] for row in rows(page).all_inner_texts()] == ["refused", "hit", "miss"]
        rows(page).first.click()
        expect(page.locator(".differences")).to_contain_text("Say goodbye.")
        page.keyboard.press("k")
        page.keyboard.press("Escape")
        rows(page).nth(1).click()
        expect(page.locator("#detail .turn").last).to_contain_text("Hello.")
        page.click("#detail >> text=Delete")
        page.click("#dialog button.danger")
        expect(rows(page)).to_have_count(3)
        page.click("text=Stored")
        expect(page.locator("#empty")).to_contain_text("Nothing is recorded yet")


def test_the_page_that_asks_for_the_token_posts_it_to_itself(opened: Opened, work: Viewed) -> None:
    opened.page.goto(f"{work.url}login")
    form = opened.page.locator("form")
    assert form.evaluate("(form) => [form.method, form.action]") == ["post", f"{work.url}login"]
    assert form.evaluate("(form) => { form.token.value = 't'; return [...new FormData(form)] }") == [
        ["token", "t"]
    ]
