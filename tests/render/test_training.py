"""The training job asks for what a trial needs, and training again may do no more than it must."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler import conventions
from aimass_compiler.render import render
from aimass_compiler.render.training.cluster import TrainingRun
from aimass_compiler.runtime.parts import read_parts
from aimass_compiler.stages import STAGES
from render.files import below, kustomization, objects, one
from render.models import VARIED, pipeline

PLAIN = render(pipeline())


def job(files: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = one(files, "train", "RayJob")
    return found


def workers(files: dict[str, bytes]) -> dict[str, Any]:
    (group,) = job(files)["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    found: dict[str, Any] = group
    return found


def templates(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Of all pods of the job."""
    if not any(document["kind"] == "RayJob" for document in objects(files, "train")):
        (node,) = one(files, "train", "TrainingRuntime")["spec"]["template"]["spec"]["replicatedJobs"]
        return [node["template"]["spec"]["template"]]
    spec = job(files)["spec"]
    head = spec["rayClusterSpec"]["headGroupSpec"]["template"]
    return [spec["submitterPodTemplate"], head, workers(files)["template"]]


def test_the_folder_is_a_kustomization_of_its_own() -> None:
    named = set(kustomization(PLAIN, "train")["resources"])
    generated = {"kustomization.yaml", conventions.PIPELINE_FILE, "retrain.json"}
    assert named == below(PLAIN, "train") - generated
    assert generated <= below(PLAIN, "train")


def test_the_job_needs_nothing_of_an_earlier_stage_and_goes_on_to_a_package() -> None:
    entrypoint = job(PLAIN)["spec"]["entrypoint"]
    commands = entrypoint.removeprefix('bash -c "').removesuffix('"').split(" && ")
    stages = ("prepare", "features", "train", "evaluate", "package")
    assert commands == [f"aimass-runtime {stage} churn --root /workspace" for stage in stages]


STORE = "s3://models/dvc"
LOCAL_ROWS = {"data": {"sources": {"customers": "data/customers.csv"}}}


def commands(files: dict[str, bytes]) -> list[str]:
    entrypoint: str = job(files)["spec"]["entrypoint"]
    return entrypoint.removeprefix('bash -c "').removesuffix('"').split(" && ")


def egress(files: dict[str, bytes]) -> list[dict[str, Any]]:
    policies = (each for each in objects(files, "train") if each["kind"] == "NetworkPolicy")
    (found,) = (each["spec"]["egress"] for each in policies if "ingress" in each["spec"])
    return list(found)


def test_with_a_store_rows_come_first_and_results_go_before_they_are_judged() -> None:
    files = render(pipeline(LOCAL_ROWS, {"environments": {"dev": {"store": STORE}}}))
    acts = [command.split()[3:6] for command in commands(files)]
    assert acts == [
        ["receive", "churn", STORE],
        *[["stage", "churn", STORE]] * 3,
        ["send", "churn", STORE],
        *[["stage", "churn", STORE]] * 2,
    ]
    assert egress(files) == [{}]
    assert {} not in egress(render(pipeline(LOCAL_ROWS)))


def test_the_engine_of_the_job_is_a_variable_of_its_stages() -> None:
    files = render(pipeline(settings={"environments": {"dev": {"engine": "ray"}}}))
    assert commands(files)[0] == "export AIMASS_ENGINE=ray"
    assert commands(PLAIN) == commands(files)[1:]


def test_as_many_workers_as_trials_run_at_once() -> None:
    ranged = {"model": {"xgboost": {"max_depth": {"uniform": [3, 9]}}}}
    for concurrency, workers_wanted in ((8, 5), (3, 3)):
        search = {"search": {"concurrency": concurrency, "trials": 5}}
        assert workers(render(pipeline(ranged | search)))["replicas"] == workers_wanted
        assert workers(render(pipeline(search)))["replicas"] == 1, "there is nothing to search"


@pytest.mark.parametrize(
    ("written", "bounds"), [(3, (6, 6, 6)), ({"min": 1, "max": 4}, (2, 8, 8))], ids=["fixed", "elastic"]
)
def test_each_trial_has_its_workers(written: Any, bounds: tuple[int, int, int]) -> None:
    changes = {
        "model": {"xgboost": {"max_depth": {"uniform": [3, 9]}}},
        "search": {"concurrency": 2},
        "training": {"workers": written},
    }
    group = workers(render(pipeline(changes)))
    assert (group["minReplicas"], group["replicas"], group["maxReplicas"]) == bounds


def test_a_worker_gets_what_a_trial_needs() -> None:
    (container,) = workers(render(VARIED["cluster"]))["template"]["spec"]["containers"]
    wanted = {"cpu": "1500m", "memory": "16Gi", "nvidia.com/gpu": "2"}
    scratch = {"requests": "1Gi", "limits": "20Gi"}
    assert container["resources"] == {
        key: {**wanted, "ephemeral-storage": disk} for key, disk in scratch.items()
    }
    (container,) = workers(PLAIN)["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "2Gi", "ephemeral-storage": "20Gi"}


def test_the_head_runs_no_trial_and_asks_for_no_gpu() -> None:
    head = job(render(VARIED["cluster"]))["spec"]["rayClusterSpec"]["headGroupSpec"]
    assert head["rayStartParams"] == {"num-cpus": "0"}
    assert "nvidia.com/gpu" not in head["template"]["spec"]["containers"][0]["resources"]["limits"]


def test_the_queue_is_a_label_and_kueue_alone_suspends() -> None:
    queued = render(VARIED["cluster"])
    assert job(queued)["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "ml"
    again = json.loads(queued["train/retrain.json"])
    assert again["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "ml"
    assert "suspend" not in job(queued)["spec"]
    assert "kueue.x-k8s.io/queue-name" not in job(PLAIN)["metadata"]["labels"]


def test_the_search_has_time_to_end_before_the_job_is_killed() -> None:
    assert job(PLAIN)["spec"]["activeDeadlineSeconds"] > 30 * 60
    assert "activeDeadlineSeconds" not in job(render(pipeline({"search": {"time": None}})))["spec"]


def test_a_changed_job_has_another_name_because_a_finished_one_never_runs_again() -> None:
    names = {job(render(pipeline({"training": {"seed": seed}})))["metadata"]["name"] for seed in (1, 2)}
    assert len(names) == 2
    served = render(pipeline({"serving": {"limits": {"concurrency": 3}}}))
    assert job(served)["metadata"]["name"] == job(PLAIN)["metadata"]["name"]


def test_pods_read_the_pipeline_that_they_are_named_after() -> None:
    (generator, _) = kustomization(PLAIN, "train")["configMapGenerator"]
    (_, volume, _) = workers(PLAIN)["template"]["spec"]["volumes"]
    assert volume["configMap"]["name"] == generator["name"]
    assert generator["options"] == {"disableNameSuffixHash": True, "immutable": True}


@pytest.mark.parametrize("name", VARIED)
def test_every_pod_keeps_to_the_restricted_standard(name: str) -> None:
    for pod in (template["spec"] for template in templates(render(VARIED[name]))):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }
            assert any(mount["name"] == "tmp" for mount in container["volumeMounts"])
            assert container["imagePullPolicy"] == "IfNotPresent"


def test_the_image_is_named_by_the_dockerfile_that_it_is_built_from() -> None:
    def image(settings: dict[str, Any]) -> str:
        files = render(pipeline(settings=settings))
        found: str = workers(files)["template"]["spec"]["containers"][0]["image"]
        return found

    usual = image({})
    assert usual.startswith("registry.example.com/ml/aimass-train:")
    assert not usual.endswith("latest")
    assert image({"images": {"ray": "rayproject/ray:2.54.0-py311"}}) != usual


def test_a_newer_compiler_trains_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its image for training is another one, and the job that ran by this name stays the same job."""
    before = job(PLAIN)
    monkeypatch.setattr(TrainingRun, "version", "99.0.0")
    monkeypatch.setattr(TrainingRun.__init__, "__defaults__", ("99.0.0", True))
    after = job(render(pipeline()))
    assert after["metadata"]["name"] == before["metadata"]["name"]
    assert after["spec"] != before["spec"]


def test_ray_gets_what_is_in_the_secrets_that_are_named_and_serving_does_not() -> None:
    environments = {"dev": {"secrets": ["lake-reader"]}, "prod": {"secrets": ["lake-writer"]}}
    files = render(pipeline(settings={"environments": environments}))
    told = [{"secretRef": {"name": "lake-reader"}}]
    cluster = job(files)["spec"]["rayClusterSpec"]
    for template in (cluster["headGroupSpec"]["template"], workers(files)["template"]):
        assert template["spec"]["containers"][0]["envFrom"] == told
    named = {path for path, content in files.items() if b"lake-" in content}
    assert named == {"resolved.json", "train/job.yaml", "train/retrain.json"}


def test_training_again_may_create_any_rayjob_and_touch_one() -> None:
    create, own = one(PLAIN, "train", "Role")["rules"]
    assert create == {"apiGroups": ["ray.io"], "resources": ["rayjobs"], "verbs": ["create"]}
    assert own["resourceNames"] == [json.loads(PLAIN["train/retrain.json"])["metadata"]["name"]]
    assert sorted(own["verbs"]) == ["delete", "get", "list", "watch"]
    assert one(PLAIN, "train", "RoleBinding")["roleRef"]["kind"] == "Role"


def policies(files: dict[str, bytes]) -> dict[str, Any]:
    found = (document for document in objects(files, "train") if document["kind"] == "NetworkPolicy")
    return {document["metadata"]["name"]: document["spec"] for document in found}


def meets(policy: dict[str, Any], template: dict[str, Any]) -> bool:
    wanted: dict[str, str] = policy["podSelector"]["matchLabels"]
    return wanted.items() <= template["metadata"]["labels"].items()


@pytest.mark.parametrize("name", VARIED)
def test_each_pod_of_training_is_meant_by_one_network_policy(name: str) -> None:
    files = render(VARIED[name])
    pods = templates(files)
    kinds = [document["kind"] for document in objects(files, "train")]
    if "CronJob" in kinds:
        pods.append(one(files, "train", "CronJob")["spec"]["jobTemplate"]["spec"]["template"])
    for pod in pods:
        assert sum(meets(policy, pod) for policy in policies(files).values()) == 1


def test_training_goes_out_for_rows_that_lie_elsewhere_only() -> None:
    assert policies(PLAIN)["churn-training"]["egress"] == [{}]
    local = pipeline({"data": {"sources": {"customers": "data/customers.csv"}}})
    peers, names = policies(render(local))["churn-training"]["egress"]
    assert [place["podSelector"]["matchLabels"] for place in peers["to"]] == [
        {"app.kubernetes.io/name": "churn", "app.kubernetes.io/instance": "churn-training"}
    ]
    assert {port["port"] for port in names["ports"]} == {53}


def test_what_trains_again_has_a_token_for_ten_minutes_and_nobody_reaches_it() -> None:
    pod = one(PLAIN, "train", "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (token, *_) = next(volume for volume in pod["volumes"] if volume["name"] == "identity")["projected"][
        "sources"
    ]
    assert pod["automountServiceAccountToken"] is False
    assert token == {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}
    assert "ingress" not in policies(PLAIN)["churn-retrain"]


def test_the_image_that_trains_again_is_the_organisations() -> None:
    image = "mirror.example.com/kubectl:v1.36.2@sha256:" + "0" * 64
    files = render(pipeline(settings={"images": {"kubectl": image}}))
    pod = one(files, "train", "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == image


def test_training_again_is_the_same_run() -> None:
    assert json.loads(PLAIN["train/retrain.json"])["spec"] == job(PLAIN)["spec"]


def test_the_clock_is_the_specs() -> None:
    cron = one(PLAIN, "train", "CronJob")["spec"]
    assert (cron["schedule"], cron["timeZone"]) == ("0 3 * * 1", "Etc/UTC")
    assert cron["concurrencyPolicy"] == "Forbid"


def test_without_a_schedule_there_is_nothing_to_train_again() -> None:
    files = render(VARIED["no-retraining"])
    assert below(files, "train") == {"kustomization.yaml", "job.yaml", "pipeline.json"}
    kinds = [document["kind"] for document in objects(files, "train")]
    assert kinds == ["RayJob", "ServiceAccount", "NetworkPolicy", "PersistentVolumeClaim"]


def test_models_train_in_the_first_environment_with_its_overrides() -> None:
    files = render(
        pipeline(
            overrides={
                "dev": {"training": {"resources": {"memory": "8Gi"}}},
                "prod": {"training": {"gpus": 4}},
            }
        )
    )
    assert kustomization(files, "train")["namespace"] == "ml-dev"
    (container,) = workers(files)["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == "8Gi"
    assert json.loads(files["train/pipeline.json"])["training"]["resources"]["memory"] == "8Gi"


@pytest.mark.parametrize(
    "changes", [{}, {"serving": {"explanations": {"rows": 5}}}], ids=["plain", "explained"]
)
def test_every_stage_finds_its_parts_in_what_is_rendered(changes: dict[str, Any], tmp_path: Path) -> None:
    files = render(pipeline(changes))
    for name in ("pipeline.json", "train/pipeline.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(files[name])
        stages = STAGES if path.parent == tmp_path else STAGES[:-1]
        found = {stage.name: read_parts(path, stage) for stage in stages}
        assert (found["package"]["explanations"] is not None) == bool(changes)
