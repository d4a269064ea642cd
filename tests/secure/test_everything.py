"""What is generated passes the scanners that are quick; `make secure` runs them all.

Also our own rules, which need nothing but kustomize: what no pod, Role or policy may be without.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from secure.everything import Everything, waivers, write_everything
from secure.programs import kustomize, missing, program
from secure.scanners import SCANNERS, idle, kube_score

pytestmark = pytest.mark.kubernetes
#: What is unlike each other; `make secure` has them all.
SOME = ("churn", "digits", "proposed", "varied-canary", "varied-cluster", "varied-hostile-text")
#: They take a minute.
_SLOW = ("checkov",)
QUICK = [(name, subject, scan) for name, subject, scan in SCANNERS if name not in _SLOW]
NAMES = [f"{name} of {subject}" for name, subject, _ in QUICK]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Everything:
    builder = kustomize()
    if isinstance(builder, str):
        pytest.skip(builder)
    return write_everything(tmp_path_factory.mktemp("everything"), builder, SOME)


@pytest.mark.parametrize(("name", "subject", "scan"), QUICK, ids=NAMES)
def test_it_finds_nothing(name: str, subject: str, scan: Any, everything: Everything) -> None:
    if program(name) is None:
        pytest.skip(missing(name))
    report = scan(everything)
    assert report.files
    assert report.findings == ()


def test_nothing_is_accepted_of_kube_score_that_it_does_not_find(everything: Everything) -> None:
    if program("kube-score") is None:
        pytest.skip(missing("kube-score"))
    accepted = [waiver for waiver in everything.waivers if waiver.kube_score]
    assert accepted
    assert idle(accepted, [kube_score(everything)]) == []


def test_everything_is_there(everything: Everything) -> None:
    names = {path.name for path in everything.manifest_files()}
    assert {"churn-prod.yaml", "churn-train.yaml", "proposed-dev.yaml", "varied-canary-prod.yaml"} <= names
    assert len(everything.dockerfiles()) == 2 * len(list(everything.images.iterdir()))


def test_what_is_accepted_has_a_reason() -> None:
    assert waivers()
    assert all(len(waiver.reason.split()) > 3 for waiver in waivers())


def documents(everything: Everything) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in everything.manifest_files():
        for document in yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader):
            yield f"{path.stem} {document['kind']}/{document['metadata']['name']}", document


def pods(node: Any) -> Iterator[dict[str, Any]]:
    """Every pod that an object has, however deep."""
    if isinstance(node, list):
        for item in node:
            yield from pods(item)
    elif isinstance(node, dict) and "containers" in node:
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from pods(value)


def test_every_pod_is_somebody_and_confined(everything: Everything) -> None:
    seen = [(where, pod) for where, document in documents(everything) for pod in pods(document)]
    assert len(seen) > len(everything.manifest_files())
    for where, pod in seen:
        assert pod["automountServiceAccountToken"] is False, where
        assert pod["serviceAccountName"] != "default", where
        assert pod["securityContext"]["runAsNonRoot"] is True, where
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, where
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), where
        assert not any("hostPath" in volume for volume in pod.get("volumes", ())), where


def test_every_container_is_confined_and_of_a_version(everything: Everything) -> None:
    for where, document in documents(everything):
        for container in (one for pod in pods(document) for one in pod["containers"]):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }, where
            assert container["resources"]["limits"].keys() >= {"memory", "ephemeral-storage"}, where
            assert container["resources"]["requests"].keys() >= {"cpu", "memory", "ephemeral-storage"}, where
            _, _, version = container["image"].rpartition("/")[2].partition(":")
            assert version not in ("", "latest"), where


def test_no_right_is_given_to_everything_and_none_to_read_secrets(everything: Everything) -> None:
    roles = [(where, document) for where, document in documents(everything) if document["kind"] == "Role"]
    assert roles
    for where, rule in ((where, rule) for where, role in roles for rule in role["rules"]):
        assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"]), where
        assert "secrets" not in rule["resources"], where


def test_nothing_is_open_to_the_world(everything: Everything) -> None:
    kept_out = {"Secret", "ClusterRole", "ClusterRoleBinding", "Ingress"}
    for where, document in documents(everything):
        assert document["kind"] not in kept_out, where
        if document["kind"] == "Service":
            assert document["spec"]["type"] == "ClusterIP", where
        if document["kind"] == "NetworkPolicy":
            assert document["spec"]["policyTypes"] == ["Ingress", "Egress"], where
            assert all(rule.get("from") for rule in document["spec"].get("ingress", ())), where


def test_dockerfiles_end_as_a_numbered_user_and_name_versions(everything: Everything) -> None:
    for path in everything.dockerfiles():
        lines = path.read_text(encoding="utf-8").splitlines()
        users = [line.removeprefix("USER ") for line in lines if line.startswith("USER ")]
        assert users[-1].partition(":")[0].isdigit(), path
        bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
        assert all(":" in base and not base.endswith(":latest") for base in bases), path


BAD_MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: open, namespace: ml}
spec: {type: NodePort, selector: {app: none}, ports: [{port: 80, nodeport: 30000}]}
"""
BAD_DOCKERFILE = "FROM python:latest\nRUN pip install numpy\nUSER root\n"
BAD_WORKFLOW = """
on: pull_request_target
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ github.event.pull_request.title }} $unknown $(ls | grep x)
      - run: echo ${{ steps.missing.outputs.x }}
"""


@pytest.mark.parametrize(("name", "subject", "scan"), QUICK, ids=NAMES)
def test_it_finds_what_is_wrong(name: str, subject: str, scan: Any, tmp_path: Path) -> None:
    if program(name) is None:
        pytest.skip(missing(name))
    wrong = Everything(tmp_path / "manifests", tmp_path / "images", tmp_path / "workflows", ())
    github = wrong.workflows / ".github"
    for path, text in (
        (wrong.manifests / "bad-dev.yaml", BAD_MANIFESTS),
        (wrong.images / "bad" / "Dockerfile", BAD_DOCKERFILE),
        (github / "workflows" / "bad.yml", BAD_WORKFLOW),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    assert scan(wrong).findings
