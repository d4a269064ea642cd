"""What `dvc plots show` draws of a model: losses, importance, and how its predictions are wrong.

Source: https://dvc.org/doc/user-guide/experiment-management/visualizing-plots
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler import artifacts
from aimass_compiler.pipeline import Pipeline


def plots(pipeline: Pipeline, folder: str) -> list[dict[str, Any]]:
    """One entry for each plot that says something about this task; paths start at `folder`."""
    learning = f"{folder}/{artifacts.HISTORY}"
    curve = {"x": "step", "y": {learning: ["train_loss", "validation_loss"]}, "title": "Learning curve"}
    return [{"learning": curve}, *({f"{folder}/{path}": options} for path, options in _plots(pipeline))]


def _plots(pipeline: Pipeline) -> Iterator[tuple[str, dict[str, Any]]]:
    yield (
        artifacts.IMPORTANCE,
        {
            "x": "importance",
            "y": "feature",
            "template": "bar_horizontal_sorted",
            "title": "Importance of features",
        },
    )
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
    yield (
        artifacts.CURVE,
        {
            "x": "false_positive_rate",
            "y": "true_positive_rate",
            "template": "simple" if pipeline.task.is_binary else "scatter",
            "title": "ROC on the test split",
        },
    )
    yield (
        artifacts.CONFUSION,
        {"x": "actual", "y": "predicted", "template": "confusion", "title": "Confusion on the test split"},
    )
