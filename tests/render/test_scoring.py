"""What scores a table by the clock: which package, with what rights, and who hears when it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from aimass_compiler import conventions
from aimass_compiler.checks import scoring as scoring_check
from aimass_compiler.diagnostics import Severity
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.pipeline.team_rules import TeamRules
from aimass_compiler.render import findings, render, scoring
from aimass_compiler.render.scoring import alert_rules
from render.files import kustomization, objects, one
from render.models import PODS, pipeline

SCORING = {"source": "s3://lake/new.parquet", "into": "s3://lake/scores", "schedule": "0 4 * * *"}
IN_PROD = render(pipeline(overrides={"prod": {"scoring": SCORING}}))


def job(files: dict[str, bytes], environment: str = "prod") -> dict[str, Any]:
    found = [each for each in objects(files, f"overlays/{environment}") if each["kind"] == "CronJob"]
    (document,) = found
    return dict(document)


def pod(files: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = job(files)["spec"]["jobTemplate"]["spec"]["template"]
    return found


def test_only_an_environment_with_a_schedule_scores() -> None:
    plain = render(pipeline(overrides={"prod": {}}))
    assert {path for path in IN_PROD if IN_PROD[path] != plain.get(path)} == {
        "pipeline.json",
        "resolved.json",
        "access.yaml",
        *(f"overlays/prod/{name}" for name in ("kustomization.yaml", "server.yaml")),
        *(f"overlays/prod/{name}" for name in ("scoring.json", "scoring-alerts.yaml")),
    }
    (generator,) = kustomization(IN_PROD, "overlays/prod")["configMapGenerator"]
    assert generator == {"name": "churn-scoring", "files": ["scoring.json"]}
    written = Scoring.model_validate_json(IN_PROD["overlays/prod/scoring.json"])
    assert written == Scoring(**SCORING)


def test_what_is_released_brings_the_package() -> None:
    spec = pod(IN_PROD)["spec"]
    (bringing,), (scoring,) = spec["initContainers"], spec["containers"]
    assert bringing["image"] == "churn"  # which the release replaces
    assert scoring["args"][:2] == ["/etc/aimass/scoring.json", "/package"]
    mounted = pipeline({"serving": {"model": "volume"}}, overrides={"prod": {"scoring": SCORING}})
    spec = pod(render(mounted))["spec"]
    assert "initContainers" not in spec
    assert {"name": "model", "image": {"reference": "churn", "pullPolicy": "IfNotPresent"}} in spec["volumes"]


def test_its_pods_are_no_servers_and_hold_nothing_of_the_cluster() -> None:
    template = pod(IN_PROD)
    labels = template["metadata"]["labels"]
    assert labels[conventions.LABEL_INSTANCE] == "churn-scoring"
    assert template["spec"]["automountServiceAccountToken"] is False
    for container in (*template["spec"]["initContainers"], *template["spec"]["containers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["resources"]["limits"]["memory"]


def test_a_try_is_not_repeated_for_what_stays_wrong() -> None:
    spec = job(IN_PROD)["spec"]["jobTemplate"]["spec"]
    (final, evicted) = spec["podFailurePolicy"]["rules"]
    assert final["action"] == "FailJob"
    assert int(ExitCode.DATA) in final["onExitCodes"]["values"]
    assert int(ExitCode.DISK) not in final["onExitCodes"]["values"]
    assert evicted["action"] == "Ignore"
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (3, 6 * 3600)


def test_the_environment_says_where_its_pods_run() -> None:
    settings = {"environments": {"prod": {"pods": PODS, "secrets": ["lake"]}}}
    template = pod(render(pipeline(settings=settings, overrides={"prod": {"scoring": SCORING}})))
    assert template["spec"]["nodeSelector"] == {"pool": "training"}
    assert template["spec"]["imagePullSecrets"] == [{"name": "registry-login"}]
    (scoring,) = template["spec"]["containers"]
    assert scoring["envFrom"] == [{"secretRef": {"name": "lake"}}]


def test_who_deploys_may_apply_it() -> None:
    assert b"churn-scoring" in IN_PROD["access.yaml"]
    assert b"cronjobs" in IN_PROD["access.yaml"]


@pytest.mark.parametrize(
    ("change", "place"),
    [({"source": "data/new.parquet"}, "`data/new.parquet`"), ({"into": "scores"}, "`scores`")],
)
def test_a_table_of_the_project_is_scored_by_no_pod(change: dict[str, str], place: str) -> None:
    built = pipeline(overrides={"prod": {"scoring": SCORING | change}})
    (found,) = [each for each in findings(built, "specs/churn.yaml") if each.code == "AM594"]
    assert place in found.message
    assert found.path == ("environments", "prod", "scoring", "schedule")
    assert not [path for path in render(built) if "scoring" in path]


def test_it_is_overdue_a_gap_and_a_run_after_the_last_success() -> None:
    weekdays = {**SCORING, "schedule": "0 4 * * 1-5", "deadline": "1h"}
    built = pipeline(overrides={"prod": {"scoring": weekdays}})
    scoring = built.environments["prod"].scoring
    assert scoring is not None
    rule = alert_rules.prometheus_rule(built, "prod", scoring, "0 4 * * 1-5")
    overdue = rule["spec"]["groups"][0]["rules"][0]
    assert f"> {3 * 86400 + 3600 + 1800}" in overdue["expr"]  # Friday to Monday


def test_a_table_kept_in_the_project_is_a_stage_of_dvc() -> None:
    kept = render(pipeline({"scoring": {"source": "data/new.parquet", "into": "scores"}}))
    assert b"aimass-runtime score churn" in kept["dvc.yaml"]
    assert b"persist: true" in kept["dvc.yaml"]
    elsewhere = render(pipeline({"scoring": {"source": "data/new.parquet", "into": "s3://lake/scores"}}))
    assert b"aimass-runtime score" not in elsewhere["dvc.yaml"]
    assert "score" in json.loads(kept["resolved.json"])["stages"]
    assert "score" not in json.loads(elsewhere["resolved.json"])["stages"]


def test_workers_are_a_ray_cluster_of_the_same_pods() -> None:
    settings = {"queue": "models", "environments": {"prod": {"pods": PODS, "secrets": ["lake"]}}}
    several = {"prod": {"scoring": {**SCORING, "workers": 3, "resources": {"cpu": 2, "memory": "8Gi"}}}}
    files = render(pipeline(settings=settings, overrides=several))
    data = one(files, "overlays/prod", "ConfigMap")["data"]
    assert Scoring.model_validate_json(data["scoring.json"]).workers == 3
    made = json.loads(data[conventions.ENTRY_JOB])
    assert made["metadata"]["labels"][conventions.LABEL_QUEUE] == "models"
    assert (made["spec"]["backoffLimit"], made["spec"]["activeDeadlineSeconds"]) == (0, 6 * 3600)
    cluster = made["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    assert (group["replicas"], group["minReplicas"], group["maxReplicas"]) == (3, 3, 3)
    assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}, "or blocks were scored there, too"
    head, worker = (each["template"]["spec"] for each in (cluster["headGroupSpec"], group))
    assert worker["containers"][0]["resources"]["limits"]["cpu"] == "2"
    assert "ports" not in worker["containers"][0], "or Prometheus would ask pods that have nothing to show"
    for spec in (head, worker):
        (bringing,), (container,) = spec["initContainers"], spec["containers"]
        assert bringing["image"] == "churn"
        assert {"name": conventions.ENGINE_VARIABLE, "value": "ray"} in container["env"]
        assert container["envFrom"] == [{"secretRef": {"name": "lake"}}]
        assert {each["mountPath"] for each in container["volumeMounts"]} >= {"/package", "/etc/aimass"}
        assert "command" not in container, "which KubeRay writes"
        assert spec["nodeSelector"]["pool"] == "training"
        assert spec["automountServiceAccountToken"] is False
    assert "cloud.google.com/gke-spot" in worker["nodeSelector"], "a block that is lost is scored again"
    assert "cloud.google.com/gke-spot" not in head["nodeSelector"]


def test_the_clock_waits_for_its_job_and_may_do_no_more() -> None:
    files = render(pipeline(overrides={"prod": {"scoring": {**SCORING, "workers": 3}}}))
    made = job(files)["spec"]["jobTemplate"]["spec"]
    assert (made["backoffLimit"], made["activeDeadlineSeconds"]) == (3, 6 * 3600)
    account = made["template"]["spec"]["serviceAccountName"]
    documents = [*yaml.safe_load_all(files["access.yaml"])]
    (binding,) = (each for each in documents if account in str(each.get("subjects")))
    (role,) = (
        each
        for each in documents
        if each["kind"] == "Role" and each["metadata"]["name"] == binding["roleRef"]["name"]
    )
    assert {(*each["resources"], *each.get("resourceNames", ())) for each in role["rules"]} == {
        ("rayjobs",),
        ("rayjobs", "churn-scoring"),
    }
    plain = [each for each in objects(files, "overlays/prod") if each["kind"] in {"Role", "RoleBinding"}]
    assert plain == [], "who applies an overlay gives no rights"


@pytest.mark.parametrize(
    ("model", "change", "said"),
    [
        ({}, {"schedule": None}, "there is no `schedule`"),
        ({"training": {"target": "kubeflow"}}, {}, "it is KubeRay that makes workers"),
    ],
)
def test_workers_of_which_there_are_none_are_told(
    model: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    built = pipeline(model, overrides={"dev": {}, "prod": {"scoring": {**SCORING, "workers": 3, **change}}})
    (found,) = [each for each in findings(built, "specs/churn.yaml") if each.code == "AM596"]
    assert said in found.message
    assert found.path == ("environments", "prod", "scoring", "workers")


def test_a_team_has_no_role_that_makes_workers() -> None:
    built = pipeline(overrides={"prod": {"scoring": {**SCORING, "workers": 3}}})
    team = TeamRules(name="growth", hosts={}, claimed={}, registries=None, origins={})
    built = built.model_copy(update={"settings": built.settings.with_team(team)})
    (found,) = [each for each in scoring.findings(built) if each.code == "AM596"]
    assert "the namespace of a team has no Role" in found.message
    assert found.severity is Severity.ERROR


@pytest.mark.parametrize("into", ["aimass.yaml", "teams/scores", "accepts", "data"])
def test_a_folder_that_holds_other_files_is_no_place_for_predictions(into: str) -> None:
    learned = {"data": {"sources": {"customers": "data/customers.csv"}}}
    made = pipeline({**learned, "scoring": {"source": "s3://lake/new.csv", "into": into}})
    assert [found.code for found in scoring_check.findings(made)] == ["AM591"]
