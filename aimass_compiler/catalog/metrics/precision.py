"""Precision: the share of rows given a class that have it."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metrics._of_given_class import MetricOfGivenClass


class Precision(MetricOfGivenClass):
    """Precision: the share of rows given a class that have it."""

    function: ClassVar[str] = "precision_score"
