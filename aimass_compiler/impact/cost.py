"""What a model is estimated to use: hours of trials, and hours of cores, memory and GPUs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Bytes, Cores
from aimass_compiler.impact.language_cost import AcceleratorCost, TuningCost, month_of, tuning_cost
from aimass_compiler.impact.models import ChangedModel, amount, mapping, number
from aimass_compiler.pipeline.settings import Prices
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from aimass_compiler.render.facts import JobBound, Resolved, SearchSize, Servers

#: A year has 8,760 hours; clouds bill a twelfth of them as a month.
HOURS_PER_MONTH = 730
_HOUR = 3600
_GIB = 2**30
#: A trials.json is a few kilobytes; what is larger was not written by a search.
_LARGEST_TRIALS = 64 * 2**20


class Use(Struct, frozen=True):
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


class ServingCost(Struct, frozen=True, omit_defaults=True):
    """What the servers of one environment ask for in a month, with the fewest and the most replicas."""

    least: Use
    most: Use
    accelerators: AcceleratorCost | None = None
    """Theirs; None where they have none."""

    def money(self, prices: Prices) -> tuple[float, float]:
        """What it costs with the fewest and with the most replicas."""
        rented = self.accelerators
        extra = (rented.money(rented.least), rented.money(rented.most)) if rented else (0.0, 0.0)
        return self.least.money(prices) + extra[0], self.most.money(prices) + extra[1]


class SearchCost(Struct, frozen=True):
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


class Estimate(Struct, frozen=True, omit_defaults=True):
    """What one version of a model is estimated to use."""

    search: SearchCost
    job: Use | None
    """One training job on the cluster; None where its length is not known."""
    serving: Mapping[str, ServingCost]
    tuning: TuningCost | None = None
    """Of a language model, what training takes of accelerators."""
    pods: Use | None = None
    """What the pods of a training job ask for, all together."""
    bounds: tuple[JobBound, ...] = ()
    """What that may be of."""


class Cost(Struct, frozen=True):
    """The estimates of a model before and after; None where it is not there."""

    before: Estimate | None
    after: Estimate | None
    prices: Prices | None = None


class Measured(Struct, frozen=True):
    """How long the trials of the last search took."""

    trial_seconds: float
    trials: int


def model_cost(model: ChangedModel, root: Path, prices: Prices | None) -> Cost:
    """The estimates of a model; `root` is the project's folder, where its last search may be."""
    sides = (model.old_facts, model.new_facts)
    old, new = (
        None if facts is None else estimate(facts, model.name, root, measured_as=model.renamed_from or "")
        for facts in sides
    )
    return Cost(old, new, prices or _currency_of(old, new))


def _currency_of(*sides: Estimate | None) -> Prices | None:
    """The usual currency where nothing has a price but an hour of an accelerator."""
    rented = [
        each
        for side in sides
        if side is not None
        for each in (
            *(serving.accelerators for serving in side.serving.values()),
            side.tuning and side.tuning.rented,
        )
    ]
    return Prices.default() if any(each and each.hourly is not None for each in rented) else None


def estimate(facts: Resolved, model: str, root: Path, *, measured_as: str = "") -> Estimate:
    """What a model with this record is estimated to use; its last search may have been under another name."""
    search = _search(facts.search, _last_search(root, measured_as or model))
    length = None if search.hours is None else search.hours * search.searches
    pods = Use(facts.job.cpu, facts.job.gib, facts.job.gpu) if facts.job else None
    serving = {name: _serving(environment.servers) for name, environment in facts.environments.items()}
    tuning = None if facts.fine_tuning is None else tuning_cost(facts.fine_tuning, model, root)
    bounds = facts.job.bounds if facts.job else ()
    taken = pods.times(length) if pods and length is not None else None
    return Estimate(search, taken, serving, tuning, pods if bounds else None, bounds)


def _last_search(root: Path, model: str) -> Measured | None:
    """What the last run of the train stage measured here; None where there is no readable record of one."""
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


def _search(asked: SearchSize, measured: Measured | None) -> SearchCost:
    trials, concurrency, searches, limit = asked.trials, asked.concurrency, asked.searches, asked.seconds
    if measured is not None:
        seconds = measured.trial_seconds * trials
        if limit is not None:
            seconds = min(seconds, limit * concurrency)
        hours = seconds / _HOUR
        return SearchCost(
            trials, concurrency, searches, "measured", measured.trial_seconds, hours, hours / concurrency
        )
    if limit is None:
        return SearchCost(trials, concurrency, searches, "unknown")
    hours = limit / _HOUR
    return SearchCost(trials, concurrency, searches, "budget", None, hours * concurrency, hours)


def _serving(servers: Servers) -> ServingCost:
    cores = float(amount(Cores, servers.cpu) or 0)
    memory = float(amount(Bytes, servers.memory) or 0) / _GIB
    month = Use(cores, memory).times(HOURS_PER_MONTH)
    rented = month_of(servers.devices, servers.least, servers.most, HOURS_PER_MONTH)
    return ServingCost(month.times(servers.least), month.times(servers.most), rented)
