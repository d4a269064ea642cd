"""What an earlier search found, as far as it is of this search's ranges: where a search begins."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.progress import say
from aimass_compiler.runtime.training.trial_folders import Outcome, ranked

if TYPE_CHECKING:
    import optuna

    from aimass_compiler.pipeline.training import Search
    from aimass_compiler.runtime.training.space import Draw, Space
    from aimass_compiler.runtime.training.trial import Assignment

#: At most so many of the best earlier trials are trained again, and at most this share of the trials.
_AGAIN = 3
_SHARE = 4


@dataclass(frozen=True)
class WarmStart:
    """Trials of an earlier search."""

    best: Sequence[Draw]
    """What was drawn for them, the best first."""
    trials: Sequence[Outcome]
    """How they ended, where they were compared by the same metric."""

    def begin(self, study: optuna.Study, trials: int) -> None:
        """Have the best trained again at first, of a search of so many trials: for their models are gone."""
        for draw in self.best[: max(1, min(_AGAIN, trials // _SHARE))]:
            study.enqueue_trial(dict(draw))


def warm_start(assignment: Assignment, search: Search, space: Space) -> WarmStart | None:
    """The trials of the file that the search names; None where it names none, or lists a grid.

    Raises StageFailure where the file is missing or none that a search wrote.
    """
    if search.warm_start is None or search.algorithm == "grid":
        return None
    path = assignment.root / search.warm_start
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        found = [_outcome(space, trial) for trial in document["trials"]]
        metric = document.get("metric")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StageFailure(
            ExitCode.DATA,
            f"`search.warm_start`: {search.warm_start} is no trials.json of a search: {error}",
            "copy the artifacts/MODEL/train/trials.json of an earlier run there",
        ) from None
    usable = [outcome for outcome in found if outcome is not None]
    is_same = metric == assignment.objective.metric
    compared = (
        "" if is_same else f"; their values are of {metric or 'an unknown metric'}, so they are not compared"
    )
    say(f"begins with {len(usable)} of {len(found)} trials of {search.warm_start}{compared}")
    best = ranked(usable, greater_is_better=assignment.metric.greater_is_better) if is_same else usable
    return WarmStart([outcome.draw for outcome in best], best if is_same else [])


def _outcome(space: Space, trial: dict[str, Any]) -> Outcome | None:
    """An earlier trial that was trained to its end and whose values this search may draw."""
    values, value = trial["parameters"], trial["value"]
    draw = space.draw(values)
    if trial["status"] != "done" or draw is None:
        return None
    return Outcome(int(trial["id"]), "done", draw, values, float(value))
