"""The `base` and `overlays` folders: one kustomization, and what each environment changes in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline import EnvironmentPipeline, Pipeline
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.emit import emit
from aimass_compiler.render.naming import common_labels, kustomization, serving_selector
from aimass_compiler.render.serving import canary, network, scaling, workload
from aimass_compiler.render.serving.difference import Identity, Object, difference, identity
from aimass_compiler.render.serving.findings import EXPLANATIONS, findings
from aimass_compiler.render.serving.limits import variables
from aimass_compiler.render.shared import Shared

__all__ = ["EXPLANATIONS", "findings", "objects", "render"]

_COMPONENT = "server"


def render(shared: Shared) -> dict[str, bytes]:
    """The files below base/ and overlays/."""
    pipeline = shared.pipeline
    base = objects(pipeline, pipeline.serving)
    files = {f"base/{_file(identity(document))}": emit(document, pipeline.name) for document in base}
    files["base/kustomization.yaml"] = emit(_base(pipeline, base), pipeline.name)
    for name, environment in pipeline.environments.items():
        files |= _overlay(shared, name, environment, base)
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
    return found


def _scaling(name: str, serving: Serving) -> Iterator[dict[str, Any]]:
    replicas = serving.replicas
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    if serving.rollout.canary:
        target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name}
    if replicas.min < replicas.max:
        yield scaling.autoscaler(name, replicas, target)
    if replicas.min >= scaling.FEWEST_FOR_BUDGET:
        yield scaling.disruption_budget(name)


def _base(pipeline: Pipeline, base: list[dict[str, Any]]) -> dict[str, Any]:
    limits = variables(pipeline.serving, pipeline.monitoring)
    generator = {"name": workload.limits_name(pipeline.name), "literals": _literals(limits)}
    labels = {"pairs": _labels(pipeline), "includeTemplates": True}
    resources = [*(_file(identity(document)) for document in base), "monitoring"]
    return kustomization(
        (("resources", resources), ("labels", [labels]), ("configMapGenerator", [generator]))
    )


def _overlay(
    shared: Shared, name: str, environment: EnvironmentPipeline, base: list[dict[str, Any]]
) -> dict[str, bytes]:
    pipeline = shared.pipeline
    wanted = objects(pipeline, environment.serving, environment.namespace)
    change = difference(base, wanted)
    folder = f"overlays/{name}"
    files = {
        f"{folder}/{_file(key)}": emit(_labelled(document, pipeline), pipeline.name)
        for key, document in change.added.items()
    }
    for key, patch in change.patches.items():
        files[f"{folder}/{_patch_file(key)}"] = emit(patch, pipeline.name)
    image = f"{environment.image_registry}/{pipeline.name}"
    parts = (
        ("namespace", environment.namespace),
        ("resources", ["../../base", *(_file(key) for key in change.added), "monitoring"]),
        ("labels", [{"pairs": {conventions.LABEL_ENVIRONMENT: name}, "includeTemplates": True}]),
        ("images", [{"name": pipeline.name, "newName": image, "newTag": shared.image_tag}]),
        ("configMapGenerator", _changed_limits(pipeline, environment)),
        ("patches", [{"path": _patch_file(key)} for key in change.patches]),
    )
    files[f"{folder}/kustomization.yaml"] = emit(kustomization(parts), pipeline.name)
    return files


def _labelled(document: Object, pipeline: Pipeline) -> Object:
    """With the labels that the base gives its own objects."""
    return {**document, "metadata": {**document["metadata"], "labels": _labels(pipeline)}}


def _labels(pipeline: Pipeline) -> dict[str, str]:
    return {**serving_selector(pipeline.name), **common_labels(pipeline, _COMPONENT)}


def _changed_limits(pipeline: Pipeline, environment: EnvironmentPipeline) -> list[dict[str, Any]]:
    usual = variables(pipeline.serving, pipeline.monitoring)
    here = variables(environment.serving, environment.monitoring)
    changed = {key: value for key, value in here.items() if usual[key] != value}
    merge = {"name": workload.limits_name(pipeline.name), "behavior": "merge", "literals": _literals(changed)}
    return [merge] if changed else []


def _literals(values: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in values.items()]


def _file(key: Identity) -> str:
    """A file's name tells its object: the kind, and the role where a kind comes twice."""
    kind, name = key
    role = next(
        (role for role in ("canary", "stable") if kind == "Service" and name.endswith(f"-{role}")), ""
    )
    return f"{kind.lower()}{'-' + role if role else ''}.yaml"


def _patch_file(key: Identity) -> str:
    return _file(key).removesuffix(".yaml") + ".patch.yaml"
