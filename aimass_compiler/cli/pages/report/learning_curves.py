"""How the losses fell while the model learned."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.cli.pages import charts
from aimass_compiler.cli.pages.blocks import Block, Chart, Grid, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts

_SERIES = {"train_loss": "train", "validation_loss": "validation"}
_FEWEST = 2


def blocks(results: RunResults) -> Iterator[Block]:
    """The learning curves, of models that learn step by step."""
    steps = results.rows(artifacts.HISTORY)
    if len(steps) < _FEWEST:
        return
    rows = [
        {"x": float(step["step"]), "y": float(step[column]), "series": name}
        for column, name in _SERIES.items()
        for step in steps
        if step.get(column)
    ]
    head = ["step", *_SERIES.values()]
    grid = [[step["step"], *(_loss(step.get(column)) for column in _SERIES)] for step in steps]
    values = Grid("The same as numbers", head, grid, frozenset({1, 2}), is_folded=True)
    text = "Loss on the train and the validation split after each step of the trial that was kept."
    yield Chart("Learning curves", text, charts.lines(rows, "step", "loss"), values)


def _loss(written: str | None) -> str:
    return number(float(written)) if written else "–"
