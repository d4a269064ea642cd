"""The first stage: collect the sources, join them, hold them to their contract, clean and split."""

from __future__ import annotations

from typing import Any

import polars

from aimass_compiler import artifacts
from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.catalog.source import Rows, UnreadableError
from aimass_compiler.conventions import SPLITS
from aimass_compiler.pipeline.data import Data
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.joined_rows import Joined, joined
from aimass_compiler.runtime.precision import rounded
from aimass_compiler.runtime.predictable import require_predictable
from aimass_compiler.runtime.workspace import Workspace, write_json, write_table
from aimass_compiler.task import Task

_SHOWN = 3


def run(data: Data, task: Task, *, workspace: Workspace) -> None:
    """Write train, validation and test rows, and a report of what was found."""
    collected = joined(data, _collect(data, workspace))
    cleaned = _checked(data, task, collected)
    for message in rounded(collected.table, data.columns):
        print(f"warning: {message}\n  help: declare it as `id` or `category` if it only names something")
    splits = _split(data, task, cleaned)
    for name, part in splits.items():
        write_table(workspace.path(artifacts.rows(name)), part)
    write_json(workspace.path(artifacts.ROWS_REPORT), _report(data, collected, cleaned, splits))
    counts = ", ".join(f"{part.height:,} {name}" for name, part in splits.items())
    left_out = cleaned.height - sum(part.height for part in splits.values())
    aside = f", {left_out:,} in no split" if left_out else ""
    print(f"{collected.table.height:,} rows collected, {cleaned.height:,} after cleaning: {counts}{aside}")


def _collect(data: Data, workspace: Workspace) -> dict[str, Rows]:
    """The rows of each source, with the columns that are declared or joined on; the others are not read."""
    wanted = {name: column.type for name, column in data.columns.items()}
    for join in data.join:
        wanted |= {key: wanted.get(key, "id") for key in join.on}
    found = {}
    for name, source in data.sources.items():
        try:
            found[name] = source.read(workspace.root, wanted)
        except FileNotFoundError:
            message = f"source `{name}`: there is no file {source.path}"
            raise StageFailure(ExitCode.DATA, message, "paths start at the project's root") from None
        except IsADirectoryError:
            message = f"source `{name}`: {source.path} is a folder"
            help_ = f"name its files by a pattern: {source.path.rstrip('/')}/*.{source.kind}"
            raise StageFailure(ExitCode.DATA, message, help_) from None
        except UnreadableError as error:
            raise StageFailure(ExitCode.DATA, f"source `{name}`: {error.message}", error.hint) from None
        except (OSError, ValueError, polars.exceptions.PolarsError) as error:
            reason = str(error).strip().split("\n")[0].replace(str(workspace.root), ".")
            message = f"source `{name}`: {source.path} cannot be read as {source.kind}: {reason}"
            raise StageFailure(ExitCode.DATA, message) from None
    return found


def _checked(data: Data, task: Task, collected: Joined) -> polars.DataFrame:
    """The rows that stay, typed. Raises StageFailure with everything that breaks the contract."""
    violations = list(contract.absent(data.columns, collected.table.columns, collected.names))
    rows, lost = contract.typed(collected.table, data.columns, collected.place)
    violations += lost
    can_clean = all(name in rows.columns for step in data.clean for name in step.columns_read())
    cleaned, emptied = _cleaned(data.clean, rows) if can_clean else (rows, [])
    violations += emptied
    is_whole = cleaned.height == rows.height
    if can_clean:
        place = collected.place if is_whole else contract.counted
        reported = {violation.column: violation.rows for violation in lost}
        violations += contract.kept(cleaned, data.columns, task.target, place, reported)
    if violations:
        counted = "" if is_whole else " (rows of bounds, names and gaps count from 1, after cleaning)"
        raise StageFailure(
            ExitCode.DATA,
            f"the data breaks its contract{counted}:\n"
            + "\n".join(f"  {violation}" for violation in violations),
            "fix the data, or change `data.columns` in the spec if the contract is out of date",
        )
    return cleaned


def _cleaned(
    steps: tuple[CleaningStep, ...], rows: polars.DataFrame
) -> tuple[polars.DataFrame, list[contract.Violation]]:
    """The rows that every step keeps, and which step keeps none, if there is one."""
    emptied: list[contract.Violation] = []
    for step in steps:
        kept = step.keep(rows.lazy()).collect()
        if kept.is_empty() and not rows.is_empty():
            message = f"leaves no row: `{step.kind}` removes the last {rows.height:,}"
            emptied = [contract.Violation(name, message, rows.height) for name in step.columns_read()]
        rows = kept
    return rows, emptied


def _split(data: Data, task: Task, rows: polars.DataFrame) -> dict[str, polars.DataFrame]:
    if rows.is_empty():
        raise StageFailure(
            ExitCode.DATA, "no row is left to split", "look at the sources and at `data.clean`"
        )
    names = data.split.assign(rows, task.target)
    _require_places(data, names)
    splits = {name: rows.filter(names == name) for name in SPLITS}
    empty = [name for name, part in splits.items() if part.is_empty()]
    if empty:
        raise StageFailure(
            ExitCode.DATA,
            f"the {empty[0]} split is empty: {rows.height:,} rows were split by {data.split.kind}",
            "give it a larger share, or split another way",
        )
    require_predictable(task, rows, splits)
    return splits


def _require_places(data: Data, names: polars.Series) -> None:
    lost = names.is_null().arg_true()
    if len(lost):
        columns = ", ".join(f"`{name}`" for name in data.split.columns_read())
        shown = ", ".join(f"row {place + 1}" for place in lost.head(_SHOWN))
        raise StageFailure(
            ExitCode.DATA,
            f"{len(lost):,} rows cannot be split by {data.split.kind}, because {columns} is missing: {shown}",
            "drop them with `clean: [drop_missing]`, or split another way",
        )


def _report(
    data: Data, collected: Joined, cleaned: polars.DataFrame, splits: dict[str, polars.DataFrame]
) -> dict[str, Any]:
    counts = {name: part.height for name, part in splits.items()}
    missing = {name: cleaned.get_column(name).null_count() / cleaned.height for name in data.columns}
    return {
        "rows": {"collected": collected.table.height, "kept": cleaned.height, **counts},
        "missing": missing,
        "written": _written(data, collected),
        "marks": _marks(data, collected),
        "undeclared": [name for name in dict.fromkeys(collected.names) if name not in data.columns],
    }


def _written(data: Data, collected: Joined) -> dict[str, str]:
    """How the sources write each column: the server reads rows as the sources are read.

    CSV has one way for all values, so that text there tells nothing.
    """
    has_types = any(source.has_types for source in data.sources.values())
    written = {
        name: "mixed" if name in collected.mixed else contract.written(collected.table.get_column(name))
        for name in data.columns
    }
    return {name: how for name, how in written.items() if how and (has_types or how != "text")}


def _marks(data: Data, collected: Joined) -> dict[str, list[str]]:
    """What stands for a missing value in each column: the server reads it so, too."""
    found = {
        name: sorted(
            frozenset[str]().union(
                *(data.sources[source].marks_of(name) for source in collected.sources_of(name))
            )
        )
        for name in data.columns
    }
    return {name: marks for name, marks in found.items() if marks}
