"""What Ray Tune tries next: what a killed search left, then what Optuna proposes, until time is up."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState
from ray.tune.search import Searcher

from aimass_compiler.runtime.training.trial_folders import Outcome, TrialFolders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aimass_compiler.pipeline.training import Search
    from aimass_compiler.runtime.training.space import Draw, Space

_STATES = {"done": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "failed": TrialState.FAIL}


@dataclass(frozen=True)
class Proposal:
    """The values that a trial tries."""

    id: int
    draw: Draw
    values: Mapping[str, Any]


def study_of(
    search: Search, space: Space, outcomes: Iterable[Outcome], *, seed: int, greater_is_better: bool
) -> optuna.Study:
    """A study that knows how earlier trials ended.

    A sampler that starts again must not draw the same numbers again, so the seed moves on with them.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    known = list(outcomes)
    sampler = optuna.samplers.TPESampler if search.algorithm == "tpe" else optuna.samplers.RandomSampler
    study = optuna.create_study(
        direction="maximize" if greater_is_better else "minimize", sampler=sampler(seed=seed + len(known))
    )
    for outcome in known:
        study.add_trial(
            optuna.trial.create_trial(
                state=_STATES[outcome.status],
                params=dict(outcome.draw),
                distributions=space.distributions(),
                value=outcome.value,
            )
        )
    return study


def left_over(search: Search, space: Space, trials: TrialFolders) -> list[Proposal]:
    """What was proposed and did not end; for a grid, every combination that did not end."""
    ended = {outcome.id for outcome in trials.outcomes()}
    if search.algorithm == "grid":
        draws = dict(enumerate(space.combinations(), start=1))
    else:
        draws = trials.proposed()
    return [
        Proposal(number, draw, space.values(draw)) for number, draw in draws.items() if number not in ended
    ]


@dataclass
class Clock:
    """How long the search has lasted, an earlier process included."""

    limit: float | None = None
    before: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return self.before + time.monotonic() - self.started

    @property
    def is_up(self) -> bool:
        return self.limit is not None and self.seconds >= self.limit


class Proposals(Searcher):  # type: ignore[misc]  # Ray is not typed here
    """Asks Optuna for values and tells it how they did; each proposal is on disk before it is tried."""

    def __init__(
        self, study: optuna.Study, space: Space, trials: TrialFolders, left: list[Proposal], clock: Clock
    ) -> None:
        super().__init__()
        self._study, self._space, self._trials, self._clock = study, space, trials, clock
        self._left = left
        self._next = max([0, *(proposal.id for proposal in left), *(o.id for o in trials.outcomes())]) + 1
        self._running: dict[str, optuna.Trial] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """What to try next, FINISHED, or None to be asked again."""
        if self._clock.is_up:
            # Even when no time is left there must be a trial to take a model from.
            if self._study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]):
                return str(Searcher.FINISHED)
            if self._running:
                return None
        proposal = self._left.pop(0) if self._left else None
        if proposal is not None:
            self._study.enqueue_trial(dict(proposal.draw))
        asked = self._study.ask(self._space.distributions())
        self._running[trial_id] = asked
        if proposal is None:
            proposal = Proposal(self._next, asked.params, self._space.values(asked.params))
            self._next += 1
        self._trials.propose(proposal.id, proposal.draw)
        return {"id": proposal.id, "draw": dict(proposal.draw), "values": dict(proposal.values)}

    def on_trial_complete(
        self,
        trial_id: str,
        result: dict[str, Any] | None = None,
        error: bool = False,
    ) -> None:
        value = (result or {}).get("value")
        ended = self._running.pop(trial_id)
        if value is not None and not error:
            self._study.tell(ended, value)
        else:
            self._study.tell(ended, state=TrialState.FAIL if error else TrialState.PRUNED)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: a search goes on from its trials' folders."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a search goes on from its trials' folders."""
