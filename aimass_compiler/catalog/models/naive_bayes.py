"""Gaussian naive Bayes: each feature alone, normally distributed within a class."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from aimass_compiler.catalog.model import Budget, Examples, Model, Progress, Trained
from aimass_compiler.catalog.models._scikit_learn import LearntEstimator
from aimass_compiler.task import Task
from aimass_compiler.values import Number, Tunable


class NaiveBayes(Model):
    """Gaussian naive Bayes: each feature alone, normally distributed within a class."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})
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
        estimator = GaussianNB(var_smoothing=self.var_smoothing).fit(
            numpy.asarray(train.x, numpy.float64), train.y
        )
        return LearntEstimator(estimator, task, train.x.shape[1], precise=True)
