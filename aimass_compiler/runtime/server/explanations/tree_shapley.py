"""Exact Shapley values of trees: what each column adds to the sum of the leaves that a row reaches.

Beside one background row, a row whose columns are partly its own reaches a leaf where each column on its path
goes the leaf's way. A column that goes it with both values matters nothing; one that does so only with the
row's own value must be its own, one with the background's only must not. A leaf of weight w with p columns of
the first kind and q of the second gives w (p-1)! q! / (p+q)! to each of the first, and takes w p! (q-1)! /
(p+q)! from each of the second. So each tree is walked once for each background row, along both rows' ways.

Source: the interventional variant of TreeSHAP, Lundberg et al. 2020, https://doi.org/10.1038/s42256-019-0138-9
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnxruntime
    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.explanations.tree_ensemble import TreeEnsemble

#: Columns that one word has a bit for.
_BITS = 64
#: Nodes that are looked at in one step: more keep other threads waiting, fewer cost more than they do.
_AT_ONCE = 32_768


class _Walk(NamedTuple):
    """Nodes that were reached, [N], and which columns had to be of which row for it, [N, W]."""

    node: NDArray[numpy.int32]
    other: NDArray[numpy.int32]
    """The background row."""
    own: NDArray[numpy.uint64]
    """Bits of the columns that must be the row's own."""
    not_own: NDArray[numpy.uint64]

    def at(self, places: NDArray[Any] | slice) -> _Walk:
        return _Walk(self.node[places], self.other[places], self.own[places], self.not_own[places])


class TreeShapley:
    """Explains the sums of one ensemble by columns."""

    def __init__(
        self, trees: TreeEnsemble, column: NDArray[Any], columns: int, background: NDArray[Any]
    ) -> None:
        """`column` says which one each feature is made of, [F]; the background has features, [B, F]."""
        self._trees = trees
        self._columns, self._rows = columns, len(background)
        self._word, bit = numpy.divmod(column[trees.feature], _BITS)
        self._bit = numpy.uint64(1) << bit.astype(numpy.uint64)
        self._words = -(-columns // _BITS)
        self.sums = numpy.empty((self._rows, len(trees.base)))
        # Of each node, a bit for each background row.
        self._answers = numpy.zeros((len(trees.tree), -(-self._rows // 8)), numpy.uint8)
        for place, row in enumerate(background):
            answers = trees.answers(row)
            self.sums[place] = trees.sums(answers)
            self._answers[:, place // 8] |= answers.astype(numpy.uint8) << (place % 8)
        self._gains = _gains(min(columns, trees.depth()))

    def contributions(
        self,
        features: NDArray[Any],
        weights: NDArray[numpy.float64],
        most_nodes: int,
        limit: onnxruntime.RunOptions | None = None,
    ) -> NDArray[numpy.float64] | None:
        """What each column adds in the mean, [C], for a row [F] and what each leaf is worth, [M].

        None where more nodes than given would have to be looked at. Setting `limit.terminate` ends it.
        """
        answers = self._trees.answers(features)
        found = numpy.zeros(self._columns)
        waiting, looked_at = list(self._begun()), 0
        while waiting:
            if limit is not None and limit.terminate:
                raise TimeoutError
            walk = waiting.pop()
            looked_at += len(walk.node)
            if looked_at > most_nodes:
                return None
            is_leaf = self._trees.holds[walk.node] < 0
            if is_leaf.any():
                found += self._given(walk.at(is_leaf), weights)
                walk = walk.at(~is_leaf)
            waiting += _parts(self._further(walk, answers))
        return found / self._rows

    def _begun(self) -> Iterator[_Walk]:
        trees = len(self._trees.roots)
        node = numpy.tile(self._trees.roots.astype(numpy.int32), self._rows)
        other = numpy.repeat(numpy.arange(self._rows, dtype=numpy.int32), trees)
        nothing = numpy.zeros((len(node), self._words), numpy.uint64)
        return _parts(_Walk(node, other, nothing, nothing))

    def _further(self, walk: _Walk, answers: NDArray[numpy.bool_]) -> _Walk:
        """One node further; where the two rows part, both ways."""
        node, other, own, not_own = walk
        word, bit = self._word[node], self._bit[node]
        places = numpy.arange(len(node))
        must, must_not = (own[places, word] & bit) > 0, (not_own[places, word] & bit) > 0
        mine = answers[node]
        others = (self._answers[node, other >> 3] >> (other & 7).astype(numpy.uint8)) & 1 > 0
        (parting,) = numpy.nonzero((mine != others) & ~must & ~must_not)
        own_too, not_own_too = own.copy(), not_own[parting]
        own_too[parting, word[parting]] |= bit[parting]
        not_own_too[places[: len(parting)], word[parting]] |= bit[parting]
        holds, fails = self._trees.holds[node], self._trees.fails[node]
        following = numpy.where(numpy.where(must_not, others, mine), holds, fails)
        its = numpy.where(others[parting], holds[parting], fails[parting])
        return _Walk(
            numpy.concatenate([following, its]),
            numpy.concatenate([other, other[parting]]),
            numpy.concatenate([own_too, own[parting]]),
            numpy.concatenate([not_own, not_own_too]),
        )

    def _given(self, leaves: _Walk, weights: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
        """What these leaves give to columns and take from them, [C]."""
        must = numpy.bitwise_count(leaves.own).sum(axis=1)
        must_not = numpy.bitwise_count(leaves.not_own).sum(axis=1)
        worth = weights[leaves.node]
        gained = _shared(leaves.own, worth * self._gains[must, must_not], self._columns)
        return gained - _shared(leaves.not_own, worth * self._gains[must_not, must], self._columns)


def _parts(walk: _Walk) -> Iterator[_Walk]:
    for start in range(0, len(walk.node), _AT_ONCE):
        yield walk.at(slice(start, start + _AT_ONCE))


def _gains(most: int) -> NDArray[numpy.float64]:
    """(p-1)! q! / (p+q)! at [p, q], for p + q columns up to `most`; 0 where there is none to get it."""
    found = numpy.zeros((most + 1, most + 1))
    for first in range(1, most + 1):
        for second in range(most + 1 - first):
            found[first, second] = 1 / (first * math.comb(first + second, first))
    return found


def _shared(
    bits: NDArray[numpy.uint64], amounts: NDArray[numpy.float64], columns: int
) -> NDArray[numpy.float64]:
    """The amounts [N] added up by the columns whose bits [N, W] are set, [C]."""
    found = numpy.zeros(bits.shape[1] * _BITS)
    for word in range(bits.shape[1]):
        left, given = bits[:, word], amounts
        while len(left := left[(is_left := left > 0)]):
            given = given[is_left]
            place = numpy.bitwise_count((left & (~left + numpy.uint64(1))) - numpy.uint64(1))
            found += numpy.bincount(place.astype(numpy.int64) + word * _BITS, given, len(found))
            left = left & (left - numpy.uint64(1))
    return found[:columns]
