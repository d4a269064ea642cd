"""F1: the harmonic mean of precision and recall, of the positive class or averaged over all."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metrics._of_given_class import MetricOfGivenClass


class F1(MetricOfGivenClass):
    """F1: the harmonic mean of precision and recall, of the positive class or averaged over all."""

    function: ClassVar[str] = "f1_score"
