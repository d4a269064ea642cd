"""Recorded predictions beside the truth: rows of records, joined by the name of the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy
import polars

from aimass_compiler.catalog.source import UnreadableError
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    import pyarrow
    from numpy.typing import NDArray

    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.monitoring import Labels

TRUTH = "truth"
_ROW = "row"


@dataclass(frozen=True)
class JudgedRows:
    """Rows that were predicted: `scores` [N, K] or [N], the class that each was given [N], and `truth` [N].

    `truth` is None as long as nothing is known of the rows.
    """

    table: polars.DataFrame
    scores: NDArray[Any]
    given: NDArray[Any] | None
    truth: NDArray[Any] | None

    @classmethod
    def of(cls, table: polars.DataFrame, task: Task) -> JudgedRows:
        """Rows of records, with the column `truth` where they were joined with it."""
        truth = table[TRUTH].to_numpy() if TRUTH in table.columns else None
        if not task.is_classification:
            return cls(table, table["output_prediction"].to_numpy(), None, truth)
        names = [f"output_probability_{name}" for name in task.classes]
        scores = table.select(names).to_numpy().astype(numpy.float64)
        scores /= scores.sum(axis=1, keepdims=True)  # records have them as float32 sums them up
        numbers = {name: number for number, name in enumerate(task.classes)}
        given = table["output_label"].replace_strict(numbers, return_dtype=polars.Int64).to_numpy()
        if truth is not None:
            truth = table[TRUTH].replace_strict(numbers, return_dtype=polars.Int64).to_numpy()
        return cls(table, scores, given, truth)

    def at(self, rows: NDArray[Any]) -> JudgedRows:
        """Some of them: those of a mask, or those of these numbers, which may repeat."""
        chosen = self.table.filter(rows) if rows.dtype == bool else self.table[rows]
        parts = (None if each is None else each[rows] for each in (self.scores, self.given, self.truth))
        return JudgedRows(chosen, *parts)  # type: ignore[arg-type]  # scores are there

    def believed(self, truth: NDArray[Any]) -> JudgedRows:
        """The same rows with another truth."""
        return JudgedRows(self.table, self.scores, self.given, truth)

    def measured(self, metric: Metric, task: Task) -> float:
        """What a metric says; by the labels that were given, where it is of labels."""
        scores = self.scores
        if metric.is_of_labels and self.given is not None:
            scores = task.as_scores(self.given)
        assert self.truth is not None  # noqa: S101  # asked of joined rows only
        return float(metric.measure(task, self.truth, scores, None))

    def __len__(self) -> int:
        return len(self.scores)


def usable(records: pyarrow.Table, task: Task) -> polars.DataFrame:
    """Records as a table of predictions that can be judged; those of other classes are left out."""
    found = polars.from_arrow(records)
    assert isinstance(found, polars.DataFrame)  # noqa: S101  # a table, and no column
    wanted = ["output_prediction"]
    if task.is_classification:
        wanted = ["output_label", *(f"output_probability_{name}" for name in task.classes)]
    if any(name not in found.columns for name in wanted):
        return found.clear()
    found = found.drop_nulls(wanted)
    return found.filter(polars.col("output_label").is_in(task.classes)) if task.is_classification else found


def truth_of(labels: Labels, task: Task, columns: Mapping[str, Column], root: Path) -> polars.DataFrame:
    """The truth by request and row. Raises StageFailure where it cannot be read, or lacks a column."""
    target = task.target
    wanted = {labels.join: "id", _ROW: "number", target: columns[target].type}
    try:
        rows = labels.source.read(root, wanted)
    except UnreadableError as error:
        shown = labels.source.shown
        message = error.message if error.message.startswith(shown) else f"{shown}: {error.message}"
        raise StageFailure(ExitCode.DATA, f"the truth cannot be read: {message}", error.hint) from None
    for name in (labels.join, target):
        if name not in rows.names:
            message = f"the truth in {labels.source.shown} has no column `{name}`"
            raise StageFailure(ExitCode.DATA, message, f"it has: {', '.join(rows.names)}")
    table = polars.concat([each.lazy() for each in rows.frames], how="diagonal_relaxed").collect()
    kind = polars.String if task.is_classification else polars.Float64
    chosen = table.select(
        polars.col(labels.join).cast(polars.String).alias("request_id"),
        _row(table, labels).alias(_ROW),
        polars.col(target).cast(kind, strict=False).alias(TRUTH),
    )
    chosen = chosen.drop_nulls()
    known = _known(chosen, task)
    if known.is_empty() and chosen.height:
        message = f"the truth in {labels.source.shown} has `{target}` as `{chosen[TRUTH][0]}`, never a class"
        classes = ", ".join(f"`{name}`" for name in task.classes)
        raise StageFailure(ExitCode.DATA, message, f"the model's classes are {classes}")
    return known


def _row(table: polars.DataFrame, labels: Labels) -> polars.Expr:
    """Which row of its request each is. Raises StageFailure where that is no number."""
    if _ROW not in table.columns:
        return polars.lit(0, polars.Int64)
    row = polars.col(_ROW).cast(polars.Int64, strict=False)
    if (wrong := table.filter(polars.col(_ROW).is_not_null() & row.is_null())).height:
        message = f"the truth in {labels.source.shown} has the row `{wrong[_ROW][0]}`"
        raise StageFailure(ExitCode.DATA, message, "rows of a request are counted from 0")
    return row


def _known(truth: polars.DataFrame, task: Task) -> polars.DataFrame:
    """What is known last of each row, of the classes that the model knows."""
    truth = truth.unique(["request_id", _ROW], keep="last", maintain_order=True)
    return truth.filter(polars.col(TRUTH).is_in(task.classes)) if task.is_classification else truth


def joined(table: polars.DataFrame, truth: polars.DataFrame) -> tuple[polars.DataFrame, polars.DataFrame]:
    """The rows of which the truth is known, with it, and the others."""
    keys, table = ["request_id", _ROW], table.with_columns(polars.col(_ROW).cast(polars.Int64))
    return table.join(truth, on=keys), table.join(truth, on=keys, how="anti")


def share_known(known: polars.DataFrame, unknown: polars.DataFrame, due: datetime) -> float | None:
    """Of the rows of which the truth should be known by now, how many it is known of."""
    counts = [each.filter(polars.col("time") <= due).height for each in (known, unknown)]
    return counts[0] / sum(counts) if sum(counts) else None
