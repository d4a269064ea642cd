"""The ranges of a model and its optimizer: drawn by Optuna, listed as a grid, or filled with values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.quantities import Choice, LogUniform, Uniform
from aimass_compiler.pipeline.search_space import ranges
from aimass_compiler.pipeline.training import Training

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

#: Before the names of the optimizer's parameters.
OPTIMIZER = "optimizer."

Range = Choice[Any] | Uniform[Any] | LogUniform[Any]
#: What Optuna draws: a number from an interval, and the place in the list for a choice.
Draw = Mapping[str, Any]


@dataclass(frozen=True)
class Space:
    """What there is to search: ranges by the parameter's name."""

    ranges: Mapping[str, Range]

    @classmethod
    def of(cls, model: Model, training: Training) -> Space:
        """The ranges of the model and, where it learns in epochs, of the optimizer."""
        return cls(
            {
                str(path[-1]) if path[0] == "model" else f"{OPTIMIZER}{path[-1]}": found
                for path, found in ranges(model, training).items()
            }
        )

    def distributions(self) -> dict[str, BaseDistribution]:
        """The ranges in Optuna's words."""
        return {name: _distribution(found) for name, found in self.ranges.items()}

    def values(self, draw: Draw) -> dict[str, Any]:
        """The parameters' values that a draw stands for."""
        return {
            name: found.choice[draw[name]] if isinstance(found, Choice) else draw[name]
            for name, found in self.ranges.items()
        }

    def combinations(self) -> list[Draw]:
        """Every combination of the choices, the last parameter changing fastest."""
        places = [range(len(found.candidates)) for found in self.ranges.values()]
        return [dict(zip(self.ranges, row, strict=True)) for row in itertools.product(*places)]

    def longest(self, model: Model, training: Training) -> tuple[Model, Training]:
        """The model with every number at its upper end, and the first choice of what is no number."""
        values = {}
        for name, found in self.ranges.items():
            are_numbers = all(isinstance(end, (int, float)) for end in found.candidates)
            values[name] = max(found.candidates) if are_numbers else found.candidates[0]
        return filled(model, training, values)


def filled(model: Model, training: Training, values: Mapping[str, Any]) -> tuple[Model, Training]:
    """Model and training with values in the place of ranges."""
    own = {name: value for name, value in values.items() if not name.startswith(OPTIMIZER)}
    of_optimizer = {name[len(OPTIMIZER) :]: value for name, value in values.items() if name not in own}
    optimizer = _with(training.optimizer, of_optimizer)
    return _with(model, own), training.model_copy(update={"optimizer": optimizer})


def _with(kind: Any, values: Mapping[str, Any]) -> Any:
    return type(kind).model_validate(kind.model_dump() | dict(values))


def _distribution(found: Range) -> BaseDistribution:
    from optuna import distributions

    if isinstance(found, Choice):
        return distributions.CategoricalDistribution(range(len(found.choice)))
    low, high = found.candidates
    of = distributions.IntDistribution if isinstance(low, int) else distributions.FloatDistribution
    return of(low, high, log=isinstance(found, LogUniform))
