"""The mean Gamma deviance: of amounts above zero, by the share that an error is of them."""

from __future__ import annotations

from aimass_compiler.catalog.loss import GAMMA_POWER
from aimass_compiler.catalog.metrics._mean_deviance import MeanDeviance


class MeanGammaDeviance(MeanDeviance):
    """The mean Gamma deviance: of amounts above zero, by the share that an error is of them."""

    @property
    def variance_power(self) -> float:
        return GAMMA_POWER
