"""Where a cluster differs from git, and whose doing it is, for programs: one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aimass_compiler.cli.views.objects_json import compared_of, failure_of, field_of
from aimass_compiler.cluster.drift import Drift, ObjectDrift

FORMAT = "aimass.drift/v1"


def as_json(found: Sequence[Drift]) -> str:
    """Every model, environment by environment."""
    document = {"format": FORMAT, "models": [_model(each) for each in found]}
    return json.dumps(document, indent=2) + "\n"


def _model(drift: Drift) -> dict[str, Any]:
    applied, owned = drift.applied, drift.owned
    return {
        "model": applied.model,
        "environment": applied.environment,
        "namespace": applied.namespace,
        "version": applied.version,
        "differs": drift.differs,
        "current": drift.is_current,
        "applied": None
        if owned is None
        else {"commit": owned.commit or None, "version": owned.version or None},
        "commitsSince": drift.commits_since,
        "objects": [_object(each) for each in drift.objects],
        "added": [compared_of(each) for each in drift.added],
        "failures": [failure_of(each) for each in applied.failures],
    }


def _object(found: ObjectDrift) -> dict[str, Any]:
    fields = [{**field_of(field.change), "cause": field.cause.value} for field in found.fields]
    return {**compared_of(found.compared), "cause": found.cause.value, "fields": fields}
