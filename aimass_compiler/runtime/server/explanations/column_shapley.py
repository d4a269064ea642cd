"""Shapley values of the columns of any model against background rows, by asking it.

The value of some columns is what the model answers, in the mean over the background rows, where these columns
have the values of the row that is explained and all others those of the background row. A column's
contribution is what it adds to that, in the mean over all orders in which columns can be added; all
contributions together are the prediction minus the mean prediction of the background rows, exactly.

With few columns all sets of columns are tried. With more, each background row goes through one order of the
columns and through its reverse: 2 (C - 1) predictions for each background row. That is exact, too, where
columns matter by themselves or two by two: an order and its reverse have each of two once before the other.

Sources: Lundberg and Lee 2017, https://arxiv.org/abs/1705.07874; sampling of orders, Štrumbelj and Kononenko
2014, https://doi.org/10.1007/s10115-013-0679-x; with their reverses, Mitchell et al. 2022,
https://jmlr.org/papers/v23/21-0439.html
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.runtime.server.response import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import onnxruntime
    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.explanations.score_scale import ScoreScale
    from aimass_compiler.runtime.server.model import OnnxModel, Tensors
    from aimass_compiler.runtime.server.model_signature import Field, Signature

#: Up to so many columns all sets of them are tried.
_FEW_COLUMNS = 6
#: What the model is given at once.
_MOST_ROWS, _MOST_VALUES = 4_096, 4_000_000
_SEED = 0


class ColumnShapley:
    """Explains rows of one model; the same row is always explained alike."""

    def __init__(
        self, signature: Signature, model: OnnxModel, background: Tensors, scale: ScoreScale
    ) -> None:
        """Ask the model about the background rows, [B]."""
        self.columns = tuple(field.name for field in signature.fields)
        self._fields = signature.fields
        self._places = _places(signature)
        self._scale = scale
        self._model = model
        self._background = background
        self._scores = self._asked(background, None)
        count, columns = len(self._scores), len(self.columns)
        self._rows_at_once = max(1, min(_MOST_ROWS, _MOST_VALUES // max(1, signature.width)))
        self._sets = None if columns > _FEW_COLUMNS else _all_sets(columns)
        chance = numpy.random.default_rng(_SEED)
        # By column, its place in the order of each background row; the second half are the reverses.
        ranks = numpy.stack([chance.permutation(columns) for _ in range(count)])
        self._ranks = numpy.concatenate([ranks, columns - 1 - ranks])

    @property
    def tries_all_sets(self) -> bool:
        """Whether the columns are so few that every set of them is tried."""
        return self._sets is not None

    @property
    def scores(self) -> NDArray[numpy.float64]:
        """The answers to the background rows, [B, K]."""
        return self._scores

    @property
    def base(self) -> NDArray[numpy.float64]:
        """The mean answer to the background rows, [K]."""
        return numpy.asarray(self._scores.mean(axis=0))

    def contributions(
        self, row: Tensors, scores: NDArray[numpy.float64], limit: onnxruntime.RunOptions | None = None
    ) -> NDArray[numpy.float64]:
        """What each column adds to the base, [C, K], for tensors of one row and the model's `scores` [K].

        Raises RequestError (422) where the model computes no finite number on the way.
        """
        found = (
            self._sampled(row, scores, limit)
            if self._sets is None
            else self._exact(self._sets, row, scores, limit)
        )
        if not numpy.isfinite(found).all():
            message = "cannot be explained: with values of other rows beside its own, the model overflows"
            raise RequestError(422, f"the row {message}")
        return found

    def _exact(
        self, sets: NDArray[numpy.bool_], row: Tensors, scores: NDArray[numpy.float64], limit: Any
    ) -> NDArray[numpy.float64]:
        columns, count = len(self.columns), len(self._scores)
        inner = sets[1:-1]
        means = numpy.empty((len(inner), len(scores)))
        if len(inner):
            is_own, others = numpy.repeat(inner, count, axis=0), numpy.tile(range(count), len(inner))
            answers = self.mixed(row, is_own, others, limit)
            means = answers.reshape(len(inner), count, len(scores)).mean(axis=1)
        worth = numpy.concatenate([self.base[None], means, scores[None]])
        sizes = sets.sum(axis=1)
        found = numpy.zeros((columns, len(scores)))
        for column in range(columns):
            (without,) = numpy.nonzero(~sets[:, column])
            weights = [1 / (columns * math.comb(columns - 1, int(size))) for size in sizes[without]]
            added = worth[without + (1 << column)] - worth[without]
            found[column] = (numpy.array(weights)[:, None] * added).sum(axis=0)
        return found

    def _sampled(self, row: Tensors, scores: NDArray[numpy.float64], limit: Any) -> NDArray[numpy.float64]:
        orders, columns = self._ranks.shape
        count = len(self._scores)
        worth = numpy.empty((orders, columns + 1, len(scores)))
        worth[:, 0] = numpy.concatenate([self._scores, self._scores])
        worth[:, columns] = scores
        steps = numpy.arange(orders * (columns - 1))
        of_order, added = steps // (columns - 1), steps % (columns - 1) + 1
        for start in range(0, len(steps), self._rows_at_once):
            part = slice(start, start + self._rows_at_once)
            is_own = self._ranks[of_order[part]] < added[part, None]
            worth[of_order[part], added[part]] = self.mixed(row, is_own, of_order[part] % count, limit)
        gains = numpy.diff(worth, axis=1)
        return numpy.asarray(numpy.take_along_axis(gains, self._ranks[:, :, None], axis=1).mean(axis=0))

    def mixed(
        self, row: Tensors, is_own: NDArray[numpy.bool_], others: NDArray[Any], limit: Any
    ) -> NDArray[numpy.float64]:
        """The answers to rows whose columns are the row's own or those of other background rows, [M, K]."""
        answers = []
        for start in range(0, len(others), self._rows_at_once):
            part = slice(start, start + self._rows_at_once)
            mixed = {}
            for name, tensor in self._background.items():
                own = is_own[part, self._places[name]]
                if tensor.ndim > 2:  # noqa: PLR2004  # one column, as an image or a series
                    own = own.reshape(-1, *[1] * (tensor.ndim - 1))
                mixed[name] = numpy.where(own, row[name], tensor[others[part]])
            answers.append(self._asked(mixed, limit))
        return numpy.concatenate(answers)

    def _asked(self, tensors: Mapping[str, NDArray[Any]], limit: Any) -> NDArray[numpy.float64]:
        return self._scale.scores(self._model.run(tensors, limit))


def _places(signature: Signature) -> dict[str, list[int]]:
    """Which columns each tensor has, in its order."""
    order = {field.name: place for place, field in enumerate(signature.fields)}
    packed: dict[str, Sequence[Field]] = {
        **signature.packed,
        **{field.tensor: (field,) for field in signature.images},
    }
    return {name: [order[field.name] for field in fields] for name, fields in packed.items()}


def _all_sets(columns: int) -> NDArray[numpy.bool_]:
    """All sets of columns, [2^C, C]; a set's number has a bit for each column, the first the lowest."""
    numbers = numpy.arange(1 << columns)
    return numpy.asarray((numbers[:, None] >> numpy.arange(columns)) & 1, dtype=bool)
