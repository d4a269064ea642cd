"""The search: Ray Tune runs the trials that Optuna proposes, on this machine or on a cluster."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.progress import say
from aimass_compiler.runtime.training import population
from aimass_compiler.runtime.training.first_trials import FirstTrials
from aimass_compiler.runtime.training.ray_session import configure_ray, is_here, ray_session
from aimass_compiler.runtime.training.schedulers import label_of, scheduler_of
from aimass_compiler.runtime.training.trial import Assignment, fit, reason_of
from aimass_compiler.runtime.training.trial_folders import Outcome, TrialFolders
from aimass_compiler.runtime.training.trial_log import TrialLog
from aimass_compiler.runtime.training.warm_start import WarmStart, warm_start
from aimass_compiler.runtime.training.workers import fit_by_workers

if TYPE_CHECKING:
    from ray import tune

    from aimass_compiler.pipeline.training import Search
    from aimass_compiler.runtime.training.proposals import Clock, Proposals
    from aimass_compiler.runtime.training.space import Space


#: What every Ray cluster has once, on the node of its head, which may have no cores for work; a trial whose
#: workers ask for theirs must ask for something, too.
_HEAD, _LITTLE = "node:__internal_head__", 0.001
#: Ray counts resources in so many parts of one.
_PARTS = 10_000


@dataclass(frozen=True)
class SearchResult:
    """How a search went."""

    log: TrialLog
    best: Outcome
    startup_seconds: float
    """Until the first trial began: Ray, its workers and their imports."""
    seconds: float
    cost: float | None = None
    """What the trials cost, in the currency of the budget; None where that is not known."""


def search_ranges(assignment: Assignment, search: Search, space: Space, trials: TrialFolders) -> SearchResult:
    """Try values until `search` is satisfied; trials that an earlier process finished count."""
    started = time.monotonic()
    outcomes = trials.outcomes()
    metric = assignment.metric
    total = _total(search, space)
    log = TrialLog(trials, assignment.objective.metric, metric.greater_is_better, total, outcomes)
    if outcomes:
        say(f"going on with a search that was interrupted: {len(outcomes)} of {total} trials had ended")
    began = _tried(assignment, search, space, log) if len(outcomes) < total else None
    say(log.summary())
    best = _required(log)
    if len(best.schedule) > 1:
        say(f"its values changed {len(best.schedule) - 1} times while it learned: best.json has each")
    seconds = time.monotonic() - started
    startup = 0.0 if began is None else max(0.0, began - started)
    return SearchResult(log, best, startup, seconds, _cost(search, log))


def _total(search: Search, space: Space) -> int:
    """How many trials there will be: none repeats another, but in a population."""
    if search.algorithm == "grid":
        return int(space.size)
    return search.trials if search.is_population else int(min(search.trials, space.size))


def _cost(search: Search, log: TrialLog) -> float | None:
    if search.cost is None or search.cost_per_hour is None:
        return None
    cost = sum(outcome.seconds or 0.0 for outcome in log.outcomes) / 3600 * search.cost_per_hour
    left = log.total - len(log.outcomes)
    ended = f", so that {left} of {log.total} trials were not begun" if left and cost >= search.cost else ""
    say(f"the trials cost {cost:.4g} of {search.cost:g}{ended}")
    return cost


def _required(log: TrialLog) -> Outcome:
    if log.best is not None:
        return log.best
    log.trials.remove()  # else the next run would only repeat how they ended
    failed = [outcome for outcome in log.outcomes if outcome.status == "failed"]
    if not failed:
        raise StageFailure(
            ExitCode.TRAINING,
            "every trial fell behind another and was stopped, and none was trained to its end",
            "the next run searches from the start; `scheduler: none` stops no trial",
        )
    stopped = len(log.outcomes) - len(failed)
    every = f"every trial failed, but for {stopped} that fell behind" if stopped else "every trial failed"
    raise StageFailure(
        ExitCode.TRAINING,
        f"{every}; the first because of {failed[0].error}",
        "try one set of values first: give every parameter a value instead of a range",
    )


def _tried(assignment: Assignment, search: Search, space: Space, log: TrialLog) -> float | None:
    """Run what is left of the search; answers when, on the monotonic clock, the first trial began."""
    from aimass_compiler.runtime.training.proposals import Clock

    limit = None if search.time is None else search.time.seconds
    clock = Clock(
        limit,
        before=max((outcome.at for outcome in log.outcomes), default=0.0),
        trial_limit=search.trial_seconds,
        ended=sum(outcome.seconds or 0.0 for outcome in log.outcomes),
    )
    warm = warm_start(assignment, search, space)
    configure_ray()
    proposals = _proposals(assignment, search, space, log, clock, warm)
    if search.is_population:
        with ray_session(assignment.training):
            return _tune_population(assignment, search, proposals, space, log, clock)
    here = FirstTrials(assignment, search, proposals, log, clock)
    if here.run():
        return here.began
    with ray_session(assignment.training):
        left = _proposals(assignment, search, space, log, clock, warm)
        began = _tune(assignment, search, left, log, clock)
    return began if here.began is None else here.began


def _proposals(
    assignment: Assignment, search: Search, space: Space, log: TrialLog, clock: Clock, warm: WarmStart | None
) -> Proposals:
    """What to try beside what has ended, and first what was begun."""
    from aimass_compiler.runtime.training.proposals import Proposals, left_over, study_of

    seed = assignment.training.seed
    greater = log.greater_is_better
    study = study_of(search, space, log.outcomes, seed=seed, greater_is_better=greater, warm=warm)
    left = left_over(search, space, log.trials)
    if warm is not None and not left and not log.outcomes:
        warm.begin(study, search.trials)
    return Proposals(study, space, log.trials, left, clock)


def _tune(
    assignment: Assignment, search: Search, proposals: Proposals, log: TrialLog, clock: Clock
) -> float | None:
    """Let Ray Tune run what is left; answers when, on the monotonic clock, its first trial began."""
    from ray import tune

    ended = len(log.outcomes)
    scheduler, watched = scheduler_of(assignment, search)
    keeper = _keeper(log, clock)
    resources = {"cpu": assignment.training.resources.cpu, "gpu": assignment.training.gpus}
    is_alone = assignment.training.worker_range == (1, 1)
    if not is_alone:  # the workers ask for theirs
        resources = {_HEAD: _LITTLE}
    tune.Tuner(
        tune.with_resources(
            tune.with_parameters(_trial, given=_TrialContext(assignment, log.trials, watched)), resources
        ),
        tune_config=tune.TuneConfig(
            num_samples=log.total - ended,
            max_concurrent_trials=search.concurrency,
            search_alg=_searcher(proposals),
            scheduler=scheduler,
            # One that is stopped ends with its workers.
            reuse_actors=is_alone,
        ),
        run_config=_run_config(assignment, log, keeper),
    ).fit()
    began: float | None = keeper.began
    return began


def _run_config(assignment: Assignment, log: TrialLog, keeper: Any) -> tune.RunConfig:
    """Where Ray Tune keeps what it needs, which begins empty, how often it retries, and where it reports."""
    from ray import tune

    storage = log.trials.folder / "ray"
    shutil.rmtree(storage, ignore_errors=True)
    return tune.RunConfig(
        name="tune",
        storage_path=str(storage),
        failure_config=tune.FailureConfig(max_failures=assignment.training.retries),
        callbacks=[keeper],
        verbose=0,
    )


def _tune_population(
    assignment: Assignment,
    search: Search,
    proposals: Proposals,
    space: Space,
    log: TrialLog,
    clock: Clock,
) -> float | None:
    """Let Ray Tune train a population; answers when, on the monotonic clock, its first trial began."""
    from ray import tune

    group = population.Population.of(assignment, log.trials)
    keeper = _keeper(log, clock)
    resources = {"cpu": assignment.training.resources.cpu, "gpu": assignment.training.gpus}
    if is_here():
        # Ray Tune's own limit keeps trials unknown to the scheduler, which then compares without them.
        resources[_HEAD] = int(_PARTS / search.concurrency) / _PARTS
    tune.Tuner(
        tune.with_resources(tune.with_parameters(population.train_member, given=group), resources),
        param_space=population.members(proposals, log.total - len(log.outcomes)),
        tune_config=tune.TuneConfig(
            scheduler=population.scheduler_of_population(group, space),
            trial_name_creator=population.name_of,
            reuse_actors=True,
        ),
        run_config=_run_config(assignment, log, keeper),
    ).fit()
    began: float | None = keeper.began
    return began


@dataclass(frozen=True)
class _TrialContext:
    """What a worker needs beside the values."""

    assignment: Assignment
    trials: TrialFolders
    watched: Mapping[str, frozenset[int]]
    """By model, the steps after which the scheduler looks."""


def _trial(config: Mapping[str, Any], given: _TrialContext) -> None:
    """One trial in a worker: its model goes to its folder, its value to Ray Tune."""
    from ray import tune

    began = time.time()
    number = config["id"]
    watched = given.watched.get(label_of(config["values"]), frozenset())
    reason = given.trials.path(number, "error.txt")
    reason.unlink(missing_ok=True)

    def watch(step: int, losses: Mapping[str, float]) -> None:
        if step in watched:
            tune.report({"step": step, "validation_loss": losses["validation_loss"], "began": began})

    try:
        if given.assignment.training.worker_range == (1, 1):
            fitted = fit(given.assignment, config["values"], given.trials.checkpoint(number), watch)
            given.trials.keep(number, fitted)
        else:
            fitted = fit_by_workers(given.assignment, config["values"], given.trials, number, watch)
    except Exception as error:
        reason.write_text(reason_of(error), encoding="utf-8")
        raise
    step, losses = fitted.history[-1] if fitted.history else (1, {})
    ended = {name: losses[name] for name in ("validation_loss",) if name in losses}
    tune.report({"value": fitted.value, "seconds": fitted.seconds, "began": began, "step": step, **ended})


def _searcher(proposals: Proposals) -> Any:
    """Proposals as Ray Tune asks for them."""
    from ray.tune.search import Searcher

    class Asking(Searcher):  # type: ignore[misc]  # Ray is not typed here
        def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
            found = proposals.proposed(trial_id)
            return found if found is None or isinstance(found, str) else asdict(found)

        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            proposals.on_trial_complete(trial_id, result, error)

        def save(self, checkpoint_path: str) -> None:
            """Nothing: a search goes on from its trials' folders."""

        def restore(self, checkpoint_path: str) -> None:
            """Nothing: a search goes on from its trials' folders."""

    return Asking()


def _keeper(log: TrialLog, clock: Clock) -> Any:
    """Ray Tune's callback that keeps how each trial ended."""
    from ray import tune

    class Keeper(tune.Callback):  # type: ignore[misc]  # Ray is not typed here
        began: float | None = None

        def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: Any, **info: Any) -> None:
            del iteration, trials, trial, info
            if self.began is None and "began" in result:
                self.began = time.monotonic() - (time.time() - result["began"])

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            del iteration, trials, info
            result = trial.last_result or {}
            is_done = "value" in result
            log.end(
                _outcome(
                    trial,
                    clock,
                    status="done" if is_done else "stopped",
                    value=result.get("value"),
                    seconds=result["seconds"] if is_done else result.get("time_total_s"),
                    schedule=result.get("schedule", ()),
                )
            )

        def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            del iteration, trials, info
            log.again(_number(trial), _reason(log.trials, trial))

        def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            del iteration, trials, info
            log.end(_outcome(trial, clock, status="failed", error=_reason(log.trials, trial)))

    return Keeper()


def _outcome(trial: tune.experiment.Trial, clock: Clock, **how: Any) -> Outcome:
    proposed = trial.config.get(population.MEMBER, trial.config)
    attempts = trial.num_failures + (how["status"] != "failed")
    return Outcome(
        id=_number(trial),
        draw=proposed["draw"],
        values=proposed["values"],
        attempts=attempts,
        at=clock.seconds,
        **how,
    )


def _number(trial: tune.experiment.Trial) -> int:
    """The number of a trial; one of a population has it as its name, and all else may be another's."""
    return int(str(trial)) if population.MEMBER in trial.config else int(trial.config["id"])


def _reason(trials: TrialFolders, trial: tune.experiment.Trial) -> str:
    path = trials.path(_number(trial), "error.txt")
    return (
        path.read_text(encoding="utf-8") if path.exists() else "its process died, perhaps for want of memory"
    )
