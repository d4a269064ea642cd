"""Which columns a model rests on, by what shuffling each of them costs."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.cli.pages import charts
from aimass_compiler.cli.pages.blocks import Block, Chart, Grid, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts

_MOST = 25


def blocks(results: RunResults) -> Iterator[Block]:
    """The columns, the most important first."""
    found = results.document(artifacts.METRICS).get("importance", {})
    columns = list(found.get("columns", {}).items())
    if not columns:
        return
    rows = [
        {
            "label": name,
            "x": each["mean"],
            "low": each["mean"] - each["deviation"],
            "high": each["mean"] + each["deviation"],
        }
        for name, each in columns[:_MOST]
    ]
    grid = [[name, number(each["mean"]), number(each["deviation"])] for name, each in columns]
    values = Grid(
        "The same as numbers", ["column", "mean", "deviation"], grid, frozenset({1, 2}), is_folded=True
    )
    text = (
        f"What shuffling a column costs {found['metric']} on {found['rows']:,} rows of the "
        f"{found['split']} split, with one standard deviation of {found['repeats']} repeats."
    )
    yield Chart(
        "Importance of columns",
        text,
        charts.bars(rows, f"loss of {found['metric']}", has_spread=True),
        values,
    )
