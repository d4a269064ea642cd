"""A model that any program trains: a command that reads the features and writes model.onnx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.model import Budget, Progress, Trained
from aimass_compiler.catalog.models._own_model import OwnModel
from aimass_compiler.catalog.project_code import Hyperparameter, ProjectFile
from aimass_compiler.catalog.quantities import Flag
from aimass_compiler.catalog.task import Task


def _no_line(command: Any) -> Any:
    """A line as it is typed into a shell is refused, and answered with its words."""
    if not isinstance(command, str):
        return command
    words = ", ".join(command.split()) or "python3, trainers/mine.py"
    raise PydanticCustomError(
        "command_line",
        "`command` is a list of the program and its arguments, which no shell reads: write `[{words}]`",
        {"words": words},
    )


class External(OwnModel):
    """A model that any program trains, in any language or container: it reads files and writes model.onnx."""

    command: Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_no_line)]
    """The program and its arguments, run in the project's root; the last argument is added: the folder of
    its files."""
    files: tuple[ProjectFile, ...] = ()
    """The files and folders of the project that the program is made of; a change of one trains it again."""
    parameters: Mapping[str, Hyperparameter] = Field(default_factory=dict)
    """Its hyperparameters, which it finds in job.json; any value may be a range to search."""
    data: Literal["parquet", "npy", "csv"] = "parquet"
    """As what it reads the features."""
    missing_values: Flag = False
    """Whether it takes missing values."""

    @property
    def dependencies(self) -> tuple[str, ...]:
        return self.files

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        from aimass_compiler.catalog.frameworks._external_trainer import ExternalTrainer

        trainer = ExternalTrainer(self.command, self.data, self.parameters, task, budget)
        return trainer.train(train, validation, progress)
