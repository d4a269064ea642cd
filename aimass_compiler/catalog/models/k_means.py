"""K-means: clusters of rows around centres that lie near to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from aimass_compiler.catalog.examples import Examples, Matrix, Read
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Integer, Tunable, is_range
from aimass_compiler.catalog.task import Task


class KMeans(Model):
    """K-means (Lloyd 1982): clusters of rows, each around the mean of its rows."""

    tasks: ClassVar[frozenset[str]] = frozenset({"clustering"})
    reads_target: ClassVar[bool] = False
    library: ClassVar[Framework] = SKLEARN
    examples: ClassVar[Read] = Matrix(categorical="dense")
    bytes_a_number: ClassVar[float] = 16.0
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    clusters: Tunable[Annotated[Integer, Field(ge=2, le=1_000)]] = 8
    """How many clusters; a range is searched by what `objective.metric` says of them."""
    starts: Annotated[Integer, Field(ge=1, le=1_000)] = 10
    """From how many random centres it starts, of which the best end is kept."""

    @property
    def names_found(self) -> tuple[str, ...]:
        counts = self.clusters.candidates if is_range(self.clusters) else (self.clusters,)  # type: ignore[union-attr]  # a range has them
        return tuple(f"cluster_{number + 1}" for number in range(max(counts)))

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        import numpy
        from sklearn import cluster
        from threadpoolctl import threadpool_limits

        from aimass_compiler.catalog.frameworks._clusters import FittedClusters

        del validation, progress
        x = numpy.asarray(train.x[:], numpy.float64)
        different = len(numpy.unique(x, axis=0))
        if different < len(self.names_found):
            message = (
                f"{len(self.names_found)} clusters need as many different rows, and there are {different}"
            )
            raise ArithmeticError(message)
        estimator = cluster.KMeans(len(self.names_found), n_init=self.starts, random_state=budget.seed)
        with threadpool_limits(budget.threads):
            estimator.fit(x, sample_weight=train.weights)
        return FittedClusters.of(estimator, x, train.weights, task.naming(self.names_found))
