"""The `base` and `overlays` folders: one kustomization, and what each environment changes in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline import EnvironmentPipeline, Pipeline
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.emit import block, emit, emit_all
from aimass_compiler.render.monitoring import ALERTS_FILE
from aimass_compiler.render.monitoring.boards import board, config_map, own_board
from aimass_compiler.render.monitoring.scraping import service_monitor
from aimass_compiler.render.naming import component_label, kustomization, own_labels, served_labels
from aimass_compiler.render.serving import canary, network, scaling, workload
from aimass_compiler.render.serving.difference import Difference, Object, difference
from aimass_compiler.render.serving.findings import EXPLANATIONS, findings
from aimass_compiler.render.serving.limits import variables
from aimass_compiler.render.shared import Shared

__all__ = ["EXPLANATIONS", "findings", "objects", "render"]

_OBJECTS_FILE = "server.yaml"


def render(shared: Shared) -> dict[str, bytes]:
    """The files below base/ and overlays/, but for what is watched."""
    pipeline = shared.pipeline
    base = objects(pipeline, pipeline.serving)
    files = {
        f"base/{_OBJECTS_FILE}": emit_all([*base, service_monitor(pipeline)], pipeline.name),
        "base/kustomization.yaml": emit(_base(pipeline), pipeline.name),
    }
    for name in pipeline.environments:
        files |= _overlay(shared, name, base)
    return files


def objects(pipeline: Pipeline, serving: Serving, namespace: str | None = None) -> list[dict[str, Any]]:
    """Every object that serves the model as `serving` says; `namespace` is known in an overlay only."""
    name, prometheus = pipeline.name, pipeline.settings.prometheus.namespace
    found = [
        workload.deployment(name, serving),
        workload.service_account(name),
        network.service(name, name),
        network.network_policy(name, serving, prometheus),
        *_scaling(name, serving),
    ]
    backends: dict[str, int | None] = {name: None}
    if serving.rollout.canary:
        found += canary.services(name)
        found += [canary.rollout(name, serving, namespace), canary.analysis(name, serving, prometheus)]
        backends = {canary.stable_name(name): 100, canary.canary_name(name): 0}
    if serving.gateway is not None:
        found.append(network.route(name, serving, serving.gateway, backends))
    return [_as_part(document) for document in found]


def _as_part(document: dict[str, Any]) -> dict[str, Any]:
    """With the label of the servers, which what is watched beside them does not have."""
    labels = component_label(workload.COMPONENT)
    return {**document, "metadata": {**document["metadata"], "labels": labels}}


def _scaling(name: str, serving: Serving) -> Iterator[dict[str, Any]]:
    replicas = serving.replicas
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    if serving.rollout.canary:
        target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name}
    if replicas.min < replicas.max:
        yield scaling.autoscaler(name, replicas, target)
    if replicas.min >= scaling.FEWEST_FOR_BUDGET:
        yield scaling.disruption_budget(name)


def _base(pipeline: Pipeline) -> dict[str, Any]:
    limits = {
        "name": workload.limits_name(pipeline.name),
        "literals": _literals(variables(pipeline.serving, pipeline.monitoring)),
        "options": {"labels": component_label(workload.COMPONENT)},
    }
    return kustomization(
        (
            ("resources", [_OBJECTS_FILE]),
            ("labels", [{"pairs": _labels(pipeline), "includeTemplates": True}]),
            ("configMapGenerator", [limits, config_map(board(pipeline))]),
        )
    )


def _overlay(shared: Shared, name: str, base: list[dict[str, Any]]) -> dict[str, bytes]:
    pipeline, environment = shared.pipeline, shared.pipeline.environments[name]
    change = _change(pipeline, environment, base)
    own = own_board(pipeline, name)
    image = f"{environment.image_registry}/{pipeline.name}"
    parts = (
        ("namespace", environment.namespace),
        ("resources", ["../../base", ALERTS_FILE, *([_OBJECTS_FILE] if change.added else [])]),
        ("labels", [{"pairs": {conventions.LABEL_ENVIRONMENT: name}, "includeTemplates": True}]),
        ("images", [{"name": pipeline.name, "newName": image, "newTag": shared.image_tag}]),
        (
            "configMapGenerator",
            [*_changed_limits(pipeline, environment), *([config_map(own)] if own is not None else [])],
        ),
        ("patches", [{"patch": block(patch)} for patch in change.patches]),
    )
    files = {f"overlays/{name}/kustomization.yaml": emit(kustomization(parts), pipeline.name)}
    if change.added:
        added = [_labelled(document, pipeline) for document in change.added]
        files[f"overlays/{name}/{_OBJECTS_FILE}"] = emit_all(added, pipeline.name)
    return files


def _change(pipeline: Pipeline, environment: EnvironmentPipeline, base: list[dict[str, Any]]) -> Difference:
    """What the environment changes: nothing where it serves as all do, and no object names the namespace."""
    if environment.serving == pipeline.serving and not pipeline.serving.rollout.canary:
        return Difference([], [])
    return difference(base, objects(pipeline, environment.serving, environment.namespace))


def _labelled(document: Object, pipeline: Pipeline) -> Object:
    """With the labels that the base gives its own objects."""
    labels = _labels(pipeline) | document["metadata"]["labels"]
    return {**document, "metadata": {**document["metadata"], "labels": labels}}


def _labels(pipeline: Pipeline) -> dict[str, str]:
    return served_labels(pipeline.name, own_labels(pipeline.settings))


def _changed_limits(pipeline: Pipeline, environment: EnvironmentPipeline) -> list[dict[str, Any]]:
    usual = variables(pipeline.serving, pipeline.monitoring)
    here = variables(environment.serving, environment.monitoring)
    changed = {key: value for key, value in here.items() if usual[key] != value}
    merge = {"name": workload.limits_name(pipeline.name), "behavior": "merge", "literals": _literals(changed)}
    return [merge] if changed else []


def _literals(values: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in values.items()]
