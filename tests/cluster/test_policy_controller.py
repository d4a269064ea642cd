"""Sigstore's own policy-controller admits what was signed as an environment wants, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.programs.signer import signing
from scripts.cluster import policy_controller
from scripts.cluster.cluster import OwnCluster
from scripts.cluster.image_registry import Registry
from scripts.cluster.programs import BuildFailed, ProgramMissing, program
from tests.cluster.conftest import give_up
from tests.cluster.overlays import Project
from tests.harness.image_registry import pushed
from tests.harness.signing import KeyPair, cosign_on_the_path, key_pair

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
NAMESPACE = "signed"


def deployment(image: str) -> dict[str, Any]:
    labels = {"app": "served"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "server", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "served", "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": pod},
    }


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], KeyPair]:
    """Makes keys; cosign is on the PATH."""
    cosign_on_the_path(monkeypatch, tmp_path)
    try:
        program("policy-controller")
    except (ProgramMissing, BuildFailed) as error:
        give_up(error)
    return lambda name: key_pair(tmp_path, name)


def policy_applied(cluster: OwnCluster, root: Path, registry: str, public: Path) -> None:
    """Let the cluster have what an administrator applies of an environment with a key."""
    signature = {"key": "cosign.pub", "ignore_tlog": True, "admission": "policy-controller"}
    settings = {
        "images": {"registry": registry},
        "environments": {"prod": {"namespace": NAMESPACE, "signature": signature}},
    }
    (root / "aimass.yaml").write_text(json.dumps(settings))
    (root / "cosign.pub").write_bytes(public.read_bytes())
    (root / "specs").mkdir()
    (root / "specs/churn.yaml").write_text(
        "apiVersion: aimass/v1\nkind: Model\nmetadata: {name: churn}\n"
        "data: {sources: {rows: rows.csv}, columns: {x: number, y: number}}\n"
        "target: y\nmodel: linear_regression\n"
    )
    assert main(["compile", "--root", str(root)]) == ExitCode.DONE
    where = f"--namespace={policy_controller.NAMESPACE}"
    secret = ("create", "secret", "generic", "aimass-prod-signer", where)
    cluster.kubectl(*secret, f"--from-file={root / 'cosign.pub'}")
    applied = Project(root, NAMESPACE, cluster.kubeconfig).run(
        "fleet", "signed_images", "--apply", environments=("prod",)
    )
    assert (applied.code, applied.told) == (0, "")


def test_only_images_that_the_key_signed_run(
    own_cluster: OwnCluster, image_registry: Registry, keys: Callable[[str], KeyPair], tmp_path: Path
) -> None:
    place = f"{image_registry.place}/ml"
    ours, theirs = keys("ours"), keys("theirs")
    references = {
        name: pushed(f"{place}/{name}", name).reference
        for name in ("signed", "bundled", "theirs", "unsigned")
    }
    for name, key, is_legacy in (("signed", ours, True), ("bundled", ours, False), ("theirs", theirs, True)):
        with signing(str(key.private), uses_log=False, is_legacy=is_legacy) as signer:
            signer.sign_image(references[name])
    root = tmp_path / "project"
    root.mkdir()
    with policy_controller.running(own_cluster, tmp_path):
        policy_applied(own_cluster, root, place, ours.public)
        labels = {"policy.sigstore.dev/include": "true"}
        own_cluster.namespaces(NAMESPACE, level="privileged", labels=labels)

        def refusal(name: str) -> str:
            words = ("create", "--dry-run=server", "-f-")
            return own_cluster.try_kubectl(*words, given=deployment(references[name])).stderr

        end = time.monotonic() + 60
        while (why := refusal("signed")) and time.monotonic() < end:
            time.sleep(0.5)
        assert why == ""
        for name in ("bundled", "theirs", "unsigned"):
            assert "failed policy: aimass-prod" in refusal(name), name
