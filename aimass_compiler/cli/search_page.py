"""The page of a run's search: artifacts/MODEL/search.html, where plotly is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aimass_compiler.cli import terminal
from aimass_compiler.cli.views.search_report import HOW_TO_INSTALL, can_draw, is_search, search_report
from aimass_compiler.model_path import depth
from aimass_compiler.stages import artifacts

_PAGE = "search.html"


def draw(folder: Path, model: str) -> None:
    """Write the page of the last search below a model's artifacts, and say where, or what it needs."""
    try:
        found: dict[str, Any] = json.loads((folder / artifacts.TRIALS).read_text(encoding="utf-8"))
        best: dict[str, Any] = json.loads((folder / artifacts.BEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if not is_search(found):
        return
    if not can_draw():
        terminal.report(f"note: a page of the search's trials is drawn with plotly: {HOW_TO_INSTALL}")
        return
    page = folder / _PAGE
    page.write_text(search_report(model, found, best), encoding="utf-8")
    place = page.relative_to(folder.parents[depth(model)])
    terminal.report(f"the search's trials, in parallel coordinates: {place}")
