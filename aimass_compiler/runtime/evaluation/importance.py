"""Permutation importance: how much worse a metric gets when the values of one column are shuffled.

Source: Breiman 2001, https://doi.org/10.1023/A:1010933404324; of any model, Fisher, Rudin and Dominici 2019,
https://jmlr.org/papers/v20/18-760.html
"""

from __future__ import annotations

import csv
import math
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy
import polars
from polars import selectors

from aimass_compiler.atomic_file import replacing
from aimass_compiler.runtime.evaluation.measures import finite
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.catalog.artifact import Artifact
    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.evaluation import PermutationImportance
    from aimass_compiler.runtime.evaluation.predictions import Predictions
    from aimass_compiler.runtime.workspace import Workspace

#: Values that the graph reads for it in all: wide rows are looked at in smaller numbers.
_MOST_VALUES = 200_000_000
_FEWEST_ROWS = 100


@dataclass(frozen=True)
class Spread:
    """What shuffling a column costs the metric, over the repeats; above 0 where it is needed."""

    mean: float
    deviation: float
    """The standard deviation over the repeats; 0 where there is one."""

    @classmethod
    def of(cls, lost: Sequence[float]) -> Spread:
        """What the repeats say together."""
        return cls(float(numpy.mean(lost)), float(numpy.std(lost, ddof=1)) if len(lost) > 1 else 0.0)


@dataclass(frozen=True)
class Permuted:
    """The permutation importance of the columns that a model reads, the largest first."""

    metric: str
    rows: int
    repeats: int
    columns: Mapping[str, Spread]
    left_out: tuple[str, ...] = ()
    """Columns that were not shuffled because the table is too wide."""

    def document(self) -> dict[str, Any]:
        """What metrics.json holds of it."""
        columns = {
            name: {"mean": spread.mean, "deviation": spread.deviation}
            for name, spread in self.columns.items()
        }
        known = {"metric": self.metric, "split": "validation", "rows": self.rows, "repeats": self.repeats}
        return {**known, "left_out": len(self.left_out), "columns": columns}


@dataclass(frozen=True)
class AsPackaged:
    """A trained model that is asked as its package will be."""

    artifact: Artifact[Any]
    task: Task
    workspace: Workspace

    @contextmanager
    def responder(
        self, inputs: Sequence[Mapping[str, Any]]
    ) -> Iterator[Callable[[polars.DataFrame], NDArray[numpy.floating]]]:
        """From raw rows to scores, for as long as the block lasts."""
        train, features = self.workspace.folder("train"), self.workspace.folder("features")
        with TemporaryDirectory(prefix="aimass-package-") as folder:
            self.artifact.package(train, features, self.task, Path(folder))
            yield self.artifact.responder(Path(folder), inputs, self.task)


def importance_of(
    wanted: PermutationImportance,
    metric: Metric,
    validation: Predictions,
    inputs: Sequence[Mapping[str, Any]],
    model: AsPackaged,
) -> Permuted | None:
    """What each column of `inputs` (features.json) is worth to the model as it will be packaged.

    None where it is not wanted, or the metric judges no model, or is not defined for the rows looked at.
    """
    if not wanted.repeats or metric.only_describes:
        return None
    width = sum(math.prod(place.get("shape", ())) for place in inputs)
    rows, places = _affordable(wanted, len(validation.truth), inputs, width)
    chance = numpy.random.default_rng(wanted.seed)
    chosen = numpy.sort(chance.choice(len(validation.truth), rows, replace=False))
    looked_at = validation.at(chosen)
    if finite(looked_at.measured(metric, model.task)) is None:
        return None
    orders = [chance.permutation(rows) for _ in range(wanted.repeats)]
    table = _rows(model.workspace.path(artifacts.rows("validation")), chosen, inputs)
    shuffled = [place["name"] for place in places]
    with model.responder(inputs) as answers:

        def reached(column: polars.Series) -> float:
            scores = answers(table.with_columns(column))
            # Values that never stood in one row may make what no model computes a number of.
            known = numpy.where(numpy.isfinite(scores), scores, looked_at.scores)
            return looked_at.scored(known).measured(metric, model.task)

        found = _spreads(table, shuffled, orders, reached, greater_is_better=metric.greater_is_better)
    ranked = dict(sorted(found.items(), key=lambda entry: (-entry[1].mean, entry[0])))
    left_out = tuple(place["name"] for place in inputs[len(places) :])
    return Permuted(metric.name, rows, wanted.repeats, ranked, left_out)


def _spreads(
    table: polars.DataFrame,
    names: Sequence[str],
    orders: Sequence[NDArray[numpy.int64]],
    reached: Callable[[polars.Series], float],
    *,
    greater_is_better: bool,
) -> dict[str, Spread]:
    """What the metric loses by each column in each of these orders; `reached` answers the metric."""
    sign = 1 if greater_is_better else -1
    best = reached(table.to_series())
    columns = table.select(selectors.by_name(*names)).iter_columns()
    return {
        column.name: Spread.of([sign * (best - reached(column[order])) for order in orders])
        for column in columns
    }


def _affordable(
    wanted: PermutationImportance, count: int, inputs: Sequence[Mapping[str, Any]], width: int
) -> tuple[int, Sequence[Mapping[str, Any]]]:
    """How many rows are looked at, and which columns are shuffled."""
    each = max(1, wanted.repeats) * max(1, width)
    rows = max(_FEWEST_ROWS, _MOST_VALUES // (each * max(1, len(inputs))))
    rows = min(count, wanted.rows, rows)
    return rows, inputs[: max(1, _MOST_VALUES // (each * max(1, rows)))]


def _rows(path: Path, chosen: NDArray[numpy.int64], inputs: Sequence[Mapping[str, Any]]) -> polars.DataFrame:
    """The rows at these places, of the columns that the model reads."""
    names = [place["name"] for place in inputs]
    place = max(names, key=len) + "#"  # longer than every column's name, so none of them
    numbered = polars.scan_parquet(path).select(selectors.by_name(*names)).with_row_index(place)
    found = numbered.filter(polars.nth(0).is_in(chosen.tolist())).collect(engine="streaming")
    return found.drop(selectors.by_name(place))


def write_importance(path: Path, found: Permuted | None) -> None:
    """Write the importance of columns with its standard deviation; the header alone where there is none."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("column", "importance", "deviation"))
        if found is not None:
            rows = found.columns.items()
            table.writerows((name, f"{each.mean:.8g}", f"{each.deviation:.8g}") for name, each in rows)
