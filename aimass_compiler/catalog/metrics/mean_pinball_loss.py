"""The mean pinball loss: of a quantile, whose misses on the rarer side cost more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.metrics._regression_loss import RegressionLoss
from aimass_compiler.catalog.task import Task


class MeanPinballLoss(RegressionLoss):
    """The mean pinball loss: of the task's quantile, or else of the median: half the absolute error."""

    function: ClassVar[str] = "mean_pinball_loss"

    def options(self, task: Task) -> Mapping[str, Any]:
        return {"alpha": task.level}
