"""The area under the precision-recall curve of one label."""

from __future__ import annotations

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.metrics._of_label import OfLabel
from aimass_compiler.catalog.metrics.average_precision import AveragePrecision


class AveragePrecisionOf(OfLabel):
    """The area under the precision-recall curve of one label."""

    def of_two_classes(self) -> Metric:
        return AveragePrecision()
