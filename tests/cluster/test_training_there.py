"""`aimass train`: a job is filled, submitted, awaited and its results fetched, with the rights for just that.

No operator and no container runs here. The test does what KubeRay does: it runs the job's entrypoint on this
machine, in the folder that stands for the volume, and writes the status as KubeRay would.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import pytest
import yaml

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.render.training.cluster import WORKSPACE
from aimass_compiler.render.training.rayjob import LABEL_RAY_CLUSTER
from scripts.cluster.cluster import Cluster, OwnCluster
from tests.cluster.overlays import CODE, git
from tests.cluster.test_access import SPEC

pytestmark = pytest.mark.cluster
T = TypeVar("T")
SETTINGS = """
environments:
  dev:
    namespace: {namespace}
    trainer: {{service_account: {{name: trainer}}}}
"""
#: How fast it answers depends on what else the machine does.
SERVING = """\
serving: {objectives: {latency: {p99: 5s}}, limits: {timeout: 6s}, tests: {load: {rps: 2, for: 1s}}}
"""
GATE = "Job entrypoint command failed with exit code 12, last available logs:\nlow"


@dataclass(frozen=True)
class Place:
    """A project, and the cluster that trains for it."""

    root: Path
    model: str
    namespace: str
    cluster: Cluster
    identity: Path
    kind: str = "rayjobs"

    @property
    def volume(self) -> Path:
        return self.cluster.kubeconfig.parent / "volume"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        path = os.pathsep.join([str(self.cluster.program.parent), os.environ["PATH"]])
        where = [f"--kubeconfig={self.identity}", f"--root={self.root}"]
        return subprocess.Popen(
            [sys.executable, "-c", CODE, "train", self.model, *where, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
        )

    def jobs(self) -> list[dict[str, Any]]:
        return self.cluster.objects(self.kind, self.namespace)

    def job(self, run: subprocess.Popen[str], unlike: str = "") -> dict[str, Any]:
        """The job, once there is one that is not `unlike`; a `run` that ends before it made one fails."""
        while True:
            has_ended = run.poll() is not None
            if found := [each for each in self.jobs() if each["metadata"]["uid"] != unlike]:
                return found[0]
            if has_ended:
                pytest.fail(f"no job came: {run.communicate()}")
            time.sleep(0.2)

    def say(self, job: dict[str, Any], **status: Any) -> None:
        """Write a status as KubeRay does."""
        name = job["metadata"]["name"]
        patch = json.dumps({"status": status})
        where = (f"--namespace={self.namespace}", "--subresource=status", "--type=merge")
        self.cluster.kubectl("patch", "rayjob", name, *where, f"--patch={patch}")

    def awaited(self, found: Callable[[], T], what: str = "it is there") -> T:
        """What is found, as soon as there is something."""
        end = time.monotonic() + 120
        while not (answer := found()):
            if time.monotonic() > end:
                pytest.fail(f"not after two minutes: {what}")
            time.sleep(0.2)
        return answer

    def _trains(self, job: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The pod that runs the stages, and the command that does."""
        if "rayClusterSpec" in job["spec"]:
            head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
            return head, shlex.split(job["spec"]["entrypoint"])
        runtime = self.cluster.get("trainingruntime", job["spec"]["runtimeRef"]["name"], self.namespace)
        (node,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
        command = job["spec"]["trainer"]["command"]
        return node["template"]["spec"]["template"]["spec"], command[command.index("--") + 1 :]

    def run_entrypoint(self, job: dict[str, Any]) -> None:
        """Run the stages as the job would, in the folder that stands for the volume."""
        head, command = self._trains(job)
        (name,) = (each["configMap"]["name"] for each in head["volumes"] if "configMap" in each)
        content = self.cluster.get("configmap", name, self.namespace)["data"][conventions.PIPELINE_FILE]
        pipeline = self.volume / "generated" / self.model / conventions.PIPELINE_FILE
        pipeline.parent.mkdir(parents=True, exist_ok=True)
        pipeline.write_text(content, encoding="utf-8")
        *shell, stages = (part.replace(WORKSPACE, str(self.volume)) for part in command)
        *stages, _evaluate, _package = stages.split(" && ")  # which are not fetched
        command = [*shell, " && ".join(stages)]
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        subprocess.run(command, check=True, env={**os.environ, "PATH": programs}, capture_output=True)


def project(root: Path, model: str, settings: str, changes: Mapping[str, str] = MappingProxyType({})) -> Path:
    """A compiled project of one small model."""
    (root / "specs").mkdir(parents=True)
    (root / "data").mkdir()
    rows = "x,y\n" + "".join(f"{n % 97},{'ab'[n % 97 > 48]}\n" for n in range(600))
    (root / f"data/{model}.csv").write_text(rows, encoding="utf-8")
    spec = SPEC.replace("churn", model).replace("data/rows.csv", f"data/{model}.csv") + SERVING
    for old, new in changes.items():
        spec = spec.replace(old, new)
    (root / f"specs/{model}.yaml").write_text(spec, encoding="utf-8")
    (root / "aimass.yaml").write_text(settings, encoding="utf-8")
    git(root, "init", "--quiet")
    subprocess.run([sys.executable, "-c", CODE, "compile", f"--root={root}"], check=True, capture_output=True)
    return root


def volume(namespace: str, model: str) -> dict[str, Any]:
    """One that the claim of a model's training job is bound to, which no node needs to have."""
    claim = {"namespace": namespace, "name": f"{model}-workspace"}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": model},
        "spec": {
            "capacity": {"storage": "20Gi"},
            "accessModes": ["ReadWriteMany"],
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **claim},
            "hostPath": {"path": "/nowhere"},
        },
    }


@pytest.fixture
def place(tmp_path: Path, cluster: Cluster, namespace: str) -> Place:
    return filled(tmp_path, cluster, namespace)


def filled(
    tmp_path: Path,
    cluster: Cluster,
    namespace: str,
    settings: str = SETTINGS,
    kind: str = "rayjobs",
    changes: Mapping[str, str] | None = None,
) -> Place:
    """A project with its volume, and who may train there."""
    if not (cluster.kubeconfig.parent / "volume").is_dir():
        pytest.skip("what is executed in pods of this cluster does not run here")
    model = f"m{namespace.removeprefix('test-')}"
    root = project(tmp_path / "models", model, settings.format(namespace=namespace), changes or {})
    cluster.kubectl("apply", f"-f{root / 'generated' / model / 'access.yaml'}")
    identity = cluster.kubeconfig_for(f"{namespace}/trainer")
    cluster.apply([volume(namespace, model)])
    return Place(root, model, namespace, cluster, identity, kind)


def test_a_model_is_trained_there_and_what_came_back_can_be_published(place: Place) -> None:
    first = place.start("--timeout=15m")
    job = place.job(first)
    sent = place.volume / f"data/{place.model}.csv"
    assert sent.read_bytes() == (place.root / f"data/{place.model}.csv").read_bytes()
    first.terminate()  # as a runner that is taken away; its lease ends by itself
    first.wait()
    second = place.start("--timeout=15m")
    until(second, "goes on; waiting for it")
    place.say(job, jobDeploymentStatus="Running", jobStatus="RUNNING")
    place.run_entrypoint(job)
    place.say(job, jobDeploymentStatus="Complete", jobStatus="SUCCEEDED")
    out, said = second.communicate()
    assert second.returncode == 0, out + said
    assert [each["metadata"]["uid"] for each in place.jobs()] == [job["metadata"]["uid"]]
    lock = yaml.safe_load((place.root / "generated" / place.model / "dvc.lock").read_text(encoding="utf-8"))
    assert list(lock["stages"]) == ["prepare", "features", "train", "evaluate", "package", "test"]
    own = Path("artifacts") / place.model / "train" / "model.onnx"
    assert (place.root / own).read_bytes() == (place.volume / own).read_bytes()
    assert place.cluster.objects("pods", place.namespace) == []
    status = subprocess.run(
        [sys.executable, "-m", "dvc", "status"], cwd=place.root, capture_output=True, text=True, check=True
    )
    assert "up to date" in status.stdout


def test_with_a_store_files_come_and_results_go_without_a_pod(
    own_cluster: OwnCluster, tmp_path: Path
) -> None:
    settings = SETTINGS.format(namespace="ml") + f"    store: file://{tmp_path / 'store'}\n"
    root = project(tmp_path / "models", "cells", settings)
    own_cluster.create_custom_resource_definitions("RayJob")
    own_cluster.namespaces("ml")
    place = Place(root, "cells", "ml", own_cluster, own_cluster.kubeconfig)
    run = place.start("--timeout=15m")
    job = place.job(run)
    sent = place.volume / f"data/{place.model}.csv"
    assert not sent.exists()
    place.say(job, jobDeploymentStatus="Running", jobStatus="RUNNING")
    place.run_entrypoint(job)
    assert sent.read_bytes() == (place.root / f"data/{place.model}.csv").read_bytes()
    until(run, "it runs; train")
    assert place.cluster.objects("pods", place.namespace) == []
    place.say(job, jobDeploymentStatus="Complete", jobStatus="SUCCEEDED")
    out, said = run.communicate()
    assert run.returncode == 0, out + said
    lock = yaml.safe_load((place.root / "generated" / place.model / "dvc.lock").read_text(encoding="utf-8"))
    assert list(lock["stages"]) == ["prepare", "features", "train", "evaluate", "package", "test"]
    own = Path("artifacts") / place.model / "train" / "model.onnx"
    assert (place.root / own).read_bytes() == (place.volume / own).read_bytes()
    (model,) = (
        each["md5"] for each in lock["stages"]["train"]["outs"] if each["path"].endswith("train/model.onnx")
    )
    assert (tmp_path / "store" / "files" / "md5" / model[:2] / model[2:]).is_file(), "as a DVC remote has it"


def test_a_failure_there_ends_it_with_the_code_of_its_stage_and_running_it_again_trains_anew(
    place: Place,
) -> None:
    run = place.start("--timeout=15m")
    job = place.job(run)
    pod = waiting_pod(place)
    place.cluster.apply([pod])
    place.say(job, jobDeploymentStatus="Initializing", rayClusterName="ray-1")
    until(run, "its Ray cluster starts", "no node takes pod head")
    place.say(job, jobDeploymentStatus="Failed", jobStatus="FAILED", reason="AppFailed", message=GATE)
    _, said = run.communicate()
    assert run.returncode == ExitCode.GATE, said
    assert f"RayJob {job['metadata']['name']} failed (AppFailed)" in said
    place.cluster.kubectl("delete", "pod", "head", f"--namespace={place.namespace}", "--wait=false")
    again = place.start("--timeout=3s")
    assert place.job(again, unlike=job["metadata"]["uid"])["metadata"]["name"] == job["metadata"]["name"]
    _, said = again.communicate()
    assert again.returncode == ExitCode.NOT_READY, said
    assert "KubeRay has not begun with it" in said


def until(run: subprocess.Popen[str], *words: str) -> None:
    """Wait for a line on standard error with all of these words."""
    assert run.stderr is not None
    lines = []
    while not lines or not all(word in lines[-1] for word in words):
        lines.append(run.stderr.readline())
        assert lines[-1], f"it ended: {lines}"


def waiting_pod(place: Place) -> dict[str, Any]:
    """The head of a Ray cluster that finds no node."""
    labels = {LABEL_RAY_CLUSTER: "ray-1"}
    quiet = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "head", "image": "ray", "securityContext": quiet}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "head", "namespace": place.namespace, "labels": labels},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "nodeSelector": {"gpu": "none"},
            "containers": [container],
        },
    }
