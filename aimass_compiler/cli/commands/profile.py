"""Show what a data file or a model's rows hold, and what to look at before training.

For each column: type, gaps, distinct values, distribution and, with a target, how well it alone predicts it.
Below are suspects: columns that give the target away, identifiers, constants, copies. Parquet and Arrow files
are read in blocks, so they may be larger than memory. Of a model it shows what `aimass run` prepared.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_root, project_of
from aimass_compiler.cli.terminal import RowCount
from aimass_compiler.conventions import SPLITS
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    import polars

    from aimass_compiler.project import Project

EXAMPLES = """
  aimass profile data/customers.csv --target churned
  aimass profile churn                       the rows that the spec's run prepared, with its target
  aimass profile data/events.parquet --format html > events.html
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("data", metavar="DATA", help="a data file, or a model's name")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict (of a model: its target)")
    parser.add_argument(
        "--format", choices=("people", "json", "html"), default="people", help="how it is shown"
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the profile; answers an ExitCode."""
    from aimass_compiler.cli.views import profile as views
    from aimass_compiler.starter.unusable import UnusableDataError

    project = project_of(arguments)
    try:
        frames, target, declared = _frames(arguments, project)
    except UnusableDataError as error:
        terminal.error(error.message, error.hint)
        return ExitCode.FAILED
    from aimass_compiler.engines.local import Local
    from aimass_compiler.engines.table_profile import profile

    with Local() as engine:
        rows = engine.table(frames)
        if target is not None and target not in rows.schema:
            raise UnknownName(f"there is no column `{target}`", did_you_mean(target, rows.schema))
        found = profile(rows, target, declared)
    show = {"people": views.people, "json": views.document, "html": views.page}[arguments.format]
    sys.stdout.write(show(arguments.data, found))
    return ExitCode.DONE


def _frames(
    arguments: argparse.Namespace, project: Project
) -> tuple[list[polars.DataFrame | polars.LazyFrame], str | None, dict[str, str]]:
    """The rows, the target, and the types that a spec declares. Raises UnusableDataError and UnknownName."""
    from aimass_compiler.cli.views.cells import safe
    from aimass_compiler.starter.data_file import opened

    path = Path(arguments.data)
    if path.suffix or path.exists():
        count = RowCount(arguments.data)
        frame, remarks = opened(path, arguments.data, count)
        count.clear()
        for remark in remarks:
            terminal.report(f"note: {safe(remark)}")
        return [frame], arguments.target, {}
    target = arguments.target or _target(arguments.data, project)
    return _prepared(arguments.data, project), target, _declared(arguments.data, project)


def _prepared(model: str, project: Project) -> list[polars.DataFrame | polars.LazyFrame]:
    from aimass_compiler.conventions import ARTIFACTS_FOLDER
    from aimass_compiler.stages import artifacts

    models = project.models()
    folder = project.root / ARTIFACTS_FOLDER / model
    paths = [folder / artifacts.rows(split) for split in SPLITS]
    if not all(path.is_file() for path in paths):
        if model not in models:
            raise UnknownName(f"there is no file and no model `{model}`", did_you_mean(model, models))
        raise UnknownName(f"`{model}` has no prepared rows here", f"`aimass run {model}` prepares them")
    import polars

    return [polars.scan_parquet(path, glob=False) for path in paths]


def _target(model: str, project: Project) -> str | None:
    try:
        return str(_pipeline(model, project)["task"]["target"]) or None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _declared(model: str, project: Project) -> dict[str, str]:
    """The types of a model's columns; none where it is no model, or was not compiled."""
    try:
        columns = _pipeline(model, project)["data"]["columns"]
        return {name: str(column["type"]) for name, column in columns.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _pipeline(model: str, project: Project) -> Any:
    import json

    from aimass_compiler.conventions import PIPELINE_FILE

    return json.loads((project.generated / model / PIPELINE_FILE).read_text(encoding="utf-8"))
