"""How a forecast does by how far ahead it looks, and from earlier origins, beside the naive one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler.cli.pages import charts
from aimass_compiler.cli.pages.blocks import Block, Chart, Grid, StatusSentence, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts

_DAY = 10


def blocks(results: RunResults) -> Iterator[Block]:
    """The steps, the backtest and what the intervals hold."""
    found = results.document(artifacts.METRICS)
    steps, metric = found.get("steps"), results.pipeline.objective.metric
    if not steps:
        return
    interval = found.get("interval")
    if interval:
        held = interval["coverage"]["test"]
        text = f"Intervals of {interval['level']:.0%} hold {held:.1%} of the true values of the test split."
        yield StatusSentence(text, "good" if held >= interval["level"] - 0.05 else "doubtful")
    yield _steps(steps, metric)
    if found.get("backtest"):
        yield _backtest(found["backtest"], metric)


def _steps(steps: Mapping[str, Any], metric: str) -> Chart:
    rows = [
        {"x": int(step), "y": each[metric], "series": metric}
        for step, each in steps.items()
        if metric in each
    ]
    names = list(next(iter(steps.values())))
    grid = [[step, *(number(each.get(name)) for name in names)] for step, each in steps.items()]
    values = Grid(
        "The same as numbers", ["step", *names], grid, frozenset(range(1, len(names) + 1)), is_folded=True
    )
    text = f"{metric} on the test split by how many steps ahead are forecast."
    return Chart("By steps ahead", text, charts.lines(rows, "steps ahead", metric, zero=True), values)


def _backtest(origins: list[Mapping[str, Any]], metric: str) -> Chart:
    series = {"forecast": metric, "seasonal naive": "seasonal_naive"}
    rows = [
        {"x": place, "y": each[key], "series": name}
        for name, key in series.items()
        for place, each in enumerate(origins, 1)
        if each.get(key) is not None
    ]
    grid = [
        [
            str(each["origin"])[:_DAY],
            f"{each['rows']:,}",
            number(each.get(metric)),
            number(each.get("seasonal_naive")),
        ]
        for each in origins
    ]
    head = ["origin", "rows", metric, "seasonal naive"]
    values = Grid("The same as numbers", head, grid, frozenset({1, 2, 3}), is_folded=True)
    text = (
        f"{metric} of forecasts from earlier origins, the earliest first, beside the seasonal naive forecast."
    )
    return Chart("Backtest", text, charts.lines(rows, "origin", metric, zero=True), values)
