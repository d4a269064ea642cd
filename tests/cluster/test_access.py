"""Who may apply a model can do exactly that: all that the commands do and nothing else, on a real server."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import Cluster, OwnCluster
from tests.cluster.overlays import Project, config
from tests.harness.releases import release

pytestmark = pytest.mark.cluster
#: Everything that a model can bring to an environment.
EVERYTHING = """
serving:
  replicas: {min: 2, max: 4}
  rollout: {canary: [25, 100]}
  gateway: {host: churn.example.com}
"""
OPERATED = ("AnalysisTemplate", "HTTPRoute", "PrometheusRule", "Rollout", "PodMonitor")
LESS = "serving: {replicas: {min: 1, max: 1}}\n"
SPEC = """
apiVersion: aimass/v1
kind: Model
metadata: {name: churn}
data:
  sources: {rows: data/rows.csv}
  columns: {x: number, "y": {type: category, values: [a, b]}}
target: "y"
features: [{standardize: x}]
model: naive_bayes
"""


def compiled(project: Project, serving: str, deployer: Any = None, oncall: Any = None) -> None:
    """Let generated/ stand for a spec that serves like this."""
    specs = project.root / "specs"
    specs.mkdir(exist_ok=True)
    (specs / "churn.yaml").write_text(SPEC + serving, encoding="utf-8")
    named = {"deployer": deployer, "oncall": oncall}
    dev = {"namespace": project.namespace} | {key: who for key, who in named.items() if who}
    settings = yaml.safe_dump({"environments": {"dev": dev}})
    (project.root / "aimass.yaml").write_text(settings, encoding="utf-8")
    assert main(["compile", "--root", str(project.root)]) == ExitCode.DONE
    release(project.root, "churn")


def grant(cluster: Cluster, project: Project) -> None:
    """What an administrator does: add what is missing."""
    cluster.kubectl("auth", "reconcile", f"-f{project.root / 'generated/churn/access.yaml'}")


@pytest.fixture
def administered(tmp_path: Path, cluster: Cluster, namespace: str) -> Project:
    """A compiled project whose administrator we are."""
    made = Project(tmp_path, namespace, cluster.kubeconfig)
    compiled(made, EVERYTHING)
    return made


@pytest.fixture
def project(administered: Project, cluster: Cluster) -> Project:
    """The same project in the hands of who may apply it, and nothing more."""
    grant(cluster, administered)
    return replace(administered, kubeconfig=cluster.kubeconfig_for(f"{administered.namespace}/aimass"))


def test_a_model_is_applied_changed_pruned_watched_and_deleted_with_these_rights(project: Project) -> None:
    created = project.apply()
    assert (created.code, created.told) == (0, "")
    kinds = {name.partition(" ")[0] for name in created.actions()}
    assert {"Rollout", "AnalysisTemplate", "HTTPRoute", "HorizontalPodAutoscaler", "PrometheusRule"} <= kinds
    assert project.run("drift").code == 0
    compiled(project, LESS)
    assert project.run("diff", "--detailed-exitcode").code == 2
    assert project.run("drift").code == 2
    pruned = project.run("apply", "--timeout=60s")
    assert pruned.code == 0
    assert pruned.actions()["HTTPRoute churn"] == "deleted"
    (place,) = project.run("status").document["environments"]
    assert [(each["health"], each["ready"]) for each in place["models"]] == [("healthy", 1)]
    assert project.run("delete", "churn", "--yes").code == 0


def test_the_reason_why_a_model_does_not_get_ready_can_be_seen(project: Project, cluster: Cluster) -> None:
    compiled(project, LESS)
    where = {"name": "none", "namespace": project.namespace}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": where}
    cluster.apply([{**quota, "spec": {"hard": {"pods": "0"}}}])
    run = project.run("apply", "--timeout=4s")
    assert run.code == ExitCode.NOT_READY
    assert "exceeds the quota `none`" in run.told


def test_without_the_rights_applying_is_refused_with_what_is_missing(
    administered: Project, cluster: Cluster
) -> None:
    stranger = replace(administered, kubeconfig=cluster.kubeconfig_for(f"{administered.namespace}/stranger"))
    run = stranger.apply()
    assert run.code == ExitCode.REFUSED
    assert f"system:serviceaccount:{administered.namespace}:stranger" in run.told


def test_a_kind_that_comes_needs_another_right_and_goes_on_once_it_is_granted(
    project: Project, administered: Project, cluster: Cluster
) -> None:
    compiled(project, LESS)
    cluster.kubectl("apply", f"-f{project.root / 'generated/churn/access.yaml'}")
    assert project.apply().code == 0
    compiled(project, EVERYTHING)
    refused = project.apply()
    assert refused.code == ExitCode.REFUSED
    assert "rollouts" in refused.told
    grant(cluster, administered)
    assert project.apply().code == 0


def test_granting_takes_nothing_away_so_that_the_old_can_still_be_pruned(
    project: Project, administered: Project, cluster: Cluster
) -> None:
    assert project.apply().code == 0
    compiled(project, LESS)
    grant(cluster, administered)
    # Without waiting, a Rollout stays until its Deployment serves.
    assert project.run("apply", "--timeout=60s").code == 0
    cluster.kubectl("apply", f"-f{project.root / 'generated/churn/access.yaml'}")
    assert project.apply().code == 0


def acts(namespace: str) -> Iterator[tuple[str, str, dict[str, Any] | None]]:
    """What must not be possible: a method, a path, and what is sent."""
    core, apps = f"/api/v1/namespaces/{namespace}", f"/apis/apps/v1/namespaces/{namespace}"
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    name = {"metadata": {"name": "more"}}
    for method, path in (
        ("GET", f"{core}/secrets"),
        ("GET", f"{core}/secrets/login"),
        ("GET", f"{core}/pods/churn-0/log"),
        ("GET", f"{core}/pods/churn-0"),
        ("GET", f"{core}/resourcequotas"),
        ("GET", "/api/v1/nodes"),
        ("GET", "/api/v1/namespaces"),
        ("GET", "/api/v1/configmaps"),
        ("GET", "/api/v1/namespaces/default/configmaps"),
        ("GET", "/apis/apps/v1/namespaces/kube-system/deployments/churn"),
        ("GET", f"{apps}/deployments"),
        ("GET", f"{apps}/deployments/other"),
        ("GET", f"{apps}/deployments/churn/scale"),
        ("DELETE", f"{apps}/deployments/other"),
        ("DELETE", f"{apps}/deployments"),
        ("DELETE", f"{core}/pods/churn-0"),
        ("DELETE", f"{core}/services/other"),
        ("DELETE", f"{core}/configmaps"),
        ("DELETE", f"/api/v1/namespaces/{namespace}"),
        ("DELETE", f"{rbac}/roles/aimass-churn-dev"),
        ("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/other"),
    ):
        yield method, path, None
    for path, kind in (
        (f"{core}/secrets", "Secret"),
        (f"{core}/pods", "Pod"),
        (f"{core}/pods/churn-0/exec?command=ls", "PodExecOptions"),
        (f"{core}/pods/churn-0/attach", "PodAttachOptions"),
        (f"{core}/pods/churn-0/portforward", "PodPortForwardOptions"),
        (f"{core}/pods/churn-0/eviction", "Eviction"),
        (f"{core}/services", "Service"),
        (f"{core}/serviceaccounts", "ServiceAccount"),
        (f"{core}/serviceaccounts/churn/token", "TokenRequest"),
        (f"{core}/serviceaccounts/aimass/token", "TokenRequest"),
        ("/api/v1/namespaces", "Namespace"),
        ("/api/v1/namespaces/default/configmaps", "ConfigMap"),
        (f"{apps}/deployments", "Deployment"),
        (f"{apps}/daemonsets", "DaemonSet"),
        (f"/apis/batch/v1/namespaces/{namespace}/jobs", "Job"),
        (f"{rbac}/roles", "Role"),
        (f"{rbac}/rolebindings", "RoleBinding"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "ClusterRoleBinding"),
    ):
        yield "POST", path, {"kind": kind, **name}


def answers(kubeconfig: Path, method: str, path: str, sent: dict[str, Any] | None) -> int:
    """The status that the API server itself answers."""
    found = json.loads(kubeconfig.read_text(encoding="utf-8"))
    cluster, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
    trusted = ssl.create_default_context(
        cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
    )
    headers = {"Authorization": f"Bearer {user['token']}", "Content-Type": "application/json"}
    body = json.dumps(sent).encode() if sent else None
    request = urllib.request.Request(f"{cluster['server']}{path}", body, headers, method=method)  # noqa: S310  # https
    try:
        with urllib.request.urlopen(request, context=trusted) as answer:  # noqa: S310  # as above
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_no_right_is_given_that_is_not_used(own_cluster: OwnCluster, tmp_path: Path) -> None:
    """But for reasons, of which there are none without controllers, and for a lease that is held for long."""
    log, policy = tmp_path / "audit.log", tmp_path / "policy.yaml"
    policy.write_text(
        json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]})
    )
    own_cluster.plane.api_server.kill()
    own_cluster.plane.start_api_server(f"--audit-policy-file={policy}", f"--audit-log-path={log}")
    own_cluster.create_custom_resource_definitions(*OPERATED)
    own_cluster.namespaces("models")
    administered = Project(tmp_path, "models", own_cluster.kubeconfig)
    compiled(administered, EVERYTHING)
    grant(own_cluster, administered)
    project = replace(administered, kubeconfig=own_cluster.kubeconfig_for("models/aimass"))
    assert project.apply().code == 0
    compiled(project, LESS)
    assert project.apply().code == 0
    assert project.run("status").code == 0
    assert project.run("delete", "churn", "--yes", "--no-wait").code == 0
    granted = {each for each in rights(own_cluster) if each[1] not in {"pods", "events", "replicasets"}}
    renewal = {("coordination.k8s.io", "leases", "update")}
    assert granted - used(log, "system:serviceaccount:models:aimass") <= renewal


def rights(
    cluster: Cluster, role: str = "aimass-churn-dev", namespace: str = "models"
) -> set[tuple[str, str, str]]:
    """Group, resource and verb of what a role allows."""
    return {
        (group, resource, verb)
        for rule in cluster.get("role", role, namespace)["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(log: Path, user: str) -> set[tuple[str, str, str]]:
    """What somebody was allowed, by the audit log; who applied what was not there has created it, too."""
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    found = set()
    for event in events:
        about, code = event.get("objectRef"), event.get("responseStatus", {}).get("code", 0)
        if event["user"]["username"] == user and about is not None:
            found.add((about.get("apiGroup", ""), about["resource"], event["verb"]))
            if (event["verb"], code) == ("patch", 201):
                found.add((about.get("apiGroup", ""), about["resource"], "create"))
    return found


def test_anything_more_is_refused_by_the_server(project: Project) -> None:
    assert project.apply().code == 0
    answered = {
        (method, path): answers(project.kubeconfig, method, path, sent)
        for method, path, sent in acts(project.namespace)
    }
    assert set(answered.values()) == {403}, answered
    own = f"/apis/apps/v1/namespaces/{project.namespace}/deployments/churn"
    assert answers(project.kubeconfig, "GET", own, None) == 200


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("Deployment", "apps/v1"),
        ("Service", "v1"),
        ("ServiceAccount", "v1"),
        ("NetworkPolicy", "networking.k8s.io/v1"),
        ("Role", "rbac.authorization.k8s.io/v1"),
        ("RoleBinding", "rbac.authorization.k8s.io/v1"),
        ("Secret", "v1"),
    ],
)
def test_no_object_of_another_name_can_be_applied(
    kind: str, group: str, project: Project, cluster: Cluster
) -> None:
    metadata = {"name": "other", "namespace": project.namespace}
    given = {"apiVersion": group, "kind": kind, "metadata": metadata}
    done = cluster.try_kubectl(
        "apply", "--server-side", "--validate=false", "-f-", given=given, kubeconfig=project.kubeconfig
    )
    assert "(Forbidden)" in done.stderr


@pytest.mark.parametrize(
    ("deployer", "flags"),
    [
        (
            {"user": "github:repo:acme/models:environment:dev"},
            ["--as=github:repo:acme/models:environment:dev"],
        ),
        ({"group": "deployers"}, ["--as=anna", "--as-group=deployers"]),
        (
            {"service_account": {"name": "runner", "namespace": "ci"}},
            ["--as=system:serviceaccount:ci:runner"],
        ),
        ([{"group": "deployers"}, {"user": "drift"}], ["--as=drift"]),
        ([{"group": "deployers"}, {"user": "drift"}], ["--as=anna", "--as-group=deployers"]),
    ],
)
def test_who_is_named_in_the_settings_may_apply_and_nobody_else(
    deployer: Any, flags: list[str], administered: Project, cluster: Cluster
) -> None:
    compiled(administered, LESS, deployer)
    grant(cluster, administered)
    where = f"--namespace={administered.namespace}"
    asked = ("auth", "can-i", "patch", "deployments/churn", where)
    assert cluster.try_kubectl(*asked, *flags).stdout == "yes\n"
    usual = f"--as=system:serviceaccount:{administered.namespace}:aimass"
    assert cluster.try_kubectl(*asked, usual).stdout == "no\n"


def test_the_own_role_cannot_be_widened(project: Project, cluster: Cluster) -> None:
    documents = yaml.safe_load_all((project.root / "generated/churn/access.yaml").read_text(encoding="utf-8"))
    role = next(document for document in documents if document["kind"] == "Role")
    role["rules"].append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]})
    done = cluster.try_kubectl("apply", "--server-side", "-f-", given=role, kubeconfig=project.kubeconfig)
    assert "(Forbidden)" in done.stderr


def test_another_model_stays_out_of_reach(project: Project, administered: Project, cluster: Cluster) -> None:
    administered.declare(config("other-settings", a="b"), model="other")
    run = project.apply("other")
    assert run.code == ExitCode.REFUSED
    assert "aimass-other-dev" in run.told or "leases" in run.told
    where = (f"--namespace={project.namespace}", "--selector=aimass.dev/model=other", "-oname")
    assert cluster.kubectl("get", "configmaps", *where) == ""
