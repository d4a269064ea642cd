"""Pages in a real browser, from a file: drawn without complaint, by keyboard, for everybody."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.cli import main
from aimass_compiler.cli.pages.document import html
from aimass_compiler.cli.pages.live_report import live_server
from aimass_compiler.cli.pages.report import report
from pages.catalogues import project_of
from pages.results import EVIL, churn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.browser import Opened

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose every name is hostile."""
    folder = tmp_path_factory.mktemp("report")
    path = folder / "report.html"
    path.write_text(html(report(churn(folder, EVIL))), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_is_drawn_and_shuts_nobody_out(
    opened: Callable[..., Opened], page: Path, scheme: str
) -> None:
    seen = opened(page, color_scheme=scheme)
    assert seen.drawn() >= 6
    assert seen.barriers() == []
    assert seen.complaints == []
    assert seen.page.title() == "churn", "nothing that was run has changed it"


def test_by_keyboard_it_turns_dark_and_on_paper_light(opened: Callable[..., Opened], page: Path) -> None:
    seen = opened(page, color_scheme="light")
    seen.drawn()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = seen.page.evaluate(ground)
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate(ground) != light
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate(ground) == light
    assert seen.complaints == []


def test_a_live_report_shows_what_a_run_has_reached(opened: Callable[..., Opened], tmp_path: Path) -> None:
    found = churn(tmp_path)
    with live_server(found, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        seen = opened(f"http://127.0.0.1:{server.server_port}/")
        assert seen.drawn() >= 6
        churn(tmp_path, "changed meanwhile")
        seen.page.get_by_text("changed meanwhile").first.wait_for()
        assert seen.complaints == []
        server.shutdown()


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 models of five teams."""
    root = tmp_path_factory.mktemp("models")
    project_of(root, *(f"model-{number:03}" for number in range(200)))
    assert main(["site", "--root", str(root)]) == 0
    return root / "build/site/index.html"


def test_two_hundred_models_are_searched_by_keyboard(opened: Callable[..., Opened], catalogue: Path) -> None:
    seen = opened(catalogue)
    shown = seen.page.locator("tbody tr:visible")
    assert shown.count() == 200
    seen.page.keyboard.press("/")
    began = seen.page.evaluate("performance.now()")
    seen.page.keyboard.type("model-04")
    assert shown.count() == 10
    assert seen.page.evaluate("performance.now()") - began < 2_000
    seen.page.keyboard.press("Escape")
    assert shown.count() == 200
    seen.page.get_by_label("task").select_option("regression")
    assert shown.count() == 100
    assert seen.page.locator("output").inner_text() == "100 of 200"
    assert seen.barriers() == []
    shown.first.get_by_role("link").focus()
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url("**/model-001.html")
    assert seen.page.title() == "model-001"
    assert seen.barriers() == []
    assert seen.complaints == []
