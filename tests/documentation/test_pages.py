"""The site has every page of docs/ and of the reference, and its links lead somewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from aimass_compiler.cli.commands import ORDER
from aimass_compiler.language.keys import keys_at, keys_below
from scripts.site.__main__ import gather
from scripts.site.reference import pages

if TYPE_CHECKING:
    from tests.harness.browser import Opened

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)\s:#]+\.md)(?:#[^)]*)?\)")


class Settings(yaml.SafeLoader):
    """Reads the site's settings, in which extensions name functions."""


Settings.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda _loader, suffix, _node: suffix)


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    gather(folder)
    return folder


def listed(entries: Any) -> Iterator[str]:
    """The pages of a part of the navigation."""
    if isinstance(entries, str):
        yield entries
    else:
        for each in entries if isinstance(entries, list) else entries.values():
            yield from listed(each)


def test_every_page_stands_once_in_the_navigation(gathered: Path) -> None:
    settings = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Settings)  # noqa: S506  # it is a safe one
    found = list(listed(settings["nav"]))
    there = {path.relative_to(gathered).as_posix() for path in gathered.rglob("*.md")}
    assert sorted(found) == sorted(path for path in there if not path.startswith("decisions/"))


def test_links_lead_to_pages(gathered: Path) -> None:
    for path in gathered.rglob("*.md"):
        for target in LINK.findall(path.read_text(encoding="utf-8")):
            assert (path.parent / target).resolve().is_file(), f"{path.name}: {target}"


def test_the_reference_tells_every_key_and_command() -> None:
    made = pages()
    (spec,) = keys_at("spec")
    for key in keys_below(spec):
        assert f"| `{key.path}` |" in made["reference/spec.md"]
    for command in ORDER:
        assert f"\n## aimass {command}\n" in made["reference/commands.md"]
    _, _, hashed = made["reference/transforms.md"].partition("\n## hash_text\n")
    assert "| `size` |" in hashed.partition("\n## ")[0]


@pytest.fixture(scope="module")
def built() -> str:
    """What building the site says; it lies in build/site/html."""
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    done = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.nightly
def test_the_site_is_built_without_a_warning(built: str) -> None:
    assert "No issues found" in built


@pytest.mark.nightly
def test_the_site_is_searched_in_a_browser(built: str, opened: Callable[..., Opened]) -> None:
    answers = partial(QuietFiles, directory=str(ROOT / "build/site/html"))
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = opened(f"http://127.0.0.1:{server.server_port}/index.html").page
        page.wait_for_load_state("networkidle")
        page.keyboard.press("/")
        page.keyboard.type("calibration intervals")
        page.locator("a[href*='?h=calibration']").first.click()
        page.wait_for_url("**/*.html?h=calibration*")
        assert "calibrat" in page.locator("article").inner_text().lower()
        server.shutdown()


class QuietFiles(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing of it."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


def test_screenshots_are_small_and_shown(gathered: Path) -> None:
    shown = {
        name
        for path in (ROOT / "docs").glob("*.md")
        for name in re.findall(r"\]\(screenshots/([\w.-]+)\)", path.read_text(encoding="utf-8"))
    }
    there = {path.name: path.stat().st_size for path in (ROOT / "docs/screenshots").iterdir()}
    assert shown == set(there)
    assert max(there.values()) <= 100_000
    assert {path.name for path in (gathered / "screenshots").iterdir()} == shown
