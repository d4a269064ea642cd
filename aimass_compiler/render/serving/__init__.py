"""The `base` and `overlays` folders: a kustomization, what each environment changes, who may apply it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline import EnvironmentPipeline, Pipeline
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.accepted import is_special, passed_over
from aimass_compiler.render.emit import block, emit, emit_all
from aimass_compiler.render.image.recorded import recorded
from aimass_compiler.render.monitoring import ALERTS_FILE
from aimass_compiler.render.monitoring.boards import board, config_map, own_board
from aimass_compiler.render.monitoring.rules import rule_head
from aimass_compiler.render.monitoring.scraping import service_monitor
from aimass_compiler.render.naming import component_label, kustomization, own_labels, served_labels
from aimass_compiler.render.serving import access, canary, network, scaling, workload
from aimass_compiler.render.serving.difference import Difference, Object, difference
from aimass_compiler.render.serving.findings import EXPLANATIONS, findings
from aimass_compiler.render.serving.limits import variables
from aimass_compiler.render.shared import Shared

__all__ = ["EXPLANATIONS", "findings", "objects", "render"]

_OBJECTS_FILE = "server.yaml"


def render(shared: Shared) -> dict[str, bytes]:
    """The files below base/ and overlays/, but for what is watched, and the right to apply them."""
    pipeline = shared.pipeline
    base, monitor = objects(pipeline), service_monitor(pipeline)
    dashboard = config_map(board(pipeline))
    files = {
        f"base/{_OBJECTS_FILE}": emit_all([*base, monitor], pipeline.name),
        "base/kustomization.yaml": emit(_base(pipeline, dashboard), pipeline.name),
    }
    around = [access.placed(pipeline.name, document) for document in (monitor, rule_head(pipeline.name))]
    around.append(access.Placed("v1", "ConfigMap", dashboard["name"].removeprefix(pipeline.name)))
    held = {}
    for name in pipeline.environments:
        here = _objects_of(pipeline, name, base)
        files |= _overlay(shared, name, Difference([], []) if here is base else difference(base, here))
        held[name] = [*(access.placed(pipeline.name, document) for document in here), *around]
    files[access.ACCESS_FILE] = access.render(pipeline, held)
    return files


def objects(pipeline: Pipeline, environment: str | None = None) -> list[dict[str, Any]]:
    """Every object that serves the model; the environment is known in an overlay only."""
    here = pipeline.environments[environment] if environment else pipeline
    namespace = pipeline.environments[environment].namespace if environment else None
    name, serving, prometheus = pipeline.name, here.serving, pipeline.settings.prometheus.namespace
    found = [
        workload.deployment(name, serving, here.monitoring, pipeline.settings),
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
    places = ("serving", f"environments.{environment}")
    return [_as_part(document, passed_over(pipeline, document["kind"], *places)) for document in found]


def _as_part(document: dict[str, Any], accepted: dict[str, Any]) -> dict[str, Any]:
    """With the label of the servers, which what is watched does not have, and with what is accepted."""
    labels = component_label(workload.COMPONENT)
    return {**document, "metadata": {**document["metadata"], "labels": labels, **accepted}}


def _scaling(name: str, serving: Serving) -> Iterator[dict[str, Any]]:
    replicas = serving.replicas
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    if serving.rollout.canary:
        target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name}
    if replicas.min < replicas.max:
        yield scaling.autoscaler(name, replicas, target)
    if replicas.min >= scaling.FEWEST_FOR_BUDGET:
        yield scaling.disruption_budget(name)


def _base(pipeline: Pipeline, dashboard: dict[str, Any]) -> dict[str, Any]:
    return kustomization(
        (
            ("resources", [_OBJECTS_FILE]),
            ("labels", [{"pairs": _labels(pipeline), "includeTemplates": True}]),
            ("configMapGenerator", [dashboard]),
        )
    )


def _overlay(shared: Shared, name: str, change: Difference) -> dict[str, bytes]:
    pipeline, environment = shared.pipeline, shared.pipeline.environments[name]
    own = own_board(pipeline, name)
    image = f"{environment.image_registry}/{pipeline.name}"
    parts = (
        ("namespace", environment.namespace),
        ("resources", ["../../base", ALERTS_FILE, *([_OBJECTS_FILE] if change.added else [])]),
        ("labels", [{"pairs": {conventions.LABEL_ENVIRONMENT: name}, "includeTemplates": True}]),
        ("images", [{"name": pipeline.name, "newName": image, **_version(shared)}]),
        ("configMapGenerator", [config_map(own)] if own is not None else []),
        ("patches", [{"patch": block(patch)} for patch in change.patches]),
    )
    files = {f"overlays/{name}/kustomization.yaml": emit(kustomization(parts), pipeline.name)}
    if change.added:
        added = [_labelled(document, pipeline) for document in change.added]
        files[f"overlays/{name}/{_OBJECTS_FILE}"] = emit_all(added, pipeline.name)
    return files


def _version(shared: Shared) -> dict[str, str]:
    """The tag, and the digest where somebody recorded what the registry answered for this very tag."""
    tag = shared.image_tag
    digest = recorded(shared.pipeline.settings.images, shared.pipeline.name, tag)
    return {"newTag": tag} | ({"digest": digest} if digest else {})


def _objects_of(pipeline: Pipeline, name: str, base: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What serves there: the base itself where it serves as all do, and no object names the environment."""
    here, is_canary = pipeline.environments[name], bool(pipeline.serving.rollout.canary)
    is_alike = here.serving == pipeline.serving and _variables(here) == _variables(pipeline)
    if is_alike and not is_canary and not is_special(pipeline, f"environments.{name}"):
        return base
    return objects(pipeline, name)


def _variables(here: Pipeline | EnvironmentPipeline) -> dict[str, str]:
    return variables(here.serving, here.monitoring)


def _labelled(document: Object, pipeline: Pipeline) -> Object:
    """With the labels that the base gives its own objects."""
    labels = _labels(pipeline) | document["metadata"]["labels"]
    return {**document, "metadata": {**document["metadata"], "labels": labels}}


def _labels(pipeline: Pipeline) -> dict[str, str]:
    return served_labels(pipeline.name, own_labels(pipeline.settings))
