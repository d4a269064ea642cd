"""Many trees that choose among thresholds of chance, averaged (Geurts, Ernst and Wehenkel 2006)."""

from __future__ import annotations

from typing import Any

from aimass_compiler.catalog.models._forest import Forest
from aimass_compiler.catalog.task import Task


class ExtraTrees(Forest):
    """Many trees that choose among thresholds of chance, averaged (Geurts, Ernst and Wehenkel 2006)."""

    def estimator(self, task: Task, **parameters: Any) -> Any:
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        return (ExtraTreesClassifier if task.is_classification else ExtraTreesRegressor)(**parameters)
