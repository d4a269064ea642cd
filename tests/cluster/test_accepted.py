"""An API server takes everything that is rendered, strictly, and taking it twice changes nothing."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from render.models import VARIED

from aimass_compiler import conventions
from aimass_compiler.cluster.kustomize import Kustomize
from aimass_compiler.render import render
from scripts.cluster import programs
from scripts.cluster.cluster import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.kubernetes]
ROOT = Path(__file__).parents[2]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a PyYAML without libyaml has no fast one
SPECS = sorted(path.stem for path in (ROOT / "specs").glob("*.yaml"))
MODELS = [*(f"spec {name}" for name in SPECS), *(f"varied {name}" for name in VARIED)]
TRAINING = "train"
APPLY = ("apply", "--server-side", f"--field-manager={conventions.MANAGER}", "--validate=strict")
TOLD = ("-ojson", "--show-managed-fields")
#: Kinds that nobody but who applies them writes to.
QUIET = {
    "ConfigMap",
    "Service",
    "ServiceAccount",
    "NetworkPolicy",
    "ServiceMonitor",
    "PrometheusRule",
    "RayJob",
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The generated folder of a model."""
    source, _, name = request.param.partition(" ")
    if source == "spec":
        return ROOT / conventions.GENERATED_FOLDER / name
    for path, content in render(VARIED[name]).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


def folders(model: Path) -> list[str]:
    """What of a model is deployed, below its folder: its overlays and its training."""
    return [*sorted(f"overlays/{path.name}" for path in (model / "overlays").iterdir()), TRAINING]


@pytest.fixture
def placed(model: Path, cluster: Cluster, tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Each of a model's folders as a kustomization for a namespace of its own, which is there."""
    names = {folder: f"test-{secrets.token_hex(4)}" for folder in folders(model)}
    cluster.namespaces(*names.values())
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
    """What the API server knows of our part in an object: the fields, and when we last changed them."""
    (entry,) = [
        entry for entry in found["metadata"]["managedFields"] if entry["manager"] == conventions.MANAGER
    ]
    assert entry["operation"] == "Apply"
    return {"entry": entry, "generation": found["metadata"].get("generation")}


def assert_running(
    cluster: Cluster, namespace: str, applied: dict[tuple[str, str, str], dict[str, Any]], *, is_served: bool
) -> None:
    """Every Deployment gets its pods past Pod Security and up, and every other pod would pass."""
    objects = [found for (_, place, _), found in applied.items() if place == namespace]
    kinds = {found["kind"] for found in objects}
    if is_served:
        assert {"Service", "NetworkPolicy", "ServiceAccount", "ServiceMonitor"} <= kinds
        assert kinds & {"Deployment", "Rollout"}
    else:
        assert "RayJob" in kinds
    where = f"--namespace={namespace}"
    if "Deployment" in kinds:
        cluster.kubectl("wait", where, "--for=condition=Available", "--timeout=60s", "deployment", "--all")
    pods = [
        pod for found in objects if found["kind"] != "Deployment" for pod in pods_of(found.get("spec", {}))
    ]
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


def test_every_kustomize_builds_the_same(
    model: Path, built_api_server: None, build: Callable[[Sequence[str]], None]
) -> None:
    build(["kustomize", "kustomize-5.5"])
    builders = {
        "kustomize 5.5": (str(programs.program("kustomize-5.5")), "build"),
        "kustomize 5.8": (str(programs.program("kustomize")), "build"),
        "kubectl": (str(programs.program("kubectl")), "kustomize"),
    }
    for folder in folders(model):
        texts = {
            name: Kustomize(command, (5, 5, 0)).text(model / folder) for name, command in builders.items()
        }
        objects = {text: list(yaml.load_all(text, Loader=_Loader)) for text in set(texts.values())}
        wanted = objects[texts["kustomize 5.8"]]
        assert wanted
        assert [name for name, text in texts.items() if objects[text] != wanted] == []
