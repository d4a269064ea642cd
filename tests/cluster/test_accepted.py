"""An API server takes everything that is rendered, strictly, and taking it twice changes nothing."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from render.models import VARIED

from aimass_compiler import conventions
from aimass_compiler.programs.kustomize import Kustomize, KustomizeError
from aimass_compiler.render import render
from scripts.cluster import programs
from scripts.cluster.cluster import Cluster
from tests.harness.releases import released

pytestmark = [pytest.mark.cluster, pytest.mark.kubernetes]
ROOT = Path(__file__).parents[2]
SPECS = sorted(path.stem for path in (ROOT / "specs").glob("*.yaml"))
MODELS = [*(f"spec {name}" for name in SPECS), *(f"varied {name}" for name in VARIED)]
#: Each kind of object in one of them; the others differ in what schemas see, too (tests/kubernetes).
BY_DAY = {
    "spec churn",
    "varied fixed-replicas",
    "varied canary",
    "varied route-in-prod",
    "varied mounted-in-prod",
    "varied cluster",
    "varied kubeflow",
    "varied rows-by-kserve",
    "varied language-on-gpus",
    "varied callers",
    "varied longest-name",
    "varied hostile-text",
}
TRAINING = "train"
APPLY = ("apply", "--server-side", f"--field-manager={conventions.MANAGER}", "--validate=strict")
TOLD = ("-ojson", "--show-managed-fields")
SCALED = ("Deployment", "Rollout")
#: What pods of some name, which an administrator has made before.
PRIORITIES = [
    {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 1000}
    for name in ("answers", "models")
]
#: Kinds that nobody but who applies them writes to.
QUIET = {
    "ConfigMap",
    "Service",
    "ServiceAccount",
    "NetworkPolicy",
    "PodMonitor",
    "PrometheusRule",
    "RayJob",
}


@pytest.fixture(
    params=[pytest.param(name, marks=() if name in BY_DAY else pytest.mark.nightly) for name in MODELS]
)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The generated folder of a model."""
    source, _, name = request.param.partition(" ")
    if source == "spec":
        shutil.copytree(
            ROOT / conventions.GENERATED_FOLDER / name, tmp_path / conventions.GENERATED_FOLDER / name
        )
        return released(tmp_path, name, {})
    return released(tmp_path, VARIED[name].name, render(VARIED[name]))


def folders(model: Path) -> list[str]:
    """What of a model is deployed, below its folder: its overlays and its training."""
    return [*sorted(f"overlays/{path.name}" for path in (model / "overlays").iterdir()), TRAINING]


@pytest.fixture
def placed(model: Path, cluster: Cluster, tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Each of a model's folders as a kustomization for a namespace of its own, which is there."""
    names = {folder: f"test-{secrets.token_hex(4)}" for folder in folders(model)}
    cluster.namespaces(*names.values())
    cluster.apply(PRIORITIES)
    for folder, name in names.items():
        place = tmp_path / "placed" / name
        place.mkdir(parents=True)
        relative = os.path.relpath(model / folder, place.resolve())
        (place / "kustomization.yaml").write_text(f"namespace: {name}\nresources: [{relative}]\n")
    yield {folder: tmp_path / "placed" / name for folder, name in names.items()}
    cluster.kubectl("delete", "namespace", "--wait=false", *names.values())


def test_everything_is_taken_strictly_and_a_second_time_changes_nothing(
    placed: dict[str, Path], cluster: Cluster
) -> None:
    everything = placed[TRAINING].parent / "everything"
    everything.mkdir()
    resources = [f"../{place.name}" for place in placed.values()]
    (everything / "kustomization.yaml").write_text(json.dumps({"resources": resources}))
    tried = cluster.try_kubectl(*APPLY, "--dry-run=server", f"-k{everything}")
    assert (tried.returncode, tried.stderr) == (0, ""), "neither refused nor warned of"
    first = by_name(cluster.kubectl(*APPLY, f"-k{everything}", *TOLD))
    for folder, place in placed.items():
        assert_running(cluster, place.name, first, is_served=folder != TRAINING)
    second = by_name(cluster.kubectl(*APPLY, f"-k{everything}", *TOLD))
    assert second.keys() == first.keys()
    for name, found in second.items():
        assert ours(found) == ours(first[name]), "the time of our last change is in it"
        if found["kind"] in QUIET:
            assert found["metadata"]["resourceVersion"] == first[name]["metadata"]["resourceVersion"]


def by_name(answer: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Objects that kubectl tells of, by kind, namespace and name."""
    return {
        (found["kind"], found["metadata"]["namespace"], found["metadata"]["name"]): found
        for found in json.loads(answer)["items"]
    }


def ours(found: dict[str, Any]) -> dict[str, Any]:
    """What the API server knows of our part in an object: the fields, and when we last changed them.

    Where git leaves the number of servers to an autoscaler, that one counts generations, too.
    """
    (entry,) = [
        entry for entry in found["metadata"]["managedFields"] if entry["manager"] == conventions.MANAGER
    ]
    assert entry["operation"] == "Apply"
    is_scaled = found["kind"] in SCALED and "f:replicas" not in entry["fieldsV1"]["f:spec"]
    return {"entry": entry, "generation": None if is_scaled else found["metadata"].get("generation")}


def assert_running(
    cluster: Cluster, namespace: str, applied: dict[tuple[str, str, str], dict[str, Any]], *, is_served: bool
) -> None:
    """Every Deployment gets its pods past Pod Security and up, and every other pod would pass."""
    objects = [found for (_, place, _), found in applied.items() if place == namespace]
    kinds = {found["kind"] for found in objects}
    if is_served:
        assert {"NetworkPolicy", "ServiceAccount", "PodMonitor"} <= kinds
        assert kinds & {"Deployment", "Rollout", "LeaderWorkerSet", "LLMInferenceService", "InferenceService"}
        assert "Service" in kinds
    else:
        assert kinds & {"RayJob", "TrainJob"}
    where = f"--namespace={namespace}"
    running = [found for found in objects if found["kind"] == "Deployment" and not is_choosy(found)]
    names = [f"deployment/{found['metadata']['name']}" for found in running]
    if names:
        cluster.kubectl("wait", where, "--for=condition=Available", "--timeout=60s", *names)
    pods = [pod for found in objects if found not in running for pod in pods_of(found.get("spec", {}))]
    whole = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"tried-{number}", "labels": pod.get("metadata", {}).get("labels", {})},
            "spec": pod["spec"],
        }
        for number, pod in enumerate(pods)
    ]
    if whole:
        cluster.kubectl("create", where, "--dry-run=server", "--validate=strict", "-f-", given=whole)


def is_choosy(found: dict[str, Any]) -> bool:
    """Whether its pods claim devices or choose nodes, of which this cluster has none."""
    return any({"resourceClaims", "nodeSelector"} & pod["spec"].keys() for pod in pods_of(found))


def pods_of(node: Any) -> Iterator[dict[str, Any]]:
    """The templates of pods in an object."""
    if isinstance(node, list):
        for item in node:
            yield from pods_of(item)
    if isinstance(node, dict):
        if "containers" in node.get("spec", {}):
            yield node
        else:
            for value in node.values():
                yield from pods_of(value)


def test_every_kustomize_builds_the_same_or_says_that_it_cannot(
    model: Path, built_api_server: None, build: Callable[[Sequence[str]], None]
) -> None:
    build(["kustomize", "kustomize-5.5"])
    old = Kustomize((str(programs.program("kustomize-5.5")), "build"), (5, 5, 0))
    new = Kustomize((str(programs.program("kustomize")), "build"), (5, 8, 0))
    kubectl = Kustomize((str(programs.program("kubectl")), "kustomize"), (5, 7, 0))
    for folder in folders(model):
        wanted = new.build(model / folder)
        assert wanted
        assert kubectl.build(model / folder) == wanted
        if any(mounts_image(each) for each in wanted if each["kind"] == "Deployment"):
            with pytest.raises(KustomizeError, match="does not replace the image of a volume"):
                old.build(model / folder)
        else:
            assert old.build(model / folder) == wanted


def mounts_image(document: dict[str, Any]) -> bool:
    """Whether a volume of its pods is an image, which Kustomize replaces only from 5.7 on."""
    volumes = [volume for pod in pods_of(document) for volume in pod["spec"].get("volumes", ())]
    return any("image" in volume for volume in volumes)
