"""What aimass-compile wants to reach against its peers: ratios of medians of the same run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.compile.cases import FLOOR, Sizes, models
from benchmarks.compile.contenders import AIMASS
from benchmarks.compile.rounds import Series

_MEBIBYTES_AT_MOST = 500
#: What still counts as the same time for each model.
_SLACK = 1.25


@dataclass(frozen=True)
class Goal:
    """The ratio of aimass-compile on a case to somebody on a case, and what it may be at most."""

    case: str
    rival: str
    rivals_case: str
    at_most: float

    def sentence(self, series: Sequence[Series]) -> str:
        """The goal, what was measured, and whether it is reached."""
        says = f"{self.case}, against {self.rival} on {self.rivals_case}"
        ours, theirs = find(series, self.case, AIMASS), find(series, self.rivals_case, self.rival)
        if not (ours and theirs):
            return f"{says}: not measured"
        ratio = ours.wall / theirs.wall
        bound = "" if theirs.is_whole else "at most "
        return (
            f"{says}: {seconds(ours.wall)} to {seconds(theirs.wall)}, {bound}{ratio:.2g}× "
            f"(goal: {self.at_most:g}×), {_verdict(ratio <= self.at_most)}"
        )


def goals(series: Sequence[Series], sizes: Sizes) -> Iterator[str]:
    """The goals, each as one sentence."""
    one, some, many = models(1), models(sizes.some), models(sizes.many)
    unchanged, changed = models(sizes.many, state="nothing changed"), models(sizes.many, state="one changed")
    wanted = (
        Goal(models(1, state="nothing changed"), "python, json and hashlib", FLOOR, 2),
        Goal(unchanged, "helm", models(sizes.some, environments=1), 1),
        Goal(unchanged, "helm", some, 1),
        Goal(changed, AIMASS, models(1, state="changed"), 1.5),
        Goal(changed, AIMASS, one, 1.5),
        Goal(one, "kubectl", models(1, environments=1), 2.5),
        Goal(many, "helm", many, 1),
        *(Goal(many, rival, many, 0.1) for rival in ("kustomize", "kapitan", "cdk8s")),
    )
    yield from (goal.sentence(series) for goal in wanted)
    yield from _growth(series, sizes)


def _growth(series: Sequence[Series], sizes: Sizes) -> Iterator[str]:
    cold = [(size, find(series, models(size), AIMASS)) for size in (sizes.some, sizes.many, sizes.most)]
    found = [(size, one) for size, one in cold if one]
    if len(found) < len(cold):
        yield "growth: not measured"
        return
    each = ", ".join(f"{seconds(one.wall / size)} of {size:,}" for size, one in found)
    (fewest, first), (most, last) = found[0], found[-1]
    is_linear = last.wall / most <= _SLACK * first.wall / fewest
    yield f"linear growth, time for each model: {each}, {_verdict(is_linear)}"
    is_small = last.memory < _MEBIBYTES_AT_MOST
    memory = f"{last.memory:.0f} MiB (goal: {_MEBIBYTES_AT_MOST} MiB)"
    yield f"memory of {models(most)}: {memory}, {_verdict(is_small)}"


def find(series: Sequence[Series], case: str, contender: str) -> Series | None:
    """The fastest on a case of those whose names begin so."""
    found = [one for one in series if one.case == case and one.contender.startswith(contender) and one.costs]
    return min(found, key=lambda one: one.wall, default=None)


def seconds(value: float) -> str:
    """A time that people compare at a glance."""
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "NOT reached"
