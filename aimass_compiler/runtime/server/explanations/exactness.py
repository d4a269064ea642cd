"""What of a package is explained exactly: trees that are added up, linear models, and few columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime

from aimass_compiler.runtime.server.explanations.scoring_graph import FEATURES, ScoringGraph, Trees
from aimass_compiler.runtime.server.explanations.tree_ensemble import TreesError
from aimass_compiler.runtime.server.explanations.tree_shapley import TreeShapley

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.explanations.column_shapley import ColumnShapley
    from aimass_compiler.runtime.server.explanations.score_scale import ScoreScale
    from aimass_compiler.runtime.server.model import Tensors
    from aimass_compiler.runtime.server.package import Package

#: Numbers that the leaves of all trees may have, and the answers of all nodes to the background.
_MOST_VALUES, _MOST_ANSWERS = 4_000_000, 256_000_000
#: Nodes that one explanation may look at: some seconds.
_MOST_NODES = 20_000_000
#: Of how many rows of the background mixed rows are made to compare with the model.
_MIXED = 4
_SEED = 0
_TWO = 2


class Exactness:
    """Explains rows exactly where it can; by itself only where asking the model is exact already."""

    def __init__(self, trees: ExplainedTrees | None = None, *, is_always: bool = False) -> None:
        self._trees = trees
        self.is_always = is_always
        """Whether what is asked of the model comes to exact values."""

    def contributions(
        self, row: Tensors, scores: NDArray[numpy.float64], of: int, limit: onnxruntime.RunOptions | None
    ) -> tuple[NDArray[numpy.float64], float] | None:
        """What each column adds, [C], and to what; None where it must be asked of the model."""
        return None if self._trees is None else self._trees.contributions(row, scores, of, limit)


def exactness_of(
    package: Package, asked: ColumnShapley, background: Tensors, features: Any, scale: ScoreScale
) -> Exactness:
    """How exactly a package is explained; `features` says of which columns its features are made.

    Nothing is taken for exact that is not seen in the graph itself and, for trees, in what it answers.
    """
    made_of = _made_of(features, asked.columns)
    if made_of is None:
        return Exactness(is_always=asked.tries_all_sets)
    graph = ScoringGraph(package.model)
    if graph.is_linear(scale.output, in_log_odds=scale.in_log_odds):
        pairs = all(len(columns) <= _TWO for columns in made_of)
        return Exactness(is_always=pairs or asked.tries_all_sets)
    try:
        classes = len(package.signature.labels)
        trees = graph.trees(scale.output, classes, _MOST_VALUES, in_log_odds=scale.in_log_odds)
    except (TreesError, LookupError, ValueError):  # of a graph that is not of ours
        trees = None
    if trees is None or not _are_explained(trees, made_of, len(asked.scores)):
        return Exactness(is_always=asked.tries_all_sets)
    found = ExplainedTrees(trees, graph.transforms(), made_of, asked, background, scale)
    return Exactness(found if found.agrees(background) else None, is_always=asked.tries_all_sets)


def _are_explained(trees: Trees, made_of: Sequence[Sequence[int]], background: int) -> bool:
    """Whether each feature that is asked for is of one column, and the trees are not too many."""
    ensemble = trees.ensemble
    if len(ensemble.tree) * background > _MOST_ANSWERS or ensemble.feature.max() >= len(made_of):
        return False
    return all(len(made_of[place]) <= 1 for place in numpy.unique(ensemble.feature[ensemble.holds >= 0]))


def _made_of(features: Any, columns: Sequence[str]) -> list[list[int]] | None:
    """Of each feature the places of its columns; None where that is not known."""
    places = {name: place for place, name in enumerate(columns)}
    found: list[list[int]] = []
    try:
        for part in features:
            found += [[places[name] for name in part["columns"]]] * part["count"]
    except (KeyError, TypeError):
        return None
    return found


class ExplainedTrees:
    """Trees behind the transforms of a package."""

    def __init__(
        self,
        trees: Trees,
        transforms: bytes,
        made_of: Sequence[Sequence[int]],
        asked: ColumnShapley,
        background: Tensors,
        scale: ScoreScale,
    ) -> None:
        self._asked, self._scale = asked, scale
        self._slopes, self._offsets = trees.slopes, trees.offsets
        self._ensemble = trees.ensemble
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._transforms = onnxruntime.InferenceSession(
            transforms, options, providers=["CPUExecutionProvider"]
        )
        self._column = numpy.array([next(iter(columns), 0) for columns in made_of])
        features = self._features(background)
        self._shapley = TreeShapley(trees.ensemble, self._column, len(asked.columns), features)
        self._base = (self._shapley.sums @ self._slopes + self._offsets).mean(axis=0)

    def contributions(
        self, row: Tensors, scores: NDArray[numpy.float64], of: int, limit: onnxruntime.RunOptions | None
    ) -> tuple[NDArray[numpy.float64], float] | None:
        """As of `Exactness`; None, too, where the trees are deeper than there is time for."""
        weights = self._ensemble.weights @ self._slopes[:, of]
        (features,) = self._features(row)
        found = self._shapley.contributions(features, weights, _MOST_NODES, limit)
        if found is None or not self._scale.are_near(self._base[of] + found.sum(), scores[of]):
            return None
        return found, float(self._base[of])

    def agrees(self, background: Tensors) -> bool:
        """Whether the trees answer the background, and rows that are mixed of it, as the model does."""
        scores, features = self._asked.scores, self._features(background)
        if not self._are_near(self._shapley.sums, scores):
            return False
        chance = numpy.random.default_rng(_SEED)
        for place in range(min(_MIXED, len(scores))):
            is_own = chance.random((len(scores), len(self._asked.columns))) < 1 / _TWO
            row = {name: tensor[place : place + 1] for name, tensor in background.items()}
            answers = self._asked.mixed(row, is_own, numpy.arange(len(scores)), None)
            mixed = numpy.where(is_own[:, self._column], features[place], features)
            sums = numpy.stack([self._ensemble.sums(self._ensemble.answers(each)) for each in mixed])
            if not self._are_near(sums, answers):
                return False
        return True

    def _are_near(self, sums: NDArray[numpy.float64], scores: NDArray[numpy.float64]) -> bool:
        return self._scale.are_near(sums @ self._slopes + self._offsets, scores)

    def _features(self, tensors: Tensors) -> NDArray[numpy.float32]:
        return numpy.asarray(self._transforms.run([FEATURES], tensors)[0])
