"""Pipelines made by hand, as the front end would lower them."""

from __future__ import annotations

import copy
from typing import Any

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Settings

_LATENCY = {"p99": "50ms"}
CHURN: dict[str, Any] = {
    "metadata": {"name": "churn", "owner": "growth@example.com", "description": "Which customers leave."},
    "data": {
        "sources": {"customers": "data/customers.csv"},
        "columns": {"tenure": "number", "plan": "category", "churned": "category"},
    },
    "task": {"kind": "classification", "target": "churned", "classes": ["no", "yes"]},
    "features": [{"standardize": "tenure"}, {"one_hot": "plan"}],
    "model": "xgboost",
    "objective": {"metric": "roc_auc"},
    "search": {"trials": 20, "concurrency": 2, "time": "30m"},
    "training": {},
    "evaluation": {},
    "serving": {
        "replicas": {"min": 2, "max": 10},
        "resources": {"cpu": "500m", "memory": "512Mi"},
        "objectives": {"availability": "99.9%", "latency": _LATENCY},
    },
    "monitoring": {"retrain": {"schedule": "0 3 * * 1"}, "runbook": "https://wiki.example.com/churn"},
}
OVERRIDES: dict[str, Any] = {
    "dev": {"serving": {"replicas": {"min": 1, "max": 1}, "resources": {"memory": "256Mi"}}},
    "staging": {},
    "prod": {"serving": {"replicas": {"min": 3, "max": 20}, "limits": {"concurrency": 128}}},
}


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` over `below`, mapping by mapping."""
    result = copy.deepcopy(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result


def pipeline(
    changes: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    overrides: dict[str, Any] | None = None,
) -> Pipeline:
    """The churn model with changes, its environments derived as the front end does."""
    document = merged(CHURN, changes or {})
    chosen = Settings.model_validate(settings or {})
    document["settings"] = chosen
    document["environments"] = {
        name: {
            "namespace": chosen.environments[name].namespace or f"ml-{name}",
            "image_registry": chosen.images.registry,
            **{
                part: merged(document[part], (overrides or OVERRIDES).get(name, {}).get(part, {}))
                for part in ("serving", "monitoring", "training")
            },
        }
        for name in chosen.environments
    }
    return Pipeline.model_validate(document)
