"""Round after round of trials, so that what else the machine does hits all of them alike."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.compile.contenders import Trial
from benchmarks.compile.measure import CallFailedError, Cost, cost
from benchmarks.compile.peers import Peer

#: A trial is repeated until it has taken this long in all, or the rounds are over.
_PATIENCE_SECONDS = 30


@dataclass
class Series:
    """What one contender needed for one case, repetition by repetition; or why there is nothing."""

    case: str
    contender: str
    costs: list[Cost] = field(default_factory=list)
    memory: float = 0.0
    failed: str = ""

    @property
    def wall(self) -> float:
        """The median in seconds; infinite when there is none."""
        return statistics.median(cost.wall for cost in self.costs) if self.costs else float("inf")

    @property
    def cpu(self) -> float:
        """The median of user and system time in seconds."""
        return statistics.median(cost.cpu for cost in self.costs) if self.costs else float("inf")

    @property
    def spread(self) -> tuple[float, float]:
        """The fastest and the slowest repetition, in seconds."""
        walls = [cost.wall for cost in self.costs]
        return min(walls), max(walls)

    @property
    def is_whole(self) -> bool:
        """Whether it ended by itself; else its time is only a lower bound."""
        return all(cost.is_whole for cost in self.costs)


def measured(trials: Sequence[tuple[str, Trial]], rounds: int, limit: float, at_once: int) -> list[Series]:
    """Each case of each contender, `rounds` times in turns; a round before warms up and watches memory."""
    series = [Series(case, trial.contender) for case, trial in trials]
    for number in range(rounds + 1):
        for (_, trial), found in zip(trials, series, strict=True):
            spent = sum(one.wall for one in found.costs)
            if found.failed or not found.is_whole or spent > _PATIENCE_SECONDS:
                continue
            _repeat(trial, found, limit, at_once, is_first=number == 0)
        _tell(f"round {number} of {rounds}")
    _tell("")
    return series


def _repeat(trial: Trial, found: Series, limit: float, at_once: int, *, is_first: bool) -> None:
    _tell(f"{found.case}: {trial.contender}")
    trial.before()
    try:
        spent = cost(trial.calls, at_once, limit, watch_memory=is_first)
    except CallFailedError as problem:
        found.failed = str(problem).splitlines()[0]
        return
    if spent.is_whole and is_first and not trial.is_done():
        found.failed = "it did not make all objects"
        return
    found.memory = max(found.memory, spent.memory)
    # Warming up means nothing to what takes that long.
    if not is_first or spent.wall > _PATIENCE_SECONDS / 3:
        found.costs.append(spent)


def better_ways(peers: Sequence[Peer], series: Sequence[Series]) -> list[Peer]:
    """Of several ways of calling a tool the one that was the fastest."""
    walls = {one.contender: one.wall for one in series if not one.failed}
    ways: dict[str, Peer] = {}
    for peer in sorted(peers, key=lambda peer: walls.get(peer.name, float("inf"))):
        ways.setdefault(peer.tool, peer)
    return [peer for peer in peers if peer in ways.values()]


def _tell(what: str) -> None:
    """A line that the next one replaces, where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)
