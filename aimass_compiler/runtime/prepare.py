"""The first stage: collect the sources, join them, hold them to their contract, clean and split."""

from __future__ import annotations

from typing import Any

import polars

from aimass_compiler.catalog.split import SPLITS
from aimass_compiler.pipeline.data import Data
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.workspace import Workspace, replacing, write_json
from aimass_compiler.task import Task


def run(data: Data, task: Task, *, workspace: Workspace) -> None:
    """Write train, validation and test rows, and a report of what was found."""
    collected = _join(data, _collect(data, workspace))
    rows, violations = _typed(data, collected)
    cleaned = _clean(data, rows)
    violations += list(contract.kept(cleaned, data.columns, task.target))
    if violations:
        raise StageFailure(
            ExitCode.DATA,
            "the data breaks its contract:\n" + "\n".join(f"  {violation}" for violation in violations),
            "mend the data, or change `data.columns` in the spec if the contract is out of date",
        )
    splits = _split(data, task, cleaned)
    folder = workspace.folder("prepare")
    for name, part in splits.items():
        with replacing(folder / f"{name}.parquet") as temporary:
            part.write_parquet(temporary)
    report = _report(data, collected.height, cleaned, splits)
    write_json(folder / "report.json", report)
    counts = ", ".join(f"{part.height:,} {name}" for name, part in splits.items())
    print(f"{collected.height:,} rows collected, {cleaned.height:,} after cleaning: {counts}")


def _collect(data: Data, workspace: Workspace) -> dict[str, polars.LazyFrame]:
    found = {}
    for name, source in data.sources.items():
        try:
            found[name] = source.scan(workspace.root)
            found[name].collect_schema()
        except FileNotFoundError:
            raise StageFailure(
                ExitCode.DATA, f"source `{name}`: there is no file {source.path}", "paths start at the project's root"
            ) from None
        except (OSError, polars.exceptions.PolarsError) as error:
            raise _unreadable(name, source.path, source.kind, error) from None
    return found


def _unreadable(name: str, path: str, kind: str, error: Exception) -> StageFailure:
    reason = str(error).strip().split("\n")[0]
    return StageFailure(ExitCode.DATA, f"source `{name}`: {path} cannot be read as {kind}: {reason}")


def _join(data: Data, sources: dict[str, polars.LazyFrame]) -> polars.DataFrame:
    first = data.join[0].left if data.join else next(iter(sources))
    rows = sources[first]
    for join in data.join:
        right = sources[join.right]
        keys = list(join.on)
        left_keys, right_keys = rows.collect_schema(), right.collect_schema()
        for side, schema in ((first, left_keys), (join.right, right_keys)):
            lacking = [key for key in keys if key not in schema]
            if lacking:
                raise StageFailure(ExitCode.DATA, f"source `{side}` has no column `{lacking[0]}` to join on")
        if any(left_keys[key] != right_keys[key] for key in keys):
            rows = rows.with_columns(polars.col(keys).cast(polars.String))
            right = right.with_columns(polars.col(keys).cast(polars.String))
        rows = rows.join(right, on=keys, how=join.how, coalesce=True, maintain_order="left_right")
    try:
        return rows.collect()
    except (OSError, polars.exceptions.PolarsError) as error:
        paths = ", ".join(source.path for source in data.sources.values())
        raise _unreadable(first, paths, "one table", error) from None


def _typed(data: Data, collected: polars.DataFrame) -> tuple[polars.DataFrame, list[contract.Violation]]:
    violations = list(contract.absent(data.columns, collected.columns))
    lacking = {violation.column for violation in violations}
    if lacking:
        raise StageFailure(
            ExitCode.DATA,
            "the data breaks its contract:\n" + "\n".join(f"  {violation}" for violation in violations),
            "mend the data, or change `data.columns` in the spec if the contract is out of date",
        )
    return contract.typed(collected, data.columns)


def _clean(data: Data, rows: polars.DataFrame) -> polars.DataFrame:
    lazy = rows.lazy()
    for step in data.clean:
        lazy = step.keep(lazy)
    return lazy.collect()


def _split(data: Data, task: Task, rows: polars.DataFrame) -> dict[str, polars.DataFrame]:
    if rows.is_empty():
        raise StageFailure(ExitCode.DATA, "no row is left to split", "look at the sources and at `data.clean`")
    names = data.split.assign(rows, task.target)
    splits = {name: rows.filter(names == name) for name in SPLITS}
    empty = [name for name, part in splits.items() if part.is_empty()]
    if empty:
        raise StageFailure(
            ExitCode.DATA,
            f"the {empty[0]} split is empty: {rows.height:,} rows were split by {data.split.kind}",
            "give it a larger share, or split another way",
        )
    if task.is_classification:
        _check_classes(task, splits["train"])
    return splits


def _check_classes(task: Task, train: polars.DataFrame) -> None:
    present = set(train[task.target].unique())
    lacking = [name for name in task.classes if name not in present]
    if lacking:
        only = f"only `{next(iter(present))}`" if len(present) == 1 else f"no `{lacking[0]}`"
        raise StageFailure(
            ExitCode.DATA,
            f"the target `{task.target}` has {only} in the training split, so there is nothing to tell apart",
            "check the target column and the split (`by: random` with `stratify` keeps every class in every split)",
        )


def _report(
    data: Data, collected: int, cleaned: polars.DataFrame, splits: dict[str, polars.DataFrame]
) -> dict[str, Any]:
    return {
        "rows": {"collected": collected, "kept": cleaned.height} | {name: part.height for name, part in splits.items()},
        "missing": {name: float(cleaned[name].null_count() / cleaned.height) for name in data.columns},
    }
