"""Schedulers of a search, which stop trials that fall behind: Ray Tune's, one for each model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.model_choice import ModelChoice
from aimass_compiler.conventions import TRIAL_MODEL
from aimass_compiler.runtime.training.space import longest

if TYPE_CHECKING:
    from aimass_compiler.catalog.model import Model
    from aimass_compiler.pipeline.training import Search
    from aimass_compiler.runtime.training.trial import Assignment

#: Trials are compared after a quarter and a half of their steps, and the better half of them goes on.
#: More would be saved by asking sooner, but then whatever learns slowly, such as boosting with small
#: steps, would never get to show what it ends in.
_REDUCTION = 2
#: Of HyperBand, how many successive halvings there are, each with its own first look.
_BRACKETS = 3

#: By model, the steps after which its scheduler looks at a trial.
Watched = Mapping[str, frozenset[int]]


def scheduler_of(assignment: Assignment, search: Search) -> tuple[Any, Watched]:
    """Ray Tune's scheduler, or None where nothing is stopped, and the steps that it looks at.

    A trial is compared with trials of the same model only: how fast losses fall, and which, differs.
    """
    model = assignment.model
    models = model.labels if isinstance(model, ModelChoice) else {"": model}
    found = {label: _scheduler(assignment, search, each) for label, each in models.items()}
    schedulers = {label: pair[0] for label, pair in found.items() if pair is not None}
    watched = {label: pair[1] for label, pair in found.items() if pair is not None}
    if not schedulers:
        return None, watched
    return (schedulers[""] if "" in schedulers else _by_model(schedulers)), watched


def label_of(values: Mapping[str, Any]) -> str:
    """Which of several models these values are of; the only one is called ``."""
    return str(values.get(TRIAL_MODEL, ""))


def _scheduler(assignment: Assignment, search: Search, model: Model) -> tuple[Any, frozenset[int]] | None:
    """What stops trials of a model; None where it does not learn in steps, or in too few to look at."""
    largest, training = longest(model, assignment.training)
    steps = largest.steps(assignment.budget(training, None))
    if search.scheduler == "none" or not model.learns_in_steps or steps < _REDUCTION**2:
        return None
    return _median(steps) if search.scheduler == "median" else _halving(search.scheduler, steps)


def _halving(name: str, steps: int) -> tuple[Any, frozenset[int]]:
    """ASHA (Li et al. 2018, https://arxiv.org/abs/1810.05934), or as HyperBand several of it that a trial
    joins by chance: the first looks after an eighth, the second after a quarter, the third after a half."""
    from ray.tune.schedulers import AsyncHyperBandScheduler

    is_hyperband = name == "hyperband" and steps >= _REDUCTION**_BRACKETS
    looks = _BRACKETS if is_hyperband else 2
    first = steps // _REDUCTION**looks
    scheduler = AsyncHyperBandScheduler(
        time_attr="step",
        metric="validation_loss",
        mode="min",
        max_t=steps + 1,
        grace_period=first,
        reduction_factor=_REDUCTION,
        brackets=_BRACKETS if is_hyperband else 1,
    )
    return scheduler, frozenset(first * _REDUCTION**look for look in range(looks))


def _median(steps: int) -> tuple[Any, frozenset[int]]:
    """Stop what is, at its best, worse than the median of the other trials' means so far (Golovin et al.
    2017, https://doi.org/10.1145/3097983.3098043), at each eighth from a quarter on."""
    from ray.tune.schedulers import MedianStoppingRule

    looks = sorted({max(1, steps * eighth // 8) for eighth in range(2, 8)})
    scheduler = MedianStoppingRule(
        time_attr="step",
        metric="validation_loss",
        mode="min",
        grace_period=looks[0],
        min_samples_required=3,
        min_time_slice=math.inf,  # else it pauses trials, which would begin again, until there are enough
    )
    return scheduler, frozenset(looks)


def _by_model(schedulers: Mapping[str, Any]) -> Any:
    """One scheduler that asks that of the trial's model, and stops nothing of models that have none."""
    from ray.tune.schedulers import FIFOScheduler

    class ByModel(FIFOScheduler):  # type: ignore[misc]  # Ray is not typed here
        def _of(self, trial: Any) -> Any:
            return schedulers.get(label_of(trial.config["values"]), super())

        def on_trial_add(self, controller: Any, trial: Any) -> None:
            self._of(trial).on_trial_add(controller, trial)

        def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
            return str(self._of(trial).on_trial_result(controller, trial, result))

        def on_trial_complete(self, controller: Any, trial: Any, result: dict[str, Any]) -> None:
            self._of(trial).on_trial_complete(controller, trial, result)

        def on_trial_remove(self, controller: Any, trial: Any) -> None:
            self._of(trial).on_trial_remove(controller, trial)

        def on_trial_error(self, controller: Any, trial: Any) -> None:
            self._of(trial).on_trial_error(controller, trial)

    return ByModel()
