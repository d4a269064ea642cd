"""Predictions as columns: what /predict answers of a row, called as there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import polars

from aimass_compiler import conventions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.model_signature import Signature

#: The number of a row in its table, where no key names it, and which package predicted it.
ROW, VERSION = "row", "model_version"
PROBABILITY = "probability"


def answered(signature: Signature, outputs: Mapping[str, NDArray[Any]]) -> polars.DataFrame:
    """The answers, one a row."""
    if not signature.labels:
        return polars.DataFrame({output["name"]: outputs[output["name"]] for output in signature.outputs})
    shares = outputs[conventions.PROBABILITIES_OUTPUT]
    by_label = polars.DataFrame(
        {label: shares[:, place] for place, label in enumerate(signature.labels)}
    ).to_struct(conventions.PROBABILITIES_OUTPUT)
    if signature.thresholds:
        given = outputs[conventions.LABELS_OUTPUT].tolist()
        names = [
            [label for label, is_given in zip(signature.labels, row, strict=True) if is_given]
            for row in given
        ]
        kind = polars.List(polars.String)
        labels = polars.Series(conventions.LABELS_OUTPUT, names, dtype=kind)
        return polars.DataFrame([labels, by_label])
    labels = polars.Series(conventions.LABEL_OUTPUT, outputs[conventions.LABEL_OUTPUT].tolist())
    places = numpy.array([signature.labels.index(label) for label in labels])
    of_label = shares[numpy.arange(len(places)), places] if len(places) else shares[:, 0]
    return polars.DataFrame([labels, polars.Series(PROBABILITY, of_label), by_label])


def watched(signature: Signature, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """What of each answer is held against the reference, as the server does it."""
    if signature.thresholds:
        return outputs[conventions.LABELS_OUTPUT]
    found = outputs[conventions.LABEL_OUTPUT if signature.labels else conventions.PREDICTION_OUTPUT]
    return found if found.ndim == 1 else numpy.asarray(found.mean(axis=1))


def is_finite(signature: Signature, outputs: Mapping[str, NDArray[Any]]) -> NDArray[numpy.bool_]:
    """Which rows were answered with finite numbers."""
    name = conventions.PROBABILITIES_OUTPUT if signature.labels else conventions.PREDICTION_OUTPUT
    scores = outputs[name]
    return numpy.asarray(numpy.isfinite(scores).reshape(len(scores), -1).all(axis=1))
