"""The CronJobs that score and measure are taken strictly, known to every command, and their pods run."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml
from render.models import pipeline

from aimass_compiler import conventions
from aimass_compiler.programs.kustomize import Kustomize
from aimass_compiler.render import render
from scripts.cluster import programs
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, git
from tests.cluster.test_accepted import APPLY, TOLD, by_name, ours
from tests.harness.releases import released

pytestmark = [pytest.mark.cluster, pytest.mark.kubernetes]
JOB, NAME = "CronJob churn-scoring", "churn-scoring"
DIFFERS = 2
QUALITY = "churn-quality"
MEASURED = {
    "monitoring": {"labels": {"source": "s3://lake/truth.parquet", "schedule": "30 5 * * *"}},
    "serving": {"logs": {"predictions": {"sample": 0.1}}},
}
SCORING = {"source": "s3://lake/new.parquet", "into": "s3://lake/scores", "schedule": "0 4 * * *"}


def build(root: Path) -> list[dict[str, Any]]:
    """The objects of dev, as Kustomize makes them."""
    kustomize = Kustomize((str(programs.program("kustomize")), "build"), (5, 8, 0))
    return kustomize.build(root / "generated/churn/overlays/dev")


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster, namespace: str) -> Project:
    """A released model whose table dev scores by the clock, and which is measured there."""
    settings = {"environments": {"dev": {"namespace": namespace}}, "logs": {"store": "s3://acme/predictions"}}
    made = pipeline(MEASURED, settings=settings, overrides={"dev": {"scoring": SCORING}})
    released(tmp_path, "churn", render(made))
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", f"https://git.example.com/{secrets.token_hex(4)}.git")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=Declare")
    return Project(tmp_path, namespace, cluster.kubeconfig)


@pytest.mark.parametrize("name", [NAME, QUALITY])
def test_it_is_taken_strictly_and_a_second_time_changes_nothing(
    project: Project, cluster: Cluster, name: str
) -> None:
    wanted = build(project.root)
    parts = [each for each in wanted if name in each["metadata"]["name"]]
    kinds = {"ConfigMap", "CronJob", "NetworkPolicy", "PodMonitor", "PrometheusRule", "ServiceAccount"}
    assert {each["kind"] for each in parts} == kinds
    tried = cluster.try_kubectl(*APPLY, "--dry-run=server", "-f-", given=parts)
    assert (tried.returncode, tried.stderr) == (0, ""), "neither refused nor warned of"
    first, second = (by_name(cluster.kubectl(*APPLY, "-f-", *TOLD, given=parts)) for _ in range(2))
    for each, found in second.items():
        assert ours(found) == ours(first[each])
        assert found["metadata"]["resourceVersion"] == first[each]["metadata"]["resourceVersion"]


def test_every_command_knows_it(project: Project, cluster: Cluster) -> None:
    assert project.apply().actions()[JOB] == "created"
    assert project.apply().actions()[JOB] == "unchanged"
    assert project.run("drift").code == 0
    where = ("cronjob", NAME, f"--namespace={project.namespace}", "--type=merge")
    cluster.kubectl("patch", *where, f"--patch={json.dumps({'spec': {'schedule': '0 5 * * *'}})}")
    drifted = project.run("drift")
    assert drifted.code == DIFFERS
    (found,) = drifted.document["models"][0]["objects"]
    assert (found["kind"], found["name"]) == ("CronJob", NAME)
    assert [each["path"] for each in found["fields"]] == ["spec.schedule"]
    assert project.apply("--force-conflicts").actions()[JOB] == "changed"
    (place,) = project.run("status").document["environments"]
    assert [(each["model"], each["inGit"]) for each in place["models"]] == [("churn", "as in git")]
    assert project.run("delete", "churn", "--yes").code == 0
    assert cluster.objects("cronjobs", project.namespace) == []


def test_workers_are_made_by_the_clock_and_judged_by_how_they_end(
    tmp_path: Path, cluster: Cluster, namespace: str
) -> None:
    """As the identity that the CronJob's pod has, with its commands; the end is KubeRay's to say."""
    settings = {"environments": {"dev": {"namespace": namespace}}}
    files = render(pipeline(settings=settings, overrides={"dev": {"scoring": {**SCORING, "workers": 2}}}))
    released(tmp_path, "churn", files)
    wanted = build(tmp_path)
    given = [each for each in wanted if NAME in each["metadata"]["name"]]
    access = tmp_path / "generated/churn/access.yaml"
    for parts in ([*given], [*yaml.safe_load_all(access.read_text())]):
        here = [each for each in parts if each["metadata"].get("namespace") == namespace]
        tried = cluster.try_kubectl(*APPLY, "-f-", given=here)
        assert (tried.returncode, tried.stderr) == (0, ""), "neither refused nor warned of"
    job = cluster.get("cronjob", NAME, namespace)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    identity = cluster.kubeconfig_for(f"{namespace}/{job['serviceAccountName']}")
    manifest = cluster.get("configmap", NAME, namespace)["data"][conventions.ENTRY_JOB]
    strict = cluster.try_kubectl(
        "create", "--dry-run=server", "--validate=strict", "-f-", f"-n{namespace}", given=json.loads(manifest)
    )
    assert (strict.returncode, strict.stderr) == (0, "")
    (tmp_path / conventions.ENTRY_JOB).write_text(manifest)
    make, wait, judge = (
        [part.replace("/etc/aimass", str(tmp_path)) for part in each["args"]]
        for each in (*job["initContainers"], *job["containers"])
    )
    for outcome in ("FAILED", "SUCCEEDED"):
        cluster.kubectl(*make, kubeconfig=identity)
        assert cluster.try_kubectl(*wait[:2], "--timeout=1s", *wait[3:], kubeconfig=identity).returncode == 1
        status = {"status": {"jobStatus": outcome, "endTime": "2026-12-01T04:30:00Z"}}
        patch = ("--type=merge", "--subresource=status", f"--patch={json.dumps(status)}")
        cluster.kubectl("patch", "rayjob", NAME, f"-n{namespace}", *patch)
        cluster.kubectl(*wait, kubeconfig=identity)
        assert cluster.try_kubectl(*judge, kubeconfig=identity).returncode == (outcome == "FAILED")
    for forbidden in (["get", "rayjobs"], ["get", "secrets"], ["delete", "rayjob", "another"]):
        assert "forbidden" in cluster.try_kubectl(*forbidden, kubeconfig=identity).stderr.lower(), forbidden


@pytest.mark.parametrize("name", [NAME, QUALITY])
def test_a_job_of_it_runs_to_its_end(project: Project, cluster: Cluster, name: str) -> None:
    """Nothing scores in it: nodes here only say that a pod ran, after admission and scheduling for real."""
    assert project.apply().code == 0
    where = f"--namespace={project.namespace}"
    cluster.kubectl("create", "job", "tried", where, f"--from=cronjob/{name}")
    cluster.kubectl("wait", where, "--for=condition=Complete", "--timeout=60s", "job/tried")
    (pod,) = cluster.objects("pods", project.namespace, "batch.kubernetes.io/job-name=tried")
    assert pod["metadata"]["labels"][conventions.LABEL_INSTANCE] == name
    images: list[dict[str, Any]] = [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]
    assert "@sha256:" in images[0]["image"]
    job = cluster.get("job", "tried", project.namespace)
    assert job["spec"]["podFailurePolicy"]["rules"][0]["action"] == "FailJob"
