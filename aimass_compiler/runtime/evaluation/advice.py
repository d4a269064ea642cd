"""What to do about missed gates, as far as the numbers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.runtime.evaluation.fit import adjustment
from aimass_compiler.runtime.evaluation.thresholds import threshold_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aimass_compiler.pipeline.evaluation import Evaluation, Gate
    from aimass_compiler.runtime.evaluation.fit import Fit
    from aimass_compiler.runtime.evaluation.gates import Judged
    from aimass_compiler.runtime.evaluation.measures import Evidence
    from aimass_compiler.runtime.evaluation.predictions import Predictions
    from aimass_compiler.runtime.evaluation.thresholds import Elsewhere
    from aimass_compiler.task import Task


def advice(missed: Sequence[Judged], fit: Fit, evidence: Evidence, evaluation: Evaluation) -> str:
    """The sentences, joined: of the released model, of labels, and else of how the model fits."""
    wanted = {judged.metric for judged in missed if not judged.is_of_released}
    of_labels = list(_of_labels([gate for gate in evaluation.gates if gate.metric in wanted], evidence))
    explained = {metric for metric, _ in of_labels}
    sentences = [sentence for _, sentence in of_labels]
    if any(judged.is_of_released and judged.value is not None for judged in missed):
        sentences.append(
            "the released model can stay: nothing has to be changed. To accept a model that is slightly "
            "worse, set `margin`"
        )
    if wanted - explained:
        more = adjustment(fit, evaluation.on_failure.adjust)
        sentences.append(f"the model {_told(fit)}{f'; give the model more {more}' if more else ''}")
    return "; ".join(sentences)


def _told(fit: Fit) -> str:
    if fit.verdict == "unknown":
        return f"cannot be judged for fit: {fit.reason}"
    return f"{fit.verdict}: {fit.reason}"


def _of_labels(gates: Sequence[Gate], evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Metric and sentence where the validation rows, which no such gate is held on, show the way."""
    task, rows = evidence.task, evidence.predictions["validation"]
    for gate in gates:
        if gate.min is None and gate.max is None:
            continue
        found = threshold_for(gate, evidence.metrics[gate.metric], task, rows)
        if found is not None:
            yield gate.metric, _told_labels(evidence.metrics[gate.metric].title(task), found, task, rows)


def _told_labels(name: str, found: Elsewhere, task: Task, rows: Predictions) -> str:
    (positive,) = task.judged
    are, said = (rows.truth == positive).mean(), (rows.scores.argmax(axis=1) == positive).mean()
    price = f" with {found.price}" if found.price else ""
    return (
        f"a label is the likeliest class, which is `{task.positive}` for {said:.1%} of the validation rows, "
        f"while {are:.1%} are. With a threshold of {found.threshold:.2g} on its probability {name} would be "
        f"{found.value:.2g}{price}. More capacity does not change that: choose a threshold where the "
        "probabilities are used, and gate on a metric that needs none, such as roc_auc or average_precision"
    )
