"""The root of the mean squared error, in the target's unit."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metrics._regression_loss import RegressionLoss


class RootMeanSquaredError(RegressionLoss):
    """The root of the mean squared error, in the target's unit."""

    function: ClassVar[str] = "root_mean_squared_error"
