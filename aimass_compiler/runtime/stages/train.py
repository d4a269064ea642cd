"""The third stage: search the ranges, train the model, and export it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimass_compiler.catalog.frameworks._epochs import CheckpointError
from aimass_compiler.catalog.model_choice import ModelChoice
from aimass_compiler.diagnostics import HintedError
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.search_space import is_searched
from aimass_compiler.runtime import progress
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.progress import say
from aimass_compiler.runtime.training import results
from aimass_compiler.runtime.training.backtest import backtested, window_lines
from aimass_compiler.runtime.training.candidates import compared, lines
from aimass_compiler.runtime.training.retraining import Attempt, adjusted, best_of, judged
from aimass_compiler.runtime.training.space import Space
from aimass_compiler.runtime.training.suitability import (
    require_installed,
    require_memory,
    require_suitable,
)
from aimass_compiler.runtime.training.trial import Assignment, Fitted, Watch, fit
from aimass_compiler.runtime.training.trial_folders import Outcome, TrialFolders
from aimass_compiler.runtime.workspace import Workspace, read_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aimass_compiler.catalog.model import Model
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.evaluation import Retraining
    from aimass_compiler.pipeline.training import Objective, Search, Training

_LINES = 10


@dataclass(frozen=True)
class _Found:
    """The best model of a search, or the only one, and how it was found."""

    assignment: Assignment
    fitted: Fitted
    best: Outcome
    outcomes: Sequence[Outcome]
    seconds: Mapping[str, float]
    trials: TrialFolders


def run(
    task: Task,
    model: Model | ModelChoice,
    objective: Objective,
    search: Search,
    training: Training,
    retraining: Retraining,
    *,
    workspace: Workspace,
) -> None:
    """Write the best model that the search finds, or the only one where there is nothing to search."""
    matrices = workspace.folder("features")
    features = tuple(read_json(workspace.path(artifacts.FEATURES))["names"])
    assignment = Assignment(
        task, model, objective, training, matrices, retraining.decision, features, workspace.root
    )
    require_installed(model)
    require_suitable(assignment, features)
    is_search = is_searched(model, training)
    require_memory(assignment, min(search.concurrency, search.trials) if is_search else 1)
    found, attempts = _attempted(assignment, search, retraining, workspace)
    chosen = best_of(attempts) if attempts else 0
    kept = found[chosen]
    results.write_model(workspace.folder("train"), assignment, kept.fitted)
    comparison = compared(kept.assignment, kept.outcomes)
    for line in lines(comparison, objective.metric):
        say(line)
    tested = backtested(kept.assignment, kept.fitted, kept.trials.checkpoint(kept.best.id))
    for line in [] if tested is None else window_lines(tested):
        say(line)
    beside = comparison if tested is None else {**comparison, "backtest": tested}
    results.write_best(workspace.path(artifacts.BEST), assignment, kept.fitted, kept.best, attempts, beside)
    results.write_trials(workspace.path(artifacts.TRIALS), objective.metric, kept.outcomes, kept.seconds)
    results.write_history(workspace.path(artifacts.HISTORY), kept.fitted)
    results.write_importance(workspace.path(artifacts.IMPORTANCE), kept.fitted, features)
    found[-1].trials.remove()


def _attempted(
    assignment: Assignment, search: Search, retraining: Retraining, workspace: Workspace
) -> tuple[list[_Found], list[Attempt]]:
    """Train, and again with more of what lacks, as often as the spec allows."""
    found = [_trained(assignment, search, workspace)]
    attempts: list[Attempt] = []
    while retraining.attempts:
        attempts.append(judged(assignment, found[-1].fitted, retraining))
        latest = attempts[-1]
        say(f"the model {latest.fit.verdict}: {latest.fit.reason}")
        following = adjusted(latest)
        if following is None or len(attempts) > retraining.attempts:
            break
        say(f"training again with more {latest.more} ({len(attempts)} of {retraining.attempts})")
        assignment = following
        found.append(_trained(assignment, search, workspace))
    return found, attempts


def _trained(assignment: Assignment, search: Search, workspace: Workspace) -> _Found:
    trials = TrialFolders.of(workspace, assignment, search)
    space = Space.of(assignment.model, assignment.training)
    if isinstance(assignment.model, ModelChoice) or space.is_searched:
        return _searched(assignment, search, space, trials)
    return _fitted(assignment, assignment.model, trials)


def _searched(assignment: Assignment, search: Search, space: Space, trials: TrialFolders) -> _Found:
    # Ray takes seconds to import, which a model without ranges should not pay.
    from aimass_compiler.runtime.training.search import search_ranges

    searched = search_ranges(assignment, search, space, trials)
    log, best = searched.log, searched.best
    say(f"searched for {searched.seconds:.1f} s, of which {searched.startup_seconds:.1f} s to start")
    seconds = {"startup_seconds": searched.startup_seconds, "search_seconds": searched.seconds}
    if searched.cost is not None:
        seconds["cost"] = searched.cost
    return _Found(assignment, trials.fitted(best.id), best, log.outcomes, seconds, trials)


def _fitted(assignment: Assignment, model: Model, trials: TrialFolders) -> _Found:
    """One fit in this process."""
    started = time.monotonic()
    trials.create(1)
    steps = model.steps(assignment.budget(assignment.training, None))

    def watch(step: int, losses: Mapping[str, float]) -> None:
        if step % max(1, steps // _LINES) == 0:
            say(f"step {step}/{steps}  " + "  ".join(f"{name} {loss:.5g}" for name, loss in losses.items()))
            progress.report_step(step, steps, losses)

    try:
        if assignment.training.worker_range == (1, 1):
            fitted = fit(assignment, {}, trials.checkpoint(1), watch)
        else:
            fitted = _fitted_by_workers(assignment, trials, watch)
    except StageFailure:
        raise
    except CheckpointError as error:
        raise StageFailure(
            ExitCode.DISK,
            f"the checkpoint could not be written: {error.strerror}",
            "free some disk, and run it again: training goes on from the last epoch that was written",
        ) from None
    except HintedError as error:  # of code of the user's
        raise StageFailure(ExitCode.TRAINING, str(error), error.help) from None
    except Exception as error:
        raise StageFailure(
            ExitCode.TRAINING, f"training failed: {type(error).__name__}: {error}", "nothing was searched"
        ) from error
    say(f"{assignment.objective.metric} {fitted.value:.6g}  {fitted.seconds:.1f} s")
    outcome = Outcome(1, "done", {}, {}, fitted.value, fitted.seconds)
    seconds = {"startup_seconds": 0.0, "search_seconds": time.monotonic() - started}
    return _Found(assignment, fitted, outcome, [outcome], seconds, trials)


def _fitted_by_workers(assignment: Assignment, trials: TrialFolders, watch: Watch) -> Fitted:
    # Ray takes seconds to import, which a model that one process trains should not pay.
    from aimass_compiler.runtime.training.ray_session import ray_session
    from aimass_compiler.runtime.training.workers import fit_by_workers

    with ray_session(assignment.training):
        return fit_by_workers(assignment, {}, trials, 1, watch)
