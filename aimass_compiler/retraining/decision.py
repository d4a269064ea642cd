"""Whether a candidate is trained now: the reasons, held against cooldown, budget and what failed before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.monitoring import USUAL_ATTEMPTS, USUAL_COOLDOWN, Retrain
from aimass_compiler.releases import candidate_ledger, version_record
from aimass_compiler.releases.candidate_ledger import TriedCandidate
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.retraining.causes import CausesFound, FoundCause, RetrainingContext, causes, utc_time

_BUDGET_DAYS = 30
_ENDS = {"passed": "was proposed", "failed": "failed", "same": "was the version that there is", "resumed": ""}
_NO_REASON_NAMED = "`monitoring.retrain` of its spec names no reason, such as `on: [drift, data]`"
#: Ends after which a person is asked once there are too many in a row.
_FAILURES = ("failed", "unpublished")


class RetrainingDecision(Struct, frozen=True):
    """What is done about the reasons."""

    is_due: bool
    text: str
    """Why, or why not yet."""
    needs_person: bool = False
    """Whether it goes no further until a person acts."""


def due(
    root: Path, pipeline: Pipeline, address: str | None = None, given: Sequence[str] = ()
) -> tuple[CausesFound, RetrainingDecision]:
    """The reasons to train again, those that people give first, and what is decided about them.

    The address is that of the Prometheus to ask, by default that of aimass.yaml. Raises LedgerFailed and
    DamagedRecord.
    """
    attempts, now = candidate_ledger.read(root, pipeline.path), datetime.now(UTC)
    newest = next(reversed(version_record.versions_of(root, pipeline.path)), None)
    asked = address or pipeline.settings.prometheus.url
    found = causes(pipeline, RetrainingContext(root, newest, attempts, asked, now))
    own = tuple(FoundCause("person", each) for each in given)
    found = replace(found, causes=(*own, *found.causes))
    return found, decided(pipeline, found, attempts, now)


def decided(
    pipeline: Pipeline, found: CausesFound, attempts: Sequence[TriedCandidate], now: datetime
) -> RetrainingDecision:
    """Whether a candidate is trained; what a person must decide comes before what waiting solves."""
    if not found.causes:
        wanted = retrain_of(pipeline)
        text = "there is no reason to train again" if wanted.on or wanted.schedule else _NO_REASON_NAMED
        return RetrainingDecision(is_due=False, text=text)
    failed = failures(attempts, recipe_digest(pipeline))
    most = retrain_of(pipeline).attempts or USUAL_ATTEMPTS
    if len(failed) >= most:
        text = f"{len(failed)} candidates in a row failed: {failed[-1].reason}"
        return RetrainingDecision(is_due=False, text=text, needs_person=True)
    if attempts and attempts[-1].outcome == "unpublished":
        text = f"the last candidate waits to be proposed: {attempts[-1].reason}"
        return RetrainingDecision(is_due=True, text=text)
    if held := _held_back(pipeline, found, attempts, now):
        return RetrainingDecision(is_due=False, text=held)
    return RetrainingDecision(is_due=True, text="; ".join(each.text for each in found.causes))


def _held_back(
    pipeline: Pipeline, found: CausesFound, attempts: Sequence[TriedCandidate], now: datetime
) -> str:
    """What waiting or other rows would solve; nothing where nothing holds it back."""
    retrain, last = retrain_of(pipeline), attempts[-1] if attempts else None
    if last and found.rows and (last.rows, last.recipe) == (found.rows, recipe_digest(pipeline)):
        return f"rows and recipe are those of the last candidate, which {_ENDS[last.outcome]}"
    tried = [each for each in attempts if each.outcome != "resumed"]
    cooldown = timedelta(seconds=(retrain.cooldown or USUAL_COOLDOWN).seconds)
    if tried and now - utc_time(tried[-1].time) < cooldown:
        until = utc_time(tried[-1].time) + cooldown
        return f"the last candidate was at {tried[-1].time}; not before {until:%Y-%m-%d %H:%M} UTC"
    return _spent(retrain, tried, now)


def failures(attempts: Sequence[TriedCandidate], recipe: str) -> list[TriedCandidate]:
    """The candidates of this recipe that failed since one passed, or since a person acted."""
    found: list[TriedCandidate] = []
    for each in attempts:
        if each.outcome in ("passed", "resumed"):
            found.clear()
        elif each.outcome in _FAILURES and each.recipe == recipe:
            found.append(each)
    return found


def retrain_of(pipeline: Pipeline) -> Retrain:
    """What the first environment says, where models are trained."""
    first = next(iter(pipeline.environments.values()), None)
    return (first or pipeline).monitoring.retrain


def recipe_digest(pipeline: Pipeline) -> str:
    """What decides which model comes out of training: with another recipe, earlier failures say nothing."""
    return hashlib.sha256(PipelineJson(pipeline).trained_from).hexdigest()[:12]


def cost_of(pipeline: Pipeline, seconds: float) -> float:
    """What so long a training costs by the prices of the settings; 0 where there are none."""
    prices, training = pipeline.settings.prices, pipeline.training
    if prices is None:
        return 0.0
    gib = training.resources.memory.size / 2**30
    each = training.resources.cpu * prices.cpu_hour + float(gib) * prices.gib_hour
    hour = training.worker_range[1] * (each + training.gpus * prices.gpu_hour)
    return float(hour) * seconds / 3600


def _spent(retrain: Retrain, tried: Sequence[TriedCandidate], now: datetime) -> str:
    """Which budget is used up; nothing where none is."""
    if retrain.budget is None:
        return ""
    since = now - timedelta(days=_BUDGET_DAYS)
    recent = [each for each in tried if utc_time(each.time) >= since and each.outcome != "same"]
    most, cost = retrain.budget.candidates, retrain.budget.cost
    if most is not None and len(recent) >= most:
        return f"{len(recent)} candidates in {_BUDGET_DAYS} days are the budget of {most}"
    total = sum(each.cost for each in recent)
    if cost is not None and total >= cost:
        return f"candidates of {_BUDGET_DAYS} days cost {total:.2f}, and the budget is {cost:g}"
    return ""
