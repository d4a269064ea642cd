"""The rules of a model as Prometheus and promtool read them, which know no custom resources."""

from __future__ import annotations

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.emit import emit
from aimass_compiler.render.monitoring.alerts import watched
from aimass_compiler.render.monitoring.declaration import declaration_groups
from aimass_compiler.render.monitoring.rules import groups

RULES_ENDING = ".rules.yaml"


def rule_files(pipeline: Pipeline) -> dict[str, bytes]:
    """The rules of each environment; where they are the fleet's, what they need to know of the model.

    They say what generated/ says already, so they are not part of it: `aimass alerts` has them made.
    """
    of_one = declaration_groups if pipeline.settings.monitoring.rules == "fleet" else groups
    return {
        f"{name}{RULES_ENDING}": emit(
            {"groups": of_one(watched(pipeline.metadata, name, environment))}, pipeline.path
        )
        for name, environment in pipeline.environments.items()
    }
