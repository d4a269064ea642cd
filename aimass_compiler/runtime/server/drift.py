"""How far the inputs and predictions of a recent window are from training, by any of the methods of drift.

The bins are those of reference.json (deciles of numbers, names of categories), one for other names and one
for missing values.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy

from aimass_compiler import conventions, drift_methods
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.array_drift import numbers_of
from aimass_compiler.runtime.server.response import ServerFailure
from aimass_compiler.runtime.server.text_drift import LENGTH, UNKNOWN, length_of, unknown_share

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.drift_methods import Distance, DriftMethod
    from aimass_compiler.runtime.server.model_signature import Signature

PREDICTION = "prediction"
_REPRESENTATION = "representation (distance)"
_ANSWERED = " (answered)"
#: The window slides in this many steps.
_STEPS = 12

Tensors = dict[str, "NDArray[Any]"]


class _Bins(Protocol):
    """The bins of one column."""

    expected: NDArray[numpy.float64]
    groups: int
    """How many bins a row is in: the distance is the mean over them."""
    is_ordered: bool
    """Whether the bins are intervals of numbers, from small to large."""

    def codes(self, values: NDArray[Any]) -> NDArray[numpy.int64]:
        """The bin of each value."""


class _NumberBins:
    """Intervals that include their left end, and one bin for NaN."""

    groups = 1
    is_ordered = True

    def __init__(self, reference: Mapping[str, Any]) -> None:
        self._edges = numpy.array(reference["edges"], dtype=numpy.float64)
        self.expected = numpy.array([*reference["fractions"], reference["missing"]], dtype=numpy.float64)
        if len(self.expected) != len(self._edges) + 2:
            raise ValueError(f"{len(self._edges)} edges need {len(self._edges) + 1} fractions")
        if not numpy.isfinite(self._edges).all() or not _are_shares(self.expected):
            raise ValueError("its edges and fractions are not all numbers")

    def codes(self, values: NDArray[Any]) -> NDArray[numpy.int64]:
        codes = numpy.searchsorted(self._edges, values, side="right")
        codes[numpy.isnan(values)] = len(self.expected) - 1
        return codes


class _CategoryBins:
    """One bin a name, one for other names and one for the empty string."""

    groups = 1
    is_ordered = False

    def __init__(self, reference: Mapping[str, Any]) -> None:
        names = reference["values"]
        self.expected = numpy.array(
            [*reference["fractions"], reference["other"], reference["missing"]], dtype=numpy.float64
        )
        if len(self.expected) != len(names) + 2:
            raise ValueError(f"{len(names)} values need as many fractions")
        if not all(isinstance(name, str) for name in names) or not _are_shares(self.expected):
            raise ValueError("its values are not all names, or its fractions not all numbers")
        self._codes = {name: code for code, name in enumerate(names)} | {"": len(names) + 1}
        self._other = len(names)

    def codes(self, values: NDArray[Any]) -> NDArray[numpy.int64]:
        return numpy.array(
            [self._codes.get(value, self._other) for value in values.tolist()], dtype=numpy.int64
        )


class _LabelBins:
    """Two bins a label: it is given, or not."""

    is_ordered = False

    def __init__(self, reference: Mapping[str, Any]) -> None:
        self.groups = len(reference["values"])
        given = numpy.array(reference["fractions"], dtype=numpy.float64)
        if len(given) != self.groups or not self.groups or not _are_shares(given):
            raise ValueError(f"{self.groups} labels need as many fractions")
        self.expected = numpy.concatenate([given, 1 - given])

    def codes(self, values: NDArray[Any]) -> NDArray[numpy.int64]:
        """The bins of rows of labels, [N, L], one for each label of each row."""
        places = numpy.arange(self.groups)
        return numpy.where(values, places, places + self.groups).reshape(-1).astype(numpy.int64)


class _TextBins:
    """The bins of a number of each text."""

    groups = 1
    is_ordered = True

    def __init__(self, reference: Mapping[str, Any], number: Callable[[str], float]) -> None:
        self._numbers, self._number = _NumberBins(reference), number
        self.expected = self._numbers.expected

    def codes(self, values: NDArray[Any]) -> NDArray[numpy.int64]:
        return self._numbers.codes(numpy.array([self._number(text) for text in values.tolist()]))


def _of_text(reference: Mapping[str, Any]) -> dict[str, _Bins]:
    """What is watched of a text, by what its name ends with."""
    known = frozenset(reference["words"])
    return {
        LENGTH: _TextBins(reference["length"], length_of),
        UNKNOWN: _TextBins(reference["unknown"], partial(unknown_share, known=known)),
    }


def _are_shares(fractions: NDArray[numpy.float64]) -> bool:
    return bool(((fractions >= 0) & (fractions <= 1)).all())


_Watched = Callable[[Mapping[str, Any]], Mapping[str, _Bins]]


def _alone(bins: Callable[[Mapping[str, Any]], _Bins]) -> _Watched:
    """One thing is watched of a column, under its name."""
    return lambda reference: {"": bins(reference)}


#: What is watched of a column, by what its name ends with.
_KINDS: dict[str, _Watched] = {
    "number": _alone(_NumberBins),
    "category": _alone(_CategoryBins),
    "labels": _alone(_LabelBins),
    "text": _of_text,
}


class DriftMonitor:
    """Counts of the recent window."""

    def __init__(
        self,
        reference: Mapping[str, Any],
        signature: Signature,
        window_seconds: float,
        now: Callable[[], float] = time.monotonic,
        method: str = drift_methods.USUAL,
    ) -> None:
        """Lay out the bins; raises ServerFailure when the reference does not fit the signature."""
        self._now = now
        self.method = drift_methods.method(method)
        self._step_seconds = window_seconds / _STEPS
        try:
            self._columns = _columns(reference, signature)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"{conventions.REFERENCE_FILE} does not fit: {error}; package the model again"
            raise ServerFailure(ExitCode.PACKAGE, message) from error
        self._offsets = numpy.cumsum([0] + [len(bins.expected) for _, _, _, bins in self._columns])
        self._counts = numpy.zeros((_STEPS, int(self._offsets[-1])), dtype=numpy.int64)
        self._rows = numpy.zeros(_STEPS, dtype=numpy.int64)
        self._step = int(now() / self._step_seconds)
        self._tensors = {tensor for _, tensor, _, _ in self._columns}
        self._others: Sequence[tuple[int, Sequence[int]]] = ()

    def observe(self, predictions: Sequence[Tensors]) -> None:
        """Count inputs (numbers of arrays) and their `prediction`; many at once cost little more than one."""
        self._forget()
        joined = {name: numpy.concatenate([found[name] for found in predictions]) for name in self._tensors}
        codes = [
            bins.codes(joined[tensor] if index is None else joined[tensor][:, index]) + offset
            for (_, tensor, index, bins), offset in zip(self._columns, self._offsets[:-1], strict=True)
        ]
        here = self._step % _STEPS
        self._counts[here] += numpy.bincount(numpy.concatenate(codes), minlength=self._counts.shape[1])
        self._rows[here] += len(joined[PREDICTION])

    def counts(self) -> list[int]:
        """How many rows of the window are in each bin of each feature."""
        return [int(count) for count in self._counts.sum(axis=0)]

    def add(self, rows: int, counts: Sequence[int]) -> None:
        """Take up what another one has counted of so many rows."""
        here = self._step % _STEPS
        self._counts[here] += numpy.array(counts, dtype=numpy.int64)
        self._rows[here] += rows

    def counted(self) -> tuple[int, list[int]]:
        """The rows of the window, and how many are in each bin."""
        self._forget()
        return int(self._rows.sum()), self._counts.sum(axis=0).tolist()

    @contextlib.contextmanager
    def joined(self, others: Sequence[tuple[int, Sequence[int]]]) -> Iterator[None]:
        """While this lasts, what other workers counted is part of the scores."""
        self._others = others
        try:
            yield
        finally:
            self._others = ()

    def scores(self, method: DriftMethod | None = None) -> tuple[int, dict[str, float]]:
        """The rows of the window and the distance of each feature; no features while there are no rows."""
        rows, counted = self.counted()
        counts = numpy.array(counted)
        for more, others in self._others:
            rows, counts = rows + more, counts + numpy.array(others)
        if rows == 0:
            return 0, {}
        shares = numpy.split(counts / rows, self._offsets[1:-1])
        return rows, {
            name: _distance(share, bins, (method or self.method).distance)
            for (name, _, _, bins), share in zip(self._columns, shares, strict=True)
        }

    def _forget(self) -> None:
        """Empty the steps that began since the last look."""
        step = int(self._now() / self._step_seconds)
        for past in range(self._step + 1, min(step, self._step + _STEPS) + 1):
            self._counts[past % _STEPS] = 0
            self._rows[past % _STEPS] = 0
        self._step = step


def _distance(shares: NDArray[numpy.float64], bins: _Bins, measured: Distance) -> float:
    """The mean over the groups of bins, each of which is a distribution by itself."""
    recent, trained = (values.reshape(-1, bins.groups).T for values in (shares, bins.expected))
    pairs = zip(recent, trained, strict=True)
    return sum(measured(now, then, is_ordered=bins.is_ordered) for now, then in pairs) / bins.groups


def _columns(
    reference: Mapping[str, Any], signature: Signature
) -> Sequence[tuple[str, str, int | None, _Bins]]:
    """Name, tensor, column in the tensor and bins of everything that is watched."""
    columns: list[tuple[str, str, int | None, _Bins]] = []
    for fields in signature.packed.values():
        for index, field in enumerate(fields):
            if field.name in reference["inputs"]:
                found = reference["inputs"][field.name]
                columns += [
                    (f"{field.name}{ending}", field.tensor, index, bins)
                    for ending, bins in _KINDS[found["kind"]](found).items()
                ]
    for field in signature.images:
        watched = numbers_of(field.type, field.shape)
        if watched and field.name in reference["inputs"]:  # future values of a forecast are not watched
            numbers = reference["inputs"][field.name]["numbers"]
            columns += [
                (f"{field.name}{ending}", field.tensor, index, _NumberBins(numbers[ending]))
                for index, ending in enumerate(watched)
                if ending in numbers  # of an older package, fewer are known
            ]
    if "representation" in reference:
        name = _unlike(_REPRESENTATION, {name for name, *_ in columns})
        columns.append((name, conventions.DISTANCE_OUTPUT, None, _NumberBins(reference["representation"])))
    found = reference["prediction"]
    is_of_labels = found["kind"] == "labels"
    if ("values" in found) != bool(signature.labels) or is_of_labels != bool(signature.thresholds):
        raise ValueError(
            f"its prediction is of the kind {found['kind']!r}, and the model is a {signature.task}"
        )
    name = _unlike(PREDICTION, {name for name, *_ in columns})
    columns.append((name, PREDICTION, None, _KINDS[found["kind"]](found)[""]))
    return columns


def watched_of(outputs: Mapping[str, NDArray[Any]]) -> Tensors:
    """What is watched of the outputs beside the answer."""
    return {name: outputs[name] for name in (conventions.DISTANCE_OUTPUT,) if name in outputs}


def _unlike(name: str, inputs: Container[str]) -> str:
    """The name, or one like it that no input has, whose drift would pass for that of what is named."""
    while name in inputs:
        name += _ANSWERED
    return name
