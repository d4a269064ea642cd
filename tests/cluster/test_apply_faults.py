"""What goes wrong with single objects: nothing is lost, the reason is told, and the next run goes on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes import readiness, transport
from aimass_compiler.kubernetes.connection import connect
from aimass_compiler.kubernetes.lease import leased
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Object, Project, config, deployment, names, service
from tests.harness.api_proxy import Asked, Lost, Proxy, Refusal

pytestmark = pytest.mark.cluster
ALL = (config("settings", colour="red"), service("churn"), deployment("churn"))
ROOT = {"securityContext": {"runAsUser": 0, "runAsNonRoot": False}}


@pytest.fixture
def through(project: Project, proxy: Proxy) -> Project:
    """The same project, which reaches its cluster through the proxy."""
    return Project(project.root, project.namespace, proxy.kubeconfig)


def placed(document: Object, namespace: str) -> Object:
    """The object in a namespace."""
    return {**document, "metadata": {**document["metadata"], "namespace": namespace}}


def test_a_policy_that_denies_one_object_leaves_all_as_they_were(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    kind = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["services"]}
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": {
            "matchConstraints": {"resourceRules": [kind]},
            "validations": [{"expression": "false", "message": "ask the platform team first"}],
        },
    }
    chosen = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace, "validationActions": ["Deny"], "matchResources": chosen},
    }
    cluster.apply([policy, binding])
    try:
        trial = (
            "create",
            "service",
            "clusterip",
            "x",
            "--tcp=80",
            f"--namespace={namespace}",
            "--dry-run=server",
        )
        until(lambda: "denied request" in cluster.try_kubectl(*trial).stderr)
        project.declare(*ALL)
        done = project.apply()
        assert done.code == ExitCode.REFUSED
        told = (
            f"Service churn was refused: the policy `{namespace}` of the cluster denies it: ask the platform"
        )
        assert told in done.told
        assert names(cluster, "configmaps,services,deployments,leases", namespace) == set()
    finally:
        for document in (binding, policy):
            cluster.kubectl("delete", document["kind"], namespace)
    until(lambda: cluster.try_kubectl(*trial).returncode == 0)
    assert project.apply().code == 0


def test_a_quota_of_objects_is_told_and_what_was_applied_is_not_forgotten(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    limit(cluster, namespace, {"count/services": "1"})
    project.declare(*ALL, service("second"))
    done = project.apply()
    # Each object alone would fit; that both do not is seen when they are written.
    assert done.code == ExitCode.REFUSED
    assert "it exceeds the quota `small` of the namespace (requested: count/services=1" in done.told
    kept = cluster.get("configmap", "aimass-churn-dev", namespace)["data"]["inventory.json"]
    assert {each["name"] for each in json.loads(kept)["objects"]} == {"settings", "churn", "second"}
    cluster.kubectl("delete", "resourcequota", "small", f"--namespace={namespace}")
    assert project.apply().code == 0
    assert names(cluster, "services", namespace) == {"churn", "second"}


def test_pods_that_a_quota_refuses_end_the_waiting_with_its_name(
    project: Project, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_GRACE", 1.0)
    limit(cluster, namespace, {"pods": "0"})
    project.declare(*ALL)
    done = project.run("apply")
    assert done.code == ExitCode.NOT_READY
    assert (
        "its pods are refused: it exceeds the quota `small` of the namespace (requested: pods=1" in done.told
    )
    assert "help: ask for less in the spec" in done.told


def test_pods_that_pod_security_refuses_are_told_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_GRACE", 1.0)
    project.declare(deployment("churn", container=ROOT))
    done = project.run("apply")
    assert done.code == ExitCode.NOT_READY
    assert 'the namespace enforces Pod Security "restricted:latest"' in done.told


@pytest.mark.parametrize(
    ("program", "told"),
    [("", "neither `kustomize` nor `kubectl` is on the PATH"), ("echo v4.5.7", "kustomize brings 4.5.7")],
    ids=["missing", "too old"],
)
def test_a_kustomize_that_cannot_be_used_is_told(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, told: str
) -> None:
    project.declare(*ALL)
    (tmp_path / "bin").mkdir()
    if program:
        (tmp_path / "bin/kustomize").write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / "bin/kustomize").chmod(0o755)
    with monkeypatch.context() as here:
        here.setenv("PATH", str(tmp_path / "bin"))
        done = project.apply()
    assert done.code == ExitCode.USAGE
    assert f"kustomize 5.0 or newer is needed: {told}" in done.told
    assert project.apply().code == 0


@pytest.mark.parametrize(
    ("tag", "told", "way"),
    [
        (
            "unpullable",
            "ImagePullBackOff of `server` in pod churn-",
            "push the image that the manifests name",
        ),
        (
            "crashing",
            "CrashLoopBackOff of `server` in pod churn-",
            "--previous` shows the logs of the previous container",
        ),
    ],
)
def test_pods_that_do_not_run_are_told_with_their_state(
    project: Project, monkeypatch: pytest.MonkeyPatch, tag: str, told: str, way: str
) -> None:
    monkeypatch.setattr(readiness, "_GRACE", 1.0)
    project.declare(*ALL)
    assert project.run("apply").code == 0
    project.declare(ALL[0], deployment("churn", tag=tag))
    done = project.run("apply")
    assert done.code == ExitCode.NOT_READY
    assert told in done.told
    assert way in done.told
    assert "Service churn" not in done.actions(), "what serves keeps what it needs"
    project.declare(ALL[0], deployment("churn", tag="3"))
    assert project.run("apply").actions()["Service churn"] == "deleted"


def test_a_field_of_another_manager_is_named_and_nothing_is_changed(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    cluster.apply([placed(service("churn", port=81), namespace)])
    project.declare(config("settings"), {**service("churn"), "spec": {"type": "NodePort"}})
    cluster.kubectl(
        "patch", "service", "churn", f"--namespace={namespace}", "--field-manager=somebody", "--type=merge",
        '--patch={"spec":{"type":"ClusterIP","sessionAffinity":"ClientIP"}}',
    )  # fmt: skip
    project.declare(config("settings"), service("churn") | {"spec": {"sessionAffinity": "None"}})
    done = project.apply()
    assert done.code == ExitCode.CONFLICT
    assert "Service churn: `spec.sessionAffinity` is managed by `somebody`" in done.told
    (failure,) = done.document["models"][0]["failures"]
    assert failure["conflicts"] == [{"field": "spec.sessionAffinity", "manager": "somebody"}]
    assert names(cluster, "configmaps", namespace) == set()
    assert project.apply("--force-conflicts").code == 0
    assert cluster.get("service", "churn", namespace)["spec"]["sessionAffinity"] == "None"


def test_what_is_being_deleted_is_waited_for(project: Project, cluster: Cluster, namespace: str) -> None:
    stuck = placed(config("settings"), namespace)
    stuck["metadata"]["finalizers"] = ["example.com/slow"]
    cluster.apply([stuck])
    where = f"--namespace={namespace}"
    cluster.kubectl("delete", "configmap", "settings", "--wait=false", where)
    project.declare(*ALL)
    refused = project.apply("--timeout", "1s")
    assert refused.code == ExitCode.REFUSED
    assert (
        "ConfigMap settings is being deleted, and not gone yet: it is held by example.com/slow"
        in refused.told
    )

    def release() -> None:
        time.sleep(1)
        cluster.kubectl(
            "patch", "configmap", "settings", where, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
        )

    threading.Thread(target=release).start()
    assert project.apply().code == 0
    assert "deletionTimestamp" not in cluster.get("configmap", "settings", namespace)["metadata"]


@pytest.mark.parametrize("command", [("apply",), ("delete", "churn", "--yes")])
def test_what_was_deleted_and_stays_is_told_and_not_forgotten(
    project: Project, cluster: Cluster, namespace: str, command: tuple[str, ...]
) -> None:
    project.declare(config("old"), config("new"))
    assert project.apply().code == 0
    patch = ("patch", "configmap", "old", f"--namespace={namespace}", "--type=merge", "-p")
    cluster.kubectl(*patch, '{"metadata":{"finalizers":["example.com/slow"]}}')
    project.declare(config("new"))
    done = project.run(*command, "--timeout", "1s")
    assert done.code == ExitCode.NOT_READY
    told = (
        "ConfigMap old is being deleted, and not gone yet: it is held by example.com/slow\nhelp: wait until"
    )
    assert told in done.told
    cluster.kubectl(*patch, '{"metadata":{"finalizers":null}}')
    done = project.run(*command)
    assert (done.code, done.actions()["ConfigMap old"]) == (0, "deleted")


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(429, "too many requests", {"Retry-After": "1"}),
        Refusal(409, "Operation cannot be fulfilled: the object has been modified"),
        Refusal(503, "apiserver is shutting down"),
        Refusal(500, "etcdserver: leader changed"),
        None,
    ],
    ids=["429", "409", "503", "500", "closed"],
)
def test_what_passes_is_tried_again(
    through: Project, proxy: Proxy, cluster: Cluster, namespace: str, refusal: Refusal | None
) -> None:
    through.declare(*ALL)
    proxy.before = twice_for_each(lambda asked: asked.method == "PATCH", refusal)
    assert through.apply().code == 0
    assert names(cluster, "services,deployments", namespace) == {"churn"}


def test_answers_that_are_lost_and_servers_that_do_not_answer_are_asked_again(
    through: Project, proxy: Proxy, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_READ_SECONDS", 1)
    through.declare(*ALL, service("old"))
    proxy.after = lose_once_for_each(lambda asked: asked.is_write)
    assert through.apply().code == 0
    through.declare(*ALL)
    proxy.after = lose_once_for_each(lambda asked: asked.is_write)
    proxy.before = hang_once_for_each(lambda asked: asked.method == "GET", 1.5)
    assert through.apply().code == 0
    assert names(cluster, "services,configmaps,leases", namespace) == {
        "churn",
        "settings",
        "aimass-churn-dev",
    }


def test_a_run_that_waits_names_who_works_on_the_model(project: Project, cluster: Cluster) -> None:
    project.declare(*ALL)
    connection = connect(project.kubeconfig)
    with leased(connection, project.namespace, "churn", "dev", timeout=1, report=print):
        done = project.apply("--lock-timeout", "1s")
    assert done.code == ExitCode.LOCKED
    assert "works on `churn` in dev; waiting for it" in done.told
    assert project.apply().code == 0


def test_two_runs_at_once_follow_each_other(project: Project, cluster: Cluster, namespace: str) -> None:
    project.declare(*ALL)
    running = [project.start("apply", "--no-wait") for _ in range(2)]
    answers = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], answers
    assert sorted("3 created" in out for out, _ in answers) == [False, True]
    assert names(cluster, "leases", namespace) == set()


def test_an_inventory_that_somebody_damaged_is_told_and_its_way_out_leads_out(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    project.declare(*ALL)
    assert project.apply().code == 0
    where = ("configmap", "aimass-churn-dev", f"--namespace={namespace}")
    cluster.kubectl("patch", *where, "--type=merge", '--patch={"data": null}')
    for command in (("apply", "--no-wait"), ("delete", "churn", "--yes")):
        done = project.run(*command)
        assert done.code == ExitCode.FAILED
        told = (
            f"the inventory `aimass-churn-dev` in `{namespace}` cannot be read\nhelp: it was changed by hand"
        )
        assert told in done.told
    cluster.kubectl("delete", *where)
    done = project.apply()
    assert (done.code, set(done.actions().values())) == (0, {"unchanged"})


def test_a_right_that_is_missing_is_named(project: Project, cluster: Cluster, namespace: str) -> None:
    project.declare(*ALL)
    poor = Project(project.root, namespace, cluster.kubeconfig_for(f"{namespace}/poor"))
    done = poor.apply()
    assert done.code == ExitCode.REFUSED
    assert (
        f"`system:serviceaccount:{namespace}:poor` may not get leases.coordination.k8s.io here" in done.told
    )


def limit(cluster: Cluster, namespace: str, hard: dict[str, str]) -> None:
    """Give a namespace a quota, and wait until it counts."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small", "namespace": namespace},
    }
    cluster.apply([{**quota, "spec": {"hard": hard}}])
    until(lambda: bool(cluster.get("resourcequota", "small", namespace).get("status", {}).get("used")))


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def twice_for_each(
    wanted: Callable[[Asked], bool], refusal: Refusal | None
) -> Callable[[Asked], Refusal | None]:
    """Refuse every request that is wanted twice, or close its connection."""
    seen: dict[str, int] = {}

    def rule(asked: Asked) -> Refusal | None:
        key = f"{asked.path} {asked.is_write}"
        if not wanted(asked) or seen.setdefault(key, 0) == 2:
            return None
        seen[key] += 1
        if refusal is None:
            raise Lost
        return refusal

    return rule


def lose_once_for_each(wanted: Callable[[Asked], bool]) -> Callable[[Asked], None]:
    """Lose the first answer to every request that is wanted."""
    seen = set()

    def aftermath(asked: Asked) -> None:
        key = (asked.method, asked.path)
        if wanted(asked) and key not in seen:
            seen.add(key)
            raise Lost

    return aftermath


def hang_once_for_each(wanted: Callable[[Asked], bool], seconds: float) -> Callable[[Asked], Refusal | None]:
    """Let the first request of each that is wanted wait for so long."""
    seen = set()

    def rule(asked: Asked) -> Refusal | None:
        if wanted(asked) and asked.path not in seen:
            seen.add(asked.path)
            time.sleep(seconds)
        return None

    return rule
