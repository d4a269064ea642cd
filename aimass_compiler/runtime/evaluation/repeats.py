"""How far metrics spread when the model is trained again, and whether a gate is met by more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.metric import with_deviation
from aimass_compiler.conventions import SPLITS
from aimass_compiler.runtime.evaluation.measures import shown
from aimass_compiler.runtime.workspace import Workspace, read_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.pipeline.evaluation import Evaluation


@dataclass(frozen=True)
class MetricSpread:
    """A metric of several trainings."""

    mean: float | None
    std: float | None
    """The standard deviation of a sample; None of a single value."""
    values: Sequence[float | None]
    """One for each fold or seed; None where it was not defined."""

    def numbers(self) -> dict[str, float | None]:
        return {"mean": self.mean, "std": self.std}

    @property
    def standard_error(self) -> float | None:
        """Of the mean; that of folds is too small, because their models share most of their rows."""
        return None if self.std is None else self.std / sqrt(len(self.values))

    def __str__(self) -> str:
        if self.mean is None:
            return "not defined"
        mean = shown(self.mean) if self.std is None else f"{self.mean:.4g}"
        return with_deviation(mean, self.std)


@dataclass(frozen=True)
class Repeats:
    """What the repeat stage found, as far as it was asked for."""

    folds: Mapping[str, MetricSpread]
    """By metric."""
    seeds: Mapping[str, Mapping[str, MetricSpread]]
    """By split and metric."""

    @classmethod
    def read(cls, evaluation: Evaluation, workspace: Workspace) -> Repeats:
        """What it left; nothing where the spec asks for no folds and no seeds."""
        if evaluation.cross_validation is None and evaluation.seeds is None:
            return cls({}, {})
        found = read_json(workspace.path(artifacts.REPEATS))
        folds = _spreads(found["cross_validation"]["metrics"]) if "cross_validation" in found else {}
        of_seeds = found["seeds"]["metrics"] if "seeds" in found else {}
        return cls(folds, {split: _spreads(metrics) for split, metrics in of_seeds.items()})

    def numbers(self) -> dict[str, Any]:
        """What metrics.json has of them; nothing of what was not asked for."""
        folds = {name: found.numbers() for name, found in self.folds.items()}
        seeds = {
            split: {name: found.numbers() for name, found in metrics.items()}
            for split, metrics in self.seeds.items()
        }
        return {name: found for name, found in (("cross_validation", folds), ("seeds", seeds)) if found}

    def lines(self, metric: str) -> list[str]:
        """What is said of the objective's metric while the stage runs."""
        found = []
        if metric in self.folds:
            folds = self.folds[metric]
            found.append(f"{metric} over {len(folds.values)} folds is {folds} (mean ± standard deviation)")
        if self.seeds:
            count = len(self.seeds["validation"][metric].values)
            listed = ", ".join(f"{self.seeds[split][metric]} on {split}" for split in SPLITS)
            found.append(f"{metric} with {count} seeds is {listed}")
        return found


def _spreads(metrics: Mapping[str, Any]) -> dict[str, MetricSpread]:
    return {
        name: MetricSpread(found["mean"], found["std"], tuple(found["values"]))
        for name, found in metrics.items()
    }
