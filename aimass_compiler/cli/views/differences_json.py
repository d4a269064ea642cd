"""What applying would change in each object, for programs: one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aimass_compiler.cli.views.objects_json import compared_of, failure_of
from aimass_compiler.cluster.comparison import Difference

FORMAT = "aimass.diff/v1"


def as_json(found: Sequence[Difference]) -> str:
    """Every model, in the order in which they would be applied."""
    document = {"format": FORMAT, "models": [_model(each) for each in found]}
    return json.dumps(document, indent=2) + "\n"


def _model(difference: Difference) -> dict[str, Any]:
    applied = difference.applied
    return {
        "model": applied.model,
        "environment": applied.environment,
        "namespace": applied.namespace,
        "version": applied.version,
        "differs": difference.differs,
        "objects": [compared_of(each) for each in difference.objects],
        "failures": [failure_of(each) for each in applied.failures],
    }
