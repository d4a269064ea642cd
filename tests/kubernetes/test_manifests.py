"""Every folder that is deployed builds, and Kubernetes 1.34 and the operators would take each object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from manifests import Objects, violations
from render.models import VARIED

from aimass_compiler import conventions
from aimass_compiler.kubernetes.pod_images import images_in
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.programs.kustomize import Kustomize, KustomizeError
from aimass_compiler.render import serving
from aimass_compiler.render.object_kind import Pods, at
from aimass_compiler.render.targets import kind_of_object
from tests.harness.releases import DIGEST, REGISTRY

pytestmark = pytest.mark.kubernetes
#: What finds servers, and says that they are such.
OF_SERVERS = {conventions.LABEL_NAME, conventions.LABEL_INSTANCE, conventions.LABEL_COMPONENT}
OVERLAYS = [(name, environment) for name, built in VARIED.items() for environment in built.environments]


@pytest.mark.parametrize(("name", "environment"), OVERLAYS)
def test_an_overlay_builds_what_the_environment_wants_and_kubernetes_takes(
    name: str, environment: str, objects: Objects
) -> None:
    built = objects(name, f"overlays/{environment}")
    assert [told for document in built for told in violations(document)] == []
    by_name = {(document["kind"], document["metadata"]["name"]): document for document in built}
    assert len(by_name) == len(built)
    wanted = list(expected(VARIED[name], environment))
    for document in wanted:
        found = by_name[document["kind"], document["metadata"]["name"]]
        assert document["metadata"]["labels"].items() <= found["metadata"]["labels"].items()
        assert without_additions(found) == without_additions(document)
    of_serving = {(document["kind"], document["metadata"]["name"]) for document in wanted}
    others = {kind for kind, named in by_name if (kind, named) not in of_serving}
    assert others == {"ConfigMap", "PodMonitor", "PrometheusRule"}


def expected(pipeline: Pipeline, environment: str) -> Iterator[dict[str, Any]]:
    yield from serving.objects(pipeline, environment)


def served_pods(document: dict[str, Any]) -> Iterator[Pods]:
    """The pods of an object that serves the model, those that answer first."""
    kind = kind_of_object(document)
    if kind.serves and kind.pods is not None:
        yield from kind.pods(document)


def without_additions(document: dict[str, Any]) -> dict[str, Any]:
    """An object without what the kustomization adds to it: labels, namespace, tags."""
    document = dict(document, metadata={"name": document["metadata"]["name"]})
    if document["kind"] != "Deployment":
        released = re.compile(rf"{re.escape(REGISTRY)}/([a-z-]+)@{DIGEST}")
        unreleased: dict[str, Any] = json.loads(released.sub(r"\1", json.dumps(document)))
        if path := kind_of_object(document).label_path:
            inner = at(unreleased, *path[:-1])
            inner[path[-1]] = sorted(OF_SERVERS & inner[path[-1]].keys())
        return unreleased
    template = document["spec"]["template"]
    template["metadata"]["labels"] = document["spec"]["selector"]["matchLabels"]
    (server,) = template["spec"]["containers"]
    server["image"] = server["image"].rpartition("/")[2].partition("@")[0]
    server["env"] = sorted(server["env"], key=lambda each: each["name"])  # kustomize puts changed ones first
    for merged in (server["volumeMounts"], template["spec"]["volumes"]):
        merged.sort(key=lambda each: each["name"])
        for each in merged:
            if "image" in each:
                each["image"]["reference"] = each["image"]["reference"].rpartition("/")[2].partition("@")[0]
    return document


@pytest.mark.parametrize(("name", "environment"), OVERLAYS)
def test_everything_of_an_overlay_is_labelled_and_in_its_namespace(
    name: str, environment: str, objects: Objects
) -> None:
    running = VARIED[name].environments[environment]
    for document in objects(name, f"overlays/{environment}"):
        labels = document["metadata"]["labels"]
        assert document["metadata"]["namespace"] == running.namespace
        assert labels[conventions.LABEL_MODEL] == VARIED[name].name
        assert labels[conventions.LABEL_ENVIRONMENT] == environment
        assert labels[conventions.LABEL_MANAGED_BY] == conventions.MANAGER
        assert VARIED[name].settings.labels.items() <= labels.items()


@pytest.mark.parametrize("name", VARIED)
def test_the_servers_are_told_the_limits_of_their_environment(name: str, objects: Objects) -> None:
    for environment, running in VARIED[name].environments.items():
        built = objects(name, f"overlays/{environment}")
        (pod, *_) = (pods.template["spec"] for found in built for pods in served_pods(found))
        (server,) = pod["containers"]
        told = {each["name"]: each.get("value") for each in server["env"]}
        arguments = server.get("args", ())
        told |= dict(zip(arguments[1::2], arguments[2::2], strict=False))
        limit = "--max-num-queued-reqs" if arguments else conventions.VARIABLE_CONCURRENCY
        assert told[limit] == str(running.serving.limits.concurrency)
        images = images_in(pod)
        place = "volumes/model" if running.serving.model == "volume" else f"containers/{server['name']}"
        assert images[place] == f"{REGISTRY}/{VARIED[name].name}@{DIGEST}"
        others = {place for place, reference in images.items() if not reference.endswith(f"@{DIGEST}")}
        engine = f"containers/{server['name']}"
        assert others == ({engine} if arguments else set()), "the engine is no part of releases"


@pytest.mark.parametrize("name", VARIED)
def test_the_training_job_builds_and_everything_it_names_is_there(name: str, objects: Objects) -> None:
    built = objects(name, "train")
    assert [told for document in built for told in violations(document)] == []
    there = {(document["kind"], document["metadata"]["name"]) for document in built}
    there.add(("ConfigMap", "kube-root-ca.crt"))  # Kubernetes puts it into every namespace
    named = {reference for document in built for reference in references(document)}
    assert named
    assert named <= there


def references(node: Any) -> Iterator[tuple[str, str]]:
    """What pods name: volumes and accounts."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "persistentVolumeClaim":
            yield "PersistentVolumeClaim", value["claimName"]
        elif key == "configMap":
            yield "ConfigMap", value["name"]
        elif key == "serviceAccountName":
            yield "ServiceAccount", value
        else:
            yield from references(value)


@pytest.mark.parametrize("name", VARIED)
def test_the_job_that_the_clock_creates_is_one_that_kuberay_takes(
    name: str, written: dict[str, Path]
) -> None:
    manifest = written[name] / "train" / "retrain.json"
    if VARIED[name].monitoring.retrain.schedule is None:
        assert not manifest.exists()
    else:
        assert violations(json.loads(manifest.read_text(encoding="utf-8"))) == []


def test_the_schemas_refuse_what_an_api_server_refuses(objects: Objects) -> None:
    for document in objects("canary", "overlays/prod") + objects("canary", "train"):
        if "spec" in document:
            assert violations({**document, "spec": {**document["spec"], "unknownField": 1}}) != []


def test_a_folder_that_cannot_be_built_is_told_with_kustomizes_reason(
    tmp_path: Path, builder: Kustomize
) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [missing.yaml]\n")
    with pytest.raises(KustomizeError, match=r"(?s)cannot build .*missing\.yaml"):
        builder.build(tmp_path)
