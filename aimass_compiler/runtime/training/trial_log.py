"""The trials that have ended: told in a line each as they end, and in sum at last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aimass_compiler.runtime.progress import report_step, say
from aimass_compiler.runtime.training.trial_folders import Outcome, TrialFolders, ranked


@dataclass
class TrialLog:
    """Keeps every outcome, and the trained model of the best trial only."""

    trials: TrialFolders
    metric: str
    greater_is_better: bool
    total: int
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def best(self) -> Outcome | None:
        return next(iter(self.ranking), None)

    @property
    def ranking(self) -> list[Outcome]:
        """The trials that are done, the best first."""
        return ranked(self.outcomes, greater_is_better=self.greater_is_better)

    def end(self, outcome: Outcome) -> None:
        """Keep how a trial ended, and tell it."""
        self.trials.end(outcome)
        before = self.best
        self.outcomes.append(outcome)
        for other in (before, outcome):
            if other is not None and other is not self.best:
                self.trials.drop(other.id)
        say(f"trial {outcome.id}/{self.total}  {self._told(outcome)}")
        best = None if self.best is None else self.best.value
        report_step(len(self.outcomes), self.total, {self.metric: best}, "trial")

    def again(self, number: int, error: str) -> None:
        """Tell that a trial is tried again."""
        say(f"trial {number}/{self.total}  died and is tried again: {error}")

    def summary(self) -> str:
        """The best trial, and how many ended otherwise."""
        counts = {status: sum(o.status == status for o in self.outcomes) for status in ("stopped", "failed")}
        others = "".join(f", {count} {status}" for status, count in counts.items() if count)
        found = f"trial {self.best.id} with {self.metric} {self.best.value:.6g}" if self.best else "none"
        return f"best of {len(self.outcomes)} trials: {found}{others}"

    def _told(self, outcome: Outcome) -> str:
        values = shown_values(outcome.values)
        seconds = "" if outcome.seconds is None else f"  {outcome.seconds:.1f} s"
        if outcome.status == "done":
            return f"{self.metric} {outcome.value:.6g}  {values}{seconds}"
        if outcome.status == "stopped":
            return f"stopped: it fell behind  {values}{seconds}"
        times = "" if outcome.attempts == 1 else f" {outcome.attempts} times"
        return f"failed{times}: {outcome.error}  {values}"


def shown_values(values: Mapping[str, Any]) -> str:
    """Parameters on one line."""
    return " ".join(f"{name}={_shown(value)}" for name, value in values.items())


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "[" + ",".join(map(_shown, value)) + "]" if isinstance(value, (list, tuple)) else str(value)
