"""The mean Tweedie deviance: of amounts that are often 0, such as the claims of a year."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from aimass_compiler.catalog.metrics._mean_deviance import MeanDeviance
from aimass_compiler.catalog.quantities import Number


class MeanTweedieDeviance(MeanDeviance):
    """The mean Tweedie deviance: of amounts that are often 0, such as the claims of a year."""

    short_form: ClassVar[str | None] = "power"

    power: Number = Field(1.5, gt=1, lt=2)
    """By which power of its mean the variance of the target grows."""

    @property
    def variance_power(self) -> float:
        return self.power
