"""Gates can be met, can be missed, and ask for the better side of their metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._catalog import metric_of
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import exchanged
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Path, Related, Remove, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.evaluation import Gate

NEEDS = ("target", "model", "evaluation.gates", "evaluation.on_failure")
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
    Explanation(
        "AM282",
        "another gate asks for more",
        "Both bound one metric on one split, and a model that meets the stricter one meets this one too.",
    ),
    Explanation(
        "AM283",
        "there is no reason to train again",
        "`on_failure` trains again after a missed gate, with more regularization or more capacity. Without a "
        "gate none is missed, and a model that has no such parameter comes out as before.",
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
    Example(
        "AM282",
        fails="evaluation: {gates: [{metric: accuracy, min: 0.7}, {metric: accuracy, min: 0.8}]}",
        passes="evaluation: {gates: [{metric: accuracy, min: 0.7}, {metric: log_loss, max: 0.8}]}",
    ),
    Example(
        "AM283",
        fails="evaluation: {on_failure: {retrain: 2}}",
        passes="evaluation: {on_failure: {retrain: 2}, gates: [{metric: accuracy, min: 0.7}]}",
    ),
    Example(
        "AM283",
        fails="model: naive_bayes\n"
        "evaluation: {on_failure: {retrain: 2, adjust: [capacity]}, gates: [{metric: accuracy, min: 0.7}]}",
        passes="model: mlp\n"
        "evaluation: {on_failure: {retrain: 2, adjust: [capacity]}, gates: [{metric: accuracy, min: 0.7}]}",
    ),
)

_PER_CENT = 100
#: A fraction below this, such as 1.2, is no percentage that people give a gate.
_SURELY = 10


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Gates whose bounds cannot be meant."""
    for place, gate in enumerate(pipeline.evaluation.gates):
        metric = metric_of(gate.metric)
        if metric is not None and metric.task == pipeline.task.kind:
            yield from _of_gate(("evaluation", "gates", place), gate, metric)
    yield from _outdone(pipeline.evaluation.gates)
    yield from _retraining(pipeline)


def _outdone(gates: tuple[Gate, ...]) -> Iterator[Finding]:
    """Gates that another one makes superfluous, be it the same once more."""
    for place, gate in enumerate(gates):
        for other_place, other in enumerate(gates):
            is_first = other_place < place and other == gate
            if other is not gate and (is_first or (other != gate and _is_stricter(other, gate))):
                message = f"the gate {other_place + 1} asks at least as much of `{gate.metric}`"
                path, note = ("evaluation", "gates", place), ("evaluation", "gates", other_place)
                fix = Fix("remove the weaker gate", (Remove(path),))
                yield Finding(
                    "AM282", path, message, help=fix.message, severity=Severity.WARNING, fix=fix,
                    related=(Related(note, "this gate is stricter" if other != gate else "it stands here"),),
                )  # fmt: skip
                break


def _is_stricter(other: Gate, gate: Gate) -> bool:
    """Whether who meets the other gate meets this one."""
    of_other, of_gate = ((each.metric, each.split, each.slice) for each in (other, gate))
    if of_other != of_gate or (gate.beats and not other.beats):
        return False
    pairs = ((gate.min, other.min, 1), (gate.max, other.max, -1), (gate.overfit, other.overfit, -1))
    return all(mine is None or (its is not None and sign * its >= sign * mine) for mine, its, sign in pairs)


def _retraining(pipeline: Pipeline) -> Iterator[Finding]:
    wanted, model = pipeline.evaluation.on_failure, pipeline.first_model
    path = ("evaluation", "on_failure")
    if not wanted.retrain:
        return
    if not pipeline.evaluation.gates:
        message = f"nothing leads to training {wanted.retrain} times more: there is no gate to miss"
        yield Finding("AM283", path, message, help="add `gates`", severity=Severity.WARNING, at_key=True)
    elif not any(getattr(model, what) for what in wanted.adjust):
        listed = " or ".join(wanted.adjust)
        message = f"training again changes nothing: `{model.kind}` has no parameter of {listed}"
        hint = "leave `on_failure` out"
        yield Finding("AM283", path, message, help=hint, severity=Severity.WARNING, at_key=True)


def _of_gate(path: Path, gate: Gate, metric: type[Metric]) -> Iterator[Finding]:
    if gate.min is not None and gate.max is not None and gate.min > gate.max:
        message = f"no model can meet this gate: `min` {gate.min:g} is above `max` {gate.max:g}"
        fix = exchanged(path, "min", "max", gate)
        yield Finding("AM225", (*path, "min"), message, help="exchange them", fix=fix)
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
    is_one = share <= metric.highest < bound <= _PER_CENT and (bound.is_integer() or bound >= _SURELY)
    return f"write {share:g} for {bound:g} %" if is_one else ""


def _good_side(path: Path, gate: Gate, metric: type[Metric]) -> Iterator[Finding]:
    bad, good = ("min", "max") if metric.greater_is_better else ("max", "min")
    wanted, written = getattr(gate, bad), getattr(gate, good)
    if written is None or wanted is not None:
        return
    better = "higher" if metric.greater_is_better else "lower"
    message = f"the {better} `{gate.metric}` is, the better, but this gate refuses models for being good"
    hint = f"write `{bad}: {written:g}`"
    yield Finding("AM227", (*path, good), message, help=hint, severity=Severity.WARNING, at_key=True)
