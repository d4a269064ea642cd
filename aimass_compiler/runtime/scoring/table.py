"""A whole table through a package: its parts, the rows that were refused, drift, and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler import drift_methods
from aimass_compiler.catalog.source import UnreadableError
from aimass_compiler.diagnostics import first_line
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.programs.stored_files import StoreError
from aimass_compiler.runtime.data_engine import data_engine
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.scoring.row_contract import require_columns
from aimass_compiler.runtime.scoring.score_folder import ScoreFolder, score_folder
from aimass_compiler.runtime.scoring.scored_part import PartFacts, TableScorer
from aimass_compiler.runtime.scoring.scored_rows import ROW
from aimass_compiler.runtime.server.drift import DriftMonitor
from aimass_compiler.runtime.server.response import ServerFailure

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.engines import Table
    from aimass_compiler.engines.local import Local
    from aimass_compiler.pipeline.scoring import Scoring

FORMAT = "aimass.scores/v1"
_FOREVER = 1e9
#: Columns over which rows were refused that a message names.
_SHOWN = 3


def score_table(scoring: Scoring, package: Path, root: Path, scratch: Path) -> dict[str, Any]:
    """Score the table into its folder, and answer the report.

    Raises StageFailure where it cannot be read, the package is damaged, or too many rows break the contract;
    then readers have what they had before.
    """
    try:
        folder = score_folder(scoring.into, root)
        _require_own(folder)
        with data_engine(scratch) as engine:
            scorer = TableScorer(package, scoring.key, scoring.into, root)
            table = _read(scoring, scorer, root, engine)
            parts = [*table.each(scorer)]
            report = _report(scoring, scorer, parts)
            _require_few(scoring, report, parts)
            files = [name for part in parts for name in (part.name, part.rejects) if name]
            folder.finish(files, report)
    except ServerFailure as failure:
        raise StageFailure(failure.code, failure.message) from None
    except StoreError as error:
        raise StageFailure(ExitCode.DISK, str(error), error.help) from None
    except polars.exceptions.PolarsError as error:
        reason = first_line(error).replace(str(root), ".")
        raise StageFailure(ExitCode.DATA, f"{scoring.source.shown} cannot be read: {reason}") from None
    return report


def _require_own(folder: ScoreFolder) -> None:
    """Raise StageFailure where the folder, which is replaced as a whole, holds what no run left there."""
    if strangers := folder.strangers():
        message = f"{folder.shown} is replaced as a whole, and holds other files, such as {strangers[0]}"
        raise StageFailure(ExitCode.USAGE, message, "name a new folder, or an empty one")


def _read(scoring: Scoring, scorer: TableScorer, root: Path, engine: Local) -> Table:
    """The rows with their numbers: what the model reads, and the key."""
    signature = scorer.package.signature
    wanted = {field.name: field.type for field in signature.fields} | dict.fromkeys(scoring.key, "id")
    shown = scoring.source.shown
    try:
        rows = scoring.source.read(root, wanted)
    except UnreadableError as error:
        message = error.message if error.message.startswith(shown) else f"{shown}: {error.message}"
        raise StageFailure(ExitCode.DATA, message, error.hint) from None
    except (OSError, ValueError) as error:
        reason = first_line(error).replace(str(root), ".")
        raise StageFailure(ExitCode.DATA, f"{shown} cannot be read: {reason}") from None
    for name in require_columns(signature, rows.names):
        print(f"warning: the table has no column `{name}`: it counts as missing in every row")
    lacking = [name for name in scoring.key if name not in rows.names]
    if lacking:
        hint = f"it has {', '.join(rows.names)}"
        raise StageFailure(ExitCode.DATA, f"the table has no column `{lacking[0]}`, the key", hint)
    return engine.table(rows.frames).numbered(ROW)


def _report(scoring: Scoring, scorer: TableScorer, parts: list[PartFacts]) -> dict[str, Any]:
    signature = scorer.package.signature
    refused: dict[str, int] = {}
    monitor = DriftMonitor(scorer.package.reference, signature, _FOREVER)
    for part in parts:
        for column, count in part.refused.items():
            refused[column] = refused.get(column, 0) + count
        if part.drift:
            monitor.add(part.rows - sum(part.refused.values()), part.drift)
    rows, drift = sum(part.rows for part in parts), monitor.scores()[1]
    lost = sum(refused.values())
    return {
        "format": FORMAT,
        "model": signature.model,
        "version": signature.version,
        "source": scoring.source.shown,
        "rows": {"read": rows, "scored": rows - lost, "rejected": lost},
        "rejected": dict(sorted(refused.items(), key=lambda pair: (-pair[1], pair[0]))),
        "drift": dict(sorted(drift.items(), key=lambda pair: (-pair[1], pair[0]))),
        "distances": {method.name: monitor.scores(method)[1] for method in drift_methods.methods()},
        "parts": [part.name for part in parts],
    }


def _require_few(scoring: Scoring, report: dict[str, Any], parts: list[PartFacts]) -> None:
    """Raise StageFailure where more rows break the contract than may."""
    rows, lost = report["rows"]["read"], report["rows"]["rejected"]
    if not lost or lost <= scoring.rejects * rows:
        return
    columns = list(report["rejected"].items())
    shown = ", ".join(f"`{name}` {count:,}" for name, count in columns[:_SHOWN])
    example = next(part.example for part in parts if part.example)
    raise StageFailure(
        ExitCode.DATA,
        f"{lost:,} of {rows:,} rows break the contract of version {report['version']} ({lost / rows:.1%}), "
        f"but at most {scoring.rejects:.1%} may: {shown}; the first: {example}",
        "nothing is handed over: fix the table, or raise `scoring.rejects` where that many may be left out",
    )
