"""A rollback at once changes the template of a Deployment's pods, and refuses what has none of that form."""

from __future__ import annotations

from typing import Any

import pytest

from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.inventory import ClusterInventory, InventoryEntry
from aimass_compiler.kubernetes.objects import Object, ObjectKey
from aimass_compiler.kubernetes.rollback import _serving

POD = {"spec": {"containers": [{"name": "server", "image": "vllm/vllm-openai:v0.32.0"}]}}
SPECS: dict[str, tuple[str, dict[str, Any]]] = {
    "Deployment": ("apps/v1", {"template": POD}),
    "LeaderWorkerSet": (
        "leaderworkerset.x-k8s.io/v1",
        {"leaderWorkerTemplate": {"size": 2, "leaderTemplate": POD, "workerTemplate": POD}},
    ),
    "LLMInferenceService": ("serving.kserve.io/v1alpha2", {"template": POD["spec"]}),
}


class Cluster:
    """One that has a single workload."""

    def __init__(self, kind: str) -> None:
        version, spec = SPECS[kind]
        self.group = version.partition("/")[0]
        self.live: Object = {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": "tickets", "namespace": "ml"},
            "spec": spec,
        }

    def get(self, key: ObjectKey) -> Object | None:
        return self.live if key.kind == self.live["kind"] else None


def serving(kind: str) -> Object:
    cluster = Cluster(kind)
    entry = InventoryEntry(ObjectKey(cluster.group, kind, "ml", "tickets"), "v1")
    owned = ClusterInventory("tickets", "prod", "ml", entries=(entry,))
    return _serving(cluster, owned)[0]  # type: ignore[arg-type]  # all that is asked of a connection


@pytest.mark.parametrize("kind", ["Deployment", "LLMInferenceService"])
def test_what_has_a_template_is_changed(kind: str) -> None:
    assert serving(kind)["kind"] == kind


def test_what_has_another_form_is_refused_with_the_way_by_git() -> None:
    with pytest.raises(ClusterError, match="LeaderWorkerSet tickets has no template of pods") as refused:
        serving("LeaderWorkerSet")
    assert refused.value.help == "roll back in git, without `--now`, and apply"
