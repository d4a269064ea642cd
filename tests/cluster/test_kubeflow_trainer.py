"""Kubeflow Trainer's own controller makes pods of the job that is rendered, and tells how it goes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.render.training.kubeflow import ANNOTATION_COORDINATOR, LABEL_JOBSET
from scripts.cluster import kubeflow_trainer, programs
from tests.cluster.test_training_there import SETTINGS, Place, filled, until
from tests.pipeline.test_trainer_status import RUN

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
TARGET = "\ntraining: {{target: kubeflow}}\n"
KIND = "trainjob"
#: Two trials at once, so that there are two nodes.
SEARCH = {
    "model: naive_bayes": "model: {naive_bayes: {var_smoothing: {choice: [1.0e-9, 1.0e-3]}}}",
    "serving:": "search: {trials: 2, concurrency: 2}\nserving:",
}


@pytest.fixture
def place(tmp_path: Path, cluster: Any, namespace: str) -> Place:
    return filled(tmp_path, cluster, namespace, SETTINGS + TARGET, "trainjobs", SEARCH)


@pytest.fixture
def trainer(
    tmp_path: Path,
    place: Place,
    build: Callable[[Sequence[str]], None],
) -> Iterator[kubeflow_trainer.Trainer]:
    build(programs.KUBEFLOW_TRAINER)
    with kubeflow_trainer.running(place.cluster, place.namespace, tmp_path) as found:
        yield found
        assert found.trainer.is_running, found.last_words
        assert found.jobset.is_running, found.last_words


def pods(place: Place, job: dict[str, Any]) -> list[dict[str, Any]]:
    return place.cluster.objects("pods", place.namespace, f"{LABEL_JOBSET}={job['metadata']['name']}")


def first(place: Place, job: dict[str, Any], unlike: str = "") -> dict[str, Any]:
    """The first node's pod, which is none that ended."""
    found = place.awaited(
        lambda: [
            each
            for each in pods(place, job)
            if each["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"] == "0"
            and each["metadata"]["name"] != unlike
            and each["status"].get("phase") == "Running"
        ]
    )
    return found[0]


def end(place: Place, pod: dict[str, Any], code: int, message: str = "") -> None:
    """Let a pod end as the kubelet would tell it."""
    ended = {"exitCode": code, "reason": "Error" if code else "Completed", "message": message}
    times = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:10:00Z"}
    (container,) = pod["status"]["containerStatuses"]
    told = {**container, "ready": False, "started": False, "state": {"terminated": {**ended, **times}}}
    status = {"phase": "Failed" if code else "Succeeded", "containerStatuses": [told]}
    where = (f"--namespace={place.namespace}", "--subresource=status", "--type=merge")
    patch = json.dumps({"status": status})
    place.cluster.kubectl("patch", "pod", pod["metadata"]["name"], *where, f"--patch={patch}")


def test_a_job_becomes_nodes_and_ends_as_the_first_does(
    place: Place, trainer: kubeflow_trainer.Trainer
) -> None:
    run = place.start("--timeout=20m")
    job = place.job(run)
    name = job["metadata"]["name"]
    until(run, "it runs")
    (jobset,) = place.cluster.objects("jobsets", place.namespace)
    assert jobset["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
    (made,) = place.cluster.objects("jobs", place.namespace)
    assert made["metadata"]["name"] == f"{name}-node-0"
    assert (made["spec"]["completions"], made["spec"]["completionMode"]) == (2, "Indexed")
    found = pods(place, job)
    assert len(found) == job["spec"]["trainer"]["numNodes"] == 2
    (container,) = found[0]["spec"]["containers"]
    assert container["command"] == job["spec"]["trainer"]["command"]
    assert found[0]["metadata"]["labels"]["aimass.dev/model"] == place.model
    coordinator = f"{name}-node-0-0.{name}"
    assert found[0]["metadata"]["annotations"][ANNOTATION_COORDINATOR] == coordinator
    assert first(place, job)["spec"]["hostname"] == f"{name}-node-0-0"
    # A node that is lost comes back, and nobody is told of a failure.
    lost = first(place, job)
    end(place, lost, 137)
    again = first(place, job, unlike=lost["metadata"]["name"])
    place.run_entrypoint(job)
    end(place, again, 0)
    out, said = run.communicate()
    assert run.returncode == 0, out + said
    lock = yaml.safe_load((place.root / "generated" / place.model / "dvc.lock").read_text(encoding="utf-8"))
    assert "train" in lock["stages"]
    place.awaited(
        lambda: all(each["status"]["phase"] != "Running" for each in pods(place, job)), "no node is left"
    )


def test_a_missed_gate_is_not_tried_again_and_the_next_run_replaces_the_job(
    place: Place, trainer: kubeflow_trainer.Trainer
) -> None:
    run = place.start("--timeout=20m")
    job = place.job(run)
    end(place, first(place, job), ExitCode.GATE, "evaluate: accuracy is 0.4, below 0.5")
    _, said = run.communicate()
    assert run.returncode == ExitCode.GATE, said
    assert "accuracy is 0.4, below 0.5" in said
    assert place.cluster.get(KIND, job["metadata"]["name"], place.namespace)["status"]["conditions"]
    again = place.start("--timeout=4s")
    new = place.job(again, unlike=job["metadata"]["uid"])
    assert new["metadata"]["name"] == job["metadata"]["name"]
    again.communicate()
    place.cluster.kubectl("delete", KIND, "--all", f"--namespace={place.namespace}")
    place.awaited(lambda: not place.cluster.objects("jobs,pods", place.namespace), "nothing of it is left")


def test_progress_reaches_the_status_of_the_job_and_who_waits_for_it(
    place: Place, tmp_path: Path, build: Callable[[Sequence[str]], None]
) -> None:
    if not kubeflow_trainer.can_hear_of_progress():
        pytest.skip("no program here may see files in other places, as Trainer must")
    build(programs.KUBEFLOW_TRAINER)
    with kubeflow_trainer.hearing(place.cluster, place.namespace, tmp_path) as trainer:
        run = place.start("--timeout=20m")
        job = place.job(run)
        name = job["metadata"]["name"]
        pod = first(place, job)
        given = {each["name"]: each.get("value") for each in pod["spec"]["containers"][0]["env"]}
        path = urlsplit(given["KUBEFLOW_TRAINER_SERVER_URL"]).path
        token = tmp_path / "token"
        audience = f"{path.removeprefix('/apis/')}"
        account = (pod["spec"]["serviceAccountName"], f"--namespace={place.namespace}")
        token.write_text(place.cluster.kubectl("create", "token", *account, f"--audience={audience}"))
        variables = {
            "KUBEFLOW_TRAINER_SERVER_URL": f"https://127.0.0.1:{trainer.status_port}{path}",
            "KUBEFLOW_TRAINER_SERVER_CA_CERT": str(trainer.authority),
            "KUBEFLOW_TRAINER_SERVER_TOKEN": str(token),
        }
        command = [sys.executable, "-c", RUN, "train", str(tmp_path)]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), trainer.last_words
        status = place.cluster.get(KIND, name, place.namespace)["status"]["trainerStatus"]
        assert status["progressPercentage"] == 62
        assert status["metrics"] == [{"name": "roc_auc", "value": "0.912346"}]
        until(run, "it runs, 62 % done", "roc_auc 0.912346")
        run.terminate()
        run.wait()


def test_a_suspended_job_has_no_pods_until_it_goes_on(
    place: Place, trainer: kubeflow_trainer.Trainer
) -> None:
    run = place.start("--timeout=20m")
    job = place.job(run)
    first(place, job)
    where = (f"--namespace={place.namespace}", "--type=merge")
    for suspends in (True, False):
        patch = json.dumps({"spec": {"suspend": suspends}})
        place.cluster.kubectl("patch", KIND, job["metadata"]["name"], *where, f"--patch={patch}")
        if suspends:
            until(run, "it is suspended, as while it waits in its queue")
            place.awaited(lambda: not pods(place, job), "its pods are gone")
    first(place, job)
    run.terminate()
    run.wait()
