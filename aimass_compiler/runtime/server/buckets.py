"""A histogram that is filled with many values at once: prometheus_client's takes them one by one."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Buckets(Collector):
    """Counts of one series, labelled with the model; a bucket includes its upper end."""

    def __init__(self, name: str, told: str, model: str, ends: Sequence[float]) -> None:
        self._name = name
        self._told = told
        self._model = model
        self._ends = numpy.array(ends, dtype=numpy.float64)
        self._counts = numpy.zeros(len(ends) + 1, dtype=numpy.int64)
        self._sum = 0.0

    def observe(self, values: Sequence[float]) -> None:
        """Count what is finite: one NaN would make the sum NaN for good."""
        found = numpy.array(values, dtype=numpy.float64)
        found = found[numpy.isfinite(found)]
        places = numpy.searchsorted(self._ends, found, side="left")
        self._counts += numpy.bincount(places, minlength=len(self._counts))
        self._sum += float(found.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The cumulative counts, as Prometheus has them."""
        family = HistogramMetricFamily(self._name, self._told, labels=("model",))
        ends = [*map(floatToGoString, self._ends.tolist()), "+Inf"]
        counts = [float(count) for count in accumulate(self._counts.tolist())]
        family.add_metric([self._model], list(zip(ends, counts, strict=True)), self._sum)
        yield family
