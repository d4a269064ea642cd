"""One trial over several workers: Ray Train starts them together, and replaces the one that dies."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.share import Share
from aimass_compiler.runtime.progress import say
from aimass_compiler.runtime.training.space import filled
from aimass_compiler.runtime.training.trial import Assignment, Fitted, Watch, fit
from aimass_compiler.runtime.training.trial_folders import TrialFolders

if TYPE_CHECKING:
    from ray.util.queue import Queue

_SETTINGS = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",  # how soon it is seen that a worker has ended or died
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "600",  # of nodes that come, and of slow imports
}
_SECONDS_BETWEEN_LOOKS = 0.1
#: What would be raised again from the same rows. Exactly these classes: XGBoost reports a lost worker by a
#: subclass of ValueError.
_REPEATED = (ArithmeticError, ValueError)


@dataclass(frozen=True)
class _Work:
    """What every worker of a trial is given."""

    assignment: Assignment
    values: Mapping[str, Any]
    trials: TrialFolders
    number: int
    told: Queue


def fit_by_workers(
    assignment: Assignment, values: Mapping[str, Any], trials: TrialFolders, number: int, watch: Watch
) -> Fitted:
    """Train with these values over as many workers as the spec says; the model is in the trial's folder, too.

    The workers read the matrices and write checkpoints in the project's folder, which all of them must see.
    Raises what training raised: ValueError where the result cannot be measured, ArithmeticError where a loss
    is no number, and RuntimeError where workers died or failed more often than `training.retries`.
    """
    from ray.util.queue import Queue

    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    trials.create(number)
    failure = trials.path(number, "failure.pickle")
    failure.unlink(missing_ok=True)
    told = Queue(actor_options={"num_cpus": 0})
    running = _Running(_trainer(_Work(assignment, values, trials, number, told)))
    _watch(running, told, watch)
    if running.error is not None:
        raise RuntimeError(reason_of(running.error)) from running.error
    if failure.exists():
        reason = pickle.loads(failure.read_bytes())  # noqa: S301  # our own file
        failure.unlink()
        raise reason
    return trials.fitted(number)


class _Running(threading.Thread):
    """Ray's trainer, in a thread: the one that asked for it follows how far it is."""

    def __init__(self, trainer: Any) -> None:
        super().__init__(daemon=True)
        self.error: BaseException | None = None
        self._trainer = trainer
        self.start()

    def run(self) -> None:
        try:
            self._trainer.fit()
        except BaseException as error:  # noqa: BLE001  # raised again where it was waited for
            self.error = error


def reason_of(error: BaseException) -> str:
    """Why Ray Train gave up, in a line; `error` knows what each worker last failed of."""
    from ray.exceptions import RayActorError

    found = getattr(error, "worker_failures", {}).values()
    failures = [getattr(each, "health_check_failure", each) for each in found]
    if any(isinstance(each, RayActorError) for each in failures):
        return "workers died, perhaps for want of memory"
    lines = [line for line in str(failures[0] if failures else error).splitlines() if line.strip()]
    return f"workers failed: {lines[-1].strip() if lines else type(error).__name__}"


def _watch(running: _Running, told: Queue, watch: Watch) -> None:
    """Pass on each step once, also where a worker that was replaced repeats what its checkpoint knows."""
    last = -1
    while running.is_alive() or not told.empty():
        running.join(_SECONDS_BETWEEN_LOOKS)
        for step, said in told.get_nowait_batch(told.qsize()):
            if step > last and step:
                watch(step, said)
            elif not step and last >= 0:
                say(f"training goes on from its last checkpoint with {said['workers']:.0f} workers")
            last = max(last, step)


def _trainer(work: _Work) -> Any:
    """The trainer of Ray Train that the model's framework names."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig

    training = work.assignment.training
    model, _ = filled(work.assignment.model, training, work.values)
    module, _, name = str(model.trained_by.trainer).partition(":")
    least, most = training.worker_range
    return getattr(import_module(module), name)(
        _train,
        train_loop_config={"work": work},
        scaling_config=ScalingConfig(
            num_workers=most if least == most else (least, most),
            use_gpu=training.gpus > 0,
            resources_per_worker={
                "CPU": training.resources.cpu,
                **({"GPU": training.gpus} if training.gpus else {}),
            },
        ),
        run_config=RunConfig(
            name="workers",
            storage_path=str(work.trials.path(work.number, "ray")),
            failure_config=FailureConfig(max_failures=training.retries),
        ),
    )


def _train(config: Mapping[str, Any]) -> None:
    """What one worker does. A failure that would only repeat itself is left in the trial's folder."""
    from ray import train

    work: _Work = config["work"]
    context = train.get_context()
    share = Share(context.get_world_rank(), context.get_world_size())

    def watch(step: int, losses: Mapping[str, float]) -> None:
        if share.is_first:
            work.told.put((step, dict(losses)))

    watch(0, {"workers": share.size})
    failure = work.trials.path(work.number, "failure.pickle")
    if share.is_first:
        failure.unlink(missing_ok=True)
    try:
        fitted = fit(work.assignment, work.values, work.trials.checkpoint(work.number), watch, share)
    except _REPEATED as error:
        if type(error) not in _REPEATED:
            raise
        if share.is_first:
            failure.write_bytes(pickle.dumps(error))
        return
    if share.is_first:
        work.trials.keep(work.number, fitted)
