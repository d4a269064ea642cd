"""What serves a model: servers, how they are reached and scaled, and how a new version takes over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aimass_compiler.pipeline import EnvironmentPipeline, Pipeline
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.names import component_label
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.serving import analysis, autoscaler, canary, network, workload
from aimass_compiler.render.serving.findings import findings
from aimass_compiler.render.serving.kinds import KINDS
from aimass_compiler.render.target import Layer, Rendered, Target


def render(source: PipelineJson) -> Rendered:
    """The objects of the base, and those of each environment that serves otherwise."""
    pipeline = source.pipeline
    overlays = {name: Layer(objects=_objects_of(pipeline, name)) for name in pipeline.environments}
    return Rendered(base=Layer(objects=objects(pipeline)), overlays=overlays)


def objects(pipeline: Pipeline, environment: str | None = None) -> list[Object]:
    """Every object that serves the model; the environment is known in an overlay only."""
    here = pipeline.environments[environment] if environment else pipeline
    namespace = pipeline.environments[environment].namespace if environment else None
    name, serving, prometheus = pipeline.name, here.serving, pipeline.settings.prometheus.namespace
    found = [
        workload.deployment(pipeline.metadata, serving, here.monitoring, pipeline.settings),
        workload.service_account(name),
        network.service(name, name),
        network.network_policy(name, serving, prometheus),
        *_scaling(name, serving),
    ]
    backends: dict[str, int | None] = {name: None}
    if serving.rollout.canary:
        found += [*canary.services(name, serving), canary.rollout(name, serving, namespace)]
        found += analysis.templates(name, serving, pipeline.task, pipeline.settings.prometheus)
        backends = {canary.stable_name(name, serving): 100, canary.canary_name(name): 0}
    if serving.gateway is not None:
        found.append(network.route(name, serving, serving.gateway, backends))
    labels = component_label(workload.COMPONENT)
    return [{**document, "metadata": {**document["metadata"], "labels": labels}} for document in found]


def _scaling(name: str, serving: Serving) -> Iterator[dict[str, Any]]:
    replicas = serving.replicas
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    if serving.rollout.canary:
        target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name}
    if replicas.min < replicas.max:
        yield autoscaler.horizontal_pod_autoscaler(name, replicas, target)
    if replicas.min >= autoscaler.FEWEST_FOR_BUDGET:
        yield autoscaler.disruption_budget(name)


def _objects_of(pipeline: Pipeline, name: str) -> Sequence[Object] | None:
    """What serves there; none of its own where it serves as all do, and no object names the environment."""
    here, is_canary = pipeline.environments[name], bool(pipeline.serving.rollout.canary)
    is_alike = here.serving == pipeline.serving and _variables(here) == _variables(pipeline)
    return None if is_alike and not is_canary else objects(pipeline, name)


def _variables(here: Pipeline | EnvironmentPipeline) -> dict[str, str]:
    return workload.variables(here.serving, here.monitoring)


TARGET = Target(render=render, findings=findings, kinds=KINDS)
