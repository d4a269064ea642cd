"""A model in a shared server is released by a ConfigMap, and who brings its package may read no more."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import connect
from aimass_compiler.kubernetes.rollback import Rollback, roll_back
from aimass_compiler.runtime.server.shared.cluster import Cluster as Listing
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project
from tests.cluster.test_access import SPEC, answers
from tests.harness.releases import DIGEST, REGISTRY, release

pytestmark = pytest.mark.cluster
SETTINGS = """
environments: {{dev: {{namespace: {0}, oncall: {{service_account: {{name: oncall}}}}}}}}
servers: {{small: {{replicas: {{min: 1, max: 1}}}}}}
"""
SHARED = "serving: {shared: small}\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Project]:
    """Two models that share a server, which is applied."""
    namespace = f"shared-{secrets.token_hex(3)}"
    found = Project(tmp_path_factory.mktemp("sharing"), namespace, cluster.kubeconfig)
    (found.root / "specs").mkdir()
    (found.root / "aimass.yaml").write_text(SETTINGS.format(namespace))
    for name in ("churn", "ltv"):
        (found.root / "specs" / f"{name}.yaml").write_text(SPEC.replace("churn", name) + SHARED)
    assert main(["compile", "--root", str(found.root)]) == ExitCode.DONE
    for name in ("churn", "ltv"):
        release(found.root, name)
    cluster.kubectl("create", "namespace", namespace)
    assert found.run("fleet", "servers/_/small", "--apply").code == 0
    assert found.run("fleet").code == 0
    yield found
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")


def account(project: Project, cluster: Cluster, folder: Path) -> tuple[Path, Listing]:
    """The sidecar's account, as its kubeconfig and as what the kubelet puts into the pod."""
    kubeconfig = cluster.kubeconfig_for(f"{project.namespace}/small")
    found = json.loads(kubeconfig.read_text())
    known, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
    (folder / "ca.crt").write_bytes(base64.b64decode(known["certificate-authority-data"]))
    (folder / "token").write_text(user["token"])
    (folder / "namespace").write_text(project.namespace)
    return kubeconfig, Listing(known["server"], folder)


def test_a_release_changes_what_is_listed_and_no_pod(
    project: Project, cluster: Cluster, tmp_path: Path
) -> None:
    kubeconfig, listing = account(project, cluster, tmp_path)
    assert project.apply("churn").code == 0
    assert project.apply("ltv").code == 0
    before = cluster.objects("deployments", project.namespace)
    listed = {each.model: each for each in listing.models("small")}
    assert {name: each.image for name, each in listed.items()} == {
        name: f"{REGISTRY}/{name}@{DIGEST}" for name in ("churn", "ltv")
    }
    assert listed["churn"].variables["AIMASS_CONCURRENCY"] == "8"
    newer = f"sha256:{'e' * 64}"
    release(project.root, "churn", digest=newer)
    applied = project.apply("churn")
    assert applied.actions("churn")["ConfigMap churn-served"] == "changed"
    images = {each.model: each.image for each in listing.models("small")}
    assert images == {"churn": f"{REGISTRY}/churn@{newer}", "ltv": f"{REGISTRY}/ltv@{DIGEST}"}
    after = cluster.objects("deployments", project.namespace)
    assert [each["metadata"]["generation"] for each in after] == [
        each["metadata"]["generation"] for each in before
    ]
    assert project.run("drift", "churn").code == 0
    assert listing.models("another") == []
    core = f"/api/v1/namespaces/{project.namespace}"
    refused = [
        (f"{core}/secrets", 403),
        (f"{core}/pods", 403),
        ("/api/v1/namespaces/default/configmaps", 403),
    ]
    assert [(path, answers(kubeconfig, "GET", path, None)) for path, _ in refused] == refused


def test_a_deleted_model_is_listed_no_more(project: Project, cluster: Cluster, tmp_path: Path) -> None:
    _, listing = account(project, cluster, tmp_path)
    assert project.apply("ltv").code == 0
    assert project.run("delete", "ltv", "--yes", "--no-wait").code == 0
    assert "ltv" not in {each.model for each in listing.models("small")}


def test_a_model_of_a_shared_server_goes_back_at_once(
    project: Project, cluster: Cluster, tmp_path: Path
) -> None:
    _, listing = account(project, cluster, tmp_path)
    bad = f"sha256:{'f' * 64}"
    release(project.root, "churn", version="v1")
    assert project.apply("churn").code == 0
    release(project.root, "churn", digest=bad, version="v2")
    assert project.apply("churn").code == 0
    # As who may do no more than that.
    cluster.kubectl("apply", f"-f{project.root / 'generated/churn/access.yaml'}")
    oncall = cluster.kubeconfig_for(f"{project.namespace}/oncall")
    wanted = Rollback("churn", "dev", project.namespace, "it harms", 60)
    done = roll_back(connect(oncall), wanted, list[str]().append)
    assert (done.release.version, done.hold.version, done.hold.digests) == ("v1", "v2", (bad,))
    listed = {each.model: each.image for each in listing.models("small")}
    assert listed["churn"] == f"{REGISTRY}/churn@{DIGEST}"
    refused = project.run("apply", "churn")
    assert refused.code == ExitCode.HELD
    assert "`v2` is held back by" in refused.told
    release(project.root, "churn", version="v1")
    merged = project.apply("churn")
    assert (merged.code, merged.actions("churn")["ConfigMap churn-served"]) == (0, "unchanged")
    assert "the hold is lifted" in merged.told
