"""The runs of a model: a table for people and for Markdown, a document for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from aimass_compiler.catalog.metric import metric_kind
from aimass_compiler.cli.views.cells import safe, table
from aimass_compiler.cli.views.changes import fenced
from aimass_compiler.impact.models import at, mapping
from aimass_compiler.impact.runs import KeptRun, differing, measured
from aimass_compiler.pipeline.evaluation import CROSS_VALIDATION

FORMAT = "aimass.runs/v1"
_LONGEST = 28
_COMMIT, _MINUTE = 8, 16


class Columns(Struct, frozen=True):
    """What of the runs is shown, and in which order."""

    split: str
    """Whose metrics."""
    sort: str = ""
    """The metric, or the end of a parameter's key; by default the objective's metric."""
    is_ascending: bool = False


def drawn(model: str, found: Sequence[KeptRun], columns: Columns, form: str) -> str:
    """For people, for programs, or as Markdown."""
    ordered = _ordered(found, columns)
    if form == "json":
        return json.dumps(_document(model, ordered), indent=2) + "\n"
    lines = [*_lines(model, ordered, columns)]
    return "".join(f"{line}\n" for line in (fenced(lines, "text") if form == "markdown" else lines))


def known(found: Sequence[KeptRun], columns: Columns) -> list[str]:
    """The columns that runs can be sorted by: metrics, and the ends of the keys of parameters."""
    return [*measured(found, columns.split), *(_short(key, differing(found)) for key in differing(found))]


def is_known(found: Sequence[KeptRun], columns: Columns) -> bool:
    """Whether runs can be sorted by what was asked for."""
    return columns.sort in known(found, columns) or columns.sort in differing(found)


def _ordered(found: Sequence[KeptRun], columns: Columns) -> list[KeptRun]:
    """The best first, or the smallest of a parameter; runs without the value last."""
    wanted = columns.sort or next((_objective(run) for run in reversed(found)), "")
    parameters = differing(found)
    key = next((key for key in parameters if wanted in (key, _short(key, parameters))), None)
    values: list[Any] = [_metric(run, columns.split, wanted) for run in found]
    kind = metric_kind(wanted)
    is_falling = kind is not None and kind.greater_is_better
    if key is not None and wanted not in measured(found, columns.split):
        values, is_falling = parameters[key], False
    is_falling = is_falling and not columns.is_ascending
    placed = [place for place, value in enumerate(values) if value is not None]
    is_number = all(isinstance(values[place], (int, float)) for place in placed)
    placed.sort(key=lambda place: values[place] if is_number else str(values[place]), reverse=is_falling)
    return [
        *(found[place] for place in placed),
        *(run for place, run in enumerate(found) if values[place] is None),
    ]


def _objective(run: KeptRun) -> str:
    return str(at(run.pipeline, "objective.metric") or "")


def _metric(run: KeptRun, split: str, name: str) -> float | None:
    value = mapping(run.metrics.get(split)).get(name)
    value = value.get("mean") if isinstance(value, Mapping) else value  # over folds
    return float(value) if isinstance(value, (int, float)) else None


def _lines(model: str, found: Sequence[KeptRun], columns: Columns) -> Iterator[str]:
    if not found:
        yield f"no run of {model} is here or was kept: `aimass run {model}`, then with --set and --name"
        return
    parameters, metrics = differing(found), measured(found, columns.split)
    rows = [["run", *metrics, *(_short(key, parameters) for key in parameters), "gates"]]
    for place, run in enumerate(found):
        values = [_cell(_metric(run, columns.split, name)) for name in metrics]
        rows.append([run.name, *values, *(_cell(parameters[key][place]) for key in parameters), _gates(run)])
    yield from table(rows, indent="")
    yield ""
    whose = (
        "mean metrics of the folds"
        if columns.split == CROSS_VALIDATION
        else f"metrics of the {columns.split} split"
    )
    yield f"{whose}; parameters are those that differ"
    for run in found:
        yield from (safe(f"{run.name}: {reason}") for reason in run.missed)


def _gates(run: KeptRun) -> str:
    if not run.metrics:
        return "-"
    return "missed" if run.missed else "passed"


def _short(key: str, keys: Mapping[str, Any]) -> str:
    """The end of a parameter's key that no other one has."""
    steps = key.split(".")
    is_item = len(steps) > 1 and steps[-2].endswith("]")  # of what, its key alone does not say
    for length in range(2 if is_item else 1, len(steps)):
        end = ".".join(steps[-length:])
        if sum(other == end or other.endswith(f".{end}") for other in keys) == 1:
            return end
    return key


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        if isinstance(value, Mapping) and len(value) == 1:
            ((name, below),) = value.items()
            value = name if isinstance(below, Mapping) else value
        text = value if isinstance(value, str) else json.dumps(value)
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _document(model: str, found: Sequence[KeptRun]) -> dict[str, Any]:
    parameters = differing(found)
    return {
        "format": FORMAT,
        "model": model,
        "runs": [
            {
                "name": run.name,
                "commit": run.experiment.commit if run.experiment else None,
                "baseline": run.experiment.baseline if run.experiment else None,
                "at": run.experiment.at if run.experiment else None,
                "parameters": {key: values[place] for key, values in parameters.items()},
                "found": run.found,
                "metrics": run.metrics,
                "missed_gates": run.missed,
            }
            for place, run in enumerate(found)
        ],
    }
