"""The ranges of models and their optimizer: drawn by Optuna, listed as a grid, or filled with values."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.model_choice import ModelChoice
from aimass_compiler.catalog.quantities import Choice, LogUniform, Uniform
from aimass_compiler.conventions import TRIAL_MODEL
from aimass_compiler.pipeline.search_space import ranges
from aimass_compiler.pipeline.training import Training

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

#: Before the names of the optimizer's parameters.
OPTIMIZER = "optimizer."

Range = Choice[Any] | Uniform[Any] | LogUniform[Any]
#: What Optuna draws: a number from an interval, and the place in the list for a choice.
Draw = Mapping[str, Any]


@dataclass(frozen=True)
class Space:
    """What there is to search: by model, the ranges by the parameter's name."""

    models: Mapping[str, Mapping[str, Range]]
    """The only model is called ``. Of several, a trial draws one, and only its ranges."""

    @classmethod
    def of(cls, model: Model | ModelChoice, training: Training) -> Space:
        """The ranges of each model and, where it learns in epochs, of the optimizer."""
        models = model.labels if isinstance(model, ModelChoice) else {"": model}
        return cls({label: _ranges(each, training) for label, each in models.items()})

    @property
    def is_choice(self) -> bool:
        """Whether there are several models."""
        return "" not in self.models

    @property
    def is_searched(self) -> bool:
        """Whether there is anything to try."""
        return self.is_choice or any(self.models.values())

    @property
    def ranges(self) -> Mapping[str, Range]:
        """All ranges by what they are called in a draw: of several models, `xgboost.max_depth`."""
        return {
            self._drawn_as(label, name): found
            for label, own in self.models.items()
            for name, found in own.items()
        }

    def distributions(self, draw: Draw) -> dict[str, BaseDistribution]:
        """What was drawn from, in Optuna's words."""
        known = self.ranges
        return {
            name: self._of_models() if name == TRIAL_MODEL and self.is_choice else _distribution(known[name])
            for name in draw
        }

    def drawn(self, trial: optuna.Trial) -> Draw:
        """Let Optuna draw a model, where there are several, and a value of each of its ranges."""
        draw: dict[str, Any] = {}
        if self.is_choice:
            draw[TRIAL_MODEL] = _suggested(trial, TRIAL_MODEL, self._of_models())
        label = self.label(draw)
        for name, found in self.models[label].items():
            drawn_as = self._drawn_as(label, name)
            draw[drawn_as] = _suggested(trial, drawn_as, _distribution(found))
        return draw

    def label(self, draw: Draw) -> str:
        """The model that was drawn."""
        return list(self.models)[draw[TRIAL_MODEL]] if self.is_choice else ""

    def values(self, draw: Draw) -> dict[str, Any]:
        """The model and its parameters' values that a draw stands for."""
        label = self.label(draw)
        values: dict[str, Any] = {TRIAL_MODEL: label} if self.is_choice else {}
        for name, found in self.models[label].items():
            drawn = draw[self._drawn_as(label, name)]
            values[name] = found.choice[drawn] if isinstance(found, Choice) else drawn
        return values

    def draw(self, values: Mapping[str, Any]) -> Draw | None:
        """What was drawn for these values; None where they are none of this space."""
        label = str(values.get(TRIAL_MODEL, "")) if self.is_choice else ""
        own = self.models.get(label)
        if own is None or not own.keys() <= values.keys():
            return None
        found: dict[str, Any] = self._of_model(label)
        for name, wanted in own.items():
            drawn = _drawn(wanted, values[name])
            if drawn is None:
                return None
            found[self._drawn_as(label, name)] = drawn
        return found

    def combinations(self) -> list[Draw]:
        """Every combination of the choices, the last parameter changing fastest."""
        return [draw for label in self.models for draw in self._combinations(label)]

    @property
    def size(self) -> float:
        """How many draws there are, without end where a range is one between two numbers."""
        return sum(
            math.prod(len(each.candidates) if isinstance(each, Choice) else math.inf for each in own.values())
            for own in self.models.values()
        )

    def untried(self, tried: Sequence[Draw]) -> Draw | None:
        """A draw, or of endless ranges its model, that was not tried, of the model with the fewest trials.

        None where everything was tried.
        """
        counts = Counter(self.label(draw) for draw in tried)
        for label in sorted(self.models, key=lambda label: counts[label]):
            if not all(isinstance(found, Choice) for found in self.models[label].values()):
                return self._of_model(label)
            found = next((draw for draw in self._combinations(label) if draw not in tried), None)
            if found is not None:
                return found
        return None

    def _combinations(self, label: str) -> Iterator[Draw]:
        own = self.models[label]
        names = [self._drawn_as(label, name) for name in own]
        for row in itertools.product(*(range(len(found.candidates)) for found in own.values())):
            yield {**self._of_model(label), **dict(zip(names, row, strict=True))}

    def _of_model(self, label: str) -> dict[str, Any]:
        return {TRIAL_MODEL: list(self.models).index(label)} if self.is_choice else {}

    def _drawn_as(self, label: str, name: str) -> str:
        return f"{label}.{name}" if self.is_choice else name

    def _of_models(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(range(len(self.models)))


def longest(model: Model, training: Training) -> tuple[Model, Training]:
    """The model with every number at its upper end, and the first choice of what is no number."""
    values = {}
    for name, found in _ranges(model, training).items():
        are_numbers = all(isinstance(end, (int, float)) for end in found.candidates)
        values[name] = max(found.candidates) if are_numbers else found.candidates[0]
    return filled(model, training, values)


def filled(
    model: Model | ModelChoice, training: Training, values: Mapping[str, Any]
) -> tuple[Model, Training]:
    """Model and training with values in the place of ranges, and one model in that of several."""
    if isinstance(model, ModelChoice):
        model, values = (
            model.labels[values[TRIAL_MODEL]],
            {name: value for name, value in values.items() if name != TRIAL_MODEL},
        )
    own = {name: value for name, value in values.items() if not name.startswith(OPTIMIZER)}
    of_optimizer = {name[len(OPTIMIZER) :]: value for name, value in values.items() if name not in own}
    optimizer = type(training.optimizer).model_validate(training.optimizer.model_dump() | of_optimizer)
    return model.with_values(own) if own else model, training.model_copy(update={"optimizer": optimizer})


def _ranges(model: Model, training: Training) -> dict[str, Range]:
    return {
        str(path[-1]) if path[0] == "model" else f"{OPTIMIZER}{path[-1]}": found
        for path, found in ranges(model, training).items()
    }


def _drawn(wanted: Range, value: Any) -> Any:
    """The place of a value in a choice, or a number between the ends; None where it is neither."""
    if isinstance(wanted, Choice):
        candidates = [list(each) if isinstance(each, tuple) else each for each in wanted.choice]
        return candidates.index(value) if value in candidates else None
    low, high = wanted.ends
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and low <= value <= high else None


def _distribution(found: Range) -> BaseDistribution:
    from optuna import distributions

    if isinstance(found, Choice):
        return distributions.CategoricalDistribution(range(len(found.choice)))
    low, high = found.candidates
    of = distributions.IntDistribution if isinstance(low, int) else distributions.FloatDistribution
    return of(low, high, log=isinstance(found, LogUniform))


def _suggested(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    from optuna import distributions

    if isinstance(distribution, distributions.CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, distributions.IntDistribution):
        return trial.suggest_int(name, distribution.low, distribution.high, log=distribution.log)
    assert isinstance(distribution, distributions.FloatDistribution)  # noqa: S101  # there is no fourth
    return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)
