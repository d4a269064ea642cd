"""The mean squared error."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metrics._regression_loss import RegressionLoss


class MeanSquaredError(RegressionLoss):
    """The mean squared error."""

    function: ClassVar[str] = "mean_squared_error"
