"""What to do about missed gates, as far as the numbers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy

from aimass_compiler.runtime.evaluation.fit import adjustment
from aimass_compiler.runtime.evaluation.gates import bounds_of
from aimass_compiler.runtime.evaluation.thresholds import nearest_to, threshold_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.evaluation import Evaluation, Gate
    from aimass_compiler.runtime.evaluation.fit import Fit
    from aimass_compiler.runtime.evaluation.gates import GateResult
    from aimass_compiler.runtime.evaluation.measures import Measurements
    from aimass_compiler.runtime.evaluation.predictions import Predictions
    from aimass_compiler.runtime.evaluation.thresholds import OtherThreshold


def advice(missed: Sequence[GateResult], fit: Fit, measurements: Measurements, evaluation: Evaluation) -> str:
    """The sentences, joined: of the released model, of labels, and else of how the model fits."""
    of_all = [judged for judged in missed if not judged.is_of_released and judged.slice is None]
    wanted = {judged.metric for judged in of_all}
    bounds = {(judged.metric, judged.split, judged.condition) for judged in of_all}
    of_labels = list(
        _of_labels([gate for gate in evaluation.gates if _has_missed(gate, bounds)], measurements)
    )
    explained = {metric for metric, _ in of_labels}
    sentences = [sentence for _, sentence in of_labels]
    if any(judged.is_of_released and judged.value is not None for judged in missed):
        sentences.append(
            "the released model can stay: nothing has to be changed. To accept a model that is slightly "
            "worse, set `margin`"
        )
    if any(judged.slice is not None for judged in missed):
        sentences.append(
            "of a slice: train on more rows like these, let them weigh more (`weight`), or add columns that "
            "say more about them"
        )
    if wanted - explained:
        more = adjustment(fit, evaluation.on_failure.adjust)
        sentences.append(f"the model {_diagnosis(fit)}{f'; give the model more {more}' if more else ''}")
    return "; ".join(sentences)


def _has_missed(gate: Gate, bounds: Collection[tuple[str, str, str]]) -> bool:
    """Whether one of these bounds, each of all rows, is the gate's."""
    return gate.slice is None and any(
        (gate.metric, gate.split, condition) in bounds for condition, _ in bounds_of(gate, None)
    )


def _diagnosis(fit: Fit) -> str:
    if fit.verdict == "unknown":
        return f"cannot be judged for fit: {fit.reason}"
    return f"{fit.verdict}: {fit.reason}"


def _of_labels(gates: Sequence[Gate], measurements: Measurements) -> Iterator[tuple[str, str]]:
    """Metric and sentence where the validation rows, which no such gate is held on, show the way."""
    task, rows = measurements.task, measurements.predictions["validation"]
    for gate in gates:
        metric = measurements.metrics[gate.metric]
        found = threshold_for(gate, metric, task, rows)
        if found is not None:
            yield gate.metric, _other_threshold(gate, metric.title(task), found, task, rows)
            continue
        nearest = nearest_to(gate, metric, task, rows)
        if nearest is not None:
            yield gate.metric, _no_threshold(gate, metric.title(task), nearest)


def _other_threshold(gate: Gate, name: str, found: OtherThreshold, task: Task, rows: Predictions) -> str:
    (positive,) = task.judged
    said = float(numpy.average(rows.labels(task) == positive, weights=rows.weights))
    how = (
        "a label is the likeliest class"
        if not isinstance(rows.threshold, float)
        else f"a label is `{task.positive}` from a probability of {rows.threshold:g} on"
    )
    return (
        f"{how}, which is `{task.positive}` for {said:.1%} of the validation rows, while "
        f"{rows.share_of(task, positive):.1%} are. More capacity does not change that, another threshold "
        f"does: from {found.threshold:.2g} on, {name} would be {found.value:.2g}{_price(found)}: write "
        f"`decision: {{threshold: {_rule(gate, found)}}}` below `evaluation`"
    )


def _no_threshold(gate: Gate, name: str, nearest: OtherThreshold) -> str:
    limit = gate.min if gate.min is not None else gate.max
    return (
        f"no threshold brings {name} to {limit:g} on the validation rows: at {nearest.threshold:.2g} it is "
        f"{nearest.value:.2g}{_price(nearest)}. That takes columns that separate the classes better, or "
        "more rows of the rare one; or ask for less"
    )


def _rule(gate: Gate, found: OtherThreshold) -> str:
    """What a spec writes for a threshold that meets the gate."""
    if gate.metric in ("recall", "precision") and gate.min is not None:
        return f"{{{gate.metric}: {gate.min:g}}}"
    return f"{found.threshold:.2g}"


def _price(found: OtherThreshold) -> str:
    return f" with {found.price}" if found.price else ""
