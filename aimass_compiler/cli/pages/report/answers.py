"""What a model answers on the test split: confusion, curves and calibration, or residuals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aimass_compiler.cli.pages import charts
from aimass_compiler.cli.pages.blocks import Block, Cell, Chart, Grid, StatusSentence, StatusText
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts

#: So many rows are drawn, evenly apart.
_DRAWN = 600
_MOST_CLASSES = 30
#: So many written answers are shown, of so many characters.
_READ, _LONGEST = 20, 300


def blocks(results: RunResults) -> Iterator[Block]:
    """What there is of it: of classes a confusion and curves, of numbers their residuals."""
    yield from _confusion(results)
    yield from _curves(results)
    yield from _residuals(results)
    yield from _written(results)


def _confusion(results: RunResults) -> Iterator[Block]:
    counts: Sequence[Sequence[int]] = results.document(artifacts.VERDICT).get("confusion") or []
    best = results.document(artifacts.BEST)
    names = [str(name) for name in best.get("classes") or results.pipeline.task.classes]
    if not counts or len(names) != len(counts):
        return
    head = ["is, given as →", *names]
    grid: list[list[Cell]] = [
        [name, *(f"{count:,}" for count in row)] for name, row in zip(names, counts, strict=True)
    ]
    table = Grid("The same as numbers", head, grid, frozenset(range(1, len(head))), is_folded=True)
    if len(names) > _MOST_CLASSES:
        yield table
        return
    rows = [
        {"y": truth, "x": given, "count": count, "share": count / max(1, sum(row))}
        for truth, row in zip(names, counts, strict=True)
        for given, count in zip(names, row, strict=True)
    ]
    text = "How many rows of each class (down) were given which class (across), on the test split."
    yield Chart("Confusion", text, charts.heat(rows, "given", "is", "rows", len(names)), table)


_CURVES = (
    (artifacts.CALIBRATION, "Calibration", "probability", "share", True,
     "Of rows with a probability, the share that is of the class: on the diagonal both are alike."),
    (artifacts.CURVE, "ROC", "false_positive_rate", "true_positive_rate", True,
     "The share of other rows that is taken for the class, and the share of the class that is found."),
    (artifacts.PRECISION_RECALL, "Precision and recall", "recall", "precision", False,
     "The share of the class that is found, and how much of what is found is of it."),
    (artifacts.GAIN, "Gain", "rows", "found", True,
     "The share of rows that is looked at, the likeliest first, and the share of the class in it."),
)  # fmt: skip


def _curves(results: RunResults) -> Iterator[Chart]:
    for path, title, x, y, has_diagonal, text in _CURVES:
        rows = results.rows(path)
        if not rows or x not in rows[0] or y not in rows[0]:
            continue
        step = max(1, len(rows) // (2 * _DRAWN))
        drawn = [
            {"x": float(row[x]), "y": float(row[y]), "series": row.get("class", "")} for row in rows[::step]
        ]
        names = x.replace("_", " "), y.replace("_", " ")
        yield Chart(title, text, charts.lines(drawn, *names, zero=True, diagonal=has_diagonal))


def _residuals(results: RunResults) -> Iterator[Chart]:
    """Of predicted numbers: what was predicted against what is, and by how much both differ."""
    pairs = _numbers(results)
    if not pairs:
        return
    unit = results.pipeline.task.target
    rows = [{"x": truth, "y": predicted} for truth, predicted in pairs]
    yield Chart(
        "Predicted and true",
        f"{len(rows):,} rows of the test split: on the diagonal the prediction is true.",
        charts.points(rows, f"{unit} is", f"{unit} as predicted", line="diagonal"),
    )
    off = [{"x": predicted, "y": truth - predicted} for truth, predicted in pairs]
    yield Chart(
        "Residuals",
        "What is less what was predicted, by what was predicted: a pattern is something left to learn.",
        charts.points(off, f"{unit} as predicted", "residual", line="zero"),
    )
    yield Chart(
        "Distribution of residuals",
        "How many rows are how far off.",
        charts.histogram([{"x": row["y"]} for row in off], "residual"),
    )


def _numbers(results: RunResults) -> list[tuple[float, float]]:
    """Truth and prediction of some rows of the test split, where both are numbers."""
    path = results.folder / artifacts.PREDICTIONS
    if results.pipeline.task.kind != "regression" or not path.is_file():
        return []
    import polars

    try:
        table = polars.read_parquet(path, columns=["truth", "scores"])
    except (OSError, polars.exceptions.PolarsError):
        return []
    step = max(1, table.height // _DRAWN)
    rows: Iterator[tuple[Any, Sequence[Any]]] = table.gather_every(step).iter_rows()
    return [(float(truth), float(scores[0])) for truth, scores in rows if truth is not None and len(scores)]


def _written(results: RunResults) -> Iterator[Block]:
    """Some answers of a language model; those that are not as expected come first."""
    path = results.folder / artifacts.PREDICTIONS
    if not results.pipeline.task.is_written or not path.is_file():
        return
    if results.personal:
        yield StatusSentence("Answers are not shown: the rows have columns that are marked `pii`.")
        return
    import polars

    try:
        table = polars.read_parquet(path, columns=["prompt", "expected", "answer"])
    except (OSError, polars.exceptions.PolarsError):
        return
    rows = table.sort(polars.col("answer") == polars.col("expected"), maintain_order=True).head(_READ).rows()
    same = {True: StatusText("✓ as expected", "good"), False: StatusText("differs", "doubtful")}
    grid: list[list[Cell]] = [
        [*(_cut(text) for text in (prompt, expected, answer)), same[answer == expected]]
        for prompt, expected, answer in rows
    ]
    head = ["prompt", "expected", "answer", "result"]
    yield Grid(f"{len(grid)} answers of {table.height:,}, those that differ first", head, grid)


def _cut(text: Any) -> str:
    shown = str(text or "")
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
