"""An API server takes what is written for Argo CD and Flux, strictly, and refuses what they cannot mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scripts.cluster import custom_resources
from scripts.cluster.cluster import Cluster

pytestmark = pytest.mark.cluster
WANT = Path(__file__).parents[1] / "fleet" / "want"
#: Where the objects of the goldens lie.
NAMESPACES = ("argocd", "flux-system", "ml-prod", "growth-prod", "tickets-prod")
TRIED = ("apply", "--server-side", "--field-manager=tests", "--validate=strict", "--dry-run=server")


@pytest.fixture(scope="module")
def knowing(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with what the engines define, and their namespaces."""
    for operator in (custom_resources.FLUX_KUSTOMIZE, custom_resources.FLUX_SOURCE, custom_resources.ARGOCD):
        cluster.define(custom_resources.every_one(operator))
    cluster.namespaces(*NAMESPACES)
    yield cluster
    cluster.kubectl("delete", "namespace", "--wait=false", *NAMESPACES)


@pytest.mark.parametrize("folder", ["argocd", "flux/prod"])
def test_everything_is_taken_strictly(knowing: Cluster, folder: str) -> None:
    tried = knowing.try_kubectl(*TRIED, f"-k{WANT / folder}")
    assert (tried.returncode, tried.stderr) == (0, ""), "neither refused nor warned of"
    listed = {path.name for path in (WANT / folder).rglob("*.yaml")} - {
        "kustomization.yaml",
        "argocd-cm.yaml",
    }
    documents = [
        document
        for path in (WANT / folder).rglob("*.yaml")
        if path.name in listed
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]
    assert len(tried.stdout.splitlines()) == len(documents) > 2


def test_a_field_that_the_engine_does_not_know_is_refused(knowing: Cluster) -> None:
    (first, *_) = yaml.safe_load_all((WANT / "flux/prod/models.yaml").read_text(encoding="utf-8"))
    first["spec"]["ignored"] = ["generated"]
    tried = knowing.try_kubectl(*TRIED, "-f-", given=first)
    assert tried.returncode != 0
    assert "ignored" in tried.stderr
