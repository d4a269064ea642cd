"""Many trees, each grown on other rows and features, and averaged (Breiman 2001)."""

from __future__ import annotations

from typing import Any

from aimass_compiler.catalog.models._forest import Forest
from aimass_compiler.catalog.task import Task


class RandomForest(Forest):
    """Many trees, each grown on other rows and features, and averaged (Breiman 2001)."""

    def estimator(self, task: Task, **parameters: Any) -> Any:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        return (RandomForestClassifier if task.is_classification else RandomForestRegressor)(**parameters)
