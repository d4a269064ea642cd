"""A policy that keeps unsigned images out is one that the API server takes where policy-controller runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode
from scripts.cluster import custom_resources
from scripts.cluster.cluster import Cluster
from scripts.cluster.programs import ProgramMissing
from tests.cluster.conftest import give_up

pytestmark = pytest.mark.cluster
KIND = "clusterimagepolicies.policy.sigstore.dev"
WORKFLOW = "https://github.com/acme/models/.github/workflows/aimass-train.yml@refs/heads/main"
SIGNATURES = {
    "file": {"key": "cosign.pub", "ignore_tlog": True, "admission": "policy-controller"},
    "service": {"key": "awskms:///alias/models", "admission": "policy-controller"},
    "identity": {
        "identity": WORKFLOW,
        "issuer": "https://token.actions.githubusercontent.com",
        "admission": "policy-controller",
    },
    "unasked": {"key": "cosign.pub"},
}


@pytest.fixture
def defined(cluster: Cluster, tmp_path: Path) -> None:
    """The definition of the release, but for the version and the service that only the controller needs."""
    try:
        (path,) = (
            each
            for each in custom_resources.every_one(custom_resources.POLICY_CONTROLLER)
            if "clusterimagepolicy" in each.name
        )
    except ProgramMissing as error:
        give_up(error)
    document = json.loads(path.read_text())
    document["spec"].pop("conversion")
    document["spec"]["versions"] = [
        {**version, "storage": True}
        for version in document["spec"]["versions"]
        if version["name"] == "v1beta1"
    ]
    (tmp_path / "definition.json").write_text(json.dumps(document))
    cluster.define([tmp_path / "definition.json"])


def compiled(root: Path) -> Path:
    environments = {name: {"signature": signature} for name, signature in SIGNATURES.items()}
    settings = {"images": {"registry": "ghcr.io/acme/models"}, "environments": environments}
    (root / "specs").mkdir()
    (root / "aimass.yaml").write_text(json.dumps(settings))
    (root / "specs/churn.yaml").write_text(
        "apiVersion: aimass/v1\nkind: Model\nmetadata: {name: churn}\n"
        "data: {sources: {rows: rows.csv}, columns: {x: number, y: number}}\n"
        "target: y\nmodel: linear_regression\n"
    )
    assert main(["compile", "--root", str(root)]) == ExitCode.DONE
    return root / "generated/fleet/signed_images"


def test_the_api_server_takes_a_policy_for_each_environment_that_wants_one(
    cluster: Cluster, defined: None, tmp_path: Path
) -> None:
    folder = compiled(tmp_path)
    found: dict[str, Any] = {
        path.parent.name: yaml.safe_load(path.read_text()) for path in folder.glob("*/policy.yaml")
    }
    assert sorted(found) == ["file", "identity", "service"]
    for name in found:
        cluster.kubectl("apply", "--server-side", "--validate=strict", f"-k{folder / name}")
    try:
        for name, policy in found.items():
            kept = json.loads(cluster.kubectl("get", KIND, f"aimass-{name}", "-ojson"))
            assert kept["spec"] | policy["spec"] == kept["spec"]
    finally:
        for name in found:
            cluster.kubectl("delete", f"-k{folder / name}")
    (authority,) = found["file"]["spec"]["authorities"]
    assert authority == {
        "name": "signer",
        "key": {"secretRef": {"name": "aimass-file-signer"}},
    }
    (authority,) = found["identity"]["spec"]["authorities"]
    assert authority["keyless"]["identities"][0]["subject"] == WORKFLOW
    assert found["service"]["spec"]["images"] == [{"glob": "ghcr.io/acme/models/**"}]
