"""What an environment says of pods stands in every pod that runs there, and in no other file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.checks import BASE
from aimass_compiler.compile import compile_specs
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.pod_settings import EnvironmentPods
from aimass_compiler.project import Project
from aimass_compiler.render import render
from aimass_compiler.render.pod_settings import settled
from aimass_compiler.render.serving import objects as serving_objects
from render.files import objects, one, patches
from render.models import GPU, PODS, language_model, merged, pipeline

DEDICATED = {"key": "dedicated", "operator": "Equal", "value": "models", "effect": "NoSchedule"}
MAINTENANCE = {"key": "maintenance", "operator": "Exists"}
SPOT = {"key": "cloud.google.com/gke-spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"}


def placed(pods: dict[str, Any] = PODS) -> Pipeline:
    return pipeline(settings={"environments": {"dev": {"pods": pods}, "prod": {"pods": pods}, "quiet": {}}})


def templates(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every template of a pod in an object."""
    if isinstance(node, Mapping):
        if "containers" in node.get("spec", {}):
            yield node
        for value in node.values():
            yield from templates(value)
    elif isinstance(node, list):
        for item in node:
            yield from templates(item)


def test_servers_get_all_of_it() -> None:
    files = render(placed())
    spec = patches(files, "prod")["Deployment", "churn"]["spec"]["template"]["spec"]
    zones = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a", "b"]}
    required = {"nodeSelectorTerms": [{"matchExpressions": [zones]}]}
    assert spec == spec | {
        "nodeSelector": {"pool": "models"},
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}},
        "tolerations": [DEDICATED, MAINTENANCE],
        "priorityClassName": "answers",
        "imagePullSecrets": [{"name": "registry-login"}],
    }
    account = patches(files, "prod")["ServiceAccount", "churn"]
    assert account["metadata"]["annotations"] == PODS["identity"]["annotations"]
    assert ("Deployment", "churn") not in patches(files, "quiet")


def test_every_pod_of_training_gets_it_and_only_workers_may_lose_their_node() -> None:
    files = render(placed())
    job = one(files, "train", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    steady = [job["spec"]["submitterPodTemplate"], cluster["headGroupSpec"]["template"]]
    steady += [one(files, "train", "CronJob")["spec"]["jobTemplate"]["spec"]["template"]]
    for each in [*steady, group["template"]]:
        assert each["spec"]["priorityClassName"] == "models"
        assert each["spec"]["imagePullSecrets"] == [{"name": "registry-login"}]
    for each in steady:
        assert each["spec"]["nodeSelector"] == {"pool": "training"}
        assert each["spec"]["tolerations"] == [DEDICATED, MAINTENANCE]
    worker = group["template"]["spec"]
    assert worker["nodeSelector"] == {"pool": "training", "cloud.google.com/gke-spot": "true"}
    assert worker["tolerations"] == [DEDICATED, MAINTENANCE, SPOT]
    assert one(files, "train", "PersistentVolumeClaim")["spec"]["storageClassName"] == "shared-files"
    assert len([each for found in objects(files, "train") for each in templates(found)]) == 4


def test_an_identity_reaches_pods_and_accounts_but_not_what_has_rights_of_its_own() -> None:
    files = render(placed())
    accounts = {
        each["metadata"]["name"]: each["metadata"].get("annotations")
        for each in objects(files, "train")
        if each["kind"] == "ServiceAccount"
    }
    assert accounts == {"churn-training": PODS["identity"]["annotations"], "churn-retrain": None}
    label = "azure.workload.identity/use"
    marked = {
        found["kind"]: [each["metadata"]["labels"].get(label) for each in templates(found)]
        for found in objects(files, "train")
        if [*templates(found)]
    }
    assert marked == {"RayJob": ["true"] * 3, "CronJob": [None]}


def test_an_existing_account_takes_the_place_of_ours() -> None:
    files = render(placed({"identity": {"service_account": "lake-reader"}}))
    assert patches(files, "prod")["ServiceAccount", "churn"]["$patch"] == "delete"
    spec = patches(files, "prod")["Deployment", "churn"]["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "lake-reader"
    job = one(files, "train", "RayJob")
    assert {each["spec"]["serviceAccountName"] for each in templates(job)} == {"lake-reader"}
    made = [each["metadata"]["name"] for each in objects(files, "train") if each["kind"] == "ServiceAccount"]
    assert made == ["churn-retrain"]


def test_what_an_accelerator_needs_holds_as_well() -> None:
    found = language_model({}, {"prod": {**GPU, "label": "example.com/gpu"}})
    environments = {name: {"pods": PODS} for name in found.environments}
    settings = found.settings.model_validate({"environments": environments})
    there = serving_objects(found.model_copy(update={"settings": settings}), "prod")
    (workload,) = (each for each in there if each["kind"] == "Deployment")
    spec = workload["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"pool": "models", "example.com/gpu": "nvidia-l4"}
    assert [each["key"] for each in spec["tolerations"]] == ["nvidia.com/gpu", "dedicated", "maintenance"]


@pytest.mark.parametrize(
    ("taint", "toleration"),
    [
        ("a", {"key": "a", "operator": "Exists"}),
        ("a:NoExecute", {"key": "a", "operator": "Exists", "effect": "NoExecute"}),
        ("a=", {"key": "a", "operator": "Equal", "value": ""}),
        ("x.io/a=b", {"key": "x.io/a", "operator": "Equal", "value": "b"}),
    ],
)
def test_a_toleration_is_written_as_kubectl_writes_taints(taint: str, toleration: dict[str, str]) -> None:
    settings = EnvironmentPods.model_validate({"tolerations": [taint]})
    assert settled({"spec": {}}, settings.of_serving)["spec"]["tolerations"] == [toleration]


def told(root: Path, settings: Any, team: Any = None) -> tuple[list[str], Mapping[str, bytes]]:
    spec = root / "specs" / "growth" / "churn.yaml"
    spec.parent.mkdir(parents=True)
    spec.write_text(BASE, encoding="utf-8")
    (root / "aimass.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    if team is not None:
        (root / "teams").mkdir()
        (root / "teams" / "growth.yaml").write_text(yaml.safe_dump(team), encoding="utf-8")
    compiled = compile_specs(Project(root), [spec])
    shown = [
        f"{each.file}:{'.'.join(map(str, each.path))} {each.code} {each.message}"
        for each in compiled.findings
    ]
    return shown, compiled.files


def test_a_teams_keys_stand_in_the_place_of_those_of_all(tmp_path: Path) -> None:
    own = {"pods": {"nodes": {"pool": "growth"}, "training": {"spot": "karpenter"}}}
    _, files = told(tmp_path, {"environments": {"dev": {"pods": PODS}, "prod": {}}}, own)
    cluster = one(files, "growth/churn/train", "RayJob")["spec"]["rayClusterSpec"]
    assert cluster["headGroupSpec"]["template"]["spec"]["nodeSelector"] == {"pool": "training"}, (
        "of aimass.yaml"
    )
    worker = cluster["workerGroupSpecs"][0]["template"]["spec"]
    assert worker["nodeSelector"] == {"pool": "training", "karpenter.sh/capacity-type": "spot"}
    assert worker["priorityClassName"] == "models"
    prod = patches({key.removeprefix("growth/churn/"): value for key, value in files.items()}, "prod")
    assert prod["Deployment", "churn"]["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "growth"}


def test_what_is_wrong_is_told_where_it_is_written(tmp_path: Path) -> None:
    wrong = merged(PODS, {"training": {"nodes": {"cloud.google.com/gke-spot": "false"}}})
    found, _ = told(
        tmp_path,
        {"environments": {"dev": {"pods": wrong}, "prod": {"pods": {"training": {"spot": "eks"}}}}},
        {"pods": {"nodes": {"1": "a"}, "training": {"tolerations": ["a"]}}},
    )
    places = {each.split()[0] + " " + each.split()[1] for each in found}
    assert "aimass.yaml:environments.dev.pods.training.nodes.cloud.google.com/gke-spot AM525" in places
    assert "teams/growth.yaml:pods.nodes.1 AM413" in places
    assert not [each for each in places if "AM527" in each], "the team says it of all its environments"


def test_annotations_are_not_those_of_an_account_of_somebody_else(tmp_path: Path) -> None:
    both = {"identity": {"service_account": "x", "annotations": {"a": "b"}}}
    found, _ = told(tmp_path, {"environments": {"dev": {"pods": both}}})
    assert any("`annotations` are those of accounts that are made, and `x` is not" in each for each in found)
