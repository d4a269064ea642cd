"""The first stage: collect the sources, join them, hold them to their contract, clean and split."""

from __future__ import annotations

from typing import Any

import polars

from aimass_compiler import artifacts
from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.conventions import SPLITS
from aimass_compiler.pipeline.data import Data, Join
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.predictable import require_predictable
from aimass_compiler.runtime.workspace import Workspace, write_json, write_table
from aimass_compiler.task import Task

_SHOWN = 3


def run(data: Data, task: Task, *, workspace: Workspace) -> None:
    """Write train, validation and test rows, and a report of what was found."""
    collected = _join(data, _collect(data, workspace))
    cleaned = _checked(data, task, collected)
    splits = _split(data, task, cleaned)
    for name, part in splits.items():
        write_table(workspace.path(artifacts.rows(name)), part)
    write_json(workspace.path(artifacts.ROWS_REPORT), _report(data, collected, cleaned, splits))
    counts = ", ".join(f"{part.height:,} {name}" for name, part in splits.items())
    left_out = cleaned.height - sum(part.height for part in splits.values())
    aside = f", {left_out:,} in no split" if left_out else ""
    print(f"{collected.height:,} rows collected, {cleaned.height:,} after cleaning: {counts}{aside}")


def _collect(data: Data, workspace: Workspace) -> dict[str, polars.LazyFrame]:
    """The rows of each source. Each is read to its end here, so that a message can name it."""
    found = {}
    for name, source in data.sources.items():
        try:
            found[name] = source.scan(workspace.root).collect().lazy()
        except FileNotFoundError:
            message = f"source `{name}`: there is no file {source.path}"
            raise StageFailure(ExitCode.DATA, message, "paths start at the project's root") from None
        except IsADirectoryError:
            message = f"source `{name}`: {source.path} is a folder"
            help_ = f"name its files by a pattern: {source.path.rstrip('/')}/*.{source.kind}"
            raise StageFailure(ExitCode.DATA, message, help_) from None
        except (OSError, ValueError, polars.exceptions.PolarsError) as error:
            reason = str(error).strip().split("\n")[0].replace(str(workspace.root), ".")
            message = f"source `{name}`: {source.path} cannot be read as {source.kind}: {reason}"
            raise StageFailure(ExitCode.DATA, message, _reading_help(reason)) from None
    return found


def _reading_help(reason: str) -> str:
    known = {
        "utf-8": "write the file in UTF-8",
        "more fields than": "a line has more values than the header; quote values that hold the separator",
        "empty": "the file has no rows",
        "JSON": "every line must be one JSON object",
    }
    return next((help_ for words, help_ in known.items() if words.lower() in reason.lower()), "")


def _join(data: Data, sources: dict[str, polars.LazyFrame]) -> polars.DataFrame:
    first = data.join[0].left if data.join else next(iter(sources))
    rows = sources[first]
    for join in data.join:
        rows = _joined(data, join, rows, sources[join.right])
    return rows.collect()


def _joined(data: Data, join: Join, left: polars.LazyFrame, right: polars.LazyFrame) -> polars.LazyFrame:
    keys = list(join.on)
    left_schema, right_schema = left.collect_schema(), right.collect_schema()
    for side, schema in ((join.left, left_schema), (join.right, right_schema)):
        lacking = [key for key in keys if key not in schema]
        if lacking:
            raise StageFailure(ExitCode.DATA, f"source `{side}` has no column `{lacking[0]}` to join on")
    both = set(left_schema) & set(right_schema) - set(keys)
    twice = [name for name in data.columns if name in both]
    if twice:
        raise StageFailure(
            ExitCode.DATA,
            f"`{join.left}` and `{join.right}` both have a column `{twice[0]}`: which is meant?",
            "rename one of them, or join on it",
        )
    if any(left_schema[key] != right_schema[key] for key in keys):
        left = left.with_columns(_as_keys(left_schema, keys))
        right = right.with_columns(_as_keys(right_schema, keys))
    return left.join(right, on=keys, how=join.how, coalesce=True, maintain_order="left_right")


def _as_keys(schema: polars.Schema, keys: list[str]) -> list[polars.Expr]:
    """Keys as text; a whole number is written alike whether its column is of integers or not."""
    found = []
    for key in keys:
        column = polars.col(key)
        if schema[key].is_float():
            whole = polars.when(column == column.round()).then(column.cast(polars.Int64, strict=False))
            column = polars.coalesce(whole.cast(polars.String), column.cast(polars.String))
        found.append(column.cast(polars.String).alias(key))
    return found


def _checked(data: Data, task: Task, collected: polars.DataFrame) -> polars.DataFrame:
    """The rows that stay, typed. Raises StageFailure with everything that breaks the contract."""
    violations = list(contract.absent(data.columns, collected.columns))
    rows, lost = contract.typed(collected, data.columns)
    violations += lost
    can_clean = all(name in rows.columns for step in data.clean for name in step.columns_read())
    cleaned, emptied = _cleaned(data.clean, rows) if can_clean else (rows, [])
    violations += emptied
    if can_clean:
        violations += contract.kept(cleaned, data.columns, task.target)
    if violations:
        counted = " (rows count from 1, behind the header)"
        if cleaned.height < rows.height:
            counted = " (rows count from 1; those of bounds, names and gaps after cleaning)"
        raise StageFailure(
            ExitCode.DATA,
            f"the data breaks its contract{counted}:\n"
            + "\n".join(f"  {violation}" for violation in violations),
            "mend the data, or change `data.columns` in the spec if the contract is out of date",
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
            told = f"leaves no row: `{step.kind}` takes the last {rows.height:,} away"
            emptied = [contract.Violation(name, told, rows.height) for name in step.columns_read()]
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
    data: Data, collected: polars.DataFrame, cleaned: polars.DataFrame, splits: dict[str, polars.DataFrame]
) -> dict[str, Any]:
    counts = {name: part.height for name, part in splits.items()}
    missing = {name: cleaned.get_column(name).null_count() / cleaned.height for name in data.columns}
    return {
        "rows": {"collected": collected.height, "kept": cleaned.height, **counts},
        "missing": missing,
        "written": _written(data, collected),
        "undeclared": [name for name in collected.columns if name not in data.columns],
    }


def _written(data: Data, collected: polars.DataFrame) -> dict[str, str]:
    """How the sources write each column: the server reads rows as the sources are read.

    CSV has one way for all values, so that text there tells nothing.
    """
    has_types = any(source.has_types for source in data.sources.values())
    written = {name: contract.written(collected.get_column(name)) for name in data.columns}
    return {name: how for name, how in written.items() if how and (has_types or how != "text")}
