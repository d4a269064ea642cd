"""The rules of a model as Prometheus and promtool read them, which know no custom resources."""

from __future__ import annotations

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.emit import emit
from aimass_compiler.render.monitoring.alerts import watched
from aimass_compiler.render.monitoring.rules import groups
from aimass_compiler.render.pipeline_json import PipelineJson

RULES_ENDING = ".rules.yaml"
_OF_SERVERS = __package__.rpartition(".")[2]


def rule_files(pipeline: Pipeline) -> dict[str, bytes]:
    """The rules of each environment; none where they are the fleet's.

    They say what generated/ says already, so they are not part of it: `aimass alerts` has them made.
    """
    if pipeline.settings.monitoring.is_of_fleet:
        return {}
    return {
        f"{name}{RULES_ENDING}": emit(
            {"groups": groups(watched(pipeline.metadata, name, here))}, pipeline.path
        )
        for name, here in pipeline.environments.items()
    }


def rules_beside(pipeline: Pipeline) -> dict[str, bytes]:
    """The PrometheusRules that are not about servers, of training, quality and scoring, by rule file."""
    from aimass_compiler.render.targets import TARGETS  # they have this module's package among them

    source = PipelineJson(pipeline)
    others = {name: target.render(source) for name, target in TARGETS.items() if name != _OF_SERVERS}
    return {
        f"{environment}.{name}{RULES_ENDING}": manifest.content
        for name, rendered in others.items()
        for environment, layer in rendered.overlays.items()
        for manifest in layer.manifests.values()
        if manifest.head["kind"] == "PrometheusRule"
    }
