"""Everything that is generated, as files that scanners read: manifests, Dockerfiles and workflows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from render.models import VARIED

from aimass_compiler import conventions
from aimass_compiler.compile import Upto, compile_spec
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.waiver import Waiver
from aimass_compiler.programs.kustomize import Kustomize
from aimass_compiler.render import render
from aimass_compiler.render.image import server_image
from aimass_compiler.spec.decode.settings_file import read_settings
from aimass_compiler.spec.yaml.reader import parse
from aimass_compiler.starter import InitOptions, propose
from tests.harness.releases import released

ROOT = Path(__file__).parents[2]
#: What only pipelines of the tests need: none of our specs has a canary.
OF_CANARIES = (
    Waiver(
        code="kube-score/horizontalpodautoscaler-has-target",
        at="serving",
        reason="with a canary it counts an Argo Rollout, which kube-score does not know",
    ),
    Waiver(
        code="kube-score/deployment-replicas",
        at="serving",
        reason="with a canary the Argo Rollout has the replicas",
    ),
    Waiver(
        code="kube-score/deployment-has-poddisruptionbudget",
        at="environments.dev",
        reason="a budget for one server only keeps nodes from being drained",
    ),
)
_TABLE = "customer_id,tenure,plan,churned\n" + "".join(
    f"c{row},{row % 70},{('basic', 'plus', 'pro')[row % 3]},{('no', 'yes')[row % 2]}\n" for row in range(200)
)
#: Where a RayJob has pods, and what the operator calls them.
_RAY_PODS = {
    "submitter": ("submitterPodTemplate",),
    "head": ("rayClusterSpec", "headGroupSpec", "template"),
    "worker": ("rayClusterSpec", "workerGroupSpecs", 0, "template"),
}


@dataclass(frozen=True)
class Everything:
    """Folders of what is generated, and what is accepted of what scanners find there."""

    manifests: Path
    images: Path
    workflows: Path
    waivers: tuple[Waiver, ...]

    def manifest_files(self) -> list[Path]:
        """Built overlays and training folders, each with the objects of one namespace."""
        return sorted(self.manifests.glob("*.yaml"))

    def dockerfiles(self) -> list[Path]:
        """The Dockerfiles that train and serve, in a folder for each model."""
        return sorted(self.images.glob("*/*Dockerfile"))

    def workflow_files(self) -> list[Path]:
        """The workflows that come with the project."""
        return sorted((self.workflows / ".github" / "workflows").glob("*.yml"))


def write_everything(folder: Path, builder: Kustomize, only: tuple[str, ...] = ()) -> Everything:
    """What our specs, a spec that `aimass init` proposes and varied pipelines become, below `folder`.

    Where `only` names some, only what these become.
    """
    found = Everything(
        folder / "manifests", folder / "images", folder / "workflows", (*waivers(), *OF_CANARIES)
    )
    for part in (found.manifests, found.images, found.workflows):
        part.mkdir(parents=True)
    for name, pipeline in _pipelines(folder):
        if only and name not in only:
            continue
        source = released(folder / "rendered" / name, pipeline.name, render(pipeline))
        for kustomization in (*sorted(source.glob("overlays/*")), source / "train"):
            built = builder.build(kustomization)
            pods = [pod for document in built for pod in _ray_pods(document)]
            _write(found.manifests / f"{name}-{kustomization.name}.yaml", [*built, *pods])
        shutil.copy(source / "access.yaml", found.manifests / f"{name}-access.yaml")
        shutil.copytree(source / "image", found.images / name)
        server = server_image.dockerfile(pipeline.settings.images.python, pipeline.model.artifact.server)
        (found.images / name / "Dockerfile").write_text(server, encoding="utf-8")
    shutil.copytree(ROOT / ".github", found.workflows / ".github")
    return found


def waivers() -> tuple[Waiver, ...]:
    """What this project accepts, with the reasons."""
    return _settings().waivers


def _settings() -> Settings:
    settings, _, findings = read_settings(ROOT / conventions.SETTINGS_FILE, conventions.SETTINGS_FILE)
    assert not findings, findings
    return settings


def _pipelines(folder: Path) -> Iterator[tuple[str, Pipeline]]:
    for path in sorted((ROOT / conventions.SPECS_FOLDER).glob("*.yaml")):
        yield path.stem, _lowered(path.read_text(encoding="utf-8"), path.name)
    table = folder / "customers.csv"
    table.write_text(_TABLE, encoding="utf-8")
    proposed, problems, _ = propose(table, "data/customers.csv", "proposed", InitOptions("churned"))
    assert not problems, problems
    yield "proposed", _lowered(proposed, "proposed.yaml")
    for name, pipeline in VARIED.items():
        environments = pipeline.environments.values()
        is_canary = any(environment.serving.rollout.canary for environment in environments)
        accepted = (*pipeline.settings.waivers, *waivers(), *(OF_CANARIES if is_canary else ()))
        settings = pipeline.settings.model_copy(update={"waivers": accepted})
        yield f"varied-{name}", pipeline.model_copy(update={"settings": settings})


def _lowered(text: str, file: str) -> Pipeline:
    one = compile_spec(parse(text, f"specs/{file}"), _settings(), upto=Upto.CHECK)
    pipeline, findings = one.pipeline, one.findings
    assert pipeline is not None, findings
    return pipeline


def _ray_pods(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a RayJob makes, since scanners know no RayJob; what is accepted goes with it."""
    if document["kind"] != "RayJob":
        return
    for name, steps in _RAY_PODS.items():
        template = document["spec"]
        for step in steps:
            template = template[step]
        own = document["metadata"]
        metadata = {
            "name": f"{own['name']}-{name}",
            "namespace": own["namespace"],
            "labels": template["metadata"]["labels"],
            "annotations": own.get("annotations", {}),
        }
        if name == "submitter":
            spec = {"backoffLimit": 2, "template": {**template, "metadata": {"labels": metadata["labels"]}}}
            yield {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
        else:
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _write(path: Path, documents: list[dict[str, Any]]) -> None:
    path.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
