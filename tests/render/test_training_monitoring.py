"""A training job is watched in the environment where it trains, and that alone trains nothing again."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from aimass_compiler import training_names
from aimass_compiler.fleet.monitoring.targets import training_monitor
from aimass_compiler.render import render
from aimass_compiler.render.training.cluster import TrainingRun
from render.files import objects, one, read
from render.models import pipeline

KUBEFLOW = {"training": {"target": "kubeflow"}}


def monitor(files: dict[str, bytes], overlay: str = "overlays/dev") -> dict[str, Any]:
    found: dict[str, Any] = one(files, overlay, "PodMonitor")
    return found


def kept(endpoint: dict[str, Any]) -> dict[str, str]:
    """Which discovered labels of a pod must match what."""
    rules = endpoint["relabelings"]
    return {
        rule["sourceLabels"][0].removeprefix("__meta_kubernetes_pod_"): rule["regex"]
        for rule in rules
        if rule.get("action") == "keep"
    }


def addresses(endpoint: dict[str, Any], address: str) -> str:
    """Where Prometheus asks a pod of an address, by the rules in their order."""
    found = ""
    for rule in endpoint["relabelings"]:
        if rule.get("targetLabel") == "__address__" and (match := re.fullmatch(rule["regex"], address)):
            found = rule["replacement"].replace("$1", match[1])
    return found


@pytest.mark.parametrize(
    ("changes", "stages", "ray"),
    [
        ({}, {"container_name": "ray-head"}, {"container_name": "ray-head|ray-worker"}),
        (
            KUBEFLOW,
            {"container_name": "node", "label_batch_kubernetes_io_job_completion_index": "0"},
            {"container_name": "node", "label_batch_kubernetes_io_job_completion_index": "0"},
        ),
    ],
    ids=["kuberay", "kubeflow"],
)
def test_the_first_pod_is_asked_for_progress_and_ray_for_what_nodes_use(
    changes: dict[str, Any], stages: dict[str, str], ray: dict[str, str]
) -> None:
    files = render(pipeline(changes))
    own, rays = monitor(files)["spec"]["podMetricsEndpoints"]
    assert (kept(own), kept(rays)) == (stages, ray)
    assert (addresses(own, "10.1.2.3"), addresses(rays, "fd00::7")) == ("10.1.2.3:8090", "[fd00::7]:8080")
    assert "jobLabel" not in monitor(files)["spec"], "else a stage that begins would be a server that is down"
    policies = (each["spec"] for each in objects(files, "train") if each["kind"] == "NetworkPolicy")
    rules = [rule for spec in policies for rule in spec.get("ingress", ())]
    (let_in,) = (rule for rule in rules if "podSelector" not in rule["from"][0])
    assert [each["port"] for each in let_in["ports"]] == [training_names.RAY_PORT, training_names.PORT]


def test_it_is_watched_where_it_trains_only() -> None:
    files = render(pipeline())
    assert [path for path in files if "training-" in path] == [
        "overlays/dev/training-alerts.yaml",
        "overlays/dev/training-dashboard.json",
    ]
    none = render(pipeline(settings={"generated": {"training_job": False}}))
    assert not [path for path in none if "training" in path]
    assert not [each for each in objects(none, "overlays/dev") if each["kind"] == "PodMonitor"]
    fleet = render(pipeline(settings={"monitoring": {"rules": "fleet"}}))
    assert not [path for path in fleet if "training-" in path], "rules and pictures are the fleet's"
    assert not [
        each for each in objects(fleet, "overlays/dev") if each["metadata"]["name"] == "churn-training"
    ]


def test_one_monitor_of_a_fleet_finds_the_pods_of_all_jobs() -> None:
    found = training_monitor("aimass-fleet-training", {})
    spec = found["spec"]
    for changes in ({}, KUBEFLOW):
        own = monitor(render(pipeline(changes)))["spec"]["podMetricsEndpoints"]
        of_all = [each for each in spec["podMetricsEndpoints"] if kept(each) == kept(own[0])]
        assert own[0] in of_all
        files = render(pipeline(changes, settings={"monitoring": {"rules": "fleet"}}))
        labels = json.dumps([each["spec"] for each in objects(files, "train") if "spec" in each])
        assert all(f'"{key}": "{value}"' in labels for key, value in spec["selector"]["matchLabels"].items())
        assert '"aimass.dev/model": "churn"' in labels


@pytest.mark.parametrize("changes", [{}, KUBEFLOW], ids=["kuberay", "kubeflow"])
def test_to_be_watched_is_no_reason_to_train_again(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    def jobs() -> tuple[str, bool]:
        files = render(pipeline(changes))
        (job,) = (each for each in objects(files, "train") if each["kind"] in ("RayJob", "TrainJob"))
        return job["metadata"]["name"], training_names.VARIABLE_PORT.encode() in files["train/job.yaml"]

    name, is_told = jobs()
    assert is_told
    monkeypatch.setattr(TrainingRun.__init__, "__defaults__", (TrainingRun.version, False))
    assert jobs() == (name, False)


def test_the_pictures_ask_for_the_series_of_this_model() -> None:
    board = json.loads(render(pipeline())["overlays/dev/training-dashboard.json"])
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(board["panels"]) == 11
    assert all('{model="churn",namespace="ml-dev"}' in each for each in asked)
    rules = read(render(pipeline()), "overlays/dev/training-alerts.yaml")
    assert rules["metadata"]["name"] == "churn-training"
