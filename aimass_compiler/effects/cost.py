"""What a model is estimated to use: hours of trials, and hours of cores, memory and GPUs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import artifacts, conventions
from aimass_compiler.effects.normal import Normal, amount, at, mapping, named, number
from aimass_compiler.effects.objects import objects
from aimass_compiler.values import RANGES, Bytes, Cores, Duration

if TYPE_CHECKING:
    from aimass_compiler.pipeline.settings import Prices
    from aimass_compiler.plan import Files

#: A year has 8,760 hours; clouds bill a twelfth of them as a month.
HOURS_PER_MONTH = 730
_HOUR = 3600
_GIB = 2**30
#: A trials.json is a few kilobytes; what is larger was not written by a search.
_LARGEST_TRIALS = 64 * 2**20


@dataclass(frozen=True)
class Use:
    """Hours of cores, of GiB of memory and of GPUs."""

    cpu: float = 0.0
    gib: float = 0.0
    gpu: float = 0.0

    def times(self, factor: float) -> Use:
        return Use(self.cpu * factor, self.gib * factor, self.gpu * factor)

    def plus(self, other: Use) -> Use:
        return Use(self.cpu + other.cpu, self.gib + other.gib, self.gpu + other.gpu)

    def money(self, prices: Prices) -> float:
        """What it costs, in the currency of the prices."""
        return self.cpu * prices.cpu_hour + self.gib * prices.gib_hour + self.gpu * prices.gpu_hour


@dataclass(frozen=True)
class Serving:
    """What the servers of one environment ask for in a month, with the fewest and the most replicas."""

    least: Use
    most: Use


@dataclass(frozen=True)
class Search:
    """What one search takes, if nothing stops a trial early."""

    trials: int
    concurrency: int
    searches: int
    """How many there may be, with those that follow a missed gate."""
    basis: str
    """`measured` by the last run, or the `budget` of time that the spec gives it, or `unknown`."""
    trial_seconds: float | None = None
    trial_hours: float | None = None
    """All trials together, one after the other."""
    hours: float | None = None
    """From the start to the end, as many at once as may be."""


@dataclass(frozen=True)
class Estimate:
    """What one version of a model is estimated to use."""

    search: Search
    job: Use | None
    """One training job on the cluster; None where its length is not known."""
    serving: Mapping[str, Serving]


@dataclass(frozen=True)
class Cost:
    """The estimates of a model before and after; None where it is not there."""

    before: Estimate | None
    after: Estimate | None
    prices: Prices | None = None


@dataclass(frozen=True)
class Measured:
    """How long the trials of the last search took."""

    trial_seconds: float
    trials: int


def estimate(pipeline: Normal, files: Files, measured: Measured | None) -> Estimate:
    """What a pipeline with these files is estimated to use."""
    search = _search(pipeline, measured)
    length = None if search.hours is None else search.hours * search.searches
    job = next(objects(files, "RayJob"), None)
    serving = {name: _serving(running) for name, running in named(pipeline.get("environments")).items()}
    pods = None if job is None else _pods(mapping(mapping(job.get("spec")).get("rayClusterSpec")))
    return Estimate(search, pods.times(length) if pods and length is not None else None, serving)


def last_search(root: Path, model: str) -> Measured | None:
    """What the last run of the train stage measured here; None where there was none, or none that tells."""
    path = root / conventions.ARTIFACTS_FOLDER / model / artifacts.TRIALS
    try:
        if path.stat().st_size > _LARGEST_TRIALS:
            return None
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    trials = mapping(document).get("trials")
    taken = [number(mapping(trial).get("seconds")) for trial in trials] if isinstance(trials, list) else []
    known = [seconds for seconds in taken if seconds is not None and seconds >= 0]
    return Measured(sum(known) / len(known), len(known)) if known else None


def _search(pipeline: Normal, measured: Measured | None) -> Search:
    trials = int(number(at(pipeline, "search.trials")) or 1) if _has_ranges(pipeline) else 1
    concurrency = max(1, min(int(number(at(pipeline, "search.concurrency")) or 1), trials))
    searches = 1 + int(number(at(pipeline, "evaluation.on_failure.retrain")) or 0)
    # One training is no search, and has no budget of time.
    limit = amount(Duration, at(pipeline, "search.time")) if _has_ranges(pipeline) else None
    if measured is not None:
        seconds = measured.trial_seconds * trials
        if limit is not None:
            seconds = min(seconds, float(limit) * concurrency)
        hours = seconds / _HOUR
        return Search(
            trials, concurrency, searches, "measured", measured.trial_seconds, hours, hours / concurrency
        )
    if limit is None:
        return Search(trials, concurrency, searches, "unknown")
    hours = float(limit) / _HOUR
    return Search(trials, concurrency, searches, "budget", None, hours * concurrency, hours)


def _has_ranges(pipeline: Normal) -> bool:
    kinds = [*mapping(pipeline.get("model")).values(), *mapping(at(pipeline, "training.optimizer")).values()]
    return any(
        isinstance(part, Mapping) and len(part) == 1 and next(iter(part)) in RANGES
        for kind in kinds
        for part in mapping(kind).values()
    )


def _serving(running: Mapping[str, Any]) -> Serving:
    cores = float(amount(Cores, at(running, "serving.resources.cpu")) or 0)
    memory = float(amount(Bytes, at(running, "serving.resources.memory")) or 0) / _GIB
    month = Use(cores, memory).times(HOURS_PER_MONTH)
    ends = [number(at(running, f"serving.replicas.{end}")) or 0 for end in ("min", "max")]
    return Serving(month.times(ends[0]), month.times(ends[1]))


def _pods(cluster: Mapping[str, Any]) -> Use:
    """What the pods of a Ray cluster ask for together."""
    groups = cluster.get("workerGroupSpecs")
    workers = [mapping(group) for group in groups] if isinstance(groups, list) else []
    found = _pod(mapping(cluster.get("headGroupSpec")))
    for group in workers:
        found = found.plus(_pod(group).times(number(group.get("replicas")) or 1))
    return found


def _pod(group: Mapping[str, Any]) -> Use:
    found = Use()
    for requests in _requests(at(group, "template.spec.containers")):
        cores = float(amount(Cores, requests.get("cpu")) or 0)
        memory = float(amount(Bytes, requests.get("memory")) or 0) / _GIB
        found = found.plus(Use(cores, memory, _count(requests.get(conventions.GPU_RESOURCE))))
    return found


def _requests(containers: Any) -> Iterator[Mapping[str, Any]]:
    for container in containers if isinstance(containers, Sequence) else ():
        yield mapping(at(container, "resources.requests"))


def _count(text: Any) -> float:
    return float(text) if isinstance(text, (str, int)) and str(text).isdecimal() else 0.0
