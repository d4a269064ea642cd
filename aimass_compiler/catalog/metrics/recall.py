"""Recall: the share of a class's rows that are given it."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metrics._of_given_class import MetricOfGivenClass


class Recall(MetricOfGivenClass):
    """Recall: the share of a class's rows that are given it."""

    function: ClassVar[str] = "recall_score"
