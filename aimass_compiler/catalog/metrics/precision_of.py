"""Precision of one label: the share of the rows given it that have it."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.metrics._of_label import OfLabel
from aimass_compiler.catalog.metrics.precision import Precision


class PrecisionOf(OfLabel):
    """Precision of one label: the share of the rows given it that have it."""

    is_of_labels: ClassVar[bool] = True

    def of_two_classes(self) -> Metric:
        return Precision()
