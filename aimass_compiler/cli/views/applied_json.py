"""What applying or deleting did, for programs: one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aimass_compiler.cli.views.objects_json import compared_of, failure_of, object_of
from aimass_compiler.cluster.comparison import difference
from aimass_compiler.cluster.outcomes import Applied

FORMAT = "aimass.applied/v1"


def as_json(results: Sequence[Applied]) -> str:
    """Every model, in the order in which they were applied."""
    document = {"format": FORMAT, "models": [_model(each) for each in results]}
    return json.dumps(document, indent=2) + "\n"


def _model(applied: Applied) -> dict[str, Any]:
    return {
        "model": applied.model,
        "environment": applied.environment,
        "namespace": applied.namespace,
        "version": applied.version,
        "dryRun": applied.is_dry_run,
        "removed": applied.is_removal and not applied.failures,
        "ready": applied.is_ready,
        "seconds": round(applied.seconds, 3),
        "objects": _objects(applied),
        "failures": [failure_of(each) for each in applied.failures],
    }


def _objects(applied: Applied) -> list[dict[str, Any]]:
    """What happened to each object; of a dry run, with the fields that would change."""
    if applied.is_dry_run:
        return [compared_of(each) for each in difference(applied).objects]
    return [object_of(each) for each in applied.outcomes]
