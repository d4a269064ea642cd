"""The area under the ROC curve of one label."""

from __future__ import annotations

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.metrics._of_label import OfLabel
from aimass_compiler.catalog.metrics.roc_auc import RocAuc


class RocAucOf(OfLabel):
    """The area under the ROC curve of one label."""

    def of_two_classes(self) -> Metric:
        return RocAuc()
