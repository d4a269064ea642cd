"""A model of your own: a Python class or function of the project, with scikit-learn's methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field

from aimass_compiler.catalog.examples import Examples, Matrix, Read
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.project_code import Hyperparameter, ProjectFile, PythonPlace, file_of
from aimass_compiler.catalog.quantities import Flag
from aimass_compiler.catalog.task import Task


class Custom(Model):
    """A model of your own: a Python class or function of the project, with scikit-learn's methods."""

    library: ClassVar[Framework] = Framework(module="onnx", extra="run")
    examples: ClassVar[Read] = Matrix(categorical="dense")
    bytes_a_number: ClassVar[float] = 4.0

    path: PythonPlace
    """The file and the class or function in it, such as `models/my_model.py:MyModel`."""
    parameters: Mapping[str, Hyperparameter] = Field(default_factory=dict)
    """What it is built with; any value may be a range to search."""
    files: tuple[ProjectFile, ...] = ()
    """Other files or folders of the project that it imports or reads; a change of one trains it again."""
    missing_values: Flag = False
    """Whether NaN may stand for a missing value in its features."""

    @property
    def takes_missing(self) -> bool:
        return self.missing_values

    @property
    def dependencies(self) -> tuple[str, ...]:
        return (file_of(self.path), *self.files)

    def with_values(self, values: Mapping[str, Any]) -> Self:
        return type(self).model_validate(self.model_dump() | {"parameters": {**self.parameters, **values}})

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        from aimass_compiler.catalog.frameworks._custom_estimator import CustomEstimator

        estimator = CustomEstimator(self.path, self.parameters, task, budget)
        estimator.fit(train, validation, progress)
        return estimator.exported(train, validation)
