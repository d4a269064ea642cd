"""Gradient-boosted trees by scikit-learn, from histograms; a missing value takes its own branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.examples import Examples, Images, Matrix
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks._scale import Scale, learned_targets, unit_of_loss
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN, FittedEstimator
from aimass_compiler.catalog.loss import GAMMA, LOG_LINK, PINBALL, POISSON
from aimass_compiler.catalog.model import Budget, Progress, Trained
from aimass_compiler.catalog.models._boosted_trees import BoostedTrees
from aimass_compiler.catalog.quantities import Integer, Number, Tunable
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy

    from aimass_compiler.catalog.feature_matrix import FeatureMatrix

_LOSSES = {
    "log_loss": "log_loss",
    "mean_squared_error": "squared_error",
    "mean_absolute_error": "absolute_error",
    PINBALL: "quantile",
    POISSON: "poisson",
    GAMMA: "gamma",
}


class GradientBoosting(BoostedTrees):
    """Gradient-boosted trees by scikit-learn, from histograms; a missing value takes its own branch."""

    library: ClassVar[Framework] = SKLEARN
    examples: ClassVar[Matrix | Images] = Matrix(categorical="dense")
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "classification": ("log_loss",),
        "regression": ("mean_squared_error", "mean_absolute_error", PINBALL, POISSON, GAMMA),
    }
    stops_early: ClassVar[bool] = True
    bytes_a_number: ClassVar[float] = 14.0
    regularization: ClassVar[tuple[str, ...]] = ("l2_regularization", "min_samples_leaf")
    capacity: ClassVar[tuple[str, ...]] = ("max_leaf_nodes", "n_estimators")

    max_leaf_nodes: Tunable[Annotated[Integer, Field(ge=2, le=131_072)]] = 31
    """How many leaves a tree has at most."""
    max_depth: Tunable[Annotated[Integer, Field(ge=1, le=64)]] | None = None
    """How many questions a tree asks of a row at most; without it, `max_leaf_nodes` alone ends it."""
    min_samples_leaf: Tunable[Annotated[Integer, Field(ge=1, le=100_000)]] = 20
    """How many training rows a leaf has at least."""
    l2_regularization: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 0.0
    """The weight of the leaves' squares."""
    max_features: Tunable[Annotated[Number, Field(gt=0, le=1)]] = 1.0
    """The share of features that each question chooses from."""
    max_bins: Annotated[Integer, Field(ge=2, le=255)] = 255
    """Into how many intervals a feature is cut to find splits."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        from threadpoolctl import threadpool_limits

        loss = budget.loss or self.losses[task.kind][0]
        scale = Scale.for_task(task, train.y, loss)
        estimator = self._estimator(task, loss, budget)
        with threadpool_limits(budget.threads, user_api="openmp"):  # which no parameter says
            estimator.fit(
                train.x[:],
                learned_targets(train.y, scale),
                train.weights,
                X_val=validation.x[:],
                y_val=learned_targets(validation.y, scale),
                sample_weight_val=validation.weights,
            )
        self._keep_best(estimator, loss, scale, budget, progress)
        _space_thresholds(estimator, (train.x, validation.x))
        return FittedEstimator(estimator, task, train.x.shape[1], scale, log_link=loss in LOG_LINK)

    def _estimator(self, task: Task, loss: str, budget: Budget) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        kind = HistGradientBoostingClassifier if task.is_classification else HistGradientBoostingRegressor
        own = self.model_dump(exclude={"n_estimators", "monotone"})
        rounds = self.steps(budget)
        return kind(
            **own,
            loss=_LOSSES[loss],
            monotonic_cst=self.directions(task, budget),
            **({"quantile": task.level} if loss == PINBALL else {}),
            max_iter=rounds,
            early_stopping=True,  # or the losses of the rounds are not known
            n_iter_no_change=budget.patience or rounds + 1,
            tol=0,
            random_state=budget.seed,
        )

    def _keep_best(
        self, estimator: Any, loss: str, scale: Scale | None, budget: Budget, progress: Progress
    ) -> None:
        """Report each round's losses, and drop the rounds after the best one.

        scikit-learn has no callback, so the rounds are reported once they are over.
        """
        found = [
            _in_unit(-scores[1:], loss, scale)
            for scores in (estimator.train_score_, estimator.validation_score_)
        ]
        kept = 0
        for train_loss, validation_loss in zip(*found, strict=True):
            kept += 1
            if progress(kept, {"train_loss": float(train_loss), "validation_loss": float(validation_loss)}):
                break
        best = 1 + int(found[1][:kept].argmin()) if budget.patience else kept
        del estimator._predictors[best:]  # noqa: SLF001  # nothing public drops rounds


def _in_unit(losses: numpy.ndarray, loss: str, scale: Scale | None) -> numpy.ndarray:
    """Losses in the target's unit: scikit-learn halves squares."""
    import numpy

    unit = unit_of_loss(loss, scale)
    return numpy.sqrt(2 * losses) * unit if loss == "mean_squared_error" else losses * unit


def _space_thresholds(estimator: Any, parts: Sequence[numpy.ndarray | FeatureMatrix]) -> None:
    """Move each threshold, in place, into its gap between the values of `parts`."""
    import numpy

    from aimass_compiler.catalog.frameworks._thresholds import spaced

    trees = [tree.nodes for trees in estimator._predictors for tree in trees]  # noqa: SLF001  # no other way to them
    nodes = numpy.concatenate(trees)
    is_split = nodes["is_leaf"] == 0
    nodes["num_threshold"][is_split] = spaced(
        nodes["feature_idx"][is_split], nodes["num_threshold"][is_split], parts, equal="below"
    )
    ends = numpy.cumsum([len(tree) for tree in trees])[:-1]
    for tree, moved in zip(trees, numpy.split(nodes, ends), strict=True):
        tree["num_threshold"] = moved["num_threshold"]
