"""A visit to the page with Debian's Chromium, driven by Playwright; what the browser tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Locator, Page, Request

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)


def missing() -> str:
    """What the browser tests lack, empty where they lack nothing."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "Playwright 没有安装"
    if not shutil.which("chromium"):
        return "没有 Chromium：apt-get install chromium fonts-noto-cjk"
    fonts = shutil.which("fc-list") and subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True).stdout
    return "" if fonts else "没有中文字体：apt-get install fonts-noto-cjk"


def require_browser() -> None:
    """Leave the test module out where a browser is missing; on the build server that is a failure."""
    if lack := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(lack, pytrace=False)
        pytest.skip(lack, allow_module_level=True)


class Visit:
    """One page, with everything it did that it should not have done."""

    def __init__(self, page: Page, address: str, shots: Path) -> None:
        self.page = page
        self.address = address
        self.shots = shots
        self.foreign: list[str] = []
        self.failed: list[str] = []
        self.dialogs: list[str] = []
        self.errors: list[str] = []
        page.on("request", self._watch)
        page.on("dialog", self._dismiss)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("response", lambda r: self.failed.append(f"{r.status} {r.url}") if r.status >= 400 else None)

    def _watch(self, request: Request) -> None:
        host = urlsplit(request.url)
        if host.scheme not in ("data", "blob") and f"{host.scheme}://{host.netloc}" != self.address:
            self.foreign.append(request.url)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, query: str = "") -> None:
        """Open the page at its first tab and wait until questions are answered."""
        from playwright.sync_api import expect

        self.page.goto(self.address + "/" + query)
        self.box.wait_for()
        expect(self.page.locator("#status")).to_contain_text("就绪")

    def tab(self, name: str) -> None:
        """Go to a tab."""
        self.page.get_by_role("tab", name=name).click()

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox", name="问题")

    def ask(self, question: str) -> None:
        """Ask and wait until the answer is finished."""
        from playwright.sync_api import expect

        answers = self.page.locator("#chat [data-testid=bot]").count()
        self.box.fill(question)
        self.box.press("Enter")
        expect(self.page.locator("#chat [data-testid=bot]")).to_have_count(answers + 1)
        expect(self.page.locator("#question .submit-button")).to_be_visible()

    def shot(self, name: str) -> None:
        self.page.screenshot(path=self.shots / f"{name}.png")

    def width(self) -> int:
        """How wide the page is, in pixels; more than the window is sideways scrolling."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, address: str, shots: Path, size: tuple[int, int] = (1280, 800)) -> Iterator[Visit]:
    """A fresh visit; in the end, nothing foreign was asked for, nothing failed, no script complained."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        # The page is Chinese whatever the browser's language.
        locale="en-US",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(15_000)
    visit = Visit(context.new_page(), address, shots)
    yield visit
    context.close()
    assert visit.foreign == []
    assert visit.dialogs == []
    assert visit.errors == []
    assert visit.failed == []


def contrast(page: Page, selector: str) -> float:
    """The WCAG contrast of an element's text with the nearest opaque background under it."""
    return float(
        page.locator(selector).evaluate(
            """(element) => {
                const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
                const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
                    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
                let under = element;
                let back = [255, 255, 255];
                while (under) {
                    const colour = rgb(getComputedStyle(under).backgroundColor);
                    if (colour.length === 3 || colour[3] === 1) { back = colour; break; }
                    under = under.parentElement;
                }
                const [a, b] = [light(rgb(getComputedStyle(element).color)), light(back)].sort((x, y) => y - x);
                return (a + 0.05) / (b + 0.05);
            }"""
        )
    )
