"""What goes wrong with a whole cluster: it restarts, tokens expire, kinds and namespaces are missing."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import OwnCluster
from tests.cluster.overlays import Project, config, names, service
from tests.harness.api_proxy import Asked, Refusal, Rule, proxied

pytestmark = pytest.mark.cluster
NAMESPACE = "ml-dev"
ALL = (config("settings", colour="red"), service("churn"))
MONITOR = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "PodMonitor",
    "metadata": {"name": "churn"},
    "spec": {"selector": {}, "podMetricsEndpoints": [{"port": "http"}]},
}


@pytest.fixture
def project(tmp_path: Path, own_cluster: OwnCluster) -> Project:
    return Project(tmp_path, NAMESPACE, own_cluster.kubeconfig)


def test_an_api_server_that_restarts_in_the_middle_is_waited_for(
    project: Project, own_cluster: OwnCluster, tmp_path: Path
) -> None:
    own_cluster.namespaces(NAMESPACE)
    many = [config(f"part-{number}") for number in range(20)]
    project.declare(*many, service("churn"))
    with proxied(own_cluster.kubeconfig, tmp_path) as proxy:
        process = Project(project.root, NAMESPACE, proxy.kubeconfig).start("apply", "--no-wait")
        wait_for_writes(proxy.asked, 5)
        own_cluster.plane.api_server.kill()
        time.sleep(1)
        own_cluster.plane.start_api_server()
        out, told = process.communicate(timeout=90)
    assert process.returncode == 0, told
    assert "21 created" in out
    assert len(names(own_cluster, "configmaps", NAMESPACE)) == 21
    assert set(project.apply().actions().values()) == {"unchanged"}


def test_a_cluster_that_is_not_there_is_told_by_its_address(
    project: Project, own_cluster: OwnCluster
) -> None:
    own_cluster.plane.api_server.stop()
    project.declare(*ALL)
    done = project.apply()
    assert done.code == ExitCode.UNREACHABLE
    assert f"{own_cluster.plane.address} cannot be reached: connection refused" in done.told
    own_cluster.plane.start_api_server()
    own_cluster.namespaces(NAMESPACE)
    assert project.apply().code == 0


def test_a_kind_that_is_missing_names_its_operator(
    project: Project, own_cluster: OwnCluster, tmp_path: Path
) -> None:
    own_cluster.namespaces(NAMESPACE)
    project.declare(*ALL, MONITOR)
    done = project.apply()
    assert done.code == ExitCode.REFUSED
    assert "the cluster knows no kind PodMonitor (monitoring.coreos.com)" in done.told
    assert "help: install the Prometheus operator (https://prometheus-operator.dev)" in done.told
    assert names(own_cluster, "configmaps,services", NAMESPACE) == set()
    earlier = json.loads(own_cluster.kubectl("get", "--raw", "/apis"))
    own_cluster.create_custom_resource_definitions("PodMonitor")
    with proxied(own_cluster.kubeconfig, tmp_path) as proxy:
        proxy.before = listing_kinds_late(earlier)
        done = Project(project.root, NAMESPACE, proxy.kubeconfig).apply()
    assert done.actions().get("PodMonitor churn") == "created", done.told
    own_cluster.kubectl("delete", "customresourcedefinition", "podmonitors.monitoring.coreos.com")
    project.declare(*ALL)
    assert project.apply().actions()["PodMonitor churn"] == "deleted"


def test_a_namespace_that_is_missing_or_being_deleted_is_told(
    project: Project, own_cluster: OwnCluster
) -> None:
    project.declare(*ALL)
    done = project.apply()
    assert done.code == ExitCode.REFUSED
    assert f"there is no namespace `{NAMESPACE}`" in done.told
    own_cluster.namespaces(NAMESPACE)
    assert project.apply().code == 0
    own_cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    project.declare(*ALL, service("more"))
    done = project.apply()
    assert done.code == ExitCode.REFUSED
    assert f"the namespace `{NAMESPACE}` is being deleted" in done.told
    own_cluster.kubectl("delete", "configmaps,services", "--all", f"--namespace={NAMESPACE}")
    bare = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    own_cluster.kubectl(
        "replace", "--raw", f"/api/v1/namespaces/{NAMESPACE}/finalize", "-f-", given=bare
    )  # as the namespace controller does in the end, which does not run here
    own_cluster.namespaces(NAMESPACE)
    assert set(project.apply().actions().values()) == {"created"}


def test_a_token_that_has_expired_is_told_with_the_time(project: Project, own_cluster: OwnCluster) -> None:
    own_cluster.namespaces(NAMESPACE)
    project.declare(*ALL)
    token = expired(own_cluster)
    stale = Project(project.root, NAMESPACE, own_cluster.kubeconfig_for(token=token))
    done = stale.apply()
    assert done.code == ExitCode.UNREACHABLE
    assert "does not accept the token (401): it expired at 20" in done.told
    assert "help: log in again" in done.told
    assert project.apply().code == 0


def test_a_token_that_expires_on_the_way_is_renewed_by_the_plugin(
    project: Project, own_cluster: OwnCluster, tmp_path: Path
) -> None:
    own_cluster.namespaces(NAMESPACE)
    project.declare(*ALL)
    good, bad = own_cluster.token_of("default/applier"), expired(own_cluster)
    account = "--serviceaccount=default:applier"
    own_cluster.kubectl("create", "clusterrolebinding", "applier", "--clusterrole=cluster-admin", account)
    plugin = tmp_path / "log-in"
    answers = [
        json.dumps(
            {
                "apiVersion": "client.authentication.k8s.io/v1",
                "kind": "ExecCredential",
                "status": {"token": token},
            }
        )
        for token in (bad, good)
    ]
    plugin.write_text(
        f"#!/bin/sh\ncd {tmp_path}\n"
        f"if [ -e asked ]; then echo '{answers[1]}'; else touch asked; echo '{answers[0]}'; fi\n"
    )
    plugin.chmod(0o755)
    told = json.loads(own_cluster.kubeconfig_for(token=bad).read_text())
    told["users"][0]["user"] = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
        }
    }
    (tmp_path / "kubeconfig-of-plugin").write_text(json.dumps(told))
    renewing = Project(project.root, NAMESPACE, tmp_path / "kubeconfig-of-plugin")
    done = renewing.apply()
    assert (done.code, done.told) == (0, "")


def listing_kinds_late(earlier: dict[str, Any], times: int = 3) -> Rule:
    """The list of kinds stays what it was for some questions, as it may after a definition is established."""
    left = iter([Refusal(200, document=earlier)] * times)

    def answer(asked: Asked) -> Refusal | None:
        return next(left, None) if asked.path == "/apis" else None

    return answer


def wait_for_writes(asked: list[Asked], count: int) -> None:
    """Wait until so many objects have been applied."""
    end = time.monotonic() + 60
    while sum(each.is_write and each.method == "PATCH" for each in asked) < count:
        assert time.monotonic() < end
        time.sleep(0.01)


def expired(cluster: OwnCluster) -> str:
    """A token of a service account as the cluster signs it, which expired an hour ago."""
    header, payload, _ = cluster.token_of("default/stale").split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    hour = 3600
    claims |= {name: claims[name] - 2 * hour for name in ("iat", "nbf", "exp")}
    signed = f"{header}.{encoded(json.dumps(claims).encode())}"
    signature = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", cluster.plane.key],
        input=signed.encode(),
        capture_output=True,
        check=True,
    ).stdout
    return f"{signed}.{encoded(signature)}"


def encoded(content: bytes) -> str:
    """Content as JSON Web Tokens have it."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
