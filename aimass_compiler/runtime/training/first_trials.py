"""The first trials of a search, before Ray is started: a search that is soon over never waits for it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from aimass_compiler.runtime.progress import say
from aimass_compiler.runtime.training.local_workers import (
    CAN_FORK,
    Failed,
    LocalWorker,
    Said,
    StepDone,
    TrialBegan,
    TrialDone,
    imported,
)
from aimass_compiler.runtime.training.ray_session import is_here
from aimass_compiler.runtime.training.schedulers import label_of, scheduler_of
from aimass_compiler.runtime.training.trial_folders import Outcome

if TYPE_CHECKING:
    from aimass_compiler.pipeline.training import Search
    from aimass_compiler.runtime.training.proposals import Clock, Proposal, Proposals
    from aimass_compiler.runtime.training.trial import Assignment
    from aimass_compiler.runtime.training.trial_log import TrialLog

#: How long to look before it is judged how long the rest takes.
_LOOK_SECONDS = 10.0
#: Where the rest takes longer than this, the start of Ray, some ten seconds, no longer counts.
_WORTH_RAY_SECONDS = 60.0
_TICK_SECONDS = 0.5
_DIED = "its process died, perhaps for want of memory"


@dataclass(eq=False)
class _Trial:
    """A trial that runs here; schedulers ask it for its name and its values."""

    trial_id: str
    proposal: Proposal
    failures: int = 0
    began: float = 0.0
    """On the monotonic clock."""

    @property
    def config(self) -> Mapping[str, Any]:
        return {"values": self.proposal.values}


@dataclass
class FirstTrials:
    """Trials on this machine, until all are done or it is clear that they take long."""

    assignment: Assignment
    search: Search
    proposals: Proposals
    log: TrialLog
    clock: Clock
    began: float | None = None
    """When the first trial began, on the monotonic clock."""
    seconds: list[float] = field(default_factory=list)
    """How long trials took that were trained to their end."""
    scheduler: Any = None
    watched: Mapping[str, frozenset[int]] = field(default_factory=dict)
    is_over: bool = False
    """Whether nothing is left to propose."""

    @property
    def at_once(self) -> int:
        """How many trials run side by side: as many as asked for, and as the cores allow."""
        cores = int((os.cpu_count() or 1) / self.assignment.training.resources.cpu)
        return max(1, min(self.search.concurrency, cores))

    def run(self) -> bool:
        """Whether the search is done; if not, what is left, and what was running, is for Ray."""
        training = self.assignment.training
        if not CAN_FORK or not is_here() or training.gpus or training.worker_range != (1, 1):
            return False
        modules = {model.trained_by.module for model in self.assignment.model.candidates}
        threads = max(1, int(training.resources.cpu))
        running: dict[LocalWorker, _Trial | None] = {}
        with imported(["aimass_compiler.runtime.training.trial", *sorted(modules)], threads):
            try:
                for _ in range(min(self.at_once, self.search.trials)):
                    running[self._worker()] = None
                self.scheduler, self.watched = scheduler_of(self.assignment, self.search)
                return self._until_done(running)
            finally:
                for worker in running:
                    worker.end()

    def _worker(self) -> LocalWorker:
        return LocalWorker(self.assignment, self.log.trials)

    def _until_done(self, running: dict[LocalWorker, _Trial | None]) -> bool:
        while True:
            self._begin(running)
            busy = [worker for worker, trial in running.items() if trial is not None]
            if not busy:
                return True
            if self._takes_long():
                say(
                    f"{self.log.total - len(self.log.outcomes)} trials are left and take longer: starting Ray"
                )
                return False
            heard_from = wait([worker.connection for worker in busy], timeout=_TICK_SECONDS)
            for worker in busy:
                if worker.connection in heard_from:
                    self._hear(worker, running)

    def _takes_long(self) -> bool:
        """Whether the rest is worth the start of Ray."""
        if self.began is None or time.monotonic() - self.began < _LOOK_SECONDS:
            return False
        left = self.log.total - len(self.log.outcomes)
        each = sum(self.seconds) / len(self.seconds) if self.seconds else _WORTH_RAY_SECONDS
        return left * each / self.at_once > _WORTH_RAY_SECONDS or not self.seconds

    def _begin(self, running: dict[LocalWorker, _Trial | None]) -> None:
        """Give every idle worker a trial, as long as there are any."""
        for worker, trial in running.items():
            if trial is not None or self.is_over or len(self.log.outcomes) + _busy(running) >= self.log.total:
                continue
            name = f"{time.monotonic_ns()}"
            proposed = self.proposals.proposed(name)
            if proposed is None:
                return
            if isinstance(proposed, str):
                self.is_over = True
                return
            running[worker] = _Trial(name, proposed)
            if self.scheduler is not None:
                self.scheduler.on_trial_add(None, running[worker])
            self._start(worker, proposed)

    def _start(self, worker: LocalWorker, proposal: Proposal) -> None:
        watched = self.watched.get(label_of(proposal.values), frozenset())
        worker.begin(proposal.id, proposal.values, watched)

    def _hear(self, worker: LocalWorker, running: dict[LocalWorker, _Trial | None]) -> None:
        trial = running[worker]
        assert trial is not None  # noqa: S101  # it is busy
        said = worker.heard()
        if isinstance(said, TrialBegan):
            trial.began = time.monotonic() - (time.time() - said.at)
            self.began = self.began or trial.began
        elif isinstance(said, StepDone):
            worker.answer(goes_on=self._goes_on(trial, said))
        elif isinstance(said, Failed) and trial.failures < self.assignment.training.retries:
            trial.failures += 1
            self.log.again(trial.proposal.id, said.reason or _DIED)
            again = self._replaced(worker, running) if not said.reason else worker
            running[again] = trial
            self._start(again, trial.proposal)
        else:
            running[worker] = None
            self._end(trial, said)
            if isinstance(said, Failed) and not said.reason:
                self._replaced(worker, running)

    def _replaced(self, worker: LocalWorker, running: dict[LocalWorker, _Trial | None]) -> LocalWorker:
        """Another worker in the place of one that died."""
        worker.end()
        del running[worker]
        another = self._worker()
        running[another] = None
        return another

    def _goes_on(self, trial: _Trial, said: StepDone) -> bool:
        result = {"step": said.step, "training_iteration": said.step, "validation_loss": said.validation_loss}
        return bool(self.scheduler.on_trial_result(None, trial, result) == "CONTINUE")

    def _end(self, trial: _Trial, said: Said) -> None:
        """Keep how a trial ended, and let proposals and scheduler know."""
        proposal = trial.proposal
        how: dict[str, Any] = {"status": "stopped", "seconds": time.monotonic() - trial.began}
        result: dict[str, Any] = {}
        if isinstance(said, TrialDone):
            self.seconds.append(said.seconds)
            how = {"status": "done", "value": said.value, "seconds": said.seconds}
            result = {"value": said.value, "step": said.step, "validation_loss": said.validation_loss}
        elif isinstance(said, Failed):
            how = {"status": "failed", "error": said.reason or _DIED}
        if self.scheduler is not None and isinstance(said, TrialDone):
            self.scheduler.on_trial_complete(None, trial, result)
        self.proposals.on_trial_complete(trial.trial_id, result, error=isinstance(said, Failed))
        attempts = trial.failures + 1
        self.log.end(
            Outcome(
                id=proposal.id,
                draw=proposal.draw,
                values=proposal.values,
                attempts=attempts,
                at=self.clock.seconds,
                **how,
            )
        )


def _busy(running: Mapping[LocalWorker, _Trial | None]) -> int:
    return sum(trial is not None for trial in running.values())
