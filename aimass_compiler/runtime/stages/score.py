"""The last stage, where the spec has `scoring`: its table through the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.runtime.scoring.table import score_table
from aimass_compiler.runtime.workspace import write_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from typing import Any

    from aimass_compiler.catalog.source import Source
    from aimass_compiler.runtime.workspace import Workspace


def run(source: Source, into: str, key: tuple[str, ...], rejects: float, *, workspace: Workspace) -> None:
    """Score the table with the package of this run, and leave the report."""
    scoring = Scoring.model_construct(source=source, into=into, key=key, rejects=rejects)
    package = workspace.path(artifacts.SIGNATURE).parent
    report = score_table(scoring, package, workspace.root, workspace.folder("score"))
    write_json(workspace.path(artifacts.SCORES), report)
    for line in report_lines(report, into):
        print(line)


def report_lines(report: dict[str, Any], place: str) -> list[str]:
    """What people are told of a table that was scored."""
    rows = report["rows"]
    lines = [f"{rows['scored']:,} of {rows['read']:,} rows scored by {report['version']} into {place}"]
    if rows["rejected"]:
        columns = ", ".join(f"`{name}` {count:,}" for name, count in report["rejected"].items())
        lines.append(f"{rows['rejected']:,} rows break the contract, in {place}/_rejects: {columns}")
    moved = {name: value for name, value in report["drift"].items() if value > _MOVED}
    if moved:
        shown = ", ".join(f"`{name}` {value:.2f}" for name, value in moved.items())
        lines.append(f"unlike the training data (PSI): {shown}")
    return lines


#: What Siddiqi reads as a small shift.
_MOVED = 0.1
