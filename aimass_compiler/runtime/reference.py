"""What the inputs looked like in training, so that serving can tell when they no longer do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler import conventions
from aimass_compiler.expression.algebra import Column
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.runtime.server.array_drift import Measured, numbers_of
from aimass_compiler.runtime.server.text_drift import length_of, words_of

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.engines import Block, Table

_BINS = 10
#: With so many rows a bin, chance alone seldom brings the index to 0.1, which would say that something moved.
_ROWS_A_BIN = 20
_VALUES = 50
#: Texts that are looked at, and the words of them that are known: as many as say what most texts are about.
_TEXTS, _WORDS = 100_000, 1_000
#: A word of fewer texts may be a name, and stays out of the package.
_FEWEST_TEXTS = 5
_EDGES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


def reference_of(rows: Table, inputs: Sequence[Column]) -> dict[str, Any]:
    """The shares of the training rows in bins of each number (deciles) and each category."""
    found = {}
    for column in inputs:
        if numbers_of(column.type.drift_bins, column.type.shape):
            found[column.name] = _array_reference(rows, column)
        elif column.type.drift_bins:
            one = rows.select([column.name])  # memory holds one column at a time
            values = one.column(partial(values_of, name=column.name))
            found[column.name] = _REFERENCES[column.type.drift_bins](values)
    return {"format": conventions.REFERENCE_FORMAT, "rows": rows.height, "inputs": found}


def targets_of(rows: Table, task: Task) -> dict[str, Any]:
    """What the next run's rows are held against beside the inputs: the shares of the target, or of each.

    Of a forecast there is none: its target is an input, too.
    """
    of = category_reference if task.is_classification else number_reference
    names = () if task.forecast is not None else task.targets
    return {
        "targets": {name: of(rows.select([name]).column(partial(values_of, name=name))) for name in names}
    }


def number_reference(values: polars.Series) -> dict[str, Any]:
    """Inner edges of bins alike in rows, and the share of rows in each; with `missing` they sum to 1.

    There are ten bins, or fewer where there are few rows.
    """
    present = values.drop_nulls().to_numpy()
    if not len(present):
        return {"kind": "number", "edges": [], "fractions": [0.0], "missing": 1.0}
    ascending = numpy.sort(
        present
    )  # with which quantiles and bins are looked up, not computed value by value
    finite = ascending[numpy.isfinite(ascending)]
    bins = min(_BINS, max(2, len(finite) // _ROWS_A_BIN))
    quantiles = numpy.quantile(finite, numpy.arange(1, bins) / bins) if len(finite) else []
    edges = numpy.unique(quantiles)
    below = numpy.searchsorted(ascending, edges, side="left")
    counts = numpy.diff(below, prepend=0, append=len(ascending))
    return {
        "kind": "number",
        "edges": [float(edge) for edge in edges],
        "fractions": [float(count / len(values)) for count in counts],
        "missing": float(1 - len(present) / len(values)),
    }


def category_reference(values: polars.Series) -> dict[str, Any]:
    """The most frequent values and their shares; with `other` and `missing` they sum to 1."""
    counts = values.drop_nulls().value_counts(sort=True).rows()
    ranked = sorted(counts, key=lambda pair: (-pair[1], pair[0]))[:_VALUES]
    total = max(len(values), 1)
    shares = [count / total for _, count in ranked]
    missing = values.null_count() / total
    return {
        "kind": "category",
        "values": [name for name, _ in ranked],
        "fractions": shares,
        "other": max(0.0, 1.0 - missing - sum(shares)),
        "missing": missing,
    }


def text_reference(values: polars.Series) -> dict[str, Any]:
    """The most frequent words, how long texts are, and which share of their words is another one.

    Of many rows some are looked at, each so many apart.
    """
    import polars

    every = max(1, len(values) // _TEXTS)
    texts = [text or "" for text in values.gather_every(every).to_list()]
    # In columns, which takes a third of the time that lists of words do; "" has no words.
    found = polars.Series([" ".join(words_of(text)) for text in texts], dtype=polars.String)
    words = found.set(found == "", None).str.split(" ")
    counts = words.drop_nulls().list.unique().explode().value_counts().rows()
    ranked = sorted(counts, key=lambda pair: (-pair[1], pair[0]))[:_WORDS]
    known = [word for word, count in ranked if count >= _FEWEST_TEXTS]
    return {
        "kind": "text",
        "missing": values.null_count() / max(len(values), 1),
        "words": known,
        "length": number_reference(_numbers(map(length_of, texts))),
        "unknown": _shares(words.list.eval(~polars.element().is_in(known)).list.mean()),
    }


def _array_reference(rows: Table, column: Column) -> dict[str, Any]:
    """Each number of its rows in bins; memory holds a block of rows at a time."""
    kind, shape = column.type.drift_bins, column.type.shape
    measured = numbers_of(kind, shape)
    measure = partial(_measured, name=column.name, shape=shape, measured=measured)
    blocks = list(rows.select([column.name]).each(measure))
    numbers = {
        ending: number_reference(_numbers(numpy.concatenate([block[ending] for block in blocks])))
        for ending in measured
    }
    missing = min(reference["missing"] for reference in numbers.values())
    return {"kind": kind, "missing": missing, "numbers": numbers}


def _measured(
    block: Block, name: str, shape: tuple[int, ...], measured: Mapping[str, Measured]
) -> dict[str, NDArray[numpy.float64]]:
    values = values_of(block, name)
    arrays = numpy.full((len(values), *shape), numpy.nan, dtype=numpy.float32)
    is_there = values.is_not_null().to_numpy()
    arrays[is_there] = values.drop_nulls().to_numpy().reshape(-1, *shape)
    return {ending: function(arrays) for ending, function in measured.items()}


def _numbers(values: Iterable[float]) -> polars.Series:
    import polars

    return polars.Series(values, dtype=polars.Float64).fill_nan(None)


def _shares(values: polars.Series) -> dict[str, Any]:
    """Shares in fixed bins: where nearly all of them are 0, deciles would be no bins."""
    present = values.drop_nulls().to_numpy()
    counts = numpy.bincount(numpy.searchsorted(_EDGES, present, side="right"), minlength=len(_EDGES) + 1)
    total = max(len(values), 1)
    return {
        "kind": "number",
        "edges": [*_EDGES],
        "fractions": [float(count / total) for count in counts],
        "missing": float(1 - len(present) / total),
    }


_REFERENCES: Mapping[str, Callable[[polars.Series], dict[str, Any]]] = {
    "number": number_reference,
    "category": category_reference,
    "text": text_reference,
}
