"""What applying or deleting did, for programs: one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aimass_compiler.cluster.failures import ClusterError, Conflict
from aimass_compiler.cluster.outcomes import Applied, Outcome

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
        "objects": [_object(each) for each in applied.outcomes],
        "failures": [_failure(each) for each in applied.failures],
    }


def _object(outcome: Outcome) -> dict[str, str]:
    return {
        "group": outcome.key.group,
        "kind": outcome.key.kind,
        "namespace": outcome.key.namespace,
        "name": outcome.key.name,
        "action": outcome.action.value,
        "reason": outcome.reason,
    }


def _failure(error: ClusterError) -> dict[str, Any]:
    claims = error.claims if isinstance(error, Conflict) else ()
    return {
        "message": str(error),
        "help": error.help,
        "exitCode": int(error.exit_code),
        "conflicts": [{"field": claim.field, "manager": claim.manager} for claim in claims],
    }
