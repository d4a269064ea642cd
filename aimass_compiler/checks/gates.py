"""Gates can be met, can be missed, and ask for the better side of their metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._metrics import metric_of
from aimass_compiler.diagnostics import Finding, Path, Severity
from aimass_compiler.explanations import Explanation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.evaluation import Gate

EXPLANATIONS = (
    Explanation(
        "AM225",
        "no model can meet the gate",
        "The bounds leave no value: `min` is above `max`, or they lie outside of what the metric can be.",
    ),
    Explanation(
        "AM226",
        "every model meets the gate",
        "The metric never goes beyond this bound, so the gate holds back nothing.",
    ),
    Explanation(
        "AM227",
        "the gate only bounds the good side of its metric",
        "A gate keeps bad models out. Where more is better it needs `min`, where less is better `max`; the "
        "other bound alone refuses models for being good.",
    ),
)


def _gate(text: str) -> str:
    return f"evaluation: {{gates: [{text}]}}"


EXAMPLES = (
    Example("AM225", fails=_gate("{metric: roc_auc, min: 80}"), passes=_gate("{metric: roc_auc, min: 0.80}")),
    Example("AM226", fails=_gate("{metric: log_loss, min: 0}"), passes=_gate("{metric: log_loss, max: 0.4}")),
    Example(
        "AM227", fails=_gate("{metric: accuracy, max: 0.9}"), passes=_gate("{metric: accuracy, min: 0.9}")
    ),
)

_PER_CENT = 100


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Gates whose bounds cannot be meant."""
    for place, gate in enumerate(pipeline.evaluation.gates):
        metric = metric_of(gate.metric)
        if metric is not None and metric.task == pipeline.task.kind:
            yield from _of_gate(("evaluation", "gates", place), gate, metric)


def _of_gate(path: Path, gate: Gate, metric: type[Metric]) -> Iterator[Finding]:
    if gate.min is not None and gate.max is not None and gate.min > gate.max:
        message = f"no model can meet this gate: `min` {gate.min:g} is above `max` {gate.max:g}"
        yield Finding("AM225", (*path, "min"), message, help="exchange them")
        return
    found = [*_minimum(path, gate, metric), *_maximum(path, gate, metric)]
    yield from found or _good_side(path, gate, metric)


def _minimum(path: Path, gate: Gate, metric: type[Metric]) -> Iterator[Finding]:
    if gate.min is None:
        return
    where = (*path, "min")
    if gate.min > metric.highest:
        message = f"no model can meet this gate: `{gate.metric}` is never above {metric.highest:g}"
        yield Finding("AM225", where, message, help=_as_share(gate.min, metric))
    elif gate.min <= metric.lowest:
        message = f"every model meets this gate: `{gate.metric}` is never below {metric.lowest:g}"
        yield Finding("AM226", where, message, severity=Severity.WARNING)


def _maximum(path: Path, gate: Gate, metric: type[Metric]) -> Iterator[Finding]:
    if gate.max is None:
        return
    where = (*path, "max")
    if gate.max < metric.lowest:
        message = f"no model can meet this gate: `{gate.metric}` is never below {metric.lowest:g}"
        yield Finding("AM225", where, message)
    elif gate.max >= metric.highest:
        message = f"every model meets this gate: `{gate.metric}` is never above {metric.highest:g}"
        yield Finding("AM226", where, message, help=_as_share(gate.max, metric), severity=Severity.WARNING)


def _as_share(bound: float, metric: type[Metric]) -> str:
    """The way out where a percentage was written."""
    share = bound / _PER_CENT
    return f"write {share:g} for {bound:g} %" if share <= metric.highest < bound <= _PER_CENT else ""


def _good_side(path: Path, gate: Gate, metric: type[Metric]) -> Iterator[Finding]:
    bad, good = ("min", "max") if metric.greater_is_better else ("max", "min")
    wanted, written = getattr(gate, bad), getattr(gate, good)
    if written is None or wanted is not None:
        return
    better = "higher" if metric.greater_is_better else "lower"
    message = f"the {better} `{gate.metric}` is, the better, but this gate refuses models for being good"
    hint = f"write `{bad}: {written:g}`"
    yield Finding("AM227", (*path, good), message, help=hint, severity=Severity.WARNING, at_key=True)
