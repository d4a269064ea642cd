"""The mean Poisson deviance: of counts and rates, which are never below zero."""

from __future__ import annotations

from aimass_compiler.catalog.loss import POISSON_POWER
from aimass_compiler.catalog.metrics._mean_deviance import MeanDeviance


class MeanPoissonDeviance(MeanDeviance):
    """The mean Poisson deviance: of counts and rates, which are never below zero."""

    @property
    def variance_power(self) -> float:
        return POISSON_POWER
