"""Take the screenshots of the documentation: `python -m scripts.screenshots`, after `make demo`.

Opens the demo's report and the catalogue of this repository's specs in Debian's Chromium, and leaves
docs/screenshots/*.webp, each of at most 100 kB.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_REPORT = _ROOT / "build" / "demo" / "artifacts" / "breast-cancer" / "report.html"
_CATALOGUE = _ROOT / "build" / "catalogue"
_LARGEST = 100_000
_WIDTH, _HEIGHT = 1100, 760
#: What each shows: the page, the place on it, and how light it is.
_SCREENSHOTS = {
    "report": (_REPORT, "", "light"),
    "report-dark": (_REPORT, "#search", "dark"),
    "catalogue": (_CATALOGUE / "index.html", "", "light"),
}


def main() -> int:
    """Draw all of them; answers 1 where what they need is not here."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None or not _REPORT.is_file():
        print("Chromium is needed, and what `make demo` leaves in build/demo", file=sys.stderr)
        return 1
    subprocess.run(["aimass", "site", "--root", str(_ROOT), "--into", str(_CATALOGUE)], check=True)
    folder = _ROOT / "docs" / "screenshots"
    folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, (path, place, scheme) in _SCREENSHOTS.items():
            page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme=scheme)
            page.goto(f"{path.as_uri()}{place}")
            page.wait_for_timeout(2000)
            _keep(folder / f"{name}.webp", page.screenshot())
        browser.close()
    return 0


def _keep(path: Path, picture: bytes) -> None:
    """Write it as WebP, in as good a quality as its size allows."""
    from PIL import Image

    for quality in (90, 80, 70, 60, 50):
        Image.open(io.BytesIO(picture)).save(out := io.BytesIO(), "webp", quality=quality, method=6)
        if len(out.getvalue()) <= _LARGEST:
            break
    path.write_bytes(out.getvalue())
    print(f"{path.relative_to(_ROOT)}: {len(out.getvalue()):,} bytes")


if __name__ == "__main__":
    sys.exit(main())
