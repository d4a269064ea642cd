"""Recall of one label: the share of the rows that have it that are given it."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.metrics._of_label import OfLabel
from aimass_compiler.catalog.metrics.recall import Recall


class RecallOf(OfLabel):
    """Recall of one label: the share of the rows that have it that are given it."""

    is_of_labels: ClassVar[bool] = True

    def of_two_classes(self) -> Metric:
        return Recall()
