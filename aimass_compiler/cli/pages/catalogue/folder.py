"""Writes the catalogue into a folder, as a whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aimass_compiler.cli.pages.catalogue import CatalogueEntry, pages
from aimass_compiler.cli.pages.document import html

#: By this file a folder is known to be one that the next catalogue may take the place of.
MARK = ".aimass-site"


class ForeignFolder(Exception):  # noqa: N818  # it reads as what is the case
    """The folder holds what no catalogue wrote; its name is the message."""


def write_catalogue(entries: Sequence[CatalogueEntry], title: str, folder: Path) -> None:
    """Write every page, and the reports that are here. Raises ForeignFolder and OSError."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise ForeignFolder(str(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        made = Path(temporary) / "new"
        _fill(made, entries, title)
        if folder.exists():
            folder.rename(Path(temporary) / "old")
        made.rename(folder)


def _fill(folder: Path, entries: Sequence[CatalogueEntry], title: str) -> None:
    for path, page in pages(entries, title).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(html(page), encoding="utf-8")
    for entry in entries:
        if entry.report is not None:
            target = folder / entry.report_page
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(entry.report, target)
    (folder / MARK).write_text("", encoding="utf-8")
    (folder / ".nojekyll").write_text("", encoding="utf-8")  # GitHub serves files as they are
