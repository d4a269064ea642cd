"""What `dvc plots show` draws of a model: losses, importance, and how its predictions are wrong.

Source: https://dvc.org/doc/user-guide/experiment-management/visualizing-plots
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.stages import artifacts

#: The curves of classes: file, axes and what it is called.
_CURVES = (
    (artifacts.CURVE, "false_positive_rate", "true_positive_rate", "ROC"),
    (artifacts.PRECISION_RECALL, "recall", "precision", "Precision and recall"),
    (artifacts.GAIN, "rows", "found", "Gain"),
    (artifacts.CALIBRATION, "probability", "share", "Calibration"),
)


def plots(pipeline: Pipeline, folder: str) -> list[dict[str, Any]]:
    """One entry for each plot that says something about this task; paths start at `folder`."""
    learning = f"{folder}/{artifacts.HISTORY}"
    curve = {"x": "step", "y": {learning: ["train_loss", "validation_loss"]}, "title": "Learning curve"}
    return [{"learning": curve}, *({f"{folder}/{path}": options} for path, options in _plots(pipeline))]


def _plots(pipeline: Pipeline) -> Iterator[tuple[str, dict[str, Any]]]:
    yield artifacts.IMPORTANCE, _importance("feature", "Importance of features")
    title = f"Permutation importance of columns for {pipeline.objective.metric}"
    yield artifacts.PERMUTATION_IMPORTANCE, _importance("column", title)
    if not pipeline.task.has_target:
        return
    if not pipeline.task.is_classification:
        yield (
            artifacts.CURVE,
            {
                "x": "predicted",
                "y": "residual",
                "template": "scatter",
                "title": "Residuals on the test split",
            },
        )
        return
    for path, x, y, title in _CURVES:
        template = "simple" if pipeline.task.is_binary else "scatter"
        yield path, {"x": x, "y": y, "template": template, "title": f"{title} on the test split"}
    if pipeline.task.is_multilabel:
        return
    yield (
        artifacts.CONFUSION,
        {"x": "actual", "y": "predicted", "template": "confusion", "title": "Confusion on the test split"},
    )


def _importance(what: str, title: str) -> dict[str, Any]:
    """Bars of importance, the largest first."""
    return {"x": "importance", "y": what, "template": "bar_horizontal_sorted", "title": title}
