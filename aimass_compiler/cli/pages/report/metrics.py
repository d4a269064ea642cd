"""What a model reached, by split, by slice and by step ahead, with intervals where they were measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler.catalog.metric import metric_title
from aimass_compiler.cli.pages import charts
from aimass_compiler.cli.pages.blocks import Block, Cell, Chart, Grid, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.conventions import SPLITS
from aimass_compiler.stages import artifacts

Measured = Mapping[str, Any]


def blocks(results: RunResults) -> Iterator[Block]:
    """Metrics by split, then the objective's by slice, and all of every slice."""
    found = results.document(artifacts.METRICS)
    if not any(split in found for split in SPLITS):
        return
    yield _by_split(results, found)
    metric = results.pipeline.objective.metric
    for column, values in found.get("slices", {}).items():
        if column not in results.personal:
            yield from _slices(column, values, metric, found.get("test", {}))
    yield from _labels(found)


def _by_split(results: RunResults, found: Measured) -> Grid:
    task, splits = results.pipeline.task, [split for split in SPLITS if split in found]
    repeated = {
        "cross-validation": found.get("cross_validation"),
        "by seed": (found.get("seeds") or {}).get("test"),
    }
    beside = {name: values for name, values in repeated.items() if values}
    head = ["metric", *splits, "95 % interval (test)", *beside]
    names = list(dict.fromkeys(name for split in splits for name in found[split]))
    rows: list[list[Cell]] = []
    for name in names:
        numbers = [number(found[split].get(name)) for split in splits]
        spread = [_spread(values.get(name)) for values in beside.values()]
        rows.append([metric_title(name, task), *numbers, _interval(found, name), *spread])
    return Grid("Metrics by split", head, rows, frozenset(range(1, len(head))))


def _interval(found: Measured, name: str) -> str:
    ends = found.get("intervals", {}).get("test", {}).get(name)
    return f"{number(ends['low'])} … {number(ends['high'])}" if ends else "–"


def _spread(found: Measured | None) -> str:
    if not found:
        return "–"
    return (
        f"{number(found['mean'])} ± {number(found['std'])}"
        if found.get("std") is not None
        else number(found["mean"])
    )


def _slices(column: str, values: Measured, metric: str, whole: Measured) -> Iterator[Block]:
    judged = {name: each for name, each in values.items() if metric in each}
    grid = _slice_grid(column, values)
    if not judged:
        yield grid
        return
    rows = [{"label": name, "x": each[metric]} for name, each in judged.items() if each[metric] is not None]
    text = f"{metric} of the test split by {column}; of all its rows it is {number(whole.get(metric))}."
    yield Chart(f"{metric} by {column}", text, charts.bars(rows, metric), grid)


def _slice_grid(column: str, values: Measured) -> Grid:
    names = list(
        dict.fromkeys(name for each in values.values() for name in each if name not in ("rows", "note"))
    )
    rows = [
        [value, f"{each['rows']:,}", *(number(each.get(name)) for name in names), str(each.get("note", ""))]
        for value, each in values.items()
    ]
    has_notes = any(row[-1] for row in rows)
    head = [column, "rows", *names, *(["note"] if has_notes else [])]
    numeric = frozenset(range(1, 2 + len(names)))
    shown = rows if has_notes else [row[:-1] for row in rows]
    return Grid(f"Metrics of the test split by {column}", head, shown, numeric)


def _labels(found: Measured) -> Iterator[Grid]:
    """Of several labels, the metrics of each."""
    labels = found.get("labels")
    if isinstance(labels, dict) and labels:
        names = list(dict.fromkeys(name for each in labels.values() for name in each))
        rows = [[label, *(number(each.get(name)) for name in names)] for label, each in labels.items()]
        yield Grid(
            "Metrics of the test split by label", ["label", *names], rows, frozenset(range(1, len(names) + 1))
        )
