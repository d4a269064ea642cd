"""The mean absolute error as a share of the true value."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metrics._regression_loss import RegressionLoss


class MeanAbsolutePercentageError(RegressionLoss):
    """The mean absolute error as a share of the true value."""

    function: ClassVar[str] = "mean_absolute_percentage_error"
