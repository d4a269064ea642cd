"""F1 of one label."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.metrics._of_label import OfLabel
from aimass_compiler.catalog.metrics.f1 import F1


class F1Of(OfLabel):
    """F1 of one label."""

    is_of_labels: ClassVar[bool] = True

    def of_two_classes(self) -> Metric:
        return F1()
