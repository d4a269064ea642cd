"""Population-based training: networks learn side by side, and the last go on from what the best learned.

Jaderberg et al. (2017), https://arxiv.org/abs/1711.09846, as Ray Tune runs it.
"""

from __future__ import annotations

import json
import math
import random
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.quantities import Choice, LogUniform
from aimass_compiler.runtime.training.space import longest
from aimass_compiler.runtime.training.trial import Assignment, Watch, fit, reason_of

if TYPE_CHECKING:
    from ray import tune

    from aimass_compiler.runtime.training.proposals import Proposals
    from aimass_compiler.runtime.training.space import Range, Space
    from aimass_compiler.runtime.training.trial_folders import TrialFolders

#: How often a population is compared while it learns.
_LOOKS = 8
#: The share of trials that is the best of a population, and the last of it.
_QUARTER = 0.25
#: How often a value is drawn anew instead of changed, and by what numbers are changed.
_ANEW, _FACTORS = 0.25, (0.8, 1.25)
#: Where a trial's configuration has what is tried: Ray Tune replaces one entry by those of a list.
MEMBER = "member"
_LEARNED, _SCHEDULE = "checkpoint", "schedule.json"
#: How long a trial has learned before it made room for others.
_SPENT = "seconds.txt"

#: Values with the number of steps after which they were used.
Schedule = list[dict[str, Any]]


@dataclass(frozen=True)
class Population:
    """What each worker needs beside the values."""

    assignment: Assignment
    trials: TrialFolders
    interval: int
    """After how many steps trials are compared."""

    @classmethod
    def of(cls, assignment: Assignment, trials: TrialFolders) -> Population:
        """Of a network, whose epochs are its steps; no trial stops early, or others would wait for it."""
        (model,) = assignment.model.candidates
        largest, training = longest(model, assignment.training)
        steps = largest.steps(assignment.budget(training, None))
        whole = replace(assignment, training=assignment.training.filled(early_stopping=0))
        return cls(whole, trials, max(1, math.ceil(steps / _LOOKS)))


def scheduler_of_population(population: Population, space: Space) -> Any:
    """Ray Tune's scheduler, which lets the last quarter go on from the checkpoints of the best."""
    from ray.tune.schedulers import PopulationBasedTraining

    chance = random.Random(population.assignment.training.seed)  # noqa: S311  # no secret
    random.seed(population.assignment.training.seed)  # Ray draws by it whom a trial follows
    (ranges,) = space.models.values()

    def explored(config: dict[str, Any]) -> dict[str, Any]:
        member = config[MEMBER]
        member["values"] = {
            name: _changed(ranges[name], value, chance) for name, value in member["values"].items()
        }
        return config

    return PopulationBasedTraining(
        time_attr="step",
        metric="validation_loss",
        mode="min",
        perturbation_interval=population.interval,
        quantile_fraction=_QUARTER,
        custom_explore_fn=explored,
        log_config=False,
    )


def _changed(found: Range, value: Any, chance: random.Random) -> Any:
    """A value near this one, or now and then any other of its range."""
    if isinstance(found, Choice):
        candidates = list(found.choice)
        if chance.random() < _ANEW:
            return chance.choice(candidates)
        place = candidates.index(value) + chance.choice((-1, 1))
        return candidates[min(max(place, 0), len(candidates) - 1)]
    low, high = found.ends
    if chance.random() >= _ANEW:
        new = value * chance.choice(_FACTORS)
    elif isinstance(found, LogUniform):
        new = math.exp(chance.uniform(math.log(low), math.log(high)))
    else:
        new = chance.uniform(low, high)
    new = min(max(new, low), high)
    return round(new) if isinstance(low, int) and isinstance(high, int) else new


def members(proposals: Proposals, count: int) -> dict[str, Any]:
    """The configurations of so many trials, with what they start from."""
    from ray import tune

    found = (proposals.proposed(f"member {number}") for number in range(count))
    drawn = [asdict(each) for each in found if each is not None and not isinstance(each, str)]
    return {MEMBER: tune.grid_search(drawn)}


def name_of(trial: Any) -> str:
    """What a trial is called: what it follows may change all else of its configuration."""
    return str(trial.config[MEMBER]["id"])


def train_member(config: Mapping[str, Any], given: Population) -> None:
    """One trial of a population in a worker, from its start or from a checkpoint of some trial."""
    from ray import tune

    began, number = time.time(), int(tune.get_context().get_trial_name())
    values = dict(config[MEMBER]["values"])
    reason = given.trials.path(number, "error.txt")
    reason.unlink(missing_ok=True)
    reached = _taken_over(given, number, tune.get_checkpoint())
    schedule = _read(given.trials.path(number, _SCHEDULE))
    if not schedule or schedule[-1]["values"] != values:
        schedule.append({"after": reached, "values": values})
    given.trials.path(number, _SCHEDULE).write_text(json.dumps(schedule), encoding="utf-8")
    spent = _spent(given, number)
    watch = _reporting(given, number, reached, began)
    try:
        fitted = fit(given.assignment, values, given.trials.checkpoint(number), watch)
        given.trials.keep(number, fitted)
    except Exception as error:
        reason.write_text(reason_of(error), encoding="utf-8")
        raise
    reported = {
        "value": fitted.value,
        "seconds": spent + fitted.seconds,
        "began": began,
        "schedule": schedule,
    }
    # Of its last comparison, or Ray would compare a trial that is over.
    last = (len(fitted.history) - 1) // given.interval * given.interval
    tune.report({"step": last, "validation_loss": fitted.history[-1][1]["validation_loss"], **reported})


def _taken_over(given: Population, number: int, checkpoint: tune.Checkpoint | None) -> int:
    """After how many steps a trial goes on; what another one learned then lies in its folder."""
    if checkpoint is None:
        return 0
    with checkpoint.as_directory() as folder:
        for name in (_LEARNED, _SCHEDULE):
            shutil.copyfile(Path(folder) / name, given.trials.path(number, name))
        return int((Path(folder) / "step").read_text(encoding="utf-8"))


def _read(path: Path) -> Schedule:
    found: Schedule = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return found


def _spent(given: Population, number: int) -> float:
    path = given.trials.path(number, _SPENT)
    return float(path.read_text(encoding="utf-8")) if path.exists() else 0.0


def _reporting(given: Population, number: int, reached: int, began: float) -> Watch:
    from ray import tune

    spent = _spent(given, number)

    def watch(step: int, losses: Mapping[str, float]) -> None:
        is_last = step >= given.assignment.training.epochs
        if step <= reached or step % given.interval or is_last:
            return
        seconds = str(spent + time.time() - began)
        given.trials.path(number, _SPENT).write_text(seconds, encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            for name in (_LEARNED, _SCHEDULE):
                shutil.copyfile(given.trials.path(number, name), Path(folder) / name)
            (Path(folder) / "step").write_text(str(step), encoding="utf-8")
            reported = {"step": step, "validation_loss": losses["validation_loss"], "began": began}
            tune.report(reported, checkpoint=tune.Checkpoint.from_directory(folder))

    return watch
