"""Writes the report of a model where its stages leave their results."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

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
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_text(html(report(results)), encoding="utf-8")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target
