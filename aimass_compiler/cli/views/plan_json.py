"""A plan for programs: the document that schemas/plan.json describes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from aimass_compiler.cli.views.cost_lines import money_of
from aimass_compiler.effects.cost import Cost, Estimate
from aimass_compiler.effects.deliveries import Delivery
from aimass_compiler.effects.edits import shown
from aimass_compiler.effects.told import Breach, Effect, Effects, StageEffect, Told

FORMAT = "aimass.plan/v1"
_DIGITS = 6


def as_json(effects: Effects) -> str:
    """The plan, indented, in the order of the models' names."""
    document = {
        "format": FORMAT,
        "against": effects.against,
        "stale": effects.plan.is_stale,
        "unchanged_models": effects.unchanged_models,
        "models": [_model(effect) for effect in effects.models],
        "waiting": [
            {"model": effect.model, "stages": [_stage(stage) for stage in effect.stages]}
            for effect in effects.waiting
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _model(effect: Effect) -> dict[str, Any]:
    return {
        "model": effect.model,
        "new": effect.is_new,
        "removed": effect.is_removed,
        "renamed_from": effect.renamed_from or None,
        "headline": effect.headline,
        "values": [_told(told) for told in effect.told],
        "contract": [_breach(breach) for breach in effect.breaches],
        "stages": [_stage(stage) for stage in effect.stages],
        "cost": None if effect.cost is None else _cost(effect.cost),
        "notes": list(effect.notes),
        "applying": [_delivery(each) for each in effect.deliveries],
        "files": [
            {"action": change.action.value, "path": change.path, "reason": change.reason}
            for change in effect.changes
        ],
    }


def _told(told: Told) -> dict[str, Any]:
    return {
        "sign": told.sign.value,
        "text": told.text,
        "key": told.key or None,
        "before": told.before,
        "after": told.after,
        "environments": list(told.environments),
        "place": told.place or None,
    }


def _breach(breach: Breach) -> dict[str, Any]:
    return {
        "rule": breach.rule,
        "severity": breach.severity.value,
        "text": breach.text,
        "key": shown(breach.path) or None,
        "environments": list(breach.environments),
        "place": breach.place or None,
        "allowed": breach.is_allowed,
    }


def _stage(stage: StageEffect) -> dict[str, Any]:
    return {
        "stage": stage.name,
        "state": stage.state.value,
        "reads": list(stage.reads),
        "follows": list(stage.follows),
        "notes": list(stage.notes),
    }


def _delivery(each: Delivery) -> dict[str, Any]:
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
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "currency": cost.prices.currency if cost.prices else None,
        "before": _estimate(cost, cost.before),
        "after": _estimate(cost, cost.after),
    }


def _estimate(cost: Cost, estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    document: dict[str, Any] = _rounded(asdict(estimate))
    job = estimate.job
    document["job_money"] = round(job.money(cost.prices), 2) if job and cost.prices else None
    document["serving_money"] = money_of(estimate, cost.prices)
    return document


def _rounded(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _rounded(part) for name, part in node.items()}
    return round(node, _DIGITS) if isinstance(node, float) else node
