"""In which scale answers are explained: as they are, or as log-odds of probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from aimass_compiler import conventions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.model_signature import Signature

#: What a probability is taken for that is none in single precision.
_LEAST = numpy.finfo(numpy.float32).tiny
#: By which part of the largest answer two may differ that are sums of single precision.
_TOLERANCE = 1e-4


class ScoreScale(NamedTuple):
    """How the scores of a model follow from its outputs."""

    output: str
    in_log_odds: bool
    is_multilabel: bool

    @classmethod
    def of(cls, signature: Signature, *, in_log_odds: bool) -> ScoreScale:
        """The scale of a model's scores; only those of classes and labels have log-odds."""
        output = conventions.PROBABILITIES_OUTPUT if signature.labels else conventions.PREDICTION_OUTPUT
        return cls(output, in_log_odds and bool(signature.labels), bool(signature.thresholds))

    def scores(self, outputs: Mapping[str, Any]) -> NDArray[numpy.float64]:
        """The scores [N, K].

        Of several classes the log-odds are those against the geometric mean of all others: what a softmax is
        taken of, but for what it has in common. Of two classes that is the usual log(p / (1 - p)).
        """
        found = numpy.asarray(outputs[self.output], numpy.float64)
        found = found.reshape(len(found), -1)
        if not self.in_log_odds:
            return found
        logarithms = numpy.log(numpy.maximum(found, _LEAST))
        if self.is_multilabel:
            return numpy.asarray(logarithms - numpy.log(numpy.maximum(1 - found, _LEAST)))
        classes = found.shape[1]
        others = logarithms.sum(axis=1, keepdims=True) - logarithms
        return numpy.asarray(logarithms - others / max(1, classes - 1))

    def are_near(self, found: Any, wanted: Any) -> bool:
        """Whether scores are the same but for rounding, log-odds as the probabilities that they are of."""
        if self.in_log_odds:
            found, wanted = (0.5 + 0.5 * numpy.tanh(numpy.asarray(each) / 2) for each in (found, wanted))
        most = numpy.abs(wanted).max(initial=0)
        return bool((numpy.abs(found - wanted) <= _TOLERANCE * most).all())
