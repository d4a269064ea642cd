"""The mean absolute error, in the target's unit."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metrics._regression_loss import RegressionLoss


class MeanAbsoluteError(RegressionLoss):
    """The mean absolute error, in the target's unit."""

    function: ClassVar[str] = "mean_absolute_error"
