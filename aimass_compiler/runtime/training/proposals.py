"""What a search tries next: what a killed search left, then what Optuna proposes, until time is up."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState

from aimass_compiler.conventions import TRIAL_MODEL
from aimass_compiler.runtime.training.trial_folders import Outcome, TrialFolders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aimass_compiler.pipeline.training import Search
    from aimass_compiler.runtime.training.space import Draw, Space
    from aimass_compiler.runtime.training.warm_start import WarmStart

_STATES = {"done": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "failed": TrialState.FAIL}


#: Answered where there is nothing left to try, as Ray's searchers answer it.
FINISHED = "FINISHED"
#: A draw as a key.
Key = tuple[tuple[str, Any], ...]
#: How often Optuna is asked again where it draws what was tried.
_DRAWS = 10


def _key(draw: Draw) -> Key:
    return tuple(sorted(draw.items()))


@dataclass(frozen=True)
class Proposal:
    """The values that a trial tries."""

    id: int
    draw: Draw
    values: Mapping[str, Any]


def study_of(
    search: Search,
    space: Space,
    outcomes: Iterable[Outcome],
    *,
    seed: int,
    greater_is_better: bool,
    warm: WarmStart | None = None,
) -> optuna.Study:
    """A study that knows how earlier trials ended.

    A sampler that starts again must not draw the same numbers again, so the seed moves on with them.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    known = list(outcomes)
    learned = [] if warm is None else warm.trials
    earlier = [
        optuna.trial.create_trial(
            state=_STATES[outcome.status],
            params=dict(outcome.draw),
            distributions=space.distributions(outcome.draw),
            value=outcome.value,
        )
        for outcome in (*learned, *known)
    ]
    study = optuna.create_study(
        direction="maximize" if greater_is_better else "minimize",
        sampler=_sampler(search.algorithm, earlier, seed + len(known)),
    )
    for trial in earlier:
        study.add_trial(trial)
    return study


def _sampler(
    algorithm: str, earlier: Sequence[optuna.trial.FrozenTrial], seed: int
) -> optuna.samplers.BaseSampler:
    if algorithm == "tpe":
        return optuna.samplers.TPESampler(seed=seed)
    if algorithm != "cma_es":
        return optuna.samplers.RandomSampler(seed=seed)
    # Where CMA-ES stood is not known of trials of an earlier process; it starts where they were good
    # (Nomura et al. 2021, https://arxiv.org/abs/2012.06932).
    done = [trial for trial in earlier if trial.state == TrialState.COMPLETE]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.CmaEsSampler(
            seed=seed, source_trials=done or None, warn_independent_sampling=False
        )


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
    trial_limit: float | None = None
    """Seconds of all trials together after which no new one starts, for they cost what the search may."""
    ended: float = 0.0
    """Seconds of trials that have ended, in earlier processes included."""
    running: dict[str, float] = field(default_factory=dict)
    """When trials began that still run."""

    @property
    def seconds(self) -> float:
        return self.before + time.monotonic() - self.started

    @property
    def is_up(self) -> bool:
        is_late = self.limit is not None and self.seconds >= self.limit
        return is_late or (self.trial_limit is not None and self.trial_seconds >= self.trial_limit)

    @property
    def trial_seconds(self) -> float:
        """How long trials have run, all together."""
        now = time.monotonic()
        return self.ended + sum(now - began for began in self.running.values())

    def begin(self, trial_id: str) -> None:
        self.running[trial_id] = time.monotonic()

    def end(self, *trial_ids: str) -> None:
        for trial_id in trial_ids:
            self.ended += time.monotonic() - self.running.pop(trial_id)


class Proposals:
    """Asks Optuna for values and tells it how they did; each proposal is on disk before it is tried."""

    def __init__(
        self, study: optuna.Study, space: Space, trials: TrialFolders, left: list[Proposal], clock: Clock
    ) -> None:
        self._study, self._space, self._trials, self._clock = study, space, trials, clock
        self._left = left
        clock.end(*clock.running)  # those of who tried before are not heard of any more
        self._next = max([0, *(proposal.id for proposal in left), *(o.id for o in trials.outcomes())]) + 1
        self._running: dict[str, optuna.Trial] = {}
        self._known: dict[Key, float | None] = {_key(o.draw): o.value for o in trials.outcomes()}

    def proposed(self, trial_id: str) -> Proposal | str | None:
        """What to try next, FINISHED, or None to be asked again."""
        if self._clock.is_up:
            # Even when no time or money is left there must be a trial to take a model from.
            if any(value is not None for value in self._known.values()):
                return FINISHED
            if self._running:
                return None
        found = self._left_over() if self._left else self._new()
        if found is None:
            return FINISHED
        proposal, self._running[trial_id] = found
        self._known[_key(proposal.draw)] = None
        self._clock.begin(trial_id)
        self._trials.propose(proposal.id, proposal.draw)
        return proposal

    def _left_over(self) -> tuple[Proposal, optuna.Trial]:
        proposal = self._left.pop(0)
        _, asked = self._asked(proposal.draw)
        return proposal, asked

    def _new(self) -> tuple[Proposal, optuna.Trial] | None:
        """What was not tried yet, or None where everything was."""
        draw, asked = self._asked(self._first_of_a_model())
        for _ in range(_DRAWS):
            if _key(draw) not in self._known:
                break
            self._study.tell(asked, state=TrialState.FAIL)  # samplers leave out what failed
            draw, asked = self._asked(None)
        if _key(draw) in self._known:
            self._study.tell(asked, state=TrialState.FAIL)
            untried = self._space.untried([dict(key) for key in self._known])
            if untried is None:
                return None
            draw, asked = self._asked(untried)
        self._next += 1
        return Proposal(self._next - 1, draw, self._space.values(draw)), asked

    def _first_of_a_model(self) -> Draw | None:
        """One of several models that no trial has had yet."""
        if not self._space.is_choice:
            return None
        tried = {dict(key)[TRIAL_MODEL] for key in self._known}
        return next(
            ({TRIAL_MODEL: place} for place in range(len(self._space.models)) if place not in tried), None
        )

    def _asked(self, fixed: Draw | None) -> tuple[Draw, optuna.Trial]:
        """What Optuna draws, but for what is fixed."""
        if fixed is not None:
            self._study.enqueue_trial(dict(fixed))
        asked = self._study.ask()
        return self._space.drawn(asked), asked

    def on_trial_complete(
        self,
        trial_id: str,
        result: dict[str, Any] | None = None,
        error: bool = False,
    ) -> None:
        value = (result or {}).get("value")
        ended = self._running.pop(trial_id)
        self._clock.end(trial_id)
        self._known[_key(ended.params)] = value
        if value is not None and not error:
            self._study.tell(ended, value)
        else:
            self._study.tell(ended, state=TrialState.FAIL if error else TrialState.PRUNED)
