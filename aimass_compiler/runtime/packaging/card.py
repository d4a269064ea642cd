"""The model card: what a model predicts, how well, for whom it was checked, and how to call it."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from aimass_compiler.catalog.metric import metric_title, with_deviation
from aimass_compiler.conventions import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.columns import Column

_TEMPLATE = "model_card.md.jinja"
#: What Markdown (with GitHub's tables, mathematics and strikethrough) reads as markup inside a line.
_MARKUP = re.compile(r"([\\`*_\[\]<>|~$#&])")
#: What it reads as a list or a rule at the start of a line.
_START = re.compile(r"^(\d*)([-+.)])(?=[-\s]|$)")


def escape(value: object) -> str:
    """The text as one line of Markdown that shows exactly it."""
    line = _MARKUP.sub(r"\\\1", " ".join(str(value).split()))
    return _START.sub(r"\1\\\2", line)


def _finished(value: object) -> object:
    """Escape whatever the template prints; only what is already Markdown stays."""
    return value if isinstance(value, Markup) else escape(value)


def card(
    name: str,
    task: Task,
    columns: Mapping[str, Column],
    signature: Mapping[str, Any],
    report: Mapping[str, Any],
    best: Mapping[str, Any],
    tested_rows: int,
) -> str:
    """The whole card as Markdown; `report` is what evaluate wrote, `best` what train did."""
    environment = environment_of_cards()
    source = resources.files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(source).render(
        name=name,
        task=task,
        signature=signature,
        inputs=[(column, columns[column["name"]], _accepted(column)) for column in signature["inputs"]],
        splits=SPLITS,
        metrics=[
            (metric_title(name, task), [shown_number(report[split][name]) for split in SPLITS])
            for name in report["test"]
        ],
        folds=_spread(report.get("cross_validation", {}), task),
        seeds=[
            (
                metric_title(name, task),
                [_mean_and_deviation(report["seeds"][split][name]) for split in SPLITS],
            )
            for name in report.get("seeds", {}).get("test", ())
        ],
        slices=list(slices_of(report)),
        gates=report["gates"],
        fit=report["fit"],
        decision=report.get("decision"),
        interval=report.get("interval"),
        naive=list(_naive(task, report)),
        confusion=report.get("confusion"),
        labels=list(_labels(report)),
        thresholds=task.thresholds(report.get("decision", {}).get("threshold")),
        tested_rows=f"{tested_rows:,}",
        kind=best["model"],
        importance=report.get("importance"),
        intervals=report.get("prediction_intervals"),
        shown=shown_number,
        calibration=best.get("calibration"),
        parameters=best["parameters"],
        models=list(_models(best)),
        objective=metric_title(best["metric"], task),
        request=json_block({"rows": [signature["example"]]}),
    )


def environment_of_cards() -> jinja2.Environment:
    """Templates whose values are all escaped for Markdown."""
    return jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        finalize=_finished,
        autoescape=False,  # noqa: S701  # Markdown, not HTML: `finalize` escapes every value
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def shown_number(value: float | None) -> str:
    """A measured number as a table has it."""
    return "not defined" if value is None else f"{value:.4g}"


def _models(best: Mapping[str, Any]) -> Iterator[tuple[str, int | str, str]]:
    """Model, trials and the best of them, where the search chose among several; then what guessing has."""
    for each in best.get("candidates", ()):
        yield each["model"], each["trials"], shown_number(each["value"])
    if "baseline" in best:
        yield (
            f"baseline: {best['baseline']['name']} for every row",
            "",
            shown_number(best["baseline"]["value"]),
        )


def _naive(task: Task, report: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The metrics of the seasonal naive forecast, if there is one."""
    found = report.get("baseline", {}).get("seasonal_naive", {})
    for name in found.get("test", ()):
        yield metric_title(name, task), [shown_number(found[split][name]) for split in SPLITS]


def _spread(metrics: Mapping[str, Any], task: Task) -> list[tuple[str, str]]:
    """The metrics of all folds, by their names for people."""
    return [(metric_title(name, task), _mean_and_deviation(found)) for name, found in metrics.items()]


def _mean_and_deviation(found: Mapping[str, float | None]) -> str:
    return with_deviation(shown_number(found["mean"]), found["std"])


def _labels(report: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each of several labels with its metrics."""
    for label, found in report.get("labels", {}).items():
        yield label, {name: shown_number(value) for name, value in found.items()}


def slices_of(report: Mapping[str, Any]) -> Iterator[tuple[str, str, int, list[str]]]:
    """Column, value, rows and the metrics in the order of the table above them."""
    for column, values in report["slices"].items():
        for value, found in values.items():
            cells = [
                shown_number(found[name]) if name in found else "too few rows" for name in report["test"]
            ]
            yield column, value, found["rows"], cells


def _accepted(column: Mapping[str, Any]) -> str:
    if "min" in column:
        low, high = column["min"], column["max"]
        ends = [f"from {low:g}"] if low is not None else []
        ends += [f"to {high:g}"] if high is not None else []
        return " ".join((*(ends or ["any number"]), column["unit"])).strip()
    if "shape" in column:
        return " x ".join(map(str, column["shape"])) + " numbers"
    return ", ".join(column.get("values") or ["any"])


def json_block(value: Mapping[str, Any]) -> Markup:
    """A fenced block; the JSON is one line, so nothing in it can end the block."""
    return Markup("```json\n" + json.dumps(value, ensure_ascii=False) + "\n```")  # noqa: S704  # as said above
