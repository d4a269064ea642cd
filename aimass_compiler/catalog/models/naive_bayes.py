"""Gaussian naive Bayes: each feature alone, normally distributed within a class."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.examples import Examples, Images, Matrix
from aimass_compiler.catalog.feature_matrix import FeatureMatrix
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN, FittedEstimator
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Number, Tunable
from aimass_compiler.catalog.task import Task


class NaiveBayes(Model):
    """Gaussian naive Bayes: each feature alone, normally distributed within a class."""

    library: ClassVar[Framework] = SKLEARN
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})
    examples: ClassVar[Matrix | Images] = Matrix(categorical="one_hot")
    bytes_a_number: ClassVar[float] = 17.0
    regularization: ClassVar[tuple[str, ...]] = ("var_smoothing",)

    var_smoothing: Tunable[Annotated[Number, Field(gt=0, le=1)]] = 1e-9
    """What is added to every variance, as a share of the largest."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        import numpy
        from sklearn.naive_bayes import GaussianNB

        del validation, budget, progress
        if isinstance(train.x, FeatureMatrix):
            estimator = self._fitted_by_slices(train.x, train)
        else:
            estimator = GaussianNB(var_smoothing=self.var_smoothing)
            estimator.fit(numpy.asarray(train.x, numpy.float64), train.y, train.weights)
        return FittedEstimator(estimator, task, train.x.shape[1], precise=True)

    def _fitted_by_slices(self, x: FeatureMatrix, train: Examples) -> Any:
        """The estimator, from some dense rows at a time; the smoothing needs the variances of all of them."""
        import numpy
        from sklearn.naive_bayes import GaussianNB

        estimator, classes = GaussianNB(var_smoothing=0), numpy.unique(train.y)
        for part in x.slices():
            weights = None if train.weights is None else train.weights[part]
            estimator.partial_fit(x[part].astype(numpy.float64), train.y[part], classes, weights)
        shares, means = estimator.class_prior_[:, None], estimator.theta_
        apart = (means - (shares * means).sum(axis=0)) ** 2
        variances = (shares * (estimator.var_ + apart)).sum(axis=0)
        estimator.epsilon_ = self.var_smoothing * variances.max()
        estimator.var_ += estimator.epsilon_
        return estimator
