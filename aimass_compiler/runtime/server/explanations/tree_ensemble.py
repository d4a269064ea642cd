"""A tree ensemble of an ONNX graph as arrays of all its nodes.

Source: TreeEnsembleRegressor and TreeEnsembleClassifier of
https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

#: What a node asks of a value, beside its threshold.
_QUESTIONS: Mapping[bytes, Callable[[Any, Any], Any]] = {
    b"BRANCH_LEQ": numpy.less_equal,
    b"BRANCH_LT": numpy.less,
    b"BRANCH_GTE": numpy.greater_equal,
    b"BRANCH_GT": numpy.greater,
    b"BRANCH_EQ": numpy.equal,
    b"BRANCH_NEQ": numpy.not_equal,
}
_LEAF = b"LEAF"


class TreesError(Exception):
    """The trees compute something that is not read here, or are too many."""


@dataclass(frozen=True)
class TreeEnsemble:
    """Trees whose leaves are added up: M nodes of T trees, and O sums."""

    tree: NDArray[numpy.int64]
    """Which tree each node is in, [M]."""
    roots: NDArray[numpy.int64]
    """The first node of each tree, [T]."""
    feature: NDArray[numpy.int64]
    threshold: NDArray[numpy.floating[Any]]
    question: NDArray[numpy.int8]
    """Which of `_QUESTIONS`, [M]; -1 of a leaf."""
    missing_holds: NDArray[numpy.bool_]
    """Whether a missing value goes where the question holds, [M]."""
    holds: NDArray[numpy.int32]
    """The node where the question holds, [M]; -1 of a leaf."""
    fails: NDArray[numpy.int32]
    weights: NDArray[numpy.float64]
    """What a leaf adds to each sum, [M, O]."""
    base: NDArray[numpy.float64]
    """What each sum begins with, [O]."""

    def answers(self, features: NDArray[Any]) -> NDArray[numpy.bool_]:
        """Of each node, whether its question holds for a row [F]; [M]."""
        values = features[self.feature]
        found = numpy.zeros(len(values), bool)
        for number in self.asked:
            compare = tuple(_QUESTIONS.values())[number]
            found |= (self.question == number) & compare(values, self.threshold)
        return numpy.asarray(found | (self.missing_holds & numpy.isnan(values)))

    def sums(self, answers: NDArray[numpy.bool_]) -> NDArray[numpy.float64]:
        """The sums of the row whose answers these are, [O]."""
        node = self.roots
        while (is_inner := self.holds[node] >= 0).any():
            following = numpy.where(answers[node], self.holds[node], self.fails[node])
            node = numpy.where(is_inner, following, node)
        return numpy.asarray(self.base + self.weights[node].sum(axis=0))

    @cached_property
    def asked(self) -> tuple[int, ...]:
        """Which questions there are."""
        return tuple(number for number in numpy.unique(self.question).tolist() if number >= 0)

    def depth(self) -> int:
        """How many questions the longest path has."""
        node, depth = self.roots, 0
        while len(node := node[self.holds[node] >= 0]):
            node, depth = numpy.concatenate([self.holds[node], self.fails[node]]), depth + 1
        return depth

    def bounds(self) -> tuple[NDArray[numpy.float64], NDArray[numpy.float64]]:
        """What no sum is below, and what none is above, [O] each."""
        is_leaf = self.holds < 0
        least = numpy.full((len(self.roots), len(self.base)), numpy.inf)
        most = -least
        numpy.minimum.at(least, self.tree[is_leaf], self.weights[is_leaf])
        numpy.maximum.at(most, self.tree[is_leaf], self.weights[is_leaf])
        return self.base + least.sum(axis=0), self.base + most.sum(axis=0)


def read_trees(attributes: Mapping[str, Any], leaves: str, sums: int, most_values: int) -> TreeEnsemble:
    """The trees of a node's attributes, where those of leaves begin with `leaves`.

    Raises TreesError for what is no sum of leaves, and where all nodes had more values than given.
    """
    modes = _modes(attributes, most_values // sums)
    known, tree = numpy.unique(attributes["nodes_treeids"], return_inverse=True)
    places = _Places(tree, attributes["nodes_nodeids"])
    is_inner = modes != _LEAF
    holds, fails = (
        _children(places, tree, attributes[name], is_inner)
        for name in ("nodes_truenodeids", "nodes_falsenodeids")
    )
    owners = places.of(
        numpy.searchsorted(known, attributes[f"{leaves}_treeids"]), attributes[f"{leaves}_nodeids"]
    )
    question = numpy.full(len(modes), -1, numpy.int8)
    for number, mode in enumerate(_QUESTIONS):
        question[modes == mode] = number
    missing = attributes.get("nodes_missing_value_tracks_true")
    return TreeEnsemble(
        tree=tree,
        roots=_roots(tree, len(known), holds, fails),
        feature=numpy.where(is_inner, attributes["nodes_featureids"], 0),
        threshold=_numbers(attributes, "nodes_values"),
        question=question,
        missing_holds=numpy.zeros(len(modes), bool) if missing is None else missing.astype(bool),
        holds=holds,
        fails=fails,
        weights=_weights(attributes, leaves, owners, (len(modes), sums)),
        base=_base(attributes, sums),
    )


class _Places:
    """Where a node stands among all, by its tree and its number in it."""

    def __init__(self, tree: NDArray[Any], number: NDArray[Any]) -> None:
        self._width = int(number.max()) + 1
        keys = tree * self._width + number
        self._order = numpy.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def of(self, tree: NDArray[Any], number: NDArray[Any]) -> NDArray[numpy.int64]:
        """The places of these nodes; raises TreesError where there is no such node."""
        wanted = tree * self._width + number
        found = numpy.minimum(numpy.searchsorted(self._keys, wanted), len(self._keys) - 1)
        if (self._keys[found] != wanted).any():
            raise TreesError("a node that is named is not there")
        return numpy.asarray(self._order[found])


def _modes(attributes: Mapping[str, Any], most: int) -> NDArray[numpy.bytes_]:
    """What each node asks, [M]; raises TreesError for more than `most`, and for what is no sum of leaves."""
    modes = numpy.array(attributes["nodes_modes"])
    if len(modes) > most:
        raise TreesError("there are too many nodes")
    if set(modes.tolist()) - {*_QUESTIONS, _LEAF}:
        raise TreesError("a node asks something else")
    if attributes.get("aggregate_function", b"SUM") != b"SUM":
        raise TreesError("leaves are not added up")
    return modes


def _weights(
    attributes: Mapping[str, Any], leaves: str, owners: NDArray[numpy.int64], shape: tuple[int, int]
) -> NDArray[numpy.float64]:
    """What a leaf adds to each sum, [M, O], where `owners` are the nodes that the attributes name."""
    weights = numpy.zeros(shape)
    ids = attributes[f"{leaves}_ids"] if shape[1] > 1 else numpy.zeros(len(owners), numpy.int64)
    numpy.add.at(weights, (owners, ids), _numbers(attributes, f"{leaves}_weights"))
    return weights


def _children(
    places: _Places, tree: NDArray[Any], numbers: NDArray[Any], is_inner: NDArray[numpy.bool_]
) -> NDArray[numpy.int32]:
    found = numpy.full(len(tree), -1, numpy.int32)
    found[is_inner] = places.of(tree[is_inner], numbers[is_inner])
    return found


def _roots(
    tree: NDArray[Any], trees: int, holds: NDArray[numpy.int32], fails: NDArray[numpy.int32]
) -> NDArray[numpy.int64]:
    """The node of each tree to which none leads; raises TreesError where there is not one of each."""
    children = numpy.concatenate([holds[holds >= 0], fails[fails >= 0]])
    leads_there = numpy.bincount(children, minlength=len(tree))
    (roots,) = numpy.nonzero(leads_there == 0)
    if len(roots) != trees or len(numpy.unique(tree[roots])) != trees or leads_there.max(initial=0) > 1:
        raise TreesError("they are no trees")
    return roots


def _base(attributes: Mapping[str, Any], sums: int) -> NDArray[numpy.float64]:
    found = _numbers(attributes, "base_values").astype(numpy.float64)
    if len(found) not in (0, sums):
        raise TreesError("there are other base values than sums")
    return found if len(found) else numpy.zeros(sums)


def _numbers(attributes: Mapping[str, Any], name: str) -> NDArray[numpy.floating[Any]]:
    """Numbers of single precision, or of double under the name that says so."""
    found = attributes.get(name, attributes.get(f"{name}_as_tensor"))
    return numpy.zeros(0, numpy.float32) if found is None else numpy.asarray(found)
