"""What Flux builds of a model: what all others build where it is released, and nothing where it is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from render.models import VARIED, WITH_ADAPTERS

from aimass_compiler import conventions, fleet
from aimass_compiler.fleet.part import Fleet
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.gitops import FollowedRepository
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.programs.kustomize import Kustomize, KustomizeError
from aimass_compiler.render import render
from tests.harness.releases import release

pytestmark = pytest.mark.kubernetes
#: One of each form: images in volumes of custom resources, patches with images, adapters, none of these.
NAMES = ("plain", "canary-in-prod", "mounted-in-prod", "language-on-nodes", "language-by-kserve")
PIPELINES = {name: VARIED[name] for name in NAMES} | {"adapters": WITH_ADAPTERS}


def followed(pipeline: Pipeline) -> Pipeline:
    """The same model where Flux applies."""
    repository = FollowedRepository(url="https://github.com/acme/models")
    settings = pipeline.settings.model_copy(update={"engine": "flux", "repository": repository})
    return pipeline.model_copy(update={"settings": settings})


def written(pipeline: Pipeline, root: Path) -> Path:
    """A project with the model's files and those of the fleet, in which its adapters are released."""
    files = render(pipeline)
    record = {pipeline.name: files[conventions.RESOLVED_FILE]}
    own = {f"{pipeline.name}/{path}": content for path, content in files.items()}
    for path, content in (own | fleet.render(Fleet(Organisation(pipeline.settings), record))).items():
        (root / "generated" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "generated" / path).write_bytes(content)
    for name, environment in pipeline.environments.items():
        for adapter in environment.serving.adapters.models if environment.serving.adapters else ():
            release(root, adapter, name, version="v1-fff")
    return root


def as_flux_builds(root: Path, model: str, environment: str, builder: Kustomize) -> list[dict[str, Any]]:
    """What a Kustomization of Flux stands for.

    Source: pkg/kustomize of fluxcd (Generator.WriteFile), which writes what it says into the kustomization.
    """
    (folder,) = (root / "generated/fleet/flux" / environment).glob("models.yaml")
    documents = yaml.safe_load_all(folder.read_text(encoding="utf-8"))
    (spec,) = (each["spec"] for each in documents if each["metadata"]["name"] == model)
    own = root / spec["path"]
    path = own / "kustomization.yaml"
    before = path.read_text(encoding="utf-8")
    document = yaml.safe_load(before)
    assert spec["ignoreMissingComponents"]
    there = [each for each in spec["components"] if (own / each).exists()]
    document["components"] = [*document.get("components", ()), *there]
    document["patches"] = [*document.get("patches", ()), *spec["patches"]]
    path.write_text(json.dumps(document), encoding="utf-8")
    try:
        return builder.build(own)
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.mark.parametrize("name", PIPELINES)
def test_flux_builds_what_all_build_and_nothing_before_a_release(
    name: str, builder: Kustomize, tmp_path: Path
) -> None:
    pipeline = PIPELINES[name]
    model, environment = pipeline.name, "prod"
    usual = written(pipeline, tmp_path / "usual")
    apart = written(followed(pipeline), tmp_path / "apart")
    assert as_flux_builds(apart, model, environment, builder) == []
    for root in (usual, apart):
        release(root, model, environment, version="v3-abc")
    wanted = builder.build(usual / "generated" / model / "overlays" / environment)
    assert any(each["metadata"]["annotations"][conventions.ANNOTATION_VERSION] == "v3-abc" for each in wanted)
    assert builder.build(apart / "generated" / model / "overlays" / environment) == wanted
    assert as_flux_builds(apart, model, environment, builder) == wanted
    shutil.rmtree(apart / "releases" / environment / model)
    assert as_flux_builds(apart, model, environment, builder) == []


def test_an_adapter_that_is_not_released_is_an_error_as_everywhere(
    builder: Kustomize, tmp_path: Path
) -> None:
    root = written(followed(WITH_ADAPTERS), tmp_path)
    release(root, "churn", "prod", version="v3-abc")
    shutil.rmtree(root / "releases/prod/tone")
    with pytest.raises(KustomizeError, match="tone"):
        as_flux_builds(root, "churn", "prod", builder)
