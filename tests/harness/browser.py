"""Debian's Chromium, driven by Playwright, and what axe-core finds in its pages.

A pytest plugin. Tests that need the browser are skipped where there is none.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
#: A page is drawn within this time, on a machine that others use as well.
_PATIENCE_MILLISECONDS = 30_000


@dataclass
class Opened:
    """A page in the browser, and what it has complained of so far."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def drawn(self) -> int:
        """How many charts there are, once all of them are drawn."""
        charts = self.page.locator(".chart")
        count = charts.count()
        if count:
            self.page.locator(".chart[data-drawn]:has(svg)").nth(count - 1).wait_for()
        return count

    def barriers(self) -> list[str]:
        """What keeps people out who use it otherwise: axe-core's findings, in a page of its own."""
        import axe_playwright_python

        (script,) = Path(axe_playwright_python.__file__).parent.glob("axe.min.js")
        self.page.evaluate(script.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate("axe.run()")
        return [
            f"{each['id']}: {node['html'][:120]}"
            for each in found["violations"]
            for node in each["nodes"][:3]
        ]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser; gone with the module, as no other test may run an event loop in this process meanwhile."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip("there is no Chromium (Debian: `apt-get install chromium`)")
    if find_spec("playwright") is None:
        pytest.skip("Playwright is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Opens files and addresses: `opened(path, color_scheme="dark")` answers an Opened."""
    contexts = []

    def open_page(place: Path | str, **options: Any) -> Opened:
        context = chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(_PATIENCE_MILLISECONDS)
        seen = Opened(context.new_page())
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on(
            "console",
            lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None,
        )
        seen.page.on("request", lambda asked: _refuse_elsewhere(asked.url, seen))
        seen.page.goto(place.as_uri() if isinstance(place, Path) else place)
        return seen

    yield open_page
    for context in contexts:
        context.close()


def _refuse_elsewhere(address: str, seen: Opened) -> None:
    if not address.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
        seen.complaints.append(f"asks {address}")
