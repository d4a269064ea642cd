"""Two answers to the same requests: where they agree, how far apart they are, and how long each took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import polars

from aimass_compiler.runtime.evaluation.confidence import interval
from aimass_compiler.runtime.evaluation.measures import SMALLEST_SLICE, rows_by_value
from aimass_compiler.runtime.production.judged_rows import JudgedRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.columns import Column

_KEYS = ("request_id", "row")
_SAMPLES, _SHOWN = 200, 5
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
#: Of two numbers that count as the same, how far they may be apart, as a share of the released one's spread.
_SAME = 0.05


def compared(
    released: polars.DataFrame,
    candidate: polars.DataFrame,
    task: Task,
    slices: Sequence[str],
    columns: Mapping[str, Column],
) -> dict[str, Any]:
    """What two models answered, both as records have it, row by row; slices are by the first one's inputs."""
    first, second = _matched(released, candidate)
    old, new = JudgedRows.of(first, task), JudgedRows.of(second, task)
    found: dict[str, Any] = {"rows": len(old)}
    if not len(old):
        return found
    same, apart = _same(old, new), _apart(old, new)
    found["agreement"] = _share(same)
    found["apart"] = {"mean": float(apart.mean()), "p95": float(numpy.quantile(apart, 0.95))}
    found["changes"] = _changes(first, second) if old.given is not None else []
    found["slices"] = {name: _sliced(first, name, columns[name], same, apart) for name in slices}
    return found


def latencies(records: polars.DataFrame) -> dict[str, float]:
    """How long answers took, in seconds, each request once."""
    seconds = records.unique("request_id")["seconds"].to_numpy()
    return {name: float(numpy.quantile(seconds, at)) for name, at in _QUANTILES.items()}


def _matched(one: polars.DataFrame, other: polars.DataFrame) -> tuple[polars.DataFrame, polars.DataFrame]:
    """Of both tables the rows of the same requests, in the same order."""
    keys = [*_KEYS]
    tables = [
        each.with_columns(polars.col("row").cast(polars.Int64)).unique(keys, keep="first").sort(keys)
        for each in (one, other)
    ]
    return tables[0].join(tables[1], on=keys, how="semi"), tables[1].join(tables[0], on=keys, how="semi")


def _same(old: JudgedRows, new: JudgedRows) -> NDArray[numpy.bool_]:
    """Where both say the same: the same class, or numbers that hardly differ."""
    if old.given is not None:
        return numpy.asarray(old.given == new.given)
    return numpy.asarray(numpy.abs(old.scores - new.scores) <= _SAME * float(old.scores.std()))


def _apart(old: JudgedRows, new: JudgedRows) -> NDArray[numpy.float64]:
    """How far apart they are: the probability that would have to move, or the difference of the numbers."""
    distance = numpy.abs(old.scores - new.scores).astype(numpy.float64)
    return distance if distance.ndim == 1 else numpy.asarray(distance.sum(axis=1) / 2)


def _share(same: NDArray[numpy.bool_]) -> dict[str, float | None]:
    low, high = interval(lambda rows: float(same[rows].mean()), len(same), _SAMPLES)
    return {"value": float(same.mean()), "low": low, "high": high}


def _changes(first: polars.DataFrame, second: polars.DataFrame) -> list[dict[str, Any]]:
    """Which classes turned into which others, the most frequent first."""
    pairs = polars.DataFrame({"released": first["output_label"], "candidate": second["output_label"]})
    changed = pairs.filter(polars.col("released") != polars.col("candidate"))
    counted = changed.group_by(pairs.columns).len("rows")
    ordered = counted.sort("rows", "released", "candidate", descending=[True, False, False])
    return ordered.head(_SHOWN).to_dicts()


def _sliced(
    first: polars.DataFrame,
    name: str,
    column: Column,
    same: NDArray[numpy.bool_],
    apart: NDArray[numpy.float64],
) -> dict[str, Any]:
    recorded = f"input_{name}"
    if recorded not in first.columns:
        return {}
    by_value = rows_by_value(first.select(polars.col(recorded).alias(name)), name, column)
    return {
        value: {
            "rows": int(inside.sum()),
            "agreement": float(same[inside].mean()),
            "apart": float(apart[inside].mean()),
        }
        for value, inside in by_value.items()
        if int(inside.sum()) >= SMALLEST_SLICE
    }
