"""Writes the report of a model where its stages leave their results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.atomic_file import replacing
from aimass_compiler.cli.pages.document import html
from aimass_compiler.cli.pages.report import report
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline


def write_report(root: Path, pipeline: Pipeline, path: Path | None = None, prometheus: str = "") -> Path:
    """Write it to a path, else to artifacts/MODEL/report.html; whole, or not at all. Raises OSError."""
    results = RunResults(root, pipeline, prometheus)
    target = path or results.folder / artifacts.REPORT
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        temporary.write_text(html(report(results)), encoding="utf-8")
    return target
