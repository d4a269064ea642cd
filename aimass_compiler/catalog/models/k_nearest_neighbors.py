"""K nearest neighbours: the mean of the training rows that are nearest to a row (Cover and Hart 1967)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, cast

from pydantic import Field

from aimass_compiler.catalog.examples import Examples, Matrix, Read
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Integer, Tunable
from aimass_compiler.catalog.task import Task
from aimass_compiler.diagnostics import HintedError

#: Each answer looks at every training row, and the package holds them.
_MOST_ROWS = 50_000


class KNearestNeighbors(Model):
    """The mean of the training rows that are nearest, all of which the package holds; for scaled features."""

    library: ClassVar[Framework] = SKLEARN
    examples: ClassVar[Read] = Matrix(categorical="dense")
    bytes_a_number: ClassVar[float] = 24.0
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    regularization: ClassVar[tuple[str, ...]] = ("neighbors",)

    neighbors: Tunable[Annotated[Integer, Field(ge=1, le=10_000)]] = 15
    """How many of the nearest rows count; those as far away as the last of them count, too."""
    weights: Tunable[Literal["uniform", "gaussian"]] = "uniform"
    """How much each counts: all alike, or less with distance, the last 0.14 of one at no distance."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        from aimass_compiler.catalog.frameworks._neighbors import FittedNeighbors

        del validation, budget, progress
        if len(train.y) > _MOST_ROWS:
            raise HintedError(
                f"{len(train.y):,} training rows are too many for `{self.kind}`, which looks at each of them "
                f"for every answer: at most {_MOST_ROWS:,}",
                "choose another model, or give `train` a smaller share in `split`",
            )
        fall = -2.0 if self.weights == "gaussian" else 0.0
        return FittedNeighbors.of(train, task, cast("int", self.neighbors), fall)
