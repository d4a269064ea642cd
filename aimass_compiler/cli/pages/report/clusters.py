"""What the clusters of a model hold: how many rows of the test split, and what is usual in each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aimass_compiler.cli.pages.blocks import Cell, Grid, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    import polars

#: So many columns are shown, in the order of the contract, and so much of a text.
_MOST_COLUMNS, _LONGEST = 8, 40
_CLUSTER = "its cluster"


def blocks(results: RunResults) -> Iterator[Grid]:
    """A row for each cluster; of personal columns no values."""
    rows = _answered(results) if results.pipeline.task.kind == "clustering" else None
    if rows is None:
        return
    columns = [name for name in rows.columns if name != _CLUSTER and name not in results.personal]
    shown = [name for name in columns if not rows.schema[name].is_nested()][:_MOST_COLUMNS]
    names = [str(name) for name in results.document(artifacts.BEST).get("classes", ())]
    grid: list[list[Cell]] = []
    for place, name in enumerate(names):
        own = rows.filter(rows[_CLUSTER] == place)
        share = f"{own.height:,} ({own.height / max(1, rows.height):.0%})"
        grid.append([name, share, *(_usual(own[column]) for column in shown)])
    caption = (
        f"Clusters of {rows.height:,} rows of the test split: the middle of numbers, else the commonest value"
    )
    yield Grid(caption, ["cluster", "rows", *shown], grid, frozenset({1}))


def _answered(results: RunResults) -> polars.DataFrame | None:
    """The rows of the test split with the place of the cluster of each; None where they are not there."""
    answers, rows = (results.folder / path for path in (artifacts.PREDICTIONS, artifacts.rows("test")))
    if not answers.is_file() or not rows.is_file():
        return None
    import polars

    try:
        told = polars.read_parquet(answers, columns=["row", "scores"])
        cluster = told["scores"].list.arg_max().alias(_CLUSTER)
        return polars.read_parquet(rows)[told["row"]].with_columns(cluster)
    except (OSError, polars.exceptions.PolarsError):
        return None


def _usual(values: polars.Series) -> str:
    """What is usual among the values of a column."""
    known = values.drop_nulls()
    if known.is_empty():
        return "–"
    if known.dtype.is_numeric():
        return number(known.median())
    common = known.value_counts(sort=True, name="times").sort("times", known.name, descending=[True, False])
    return f"{str(common[known.name][0])[:_LONGEST]} {common['times'][0] / known.len():.0%}"
