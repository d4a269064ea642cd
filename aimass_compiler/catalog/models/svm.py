"""A support vector machine, linear or with a Gaussian kernel (Cortes and Vapnik 1995)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks._kernel_machine import KernelMachine
from aimass_compiler.catalog.frameworks._scale import Scale
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN, rows_of
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Number, Tunable
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy

_FOLDS = 5


class Svm(Model):
    """A support vector machine, linear or with a Gaussian kernel; for up to some ten thousand rows."""

    library: ClassVar[Framework] = SKLEARN
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    bytes_a_number: ClassVar[float] = 32.0
    capacity: ClassVar[tuple[str, ...]] = ("penalty",)

    kernel: Tunable[Literal["rbf", "linear"]] = "rbf"
    """What makes two rows alike: their distance, or the product of their features."""
    penalty: Tunable[Annotated[Number, Field(gt=0, le=1e6)]] = 1.0
    """What a row on the wrong side costs, against a wide margin: scikit-learn's `C`."""
    gamma: Tunable[Annotated[Number, Field(gt=0, le=1e6)]] | None = None
    """How soon likeness ends with distance, for `rbf`; by default one over the number of features and their
    variance."""
    epsilon: Annotated[Number, Field(ge=0, le=10)] = 0.1
    """By how many standard deviations of a number a prediction may be off at no cost."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        del validation, progress
        x = rows_of(train.x, "f8")
        if task.is_classification:
            judged = [len(task.classes) - 1] if task.is_binary else range(task.outputs)
            machines = [self._calibrated(x, train.y == place, train.weights, budget) for place in judged]
            return KernelMachine(machines, task, train.x.shape[1])
        from sklearn.svm import SVR

        scale = Scale.of(train.y)
        machine = SVR(**self._parameters(), epsilon=self.epsilon)
        return KernelMachine(
            [machine.fit(x, scale.scaled(train.y), train.weights)], task, train.x.shape[1], scale
        )

    def _parameters(self) -> dict[str, Any]:
        return {"kernel": self.kernel, "C": self.penalty, "gamma": self.gamma or "scale"}

    def _calibrated(self, x: Any, y: numpy.ndarray, weights: numpy.ndarray | None, budget: Budget) -> Any:
        """One class against the rest, its margins made probabilities on rows left out (Platt 1999)."""
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.model_selection import StratifiedKFold
        from sklearn.svm import SVC

        rarest = int(min(y.sum(), len(y) - y.sum()))
        if rarest <= 1:
            message = "a class has one training row, too few to estimate probabilities"
            raise ArithmeticError(f"{message}; add rows of it, or choose another model")
        folds = StratifiedKFold(min(_FOLDS, rarest), shuffle=True, random_state=budget.seed)
        machine = CalibratedClassifierCV(SVC(**self._parameters()), cv=folds, ensemble=False)
        return machine.fit(x, y, weights)
