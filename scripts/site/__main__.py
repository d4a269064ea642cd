"""Make the site of the documentation in build/site: `python -m scripts.site`, and `--serve` to see it.

Its pages are those of docs/, the README as the first one, and the reference, which is made of the language.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from posixpath import normpath

from scripts.site.notebooks import page_of
from scripts.site.reference import pages

_ROOT = Path(__file__).parents[2]
_DOCS = "docs"
#: Where mkdocs.yml finds them.
_PAGES = _ROOT / "build" / "site" / "pages"
#: The Makefile installs it apart: nothing else needs what it needs.
_BUILDER = _ROOT / "build" / "site" / "venv" / "bin" / "zensical"
#: Its text may have one pair of brackets in it, as the name of an extra has.
_LINK = re.compile(r"\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^)\s:#]+)(?P<place>#[^)\s]*)?\)")


def main() -> int:
    """Gather the pages and build them; answers what the builder exits with."""
    parser = argparse.ArgumentParser(prog="python -m scripts.site", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="show it on this machine")
    arguments = parser.parse_args()
    gather(_PAGES)
    command = ["serve"] if arguments.serve else ["build", "--clean", "--strict"]
    return subprocess.run([_BUILDER, *command], cwd=_ROOT, check=False).returncode


def gather(folder: Path) -> None:
    """Write every page of the site into a folder, which is emptied before."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in sorted((_ROOT / _DOCS).rglob("*.md")):
        _write(folder, path.relative_to(_ROOT / _DOCS).as_posix(), path.read_text(encoding="utf-8"))
    for path in sorted((_ROOT / _DOCS).rglob("*.ipynb")):
        page = path.relative_to(_ROOT / _DOCS).with_suffix(".md").as_posix()
        _write(folder, page, page_of(path.read_text(encoding="utf-8")))
    shutil.copytree(_ROOT / _DOCS / "screenshots", folder / "screenshots")
    _write(folder, "index.md", _from_root((_ROOT / "README.md").read_text(encoding="utf-8")))
    for page, content in pages().items():
        _write(folder, page, content)


def _write(folder: Path, page: str, content: str) -> None:
    (folder / page).parent.mkdir(parents=True, exist_ok=True)
    (folder / page).write_text(_within(page, content), encoding="utf-8")


def _within(page: str, content: str) -> str:
    """A page whose links that lead out of docs/ are what they are called: the site has no other files.

    A notebook is a page of the site.
    """
    folder = f"{_DOCS}/{page}".rpartition("/")[0]

    def told(link: re.Match[str]) -> str:
        if not normpath(f"{folder}/{link['target']}").startswith(f"{_DOCS}/"):
            return link["text"]
        return link[0].replace(".ipynb", ".md")

    return _LINK.sub(told, content)


def _from_root(content: str) -> str:
    """The links of a page of the root, as a page of docs/ has them."""

    def told(link: re.Match[str]) -> str:
        is_page = link["target"].startswith(f"{_DOCS}/") and link["target"].endswith((".md", ".ipynb"))
        target = link["target"].removeprefix(f"{_DOCS}/") if is_page else f"../{link['target']}"
        return f"[{link['text']}]({target}{link['place'] or ''})"

    return _LINK.sub(told, content)


if __name__ == "__main__":
    sys.exit(main())
