"""The plan for programs, as schemas/plan.json describes it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from aimass_compiler.cli.views.cost import money_of
from aimass_compiler.impact.changes import Change
from aimass_compiler.impact.contract import Breach
from aimass_compiler.impact.cost import Cost, Estimate
from aimass_compiler.impact.deployment import Delivery
from aimass_compiler.impact.edits import shown
from aimass_compiler.impact.effects import Effect, Effects
from aimass_compiler.impact.release_changes import ReleaseChange
from aimass_compiler.impact.stage_runs import StageEffect
from aimass_compiler.plan import FileChange

FORMAT = "aimass.plan/v1"
_DIGITS = 6


def as_json(effects: Effects) -> str:
    """The plan, indented, in the order of the models' names."""
    document = {
        "format": FORMAT,
        "against": effects.against,
        "stale": effects.plan.is_stale,
        "releases": [_release_json(change) for change in effects.releases],
        "notes": list(effects.notes),
        "unchanged_models": effects.unchanged_models,
        "fleet": [_file_json(change) for change in effects.of_fleet],
        "models": [_model_json(effect) for effect in effects.models],
        "waiting": [
            {"model": effect.model, "stages": [_stage_json(stage) for stage in effect.stages]}
            for effect in effects.waiting
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _model_json(effect: Effect) -> dict[str, Any]:
    return {
        "model": effect.model,
        "new": effect.is_new,
        "removed": effect.is_removed,
        "renamed_from": effect.renamed_from or None,
        "headline": effect.headline,
        "values": [_value_json(each) for each in effect.values],
        "contract": [_breach_json(breach) for breach in effect.breaches],
        "stages": [_stage_json(stage) for stage in effect.stages],
        "cost": None if effect.cost is None else _cost_json(effect.cost),
        "notes": list(effect.notes),
        "applying": [_delivery_json(each) for each in effect.deliveries],
        "files": [_file_json(change) for change in effect.changes],
    }


def _file_json(change: FileChange) -> dict[str, str]:
    return {"action": change.action.value, "path": change.path, "reason": change.reason}


def _value_json(change: Change) -> dict[str, Any]:
    return {
        "sign": change.sign.value,
        "text": change.text,
        "key": change.path or None,
        "before": change.before,
        "after": change.after,
        "environments": list(change.environments),
        "place": change.location or None,
    }


def _breach_json(breach: Breach) -> dict[str, Any]:
    return {
        "rule": breach.rule,
        "severity": breach.severity.value,
        "text": breach.text,
        "key": shown(breach.path) or None,
        "environments": list(breach.environments),
        "place": breach.location or None,
        "name": breach.name,
        "allowed": breach.is_allowed,
        "waiting": breach.is_waiting,
    }


def _release_json(change: ReleaseChange) -> dict[str, Any]:
    return {
        "environment": change.environment,
        "model": change.model,
        "acts": [act.value for act in change.acts],
        "text": change.text,
        "before": change.was or None,
        "after": change.now or None,
        "metrics": [
            {"metric": each.name, "before": each.before, "after": each.after} for each in change.metrics
        ],
        "contract": [_breach_json(breach) for breach in change.breaches],
        "replaced": change.replaced or None,
        "notes": list(change.notes),
    }


def _stage_json(stage: StageEffect) -> dict[str, Any]:
    return {
        "stage": stage.name,
        "state": stage.state.value,
        "reads": list(stage.reads),
        "follows": list(stage.follows),
        "notes": list(stage.notes),
    }


def _delivery_json(each: Delivery) -> dict[str, Any]:
    return {
        "environment": each.environment,
        "namespace": each.namespace,
        "created": list(each.created),
        "changed": list(each.changed),
        "deleted": list(each.deleted),
        "left": list(each.left),
        "why_left": each.why_left or None,
        "replaced": list(each.replaced),
        "scaling": each.scaling or None,
        "server": each.server or None,
    }


def _cost_json(cost: Cost) -> dict[str, Any]:
    return {
        "currency": cost.prices.currency if cost.prices else None,
        "before": _estimate_json(cost, cost.before),
        "after": _estimate_json(cost, cost.after),
    }


def _estimate_json(cost: Cost, estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    document: dict[str, Any] = _rounded(msgspec.to_builtins(estimate))
    job = estimate.job
    document["job_money"] = round(job.money(cost.prices), 2) if job and cost.prices else None
    document["serving_money"] = money_of(estimate, cost.prices)
    if estimate.tuning is not None:
        rented = estimate.tuning.rented
        document["tuning_money"] = round(rented.money(rented.most), 2) if rented.hourly is not None else None
    return document


def _rounded(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _rounded(part) for name, part in node.items()}
    return round(node, _DIGITS) if isinstance(node, float) else node
