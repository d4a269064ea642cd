"""A model of your own: a Python class or function of the project, with scikit-learn's methods."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.model import Budget, Progress, Trained
from aimass_compiler.catalog.models._own_model import OwnModel
from aimass_compiler.catalog.project_code import Hyperparameter, ProjectFile, PythonPlace, file_of
from aimass_compiler.catalog.quantities import Flag
from aimass_compiler.catalog.task import Task


class Custom(OwnModel):
    """A model of your own: a Python class or function of the project, with scikit-learn's methods."""

    path: PythonPlace
    """The file and the class or function in it, such as `models/my_model.py:MyModel`."""
    parameters: Mapping[str, Hyperparameter] = Field(default_factory=dict)
    """What it is built with; any value may be a range to search."""
    files: tuple[ProjectFile, ...] = ()
    """Other files or folders of the project that it imports or reads; a change of one trains it again."""
    missing_values: Flag = False
    """Whether NaN may stand for a missing value in its features."""

    @property
    def dependencies(self) -> tuple[str, ...]:
        return (file_of(self.path), *self.files)

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        from aimass_compiler.catalog.frameworks._custom_estimator import CustomEstimator

        estimator = CustomEstimator(self.path, self.parameters, task, budget)
        estimator.fit(train, validation, progress)
        return estimator.exported(train, validation)
